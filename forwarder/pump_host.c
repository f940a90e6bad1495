/* SPDX-License-Identifier: Apache-2.0 */
/* What a target may ask of its host. */
#include <arpa/inet.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "forwarder/pump_internal.h"
#include "lib/base/clock.h"
#include "lib/base/err.h"
#include "lib/base/log.h"

struct loop *
target_host_loop(struct target_host *h)
{
	return h->loop;
}

const struct clock_floor *
target_host_floor(const struct target_host *h)
{
	return &h->floor;
}

const char *
target_host_name(const struct target_host *h)
{
	return h->name;
}

void
target_host_up(struct target_host *h)
{
	if (h->verdict != TARGET_OK)
		log_info("%s is up", h->name);
	h->up = true;
	h->blocked = false;
	h->verdict = TARGET_OK;
	h->success_ns = clock_now().wall_ns;
	h->status_changed = true;
	pump_soon(h);
	pump_ask(h);
	for (struct pump_batch *b = h->first; b; b = b->next)
		b->sent = false;
	pump_run(h);
}

void
target_host_more(struct target_host *h)
{
	if (!h->blocked)
		return;
	h->blocked = false;
	pump_run(h);
}

bool
target_host_is_settled(struct target_host *h, uint64_t rec)
{
	return ivset_has(&h->settled, rec);
}

/* Take [from, to) off the batches in hand. */
static void
count_off(struct target_host *h, uint64_t from, uint64_t to)
{
	for (struct pump_batch *b = h->first; b; b = b->next) {
		uint64_t first = b->batch.first_rec;
		uint64_t end = first + b->batch.records;

		if (end <= from)
			continue;
		if (first >= to)
			break;
		b->left =
		    b->batch.records - ivset_count_in(&h->settled, first, end);
	}
}

/* Remember a run for the next VERDICTS. */
static void
note_verdict(
    struct target_host *h, enum entry_term term, uint64_t from, uint64_t to)
{
	struct entry_settled *last = &h->last_verdict;

	if (last->to == from && last->term == term) {
		last->to = to;
		return;
	}
	if (last->to) {
		entry_settled_encode(&h->verdicts, last);
		h->n_verdicts++;
	}
	*last = (struct entry_settled){
	    .term = (uint8_t)term, .from = from, .to = to};
	pump_must(h->verdicts.err, "note verdicts");
	if (h->verdicts.len > PUMP_VERDICTS_MAX)
		pump_flush_verdicts(h);
}

void
target_host_settle(struct target_host *h, enum entry_term term, uint64_t from,
    uint64_t to, const uint8_t *opaque)
{
	uint64_t added = 0;

	if (from < to) {
		pump_must(ivset_add(&h->settled, from, to, &added),
		    "note what is settled");
		count_off(h, from, to);
		h->settled_records += added;
		note_verdict(h, term, from, to);
	}
	if (added) {
		h->success_ns = clock_now().wall_ns;
		backoff_on_success(&h->backoff);
	}
	pump_soon(h);
	if (!opaque)
		return;
	/* What was settled with a position goes with it, in one message. */
	memcpy(h->opaque, opaque, ENTRY_OPAQUE_SIZE);
	h->has_opaque = true;
	pump_flush_verdicts(h);
}

static uint32_t
some_bits(void)
{
	uint32_t x = 0;

	digest_random(&x, sizeof(x));
	return x;
}

void
target_host_fail(struct target_host *h, enum target_verdict verdict,
    const char *code, const char *text, uint32_t retry_after_ms)
{
	bool hold = verdict == TARGET_HOLD || verdict == TARGET_REJECT;
	uint32_t wait;

	/* The same trouble again is not worth another line. */
	if (h->verdict != verdict || strcmp(h->error_code, code))
		log_warn("%s: %s: %s", h->name, code, text);
	snprintf(h->error_code, sizeof(h->error_code), "%s", code);
	snprintf(h->error_text, sizeof(h->error_text), "%s", text);
	h->error_ns = clock_now().wall_ns;
	h->verdict = verdict;
	h->started = h->up = h->blocked = false;
	h->status_changed = true;
	pump_soon(h);
	h->class->reset(h->target);
	wait =
	    backoff_on_failure(&h->backoff, retry_after_ms, hold, some_bits());
	loop_timer_start(h->retry, wait, 0);
}

static const struct target_batch *
batch_at(const struct target_host *h, uint64_t first_rec)
{
	for (const struct pump_batch *b = h->first; b; b = b->next)
		if (b->batch.first_rec == first_rec)
			return &b->batch;
	return NULL;
}

void
target_host_unreadable(
    struct target_host *h, uint64_t first_rec, const char *why)
{
	struct ipc_msg m = {.type = IPC_UNREADABLE};
	const struct target_batch *b = batch_at(h, first_rec);
	char text[PUMP_TEXT];

	if (b) {
		m.u.unreadable.from = first_rec;
		m.u.unreadable.to = first_rec + b->records;
		m.u.unreadable.why = bytes_of_str(why);
		pump_send_msg(h, &m);
	}
	snprintf(text, sizeof(text),
	    "the batch at record %" PRIu64 " cannot be unpacked: %s", first_rec,
	    why);
	target_host_fail(h, TARGET_HOLD, "BATCH_DAMAGED", text, 0);
}

void
pump_on_judged(struct target_host *h, const struct ipc_judged *j)
{
	const char *what = j->code == IPC_INSPECT_HOLDS
	    ? "this forwarder cannot unpack it, but the worker can: it is kept"
	    : "nobody could tell whether it is damaged: it is kept";

	if (h->up || strcmp(h->error_code, "BATCH_DAMAGED") != 0)
		return;
	snprintf(h->error_text, sizeof(h->error_text),
	    "the batch at record %" PRIu64 ": %s", j->from, what);
	log_warn("%s: %s: %s", h->name, h->error_code, h->error_text);
	h->status_changed = true;
	pump_soon(h);
}

void
target_host_query(struct target_host *h, uint64_t last_rec)
{
	struct ipc_msg m = {.type = IPC_DIGEST_QUERY};

	m.u.digest.last_rec = last_rec;
	pump_send_msg(h, &m);
}

void
target_host_new_incarnation(struct target_host *h, const char *why)
{
	struct ipc_msg m = {.type = IPC_NEW_INCARNATION};

	m.u.incarnation.why = bytes_of_str(why);
	h->asks = true;
	pump_send_msg(h, &m);
}

void
target_host_pending_again(struct target_host *h, const struct ivset *lost)
{
	struct ipc_msg m = {.type = IPC_PENDING_AGAIN};
	struct buf b;

	buf_init(&b, IPC_MESSAGE_MAX);
	ivset_encode(lost, &b);
	pump_must(b.err, "tell what is owed again");
	m.u.pending_again.lost = buf_bytes(&b);
	h->asks = true;
	pump_send_msg(h, &m);
	buf_fini(&b);
}

bool
target_host_pace(struct target_host *h, size_t bytes)
{
	uint64_t now = loop_now_ms(h->loop);

	if (pace_take(&h->pace, bytes, now))
		return true;
	loop_timer_start(h->more, pace_wait_ms(&h->pace, now), 0);
	return false;
}

void
target_host_certificate(struct target_host *h, int64_t ends_s)
{
	h->certificate_ends =
	    ends_s > 0 && ends_s < INT64_MAX ? (uint64_t)ends_s : 0;
}

/* ---- names ------------------------------------------------------------- */

void
target_host_resolve(struct target_host *h, struct bytes host, uint16_t port,
    void (*on_done)(
	const struct address *addresses, size_t n, const char *why, void *arg),
    void *arg)
{
	struct ipc_msg m = {.type = IPC_RESOLVE};
	struct address a;
	struct buf b;
	struct bytes part;
	int rc;

	h->resolve.active = false;
	if (!address_parse_host(host, port, &a)) {
		on_done(&a, 1, NULL, arg);
		return;
	}
	if (!h->resolver) {
		on_done(NULL, 0, "the resolver is not there", arg);
		return;
	}
	h->resolve = (struct pump_resolve){.id = h->resolve.id + 1,
	    .active = true,
	    .on_done = on_done,
	    .arg = arg};
	m.u.resolve.id = h->resolve.id;
	m.u.resolve.host = host;
	m.u.resolve.port = port;
	buf_init(&b, 4096);
	ipc_encode(&b, &m);
	part = buf_bytes(&b);
	rc = b.err ? b.err : chan_send(h->resolver, IPC_RESOLVE, &part, 1, -1);
	buf_fini(&b);
	if (rc && h->resolve.active) {
		h->resolve.active = false;
		on_done(NULL, 0, "the resolver cannot be asked", arg);
	}
}

void
target_host_resolve_cancel(struct target_host *h)
{
	h->resolve.active = false;
}

/* u8 family (4 or 6), u16 port, 4 or 16 bytes. */
static int
next_address(struct cursor *c, struct address *out)
{
	uint8_t family = cursor_u8(c);
	uint16_t port = cursor_be16(c);

	*out = (struct address){0};
	if (family == 4) {
		struct sockaddr_in *in = (struct sockaddr_in *)&out->sa;

		in->sin_family = AF_INET;
		in->sin_port = htons(port);
		cursor_copy(c, &in->sin_addr, 4);
		out->len = sizeof(*in);
	} else if (family == 6) {
		struct sockaddr_in6 *in = (struct sockaddr_in6 *)&out->sa;

		in->sin6_family = AF_INET6;
		in->sin6_port = htons(port);
		cursor_copy(c, &in->sin6_addr, 16);
		out->len = sizeof(*in);
	} else {
		return ERR_FORMAT;
	}
	return cursor_err(c);
}

void
pump_on_addresses(struct target_host *h, const struct ipc_addresses *a)
{
	struct address addresses[IPC_ADDRESSES_MAX];
	char why[PUMP_TEXT];
	struct cursor c;
	size_t n = 0;

	if (!h->resolve.active || a->id != h->resolve.id)
		return;
	h->resolve.active = false;
	cursor_init(&c, a->addresses);
	while (n < a->n && n < IPC_ADDRESSES_MAX &&
	    !next_address(&c, &addresses[n]))
		n++;
	snprintf(why, sizeof(why), "%.*s", (int)a->text.len,
	    (const char *)a->text.ptr);
	h->resolve.on_done(addresses, n, n ? NULL : why, h->resolve.arg);
}
