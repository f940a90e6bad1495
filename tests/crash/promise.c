/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/crash/promise.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool
take(const char *text, const char *word, uint64_t to[KNOWN_LANES])
{
	size_t len = strlen(word);
	unsigned long long seq;
	unsigned lane;

	if (strncmp(text, word, len) || text[len] != ' ')
		return false;
	if (sscanf(text + len, "%u %llu", &lane, &seq) != 2 ||
	    lane >= KNOWN_LANES)
		abort();
	if (seq > to[lane])
		to[lane] = seq;
	return true;
}

void
promise_on_op(struct promise *p, const struct oplog_op *op)
{
	const char *text = (const char *)op->data;
	unsigned long long x, y;

	if (op->head.type != OPLOG_MARK || take(text, "sent", p->sent) ||
	    take(text, "ack", p->ack) || take(text, "gone", p->gone))
		return;
	if (sscanf(text, "store %llu %llu", &x, &y) == 2) {
		p->segment_bytes = x;
		p->encrypt = y;
		p->by_keeper = strstr(text, " keeper") != NULL;
	} else if (sscanf(text, "meta-sent %llu", &x) == 1) {
		p->meta_sent = x;
	} else if (sscanf(text, "meta-ack %llu", &x) == 1) {
		p->meta_ack = x;
	} else if (!strcmp(text, "fault short")) {
		p->shorts++;
	} else if (!strcmp(text, "meta-lost")) {
		p->meta_ack = 0;
	}
}
