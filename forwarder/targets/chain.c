/* SPDX-License-Identifier: Apache-2.0 */
/*
 * chain - another spoold as the target: exactly once in its store.
 *
 * The usual course: call, TLS with our spool certificate, HELLO, CHAIN_OPEN
 * with our incarnation; CHAIN_STATE says what the parent has of us already
 * (chain_state.c compares it with our own batches); then batches go as they
 * are stored, many in flight, and CHAIN_ACK settles them (chain_send.c).
 *
 * What can go wrong: the parent was restored and lacks what it had taken
 * (those records are owed again), or it has what we do not know (we are a
 * restored or cloned child and take a new incarnation); a batch is damaged on
 * our disk (SKIP quarantined); the parent is draining or full (it gives no
 * credit, or says when to come again).  RULES.md 8 has the rules,
 * doc/protocol-agentlink.md the bytes.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config.h"
#include "forwarder/targets/chain_internal.h"
#include "lib/base/clock.h"
#include "lib/base/err.h"
#include "lib/digest/digest.h"

#define TICK_MS 1000u
#define SILENCE_MS 90000u
#define SAY_WITHIN_MS 20000u

void
chain_say(struct target *t, const struct agentlink_msg *m)
{
	struct link *link = call_link(t->call);
	struct bytes part;

	if (!link)
		return;
	buf_clear(&t->out);
	agentlink_msg_encode(&t->out, m);
	part = buf_bytes(&t->out);
	if (!t->out.err)
		link_write(link, &part, 1); /* the call tells failure */
	t->said_ms = loop_now_ms(target_host_loop(t->host));
}

/* ---- settings
 * ------------------------------------------------------------------------ */

/* The settings of the connection, and who we are by its certificate. */
static int
load(const struct kv *kv, struct call_settings *out, struct uuid *own,
    char *why, size_t why_size)
{
	enum tls_identity kind;
	int rc =
	    call_settings_load(kv, true, AGENTLINK_ALPN, out, why, why_size);

	if (rc)
		return rc;
	if (!tls_own_identity(out->tls, &kind, own) &&
	    kind == TLS_IDENTITY_SPOOL)
		return 0;
	snprintf(why, why_size,
	    "the certificate has no identity spool:spool:<uuid>, which a chain "
	    "target needs");
	call_settings_fini(out);
	return ERR_INVAL;
}

static int
prepare(const struct kv *kv, char *why, size_t why_size)
{
	struct call_settings settings;
	const char *text;
	struct uuid own;
	int rc;

	if (!kv_get_str(kv, "streams", &text)) {
		snprintf(why, why_size,
		    "streams: a chain hands over every record; leave it out");
		return ERR_UNSUPPORTED;
	}
	rc = load(kv, &settings, &own, why, why_size);
	if (!rc)
		call_settings_fini(&settings);
	return rc;
}

static int
configure(struct target *t, const struct kv *kv)
{
	struct call_settings settings;
	char why[256];
	int rc = load(kv, &settings, &t->own, why, sizeof(why));

	if (!rc)
		call_use(t->call, &settings);
	return rc;
}

/* ---- messages
 * ---------------------------------------------------------------------------
 */

static void
say_hello(struct target *t)
{
	struct agentlink_msg m = {.type = AGENTLINK_HELLO};

	m.u.hello.min_version = m.u.hello.max_version = AGENTLINK_VERSION;
	m.u.hello.capabilities = AGENTLINK_CAP_CHAIN | AGENTLINK_CAP_ADVANCE;
	m.u.hello.agent = t->own;
	m.u.hello.boot = t->incarnation;
	m.u.hello.max_frame = AGENTLINK_FRAME_MAX;
	m.u.hello.software = bytes_of_str(PACKAGE_STRING);
	t->phase = CHAIN_HELLO;
	chain_say(t, &m);
}

static void
on_hello_ok(struct target *t, const struct agentlink_hello_ok *ok)
{
	struct agentlink_msg m = {.type = AGENTLINK_CHAIN_OPEN};

	if (uuid_equal(&ok->spool, &t->own) ||
	    uuid_equal(&ok->spool, &t->spool)) {
		target_host_fail(t->host, TARGET_HOLD, "LOOP",
		    "the target is this spool itself; give another address", 0);
		return;
	}
	if (!(ok->capabilities & AGENTLINK_CAP_CHAIN)) {
		target_host_fail(t->host, TARGET_HOLD, "NO_CHAIN",
		    "the far side takes agents, but no spools", 0);
		return;
	}
	t->parent = ok->spool;
	t->max_frame = ok->max_frame;
	t->keepalive_ms = ok->keepalive_ms;
	m.u.chain_open.incarnation = t->incarnation;
	m.u.chain_open.next_rec = t->next_rec;
	m.u.chain_open.start_rec = t->start_rec;
	t->phase = CHAIN_ASKED;
	chain_say(t, &m);
}

static void
set_credit(struct target *t, uint32_t bytes, uint32_t batches)
{
	t->credit_bytes = bytes;
	t->credit_batches = batches;
	target_host_more(t->host);
}

static void
on_error(struct target *t, const struct agentlink_error *e)
{
	bool hold = e->code == AGENTLINK_CODE_VERSION ||
	    e->code == AGENTLINK_CODE_IDENTITY ||
	    e->code == AGENTLINK_CODE_DENIED ||
	    e->code == AGENTLINK_CODE_UNSUPPORTED;
	char text[AGENTLINK_TEXT_MAX + 64];

	snprintf(text, sizeof(text), "the parent says: %.*s", (int)e->text.len,
	    (const char *)e->text.ptr);
	target_host_fail(t->host, hold ? TARGET_HOLD : TARGET_RETRY,
	    agentlink_code_name(e->code), text, 0);
}

static void
answer_ping(struct target *t, const struct agentlink_ping *ping)
{
	struct agentlink_msg m = {.type = AGENTLINK_PONG};

	m.u.pong.t1 = ping->t1;
	m.u.pong.t2 = m.u.pong.t3 = clock_now().wall_ns;
	chain_say(t, &m);
}

static void
wrong_time(struct target *t)
{
	target_host_fail(t->host, TARGET_RETRY, "PROTOCOL",
	    "the parent sent a message that is not due", 0);
}

/* Before the chain is open only few messages may come. */
static void
early_message(struct target *t, const struct agentlink_msg *m)
{
	if (m->type == AGENTLINK_HELLO_OK && t->phase == CHAIN_HELLO)
		on_hello_ok(t, &m->u.hello_ok);
	else if (m->type == AGENTLINK_CHAIN_STATE && t->phase == CHAIN_ASKED)
		chain_on_parent_state(t, &m->u.chain_state);
	else
		wrong_time(t);
}

static void
message(struct target *t, const struct agentlink_msg *m)
{
	switch (m->type) {
	case AGENTLINK_PING:
		answer_ping(t, &m->u.ping);
		return;
	case AGENTLINK_PONG:
	case AGENTLINK_STATUS:
		return;
	case AGENTLINK_CREDIT:
		set_credit(
		    t, m->u.credit.credit_bytes, m->u.credit.credit_batches);
		return;
	case AGENTLINK_ERROR:
		on_error(t, &m->u.error);
		return;
	case AGENTLINK_DRAIN:
		return; /* GOODBYE follows when it has answered */
	case AGENTLINK_GOODBYE:
		target_host_fail(t->host, TARGET_RETRY, "GOODBYE",
		    "the parent is going down", m->u.goodbye.retry_after_ms);
		return;
	default:
		break;
	}
	if (t->phase != CHAIN_UP && t->phase != CHAIN_RECONCILE) {
		early_message(t, m);
	} else if (m->type == AGENTLINK_CHAIN_ACK) {
		chain_on_ack(t, &m->u.chain_ack);
		set_credit(t, m->u.chain_ack.credit_bytes,
		    m->u.chain_ack.credit_batches);
	} else if (m->type == AGENTLINK_CHAIN_NACK) {
		chain_on_nack(t, &m->u.chain_nack);
	} else if (m->type != AGENTLINK_CHAIN_STATE) {
		/* CHAIN_STATE after a NACK: that one starts over anyway. */
		wrong_time(t);
	}
}

/* ---- the connection
 * ------------------------------------------------------------------------ */

static size_t
on_data(struct bytes data, void *arg)
{
	struct target *t = arg;
	struct link *link = call_link(t->call);
	struct agentlink_frame f;
	struct agentlink_msg m;
	size_t used, total = 0;
	int rc;

	t->heard_ms = loop_now_ms(target_host_loop(t->host));
	/* A message may end the connection: then the link is another. */
	while (call_link(t->call) == link) {
		rc = agentlink_frame_decode(
		    bytes_of(data.ptr + total, data.len - total),
		    AGENTLINK_FRAME_MAX, &f, &used, NULL);
		if (rc == 0)
			return total;
		total += used;
		if (rc == 1)
			rc = agentlink_msg_decode(&f, &m);
		if (rc == ERR_UNSUPPORTED && !(f.flags & AGENTLINK_CRITICAL))
			continue;
		if (rc) {
			target_host_fail(t->host, TARGET_RETRY, "PROTOCOL",
			    "the parent sent what is not agentlink", 0);
			return data.len;
		}
		message(t, &m);
	}
	return data.len;
}

static void
on_up(struct link *link, void *arg)
{
	struct target *t = arg;

	(void)link;
	t->heard_ms = loop_now_ms(target_host_loop(t->host));
	say_hello(t);
}

static void
on_drained(void *arg)
{
	struct target *t = arg;

	target_host_more(t->host);
}

static const struct call_events call_events = {
    .on_up = on_up,
    .on_data = on_data,
    .on_drained = on_drained,
};

static void
start(struct target *t)
{
	t->phase = CHAIN_DIALLING;
	call_start(t->call);
}

static void
reset(struct target *t)
{
	call_reset(t->call);
	t->phase = CHAIN_DOWN;
	t->credit_bytes = t->credit_batches = 0;
	chain_forget_flight(t);
	free(t->intervals);
	t->intervals = NULL;
	t->n_intervals = 0;
}

static void
on_timer(void *arg)
{
	struct agentlink_msg m = {.type = AGENTLINK_PING};
	struct target *t = arg;
	uint64_t now = loop_now_ms(target_host_loop(t->host));

	if (!call_link(t->call) || t->phase < CHAIN_HELLO)
		return;
	if (now - t->heard_ms > SILENCE_MS ||
	    (t->phase < CHAIN_RECONCILE &&
		now - t->heard_ms > call_timeout_ms(t->call))) {
		target_host_fail(t->host, TARGET_RETRY, "SILENCE",
		    "the parent does not answer", 0);
	} else if (now - t->said_ms > SAY_WITHIN_MS) {
		m.u.ping.t1 = clock_now().wall_ns;
		chain_say(t, &m);
	}
}

/* ---- life cycle
 * --------------------------------------------------------------------------------
 */

static void
close_target(struct target *t)
{
	if (!t)
		return;
	reset(t);
	loop_timer_free(t->timer);
	call_free(t->call);
	pack_free(t->pack);
	digest_sha256_free(t->sha);
	ivset_fini(&t->settled);
	ivset_fini(&t->parents);
	for (size_t i = 0; i <= ENTRY_SKIP_GIVEN_UP; i++)
		ivset_fini(&t->holes[i]);
	buf_fini(&t->out);
	buf_fini(&t->ranges);
	buf_fini(&t->raw);
	free(t);
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
	ivset_init(&t->settled, 65536);
	ivset_init(&t->parents, 65536);
	for (size_t i = 0; i <= ENTRY_SKIP_GIVEN_UP; i++)
		ivset_init(&t->holes[i], 1024);
	buf_init(&t->out, AGENTLINK_FRAME_MAX + 65536);
	buf_init(&t->ranges, BATCH_RANGES_MAX);
	buf_init(&t->raw, BATCH_RAW_MAX);
	rc = call_new(host, &call_events, t, &t->call);
	if (!rc)
		rc = configure(t, kv);
	if (!rc)
		rc = loop_timer_new(
		    target_host_loop(host), on_timer, t, &t->timer);
	if (!rc)
		rc = pack_new(1, &t->pack);
	if (!rc)
		rc = digest_sha256_new(&t->sha);
	if (rc) {
		close_target(t);
		return rc;
	}
	loop_timer_start(t->timer, TICK_MS, TICK_MS);
	*out = t;
	return 0;
}

static int
keeper_state(struct target *t, const struct ipc_target_state *state)
{
	struct cursor c;

	t->spool = state->spool;
	t->incarnation = state->incarnation;
	t->start_rec = state->start_rec;
	t->next_rec = state->next_rec;
	memcpy(t->opaque, state->opaque, ENTRY_OPAQUE_SIZE);
	ivset_clear(&t->settled);
	cursor_init(&c, state->settled);
	ivset_decode(&c, &t->settled);
	return cursor_end(&c);
}

static int
hole(struct target *t, uint64_t from, uint64_t to, uint8_t reason)
{
	chain_on_hole(t, from, to, reason);
	return 0;
}

const struct target_class chain_class = {
    .protocol = "chain",
    .sandbox = SANDBOX_FORWARDER,
    .prepare = prepare,
    .open = open_target,
    .close = close_target,
    .configure = configure,
    .state = keeper_state,
    .start = start,
    .reset = reset,
    .send = chain_send_batch,
    .digest = chain_on_own_digest,
    .hole = hole,
};
