/* SPDX-License-Identifier: Apache-2.0 */
/*
 * chan - framed messages between two of our processes, with descriptors.
 *
 * A channel is one end of an AF_UNIX stream socket.  Messages arrive whole
 * and in order, or the channel closes; complete messages are delivered
 * before the close is told, also when the peer was killed.  The peer is not
 * trusted: lengths are bounded, descriptors that do not belong to a message
 * are closed.  One thread, the loop's.  The bytes are specified in
 * doc/protocol-chan.md; what is in a payload is lib/codec's.
 */
#ifndef LIB_LINK_CHAN_H
#define LIB_LINK_CHAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/buf.h"
#include "lib/base/bytes.h"
#include "lib/loop/loop.h"

struct chan;

#define CHAN_PAYLOAD_MAX ((4U << 20) + (64U << 10))
#define CHAN_HEADER_SIZE 8U
#define CHAN_PARTS_MAX 16
#define CHAN_QUEUE_LIMIT ((size_t)96 << 20) /* unless chan_set_limit */

struct chan_events {
	/*
	 * A message.  The payload is valid until the callback returns; fd
	 * is -1 or a descriptor that now belongs to the callee.
	 */
	void (*on_message)(
	    uint16_t type, struct bytes payload, int fd, void *arg);
	/* All that was queued is written; may be NULL. */
	void (*on_drained)(void *arg);
	/*
	 * The last callback: ERR_CLOSED when the peer closed or died,
	 * ERR_FORMAT when it sent what is not a frame, else ERR_SYS or
	 * ERR_NOMEM.  chan_free is still to be called.
	 */
	void (*on_closed)(int rc, void *arg);
};

/* On success the socket belongs to the channel. */
int chan_new(struct loop *l, int fd, const struct chan_events *events,
    void *arg, struct chan **out);

/*
 * Close; allowed at any time, also within a callback, and no callback comes
 * after it.  What is still queued is lost: chan_flush before.
 */
void chan_free(struct chan *c);

/*
 * Send one message whose payload is the parts (at most CHAN_PARTS_MAX) in
 * order.  What the socket
 * does not take at once is copied.  fd is -1 or a descriptor to pass, which
 * stays the caller's.  ERR_CLOSED when the peer is gone (on_closed comes
 * once its last messages were read), ERR_RANGE when the payload is too long,
 * ERR_LIMIT when the queue is full; nothing is sent then.
 */
int chan_send(struct chan *c, uint16_t type, const struct bytes *parts,
    size_t count, int fd);

/* Bytes that wait to be written; the owner stops sending when it likes. */
size_t chan_queued(const struct chan *c);
void chan_set_limit(struct chan *c, size_t queue_bytes);

/* Stop, also within on_message, and go on delivering messages. */
void chan_pause(struct chan *c);
void chan_resume(struct chan *c);

/*
 * Write what is queued, waiting for at most wait_ms.  ERR_TIMEOUT if some is
 * left, ERR_CLOSED if the peer is gone.  Calls nothing back.
 */
int chan_flush(struct chan *c, unsigned wait_ms);

/*
 * The same protocol for tools and tests without a loop, on a blocking or
 * non-blocking socket.  Waits for at most wait_ms in all, or ERR_TIMEOUT:
 * the socket is then of no further use.  The payload replaces what is in
 * the buffer (its limit holds: ERR_LIMIT); *fd is -1 or the caller's.
 * ERR_CLOSED at the end, also in the middle of a frame.
 */
int chan_blocking_send(int sock, uint16_t type, const struct bytes *parts,
    size_t count, int fd, unsigned wait_ms);
int chan_blocking_recv(
    int sock, unsigned wait_ms, uint16_t *type, struct buf *payload, int *fd);

#endif
