/* SPDX-License-Identifier: Apache-2.0 */
/* The far ends of the keeper's links: a receiver's part, and a forwarder's. */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "lib/base/err.h"
#include "lib/link/chan.h"
#include "tests/component/keeper_rig.h"
#include "tests/helpers/cmocka_all.h"

void
keeper_peer_close(struct keeper_peer *p)
{
	if (p->fd >= 0)
		close(p->fd);
	p->fd = -1;
	buf_fini(&p->in);
}

void
keeper_peer_send(struct keeper_peer *p, const struct ipc_msg *m)
{
	struct buf b;
	struct bytes part;
	int rc;

	buf_init(&b, IPC_MESSAGE_MAX);
	ipc_encode(&b, m);
	assert_int_equal(b.err, 0);
	part = buf_bytes(&b);
	rc = chan_blocking_send(
	    p->fd, m->type, &part, 1, -1, KEEPER_RIG_WAIT_MS);
	if (rc && rc != ERR_CLOSED)
		fail_msg(
		    "sending %s: %s", ipc_type_name(m->type), err_text(rc));
	buf_fini(&b);
}

bool
keeper_peer_next(struct keeper_peer *p)
{
	uint16_t type;
	int fd, rc;

	rc = chan_blocking_recv(p->fd, KEEPER_RIG_WAIT_MS, &type, &p->in, &fd);
	if (rc == ERR_CLOSED)
		return false;
	if (rc)
		fail_msg("the keeper says nothing: %s", err_text(rc));
	assert_int_equal(ipc_decode(type, buf_bytes(&p->in), &p->msg), 0);
	return true;
}

void
keeper_peer_expect(struct keeper_peer *p, enum ipc_type type)
{
	do {
		if (!keeper_peer_next(p))
			fail_msg("the link ended before %s",
			    ipc_type_name((uint16_t)type));
	} while (type != p->msg.type &&
	    (p->msg.type == IPC_CREDIT || p->msg.type == IPC_SPOOL));
	if (p->msg.type != type)
		fail_msg("%s came instead of %s", ipc_type_name(p->msg.type),
		    ipc_type_name((uint16_t)type));
}

void
keeper_peer_silent(struct keeper_peer *p, unsigned wait_ms)
{
	struct pollfd poll_fd = {.fd = p->fd, .events = POLLIN};

	while (poll(&poll_fd, 1, (int)wait_ms) > 0) {
		assert_true(keeper_peer_next(p));
		assert_true(
		    p->msg.type == IPC_CREDIT || p->msg.type == IPC_SPOOL);
	}
}

/* ---- a receiver ---- */

void
keeper_agent_init(struct keeper_agent *a, uint32_t sid, const char *name)
{
	*a = (struct keeper_agent){.sid = sid};
	memset(&a->origin, 0xa0 + (int)(sid % 16), sizeof(a->origin));
	memset(&a->epoch, 0xe0, sizeof(a->epoch));
	snprintf(a->name, sizeof(a->name), "%s", name);
}

void
keeper_peer_introduce(struct keeper_peer *p, uint32_t slot, uint8_t seed)
{
	struct ipc_msg m = {.type = IPC_RECEIVER};

	m.u.receiver.slot = slot;
	memset(&m.u.receiver.epoch, seed, UUID_SIZE);
	keeper_peer_send(p, &m);
}

void
keeper_peer_replayed(struct keeper_peer *p)
{
	struct ipc_msg m = {.type = IPC_REPLAYED};

	keeper_peer_send(p, &m);
}

void
keeper_peer_open(struct keeper_peer *p, const struct keeper_agent *a)
{
	struct ipc_msg m = {.type = IPC_STREAM_OPEN};

	m.u.stream_open = (struct ipc_stream_open){
	    .sid = a->sid,
	    .key = {.origin = a->origin,
		.epoch = a->epoch,
		.name = bytes_of_str(a->name)},
	    .listener = bytes_of_str("agents"),
	    .peer = bytes_of_str("127.0.0.1:5000"),
	    .identity = bytes_of_str("spool:agent:test"),
	    .next_seq = 1,
	};
	keeper_peer_send(p, &m);
}

void
keeper_peer_opened(struct keeper_peer *p, struct keeper_agent *a)
{
	keeper_peer_expect(p, IPC_STREAM_STATE);
	assert_int_equal(p->msg.u.stream_state.sid, a->sid);
	assert_int_equal(p->msg.u.stream_state.code, 0);
	a->seq = p->msg.u.stream_state.last;
	memcpy(a->head, p->msg.u.stream_state.head, BATCH_HEAD_SIZE);
}

/* The head at a place of the stream, easy to find in a file. */
static void
head_at(uint64_t seq, uint8_t head[BATCH_HEAD_SIZE])
{
	memset(head, 0x5a, BATCH_HEAD_SIZE);
	memcpy(head, &seq, sizeof(seq));
}

void
keeper_peer_large(struct keeper_peer *p, uint64_t number,
    struct keeper_agent *a, uint32_t count, uint32_t bytes)
{
	struct ipc_msg m = {.type = IPC_BATCH};
	struct ipc_range range = {
	    .sid = a->sid, .first_seq = a->seq + 1, .count = count};
	char *payload = calloc(1, bytes);
	struct buf ranges;

	memcpy(range.prev_head, a->head, BATCH_HEAD_SIZE);
	a->seq += count;
	head_at(a->seq, a->head);
	memcpy(range.head, a->head, BATCH_HEAD_SIZE);
	buf_init(&ranges, 4096);
	ipc_range_encode(&ranges, &range);
	snprintf(payload, 64, "payload of %s to %llu", a->name,
	    (unsigned long long)a->seq);
	m.u.batch = (struct ipc_batch){
	    .number = number,
	    .records = count,
	    .raw_len = bytes,
	    .received_first_ns = clock_now().wall_ns,
	    .received_last_ns = clock_now().wall_ns,
	    .n = 1,
	    .ranges = buf_bytes(&ranges),
	    .payload = bytes_of(payload, bytes),
	};
	keeper_peer_send(p, &m);
	buf_fini(&ranges);
	free(payload);
}

void
keeper_peer_batch(struct keeper_peer *p, uint64_t number,
    struct keeper_agent *a, uint32_t count)
{
	keeper_peer_large(p, number, a, count, KEEPER_RIG_SMALL);
}

void
keeper_peer_committed(struct keeper_peer *p, uint64_t number)
{
	do
		keeper_peer_expect(p, IPC_COMMITTED);
	while (p->msg.u.number.number < number);
}

/* ---- a forwarder ---- */

void
keeper_peer_target(struct keeper_peer *p, const char *name)
{
	struct ipc_msg m = {.type = IPC_TARGET};

	m.u.target.name = bytes_of_str(name);
	m.u.target.protocol = bytes_of_str("file");
	keeper_peer_send(p, &m);
	keeper_peer_expect(p, IPC_TARGET_STATE);
}

void
keeper_peer_work(struct keeper_peer *p, uint64_t bytes, uint32_t batches)
{
	struct ipc_msg m = {.type = IPC_WORK};

	m.u.work.bytes = bytes;
	m.u.work.batches = batches;
	keeper_peer_send(p, &m);
}

void
keeper_peer_stored(struct keeper_peer *p)
{
	do
		if (!keeper_peer_next(p))
			fail_msg("the link ended before STORED");
	while (p->msg.type == IPC_STREAM_DEF || p->msg.type == IPC_HOLE ||
	    p->msg.type == IPC_DURABLE);
	assert_int_equal(p->msg.type, IPC_STORED);
}

void
keeper_peer_settle(
    struct keeper_peer *p, uint64_t from, uint64_t to, enum entry_term term)
{
	struct ipc_msg m = {.type = IPC_VERDICTS};
	struct entry_settled s = {
	    .term = (uint8_t)term, .from = from, .to = to};
	struct buf b;

	buf_init(&b, 4096);
	entry_settled_encode(&b, &s);
	m.u.verdicts.n = 1;
	m.u.verdicts.settled = buf_bytes(&b);
	m.u.verdicts.has_opaque = true;
	memcpy(m.u.verdicts.opaque, &to, sizeof(to));
	keeper_peer_send(p, &m);
	buf_fini(&b);
}

void
keeper_peer_lost(struct keeper_peer *p, struct iv a, struct iv b)
{
	struct ipc_msg m = {.type = IPC_PENDING_AGAIN};
	struct ivset lost;
	struct buf encoded;

	ivset_init(&lost, 2);
	buf_init(&encoded, 256);
	assert_int_equal(ivset_add(&lost, a.from, a.to, NULL), 0);
	assert_int_equal(ivset_add(&lost, b.from, b.to, NULL), 0);
	ivset_encode(&lost, &encoded);
	m.u.pending_again.lost = buf_bytes(&encoded);
	keeper_peer_send(p, &m);
	buf_fini(&encoded);
	ivset_fini(&lost);
}
