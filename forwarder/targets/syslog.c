/* SPDX-License-Identifier: Apache-2.0 */
/*
 * syslog - a syslog server over TCP or TLS, with octet counting.
 *
 * The usual course: call; records are written in pieces, and each piece is
 * marked with the position in the connection where it ends; ten times a
 * second it is noted how far the peer's kernel has confirmed.  What it had
 * confirmed two seconds ago, and the connection is still up, is handed over:
 * settled as unconfirmed (RULES.md 7).
 *
 * What can go wrong: the connection breaks, by a reset, a FIN or for want of
 * progress.  Whatever is not handed over by then is sent again on the next
 * one.  A break that has arrived but is not read yet must count, also when
 * this process was stopped for a while; so a tick only says that it is time,
 * and records are settled after the descriptors of that turn were looked at.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "forwarder/targets/call.h"
#include "forwarder/targets/render.h"
#include "forwarder/targets/syslog_header.h"
#include "lib/base/err.h"

#define TICK_MS 100u
#define HANDOVER_MS 2000u
#define SAMPLES 64u /* ticks that are remembered */
#define PIECE ((size_t)64 << 10) /* written, and marked, at once */
#define PIECE_MAX ((size_t)80 << 20) /* with one record of any length */
#define QUEUE ((size_t)256 << 10) /* waiting for the kernel: enough */
#define WINDOW_BYTES ((size_t)32 << 20)
#define WINDOW_BATCHES 1024u

/* Records up to `to` end at that position of the connection. */
struct mark {
	struct mark *next;
	uint64_t position, from, to;
};

struct sample {
	uint64_t ms, taken;
};

struct target {
	struct target_host *host;
	struct call *call;
	struct link *link; /* while it is up */
	bool is_rfc5424;
	struct loop_timer *tick;
	struct loop_turn *turn;
	struct render *render;
	struct render_batch *batch; /* being written, or NULL */
	struct render_record record;
	struct buf message, out; /* one message; one piece */
	uint64_t out_from, out_to; /* its records; out_to 0: none */
	struct mark *first, **last;
	struct sample samples[SAMPLES];
	unsigned n_samples;
	uint64_t progress_ms, progress_taken;
	bool up, blocked, due;
};

/* ---- configuration ------------------------------------------------------ */

static int
load(const struct kv *kv, struct call_settings *out, bool *is_rfc5424,
    char *why, size_t why_size)
{
	const char *format = "raw", *transport = "tls";

	kv_get_str(kv, "format", &format);
	kv_get_str(kv, "transport", &transport);
	*is_rfc5424 = !strcmp(format, "rfc5424");
	if (!*is_rfc5424 && strcmp(format, "raw")) {
		snprintf(why, why_size, "format %s is not known", format);
		return ERR_INVAL;
	}
	return call_settings_load(
	    kv, !strcmp(transport, "tls"), NULL, out, why, why_size);
}

static int
prepare(const struct kv *kv, char *why, size_t why_size)
{
	struct call_settings settings;
	bool is_rfc5424;
	int rc = load(kv, &settings, &is_rfc5424, why, why_size);

	if (!rc)
		call_settings_fini(&settings);
	return rc;
}

static int
configure(struct target *t, const struct kv *kv)
{
	struct call_settings settings;
	char why[256];
	int rc = load(kv, &settings, &t->is_rfc5424, why, sizeof(why));

	if (!rc)
		call_use(t->call, &settings);
	return rc;
}

/* ---- what is handed over ------------------------------------------------ */

/* Settle what of it is not settled already: filtered, or sent before. */
static void
hand_over(struct target *t, uint64_t from, uint64_t to)
{
	while (from < to) {
		uint64_t end = from;

		if (target_host_is_settled(t->host, from)) {
			from++;
			continue;
		}
		while (end < to && !target_host_is_settled(t->host, end))
			end++;
		target_host_settle(
		    t->host, ENTRY_TERM_UNCONFIRMED, from, end, NULL);
		from = end;
	}
}

/* How far the peer's kernel had confirmed two seconds ago. */
static uint64_t
taken_before(const struct target *t, uint64_t ms)
{
	uint64_t taken = 0;

	for (unsigned i = 0; i < t->n_samples && i < SAMPLES; i++)
		if (t->samples[i].ms + HANDOVER_MS <= ms &&
		    t->samples[i].taken > taken)
			taken = t->samples[i].taken;
	return taken;
}

static void
settle_marks(struct target *t)
{
	uint64_t taken =
	    taken_before(t, loop_now_ms(target_host_loop(t->host)));

	while (t->first && t->first->position <= taken) {
		struct mark *m = t->first;

		t->first = m->next;
		if (!t->first)
			t->last = &t->first;
		hand_over(t, m->from, m->to);
		free(m);
	}
}

static void go_on(struct target *t);

/* After the descriptors of this turn. */
static void
on_turn(void *arg)
{
	struct target *t = arg;

	if (!t->due || !t->link || !link_is_ready(t->link))
		return;
	t->due = false;
	settle_marks(t);
	if (!t->first && !t->batch)
		loop_timer_stop(t->tick);
}

static void
fail(struct target *t, const char *code, const char *why)
{
	target_host_fail(t->host, TARGET_RETRY, code, why, 0);
}

static void
on_tick(void *arg)
{
	struct target *t = arg;
	uint64_t now = loop_now_ms(target_host_loop(t->host));
	uint64_t taken = link_taken(t->link);

	t->samples[t->n_samples++ % SAMPLES] = (struct sample){now, taken};
	if (taken != t->progress_taken || taken >= link_end(t->link)) {
		t->progress_taken = taken;
		t->progress_ms = now;
	} else if (now - t->progress_ms >= call_timeout_ms(t->call)) {
		fail(t, "TIMEOUT",
		    "the peer has taken no bytes within the time-out");
		return;
	}
	t->due = true;
	go_on(t);
}

/* ---- writing ------------------------------------------------------------ */

static int
mark(struct target *t)
{
	struct mark *m = calloc(1, sizeof(*m));

	if (!m)
		return ERR_NOMEM;
	m->position = link_end(t->link);
	m->from = t->out_from;
	m->to = t->out_to;
	*t->last = m;
	t->last = &m->next;
	return 0;
}

static void
arm_tick(struct target *t)
{
	if (loop_timer_is_active(t->tick))
		return;
	t->progress_ms = loop_now_ms(target_host_loop(t->host));
	loop_timer_start(t->tick, TICK_MS, TICK_MS);
}

/* Write the piece; false if the connection cannot take it any more. */
static bool
write_piece(struct target *t)
{
	struct bytes part = buf_bytes(&t->out);
	int rc = t->out.err;

	if (!rc)
		rc = link_write(t->link, &part, 1);
	if (!rc)
		rc = mark(t);
	buf_clear(&t->out);
	t->out_to = 0;
	if (rc == ERR_CLOSED)
		return false; /* the call says why */
	if (rc) {
		fail(t, "NO_MEMORY", err_text(rc));
		return false;
	}
	arm_tick(t);
	return true;
}

static void
add_message(struct target *t, const struct render_record *r)
{
	struct bytes message = r->bytes;

	if (t->is_rfc5424) {
		buf_clear(&t->message);
		syslog_header_add(r, &t->message);
		if (r->bytes.len)
			buf_add_u8(&t->message, ' ');
		buf_add_bytes(&t->message, r->bytes);
		message = buf_bytes(&t->message);
		if (t->message.err)
			t->out.err = t->message.err;
	} else if (!message.len) {
		message = bytes_of_str("\n"); /* there is no length of 0 */
	}
	buf_add_fmt(&t->out, "%zu ", message.len);
	buf_add_bytes(&t->out, message);
	if (!t->out_to)
		t->out_from = r->rec;
	t->out_to = r->rec + 1;
}

/* Fill the piece; false at the end of the batch. */
static bool
fill_piece(struct target *t)
{
	while (t->out.len < PIECE) {
		const struct render_record *r = &t->record;

		if (!render_next(t->render, &t->record))
			return false;
		if (target_host_is_settled(t->host, r->rec))
			continue;
		if (r->range->wanted)
			add_message(t, r);
		else
			target_host_settle(t->host, ENTRY_TERM_FILTERED, r->rec,
			    r->rec + 1, NULL);
	}
	return true;
}

/* Write the batch as far as the connection and the pace let it. */
static void
go_on(struct target *t)
{
	while (t->batch && t->up) {
		bool more = true;

		if (link_queued(t->link) >= QUEUE)
			return; /* on_drained */
		if (!t->out.len)
			more = fill_piece(t);
		if (t->out.len && !target_host_pace(t->host, t->out.len)) {
			arm_tick(t); /* which comes here again */
			return;
		}
		if (t->out.len && !write_piece(t))
			return;
		if (more)
			continue;
		render_batch_free(t->batch);
		t->batch = NULL;
	}
	if (t->up && t->blocked) {
		t->blocked = false;
		target_host_more(t->host);
	}
}

static int
send_batch(struct target *t, const struct target_batch *batch)
{
	int rc;

	if (t->batch || !t->up || link_queued(t->link) >= QUEUE) {
		t->blocked = true;
		return ERR_AGAIN;
	}
	rc = render_batch_new(t->host, batch, false, &t->batch);
	if (!rc)
		rc = render_begin(t->render, t->batch);
	if (rc) {
		if (rc == ERR_NOMEM)
			target_host_fail(t->host, TARGET_RETRY, "NO_MEMORY",
			    err_text(rc), 0);
		else
			target_host_unreadable(
			    t->host, batch->first_rec, err_text(rc));
		return ERR_AGAIN;
	}
	go_on(t);
	return 0;
}

/* ---- the connection ----------------------------------------------------- */

static void
on_up(struct link *link, void *arg)
{
	struct target *t = arg;

	link_set_limit(link, PIECE_MAX + QUEUE);
	t->link = link;
	t->up = true;
	target_host_up(t->host);
}

static size_t
on_data(struct bytes data, void *arg)
{
	(void)arg;
	return data.len; /* a syslog server has nothing to say */
}

static void
on_drained(void *arg)
{
	go_on(arg);
}

static const struct call_events call_events = {
    .on_up = on_up,
    .on_data = on_data,
    .on_drained = on_drained,
};

static void
start(struct target *t)
{
	call_start(t->call);
}

static void
reset(struct target *t)
{
	call_reset(t->call);
	t->link = NULL;
	loop_timer_stop(t->tick);
	t->up = t->blocked = t->due = false;
	render_batch_free(t->batch);
	t->batch = NULL;
	buf_clear(&t->out);
	t->out_to = 0;
	while (t->first) {
		struct mark *m = t->first;

		t->first = m->next;
		free(m);
	}
	t->last = &t->first;
	t->n_samples = 0;
	t->progress_taken = 0;
}

/* ---- life cycle --------------------------------------------------------- */

static void
close_target(struct target *t)
{
	reset(t);
	loop_timer_free(t->tick);
	loop_turn_free(t->turn);
	call_free(t->call);
	render_free(t->render);
	buf_fini(&t->message);
	buf_fini(&t->out);
	free(t);
}

static int
make_parts(struct target *t)
{
	struct loop *loop = target_host_loop(t->host);
	int rc = call_new(t->host, &call_events, t, &t->call);

	if (!rc)
		rc = loop_timer_new(loop, on_tick, t, &t->tick);
	if (!rc)
		rc = loop_turn_new(loop, on_turn, t, &t->turn);
	if (!rc)
		rc = render_new(&t->render);
	return rc;
}

static int
open_target(struct target_host *host, const struct kv *kv, int dir_fd,
    struct target **out)
{
	struct target *t = calloc(1, sizeof(*t));
	int rc;

	(void)dir_fd;
	if (!t)
		return ERR_NOMEM;
	t->host = host;
	t->last = &t->first;
	buf_init(&t->message, PIECE_MAX);
	buf_init(&t->out, PIECE_MAX);
	rc = make_parts(t);
	if (!rc)
		rc = configure(t, kv);
	if (rc) {
		close_target(t);
		return rc;
	}
	*out = t;
	return 0;
}

const struct target_class syslog_class = {
    .protocol = "syslog",
    .sandbox = SANDBOX_FORWARDER,
    .window_bytes = WINDOW_BYTES,
    .window_batches = WINDOW_BATCHES,
    .prepare = prepare,
    .open = open_target,
    .close = close_target,
    .configure = configure,
    .start = start,
    .reset = reset,
    .send = send_batch,
};
