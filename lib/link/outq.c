/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "lib/link/outq.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/err.h"
#include "lib/link/rights.h"

#define BLOCK_MIN (64U << 10)
#define VECTORS 32

struct outq_block {
	struct outq_block *next;
	int fd; /* goes with the first byte; -1 when gone */
	size_t off, len, cap; /* bytes that wait: mem[off] .. mem[len - 1] */
	uint8_t mem[];
};

static void
drop_head(struct outq *q)
{
	struct outq_block *b = q->head;

	q->head = b->next;
	if (!q->head)
		q->tail = NULL;
	if (b->fd >= 0)
		close(b->fd);
	free(b);
}

void
outq_fini(struct outq *q)
{
	while (q->head)
		drop_head(q);
	q->len = 0;
}

static struct outq_block *
new_block(size_t need)
{
	size_t cap = need < BLOCK_MIN ? BLOCK_MIN : need;
	struct outq_block *b = malloc(sizeof(*b) + cap);

	if (b)
		*b = (struct outq_block){.fd = -1, .cap = cap};
	return b;
}

static void
append(struct outq *q, struct outq_block *b)
{
	if (q->tail)
		q->tail->next = b;
	else
		q->head = b;
	q->tail = b;
}

static void
copy(struct outq_block *b, const struct bytes *parts, size_t count, size_t skip)
{
	for (size_t i = 0; i < count; i++) {
		size_t left;

		if (skip >= parts[i].len) {
			skip -= parts[i].len;
			continue;
		}
		left = parts[i].len - skip;
		memcpy(b->mem + b->len, parts[i].ptr + skip, left);
		b->len += left;
		skip = 0;
	}
}

int
outq_add(struct outq *q, const struct bytes *parts, size_t count, size_t skip,
    int fd)
{
	struct outq_block *b = q->tail;
	size_t need = 0;

	for (size_t i = 0; i < count; i++)
		need += parts[i].len;
	need -= skip;
	if (!b || fd >= 0 || b->cap - b->len < need) {
		b = new_block(need);
		if (!b)
			return ERR_NOMEM;
		if (fd >= 0) {
			b->fd = fcntl(fd, F_DUPFD_CLOEXEC, 0);
			if (b->fd < 0) {
				free(b);
				return err_of_errno(errno);
			}
		}
		append(q, b);
	}
	copy(b, parts, count, skip);
	q->len += need;
	return 0;
}

static void
consume(struct outq *q, size_t sent)
{
	q->len -= sent;
	if (q->head->fd >= 0) {
		close(q->head->fd);
		q->head->fd = -1;
	}
	while (sent) {
		struct outq_block *b = q->head;
		size_t n = b->len - b->off;

		if (sent < n) {
			b->off += sent;
			return;
		}
		sent -= n;
		drop_head(q);
	}
}

int
outq_write(struct outq *q, int sock)
{
	while (q->head) {
		struct iovec iov[VECTORS];
		size_t count = 0, sent = 0;
		int rc;

		/* A descriptor has to begin a call of its own. */
		for (struct outq_block *b = q->head;
		     b && count < VECTORS && (count == 0 || b->fd < 0);
		     b = b->next)
			iov[count++] =
			    (struct iovec){b->mem + b->off, b->len - b->off};
		rc = rights_send(sock, iov, count, q->head->fd, &sent);
		if (rc)
			return rc;
		consume(q, sent);
	}
	return 0;
}
