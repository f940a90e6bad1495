/* SPDX-License-Identifier: Apache-2.0 */
/*
 * outq - bytes, and descriptors among them, that wait for an AF_UNIX socket.
 *
 * Bytes are copied in once and written from where they lie, many blocks with
 * one system call.  The owner keeps the limit: see outq.len.
 */
#ifndef LIB_LINK_OUTQ_H
#define LIB_LINK_OUTQ_H

#include <stddef.h>

#include "lib/base/bytes.h"

struct outq_block;

struct outq {
	struct outq_block *head, *tail;
	size_t len; /* bytes that wait */
};

/* Zero is an empty queue. */
void outq_fini(struct outq *q);

/*
 * Append the parts but for their first `skip` bytes.  fd (unless -1) goes
 * with the first byte; the queue keeps a duplicate.  ERR_NOMEM, ERR_LIMIT
 * (no descriptor is free); nothing changed then.
 */
int outq_add(struct outq *q, const struct bytes *parts, size_t count,
    size_t skip, int fd);

/* Write; 0 when all is written, else ERR_AGAIN, ERR_CLOSED, ERR_SYS. */
int outq_write(struct outq *q, int sock);

#endif
