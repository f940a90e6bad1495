/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/forwarder/peer.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "lib/base/err.h"
#include "lib/codec/batch.h"
#include "lib/codec/kv.h"
#include "lib/digest/digest_origin.h"
#include "lib/link/chan_frame.h"
#include "lib/pack/pack.h"
#include "tests/helpers/cmocka_all.h"

uint64_t
peer_now_ms(void)
{
	return clock_now().mono_us / 1000;
}

void
peer_again(struct peer *p, int *other)
{
	int pair[2];

	if (p->sock >= 0)
		close(p->sock);
	assert_int_equal(
	    socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	buf_clear(&p->in);
	p->used = 0;
	p->sock = pair[0];
	*other = pair[1];
}

void
peer_init(struct peer *p, struct loop *loop, int *other)
{
	*p = (struct peer){.sock = -1, .loop = loop};
	buf_init(&p->in, 2 * CHAN_PAYLOAD_MAX);
	ivset_init(&p->settled, ENTRY_INTERVALS_MAX);
	peer_again(p, other);
}

void
peer_fini(struct peer *p)
{
	if (p->sock >= 0)
		close(p->sock);
	buf_fini(&p->in);
	ivset_fini(&p->settled);
}

/* Let the other end work, for a moment. */
static void
turn_other(struct peer *p, short events, unsigned wait_ms)
{
	struct pollfd fd = {.fd = p->sock, .events = events};

	if (p->loop)
		loop_run_once(p->loop, wait_ms);
	else
		poll(&fd, 1, (int)wait_ms);
}

static void
send_parts(struct peer *p, uint16_t type, struct bytes *part, size_t n)
{
	struct chan_frame frame = {.type = type};
	uint64_t until = peer_now_ms() + PEER_WAIT_MS;
	uint8_t header[CHAN_HEADER_SIZE];
	struct buf b;

	for (size_t i = 0; i < n; i++)
		frame.payload_len += (uint32_t)part[i].len;
	chan_frame_encode(&frame, header);
	buf_init(&b, CHAN_PAYLOAD_MAX + sizeof(header));
	buf_add(&b, header, sizeof(header));
	for (size_t i = 0; i < n; i++)
		buf_add_bytes(&b, part[i]);
	assert_int_equal(b.err, 0);
	while (b.len) {
		ssize_t sent = send(
		    p->sock, buf_ptr(&b), b.len, MSG_DONTWAIT | MSG_NOSIGNAL);

		if (sent > 0)
			buf_consume(&b, (size_t)sent);
		else if (errno != EAGAIN)
			break; /* a pump that has gone is told by silence */
		else
			turn_other(p, POLLOUT, 10);
		assert_true(peer_now_ms() < until);
	}
	buf_fini(&b);
}

void
peer_send(struct peer *p, const struct ipc_msg *m)
{
	struct bytes part;
	struct buf b;

	buf_init(&b, IPC_MESSAGE_MAX);
	ipc_encode(&b, m);
	assert_int_equal(b.err, 0);
	part = buf_bytes(&b);
	send_parts(p, m->type, &part, 1);
	buf_fini(&b);
}

void
peer_state(struct peer *p)
{
	struct ipc_msg m = {.type = IPC_TARGET_STATE};
	struct buf settled;

	buf_init(&settled, 1 << 20);
	ivset_encode(&p->settled, &settled);
	m.u.target_state.start_rec = 1;
	m.u.target_state.next_rec = 1;
	memcpy(m.u.target_state.opaque, p->opaque, ENTRY_OPAQUE_SIZE);
	m.u.target_state.settled = buf_bytes(&settled);
	peer_send(p, &m);
	buf_fini(&settled);
}

void
peer_stream(struct peer *p, uint32_t id, const char *name)
{
	struct ipc_msg m = {.type = IPC_STREAM_DEF};

	m.u.stream_def.id = id;
	m.u.stream_def.origin.byte[0] = 1;
	m.u.stream_def.epoch.byte[0] = 2;
	m.u.stream_def.name = bytes_of_str(name);
	m.u.stream_def.listener = bytes_of_str("agents");
	m.u.stream_def.peer = bytes_of_str("192.0.2.7:4711");
	peer_send(p, &m);
}

void
peer_control(struct peer *p, uint8_t what)
{
	struct ipc_msg m = {.type = IPC_CONTROL};

	m.u.control.what = what;
	peer_send(p, &m);
}

struct bytes
peer_record(uint64_t rec, uint8_t mem[static PEER_RECORD_MAX])
{
	size_t len = 40 + rec * 37 % 200, at;

	if (rec % 101 == 0)
		return bytes_of(mem, 0);
	if (rec % 53 == 0)
		len = PEER_RECORD_MAX;
	at = (size_t)snprintf((char *)mem, PEER_RECORD_MAX,
	    "record %llu \xe3\x82\xb9 ", (unsigned long long)rec);
	for (; at < len; at++)
		mem[at] = rec % 7 == 0 ? (uint8_t)(rec * 31 + at * at)
				       : (uint8_t)('a' + at % 26);
	return bytes_of(mem, len);
}

char *
peer_id(const char *stream, uint64_t rec, char text[static 33])
{
	struct uuid origin = {{1}}, epoch = {{2}};
	struct digest_sha256 *d;
	uint8_t prefix[DIGEST_ORIGIN_PREFIX_SIZE];

	assert_int_equal(digest_sha256_new(&d), 0);
	digest_origin_prefix(d, &origin, bytes_of_str(stream), &epoch, prefix);
	digest_sha256_free(d);
	return digest_origin_id(prefix, rec, text);
}

/*
 * A range for each run of ten records, of streams 1 and 2 in turn; or one.
 */
static void
make_ranges(struct buf *b, uint64_t first_rec, uint32_t n, bool mixed)
{
	uint32_t step = mixed ? 10 : n, count = (n + step - 1) / step;

	batch_ranges_encode_begin(b, NULL, count);
	for (uint32_t i = 0; i < count; i++) {
		struct batch_range r = {.stream = 1 + i % 2,
		    .first_seq = first_rec + i * step,
		    .count = i + 1 < count ? step : n - i * step};

		batch_range_encode(b, &r);
	}
	assert_int_equal(b->err, 0);
}

static void
make_columns(struct buf *b, uint64_t first_rec, uint32_t n, bool mixed)
{
	struct batch_columns c;
	uint8_t mem[PEER_RECORD_MAX];

	batch_columns_init(&c, BATCH_RAW_MAX);
	for (uint32_t i = 0; i < n; i++)
		batch_columns_add(
		    &c, mixed ? i / 10 : 0, peer_record(first_rec + i, mem));
	assert_int_equal(batch_columns_encode(&c, b), 0);
	batch_columns_fini(&c);
}

void
peer_batch(struct peer *p, uint64_t first_rec, uint32_t n, bool mixed)
{
	struct ipc_stored m = {.first_rec = first_rec,
	    .records = n,
	    .codec = BATCH_CODEC_ZSTD,
	    .received_first_ns = INT64_C(1790000000123456789)};
	struct buf ranges, raw, head;
	struct pack *pack;
	struct bytes parts[2];
	size_t len;
	uint8_t *packed;

	buf_init(&ranges, BATCH_RANGES_MAX);
	buf_init(&raw, BATCH_RAW_MAX);
	buf_init(&head, IPC_MESSAGE_MAX);
	make_ranges(&ranges, first_rec, n, mixed);
	make_columns(&raw, first_rec, n, mixed);
	packed = malloc(pack_bound(raw.len));
	assert_non_null(packed);
	assert_int_equal(pack_new(1, &pack), 0);
	assert_int_equal(pack_compress(pack, buf_bytes(&raw), packed,
			     pack_bound(raw.len), &len),
	    0);
	m.raw_len = (uint32_t)raw.len;
	m.ranges = buf_bytes(&ranges);
	m.payload = bytes_of(packed, len);
	ipc_stored_encode_head(&head, &m);
	parts[0] = buf_bytes(&head);
	parts[1] = m.payload;
	send_parts(p, IPC_STORED, parts, 2);
	pack_free(pack);
	free(packed);
	buf_fini(&ranges);
	buf_fini(&raw);
	buf_fini(&head);
}

/* ---- what the pump says ------------------------------------------------- */

static void
on_verdicts(struct peer *p, const struct ipc_verdicts *v)
{
	struct cursor c;
	struct entry_settled s;
	struct ipc_msg m = {.type = IPC_DURABLE};
	int rc;

	cursor_init(&c, v->settled);
	while ((rc = entry_settled_next(&c, &s)) == 1) {
		uint64_t added = 0;

		assert_int_equal(
		    ivset_add(&p->settled, s.from, s.to, &added), 0);
		assert_int_equal(added, s.to - s.from);
		p->by_term[s.term] += added;
	}
	assert_int_equal(rc, 0);
	if (!v->has_opaque)
		return;
	memcpy(p->opaque, v->opaque, ENTRY_OPAQUE_SIZE);
	p->new_opaque = true;
	memcpy(m.u.durable.opaque, v->opaque, ENTRY_OPAQUE_SIZE);
	if (!p->mute) {
		peer_send(p, &m);
		p->new_opaque = false;
	}
}

static void
copy_text(const struct kv *kv, const char *key, char *to, size_t size)
{
	const char *text = "";

	kv_get_str(kv, key, &text);
	snprintf(to, size, "%s", text);
}

static void
on_status(struct peer *p, struct bytes encoded)
{
	struct kv *kv;

	assert_int_equal(kv_decode(encoded, &kv), 0);
	copy_text(kv, "state", p->state, sizeof(p->state));
	copy_text(kv, "error.code", p->error_code, sizeof(p->error_code));
	copy_text(kv, "error.text", p->error_text, sizeof(p->error_text));
	kv_get_u64(kv, "attempts", &p->attempts);
	kv_free(kv);
}

/* Whether a whole message is at the front. */
static bool
is_whole(struct peer *p, struct chan_frame *frame)
{
	if (p->in.len < CHAN_HEADER_SIZE)
		return false;
	assert_int_equal(chan_frame_decode(buf_ptr(&p->in), frame), 0);
	return p->in.len >= CHAN_HEADER_SIZE + frame->payload_len;
}

static bool
receive(struct peer *p, unsigned wait_ms, struct chan_frame *frame)
{
	uint64_t until = peer_now_ms() + wait_ms;
	uint8_t *to;
	ssize_t n;

	buf_consume(&p->in, p->used);
	p->used = 0;
	while (!is_whole(p, frame)) {
		to = buf_reserve(&p->in, 65536);
		assert_non_null(to);
		n = recv(p->sock, to, 65536, MSG_DONTWAIT);
		if (n > 0) {
			buf_claim(&p->in, (size_t)n);
			continue;
		}
		if (n == 0 || (errno != EAGAIN && errno != EINTR) ||
		    peer_now_ms() >= until)
			return false;
		turn_other(p, POLLIN, 10);
	}
	p->used = CHAN_HEADER_SIZE + frame->payload_len;
	return true;
}

uint16_t
peer_turn(struct peer *p, unsigned wait_ms)
{
	struct chan_frame frame;
	struct ipc_msg m;

	if (p->loop)
		loop_run_once(p->loop, 0);
	if (!receive(p, wait_ms, &frame))
		return 0;
	assert_int_equal(
	    ipc_decode(frame.type,
		bytes_of(buf_ptr(&p->in) + CHAN_HEADER_SIZE, frame.payload_len),
		&m),
	    0);
	if (frame.type == IPC_WORK)
		p->work = m.u.work;
	if (frame.type == IPC_VERDICTS)
		on_verdicts(p, &m.u.verdicts);
	if (frame.type == IPC_TARGET_STATUS)
		on_status(p, m.u.kv.kv);
	return frame.type;
}

void
peer_until(struct peer *p, bool (*holds)(void *arg), void *arg)
{
	uint64_t until = peer_now_ms() + PEER_WAIT_MS;

	while (!holds(arg)) {
		if (peer_now_ms() > until)
			fail_msg("in vain; last error %s: %s", p->error_code,
			    p->error_text);
		peer_turn(p, 20);
	}
}

struct wish {
	struct peer *p;
	uint64_t from, to;
	const char *code;
};

static bool
is_settled(void *arg)
{
	struct wish *w = arg;

	return ivset_count_in(&w->p->settled, w->from, w->to) ==
	    w->to - w->from;
}

void
peer_until_settled(struct peer *p, uint64_t from, uint64_t to)
{
	struct wish w = {p, from, to, NULL};

	peer_until(p, is_settled, &w);
}

static bool
has_error(void *arg)
{
	struct wish *w = arg;

	return !strcmp(w->p->error_code, w->code);
}

void
peer_until_error(struct peer *p, const char *code)
{
	struct wish w = {p, 0, 0, code};

	peer_until(p, has_error, &w);
}
