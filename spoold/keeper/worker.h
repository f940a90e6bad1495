/* SPDX-License-Identifier: Apache-2.0 */
/*
 * worker - the keeper's line to the worker, lent to one job at a time.
 *
 * The loop's thread is handed sockets by the supervisor, whenever a worker has
 * started; a job in the pool takes the newest one and talks on it by itself,
 * blocking.  Messages: doc/protocol-ipc.md, section 5.
 */
#ifndef SPOOLD_KEEPER_WORKER_H
#define SPOOLD_KEEPER_WORKER_H

#include <stdbool.h>

#include "lib/codec/ipc.h"

#define WORKER_AWAY_MS 10000u /* longer than a restart takes */
#define WORKER_ANSWER_MS 10000u /* of one batch */

struct worker; /* opaque */

struct worker *worker_new(void);

/* A worker is there: fd is ours.  The loop's thread. */
void worker_on_link(struct worker *w, int fd);

/*
 * The socket, which is the caller's then.  Waits for one; ERR_TIMEOUT when
 * there was none within wait_ms, ERR_AGAIN once *stop is true.
 */
int worker_take(
    struct worker *w, unsigned wait_ms, const _Atomic bool *stop, int *fd);

/* Done with it; it is closed if there is a newer one. */
void worker_give_back(struct worker *w, int fd);

/* Ask on a socket that was taken.  Any error: the socket is of no use. */
int worker_ask(int fd, const struct ipc_inspect *q);

/*
 * The next answer, borrowed from `in`.  ERR_TIMEOUT after wait_ms, ERR_AGAIN
 * once *stop is true, ERR_CLOSED; ERR_FORMAT when it is no answer to `id`.
 */
int worker_answer(int fd, uint64_t id, unsigned wait_ms,
    const _Atomic bool *stop, struct buf *in, struct ipc_inspected *a);

#endif
