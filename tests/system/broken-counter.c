/* SPDX-License-Identifier: Apache-2.0 */
/*
 * broken-counter SPOOL-DIRECTORY KEY-FILE listener|stream|target NAME: break
 * one counter of a stopped spool, as its log has it: a repeat that was never
 * received, or a record that a target is owed again though it counts as
 * delivered.  All else of it is right, so that only counting can tell.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/err.h"
#include "lib/codec/entry.h"
#include "tests/system/stopped_spool.h"

#define ENTRIES_MAX 4096

struct wish {
	const char *name;
	struct entry_stream_key key; /* of the stream with that name */
	char copy[ENTRY_STREAM_MAX];
};

/* The stream's full name, from the definition that a batch of it needs. */
static int
note_stream(void *arg, const struct store_batch *b)
{
	struct wish *w = arg;
	struct cursor c;
	struct entry e;

	if (b->header.kind != BATCH_CONTROL)
		return 0;
	cursor_init(&c, b->payload);
	while (entry_next(&c, &e) == 1) {
		if (e.type == ENTRY_STREAM_DEF &&
		    bytes_equal_str(e.u.stream_def.key.name, w->name)) {
			w->key = e.u.stream_def.key;
			memcpy(w->copy, w->key.name.ptr, w->key.name.len);
			w->key.name = bytes_of(w->copy, w->key.name.len);
		}
		entry_fini(&e);
	}
	return 0;
}

static struct entry
lie(const char *what, const struct wish *w)
{
	struct entry e = {.type = ENTRY_COUNTERS};

	if (!strcmp(what, "listener")) {
		e.u.counters.listener = bytes_of_str(w->name);
		e.u.counters.duplicate = 1;
	} else if (!strcmp(what, "stream")) {
		stopped_spool_must(w->key.name.len ? 0 : ERR_NOENT, w->name);
		e.type = ENTRY_STREAM_COUNTERS;
		e.u.stream_counters.key = w->key;
		e.u.stream_counters.counts.duplicate = 1;
	} else {
		e.type = ENTRY_PENDING_AGAIN;
		e.u.pending_again.target = bytes_of_str(w->name);
		e.u.pending_again.from = 1;
		e.u.pending_again.to = 2;
	}
	return e;
}

static void
append(struct store *s, const struct entry *e)
{
	const struct entry begin = {.type = ENTRY_CHECKPOINT_BEGIN};
	const struct store_token *token;
	struct store_txn *txn;
	struct buf b;
	uint64_t number;

	/* Counters in a delta are about what stores nothing. */
	buf_init(&b, ENTRIES_MAX);
	entry_encode(&b, &begin);
	entry_encode(&b, e);
	stopped_spool_must(b.err, "entry");
	txn = stopped_spool_begin(s, store_need(0, b.len), true);
	stopped_spool_must(
	    store_add_control(txn, buf_bytes(&b), &number), "add");
	stopped_spool_must(store_commit(txn, &token), "commit");
	buf_fini(&b);
}

int
main(int argc, char **argv)
{
	struct wish w = {.name = NULL};
	struct entry e;
	struct store *s;

	if (argc != 5)
		return 2;
	w.name = argv[4];
	s = stopped_spool_open(argv[1], argv[2], note_stream, &w);
	e = lie(argv[3], &w);
	append(s, &e);
	store_close(s);
	return 0;
}
