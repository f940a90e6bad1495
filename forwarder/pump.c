/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The usual course: the keeper's link comes, TARGET is said, TARGET_STATE
 * answers; the target is started and comes up; WORK opens the window; STORED
 * batches are sent in order; what is settled goes back as VERDICTS in the next
 * turn.
 *
 * What can go wrong: the target fails (reset, back-off, start, everything not
 * settled is sent again); the keeper dies (everything in hand is forgotten:
 * the next keeper hands out what it does not know as settled).
 */
#include "forwarder/pump.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "forwarder/pump_internal.h"
#include "lib/base/clock.h"
#include "lib/base/err.h"
#include "lib/base/failpoint.h"
#include "lib/base/log.h"

#define TARGET(class) extern const struct target_class class;
#include "forwarder/targets/targets.def"
#undef TARGET

static const struct target_class *const classes[] = {
#define TARGET(class) &class,
#include "forwarder/targets/targets.def"
#undef TARGET
};

const struct target_class *
pump_class(const char *protocol)
{
	for (size_t i = 0; i < sizeof(classes) / sizeof(*classes); i++)
		if (!strcmp(classes[i]->protocol, protocol))
			return classes[i];
	return NULL;
}

/* ---- to the keeper ---------------------------------------------------------
 */

void
pump_must(int rc, const char *what)
{
	if (!rc)
		return;
	log_error("cannot %s: %s", what, err_text(rc));
	exit(1);
}

void
pump_send_msg(struct target_host *h, const struct ipc_msg *m)
{
	struct buf b;
	struct bytes part;
	int rc;

	if (!h->keeper)
		return;
	buf_init(&b, IPC_MESSAGE_MAX);
	ipc_encode(&b, m);
	part = buf_bytes(&b);
	rc = b.err ? b.err : chan_send(h->keeper, m->type, &part, 1, -1);
	buf_fini(&b);
	/* That the keeper has gone is told when its messages are read. */
	pump_must(rc == ERR_CLOSED ? 0 : rc, "talk to the keeper");
}

void
pump_soon(struct target_host *h)
{
	if (!loop_timer_is_active(h->soon))
		loop_timer_start(h->soon, 0, 0);
}

void
pump_flush_verdicts(struct target_host *h)
{
	struct ipc_msg m = {.type = IPC_VERDICTS};

	if (h->last_verdict.to) {
		entry_settled_encode(&h->verdicts, &h->last_verdict);
		h->n_verdicts++;
		h->last_verdict = (struct entry_settled){0};
	}
	if (!h->n_verdicts && !h->has_opaque)
		return;
	m.u.verdicts.n = h->n_verdicts;
	m.u.verdicts.settled = buf_bytes(&h->verdicts);
	m.u.verdicts.has_opaque = h->has_opaque;
	memcpy(m.u.verdicts.opaque, h->opaque, ENTRY_OPAQUE_SIZE);
	FAILPOINT("forwarder-before-verdicts");
	pump_send_msg(h, &m);
	FAILPOINT("forwarder-after-verdicts");
	buf_clear(&h->verdicts);
	h->n_verdicts = 0;
	h->has_opaque = false;
}

static const char *
state_word(const struct target_host *h)
{
	if (h->up || h->verdict == TARGET_OK)
		return "ok";
	return h->verdict == TARGET_RETRY ? "retry" : "hold";
}

static void
tell_status(struct target_host *h)
{
	struct ipc_msg m = {.type = IPC_TARGET_STATUS};
	struct kv *kv = NULL;
	struct buf b;

	if (!h->keeper || kv_new(&kv))
		return;
	h->status_changed = false;
	kv_add_str(kv, "state", state_word(h));
	kv_add_u64(kv, "up", h->up);
	kv_add_u64(kv, "attempts", h->attempts);
	if (h->error_ns) {
		kv_add_str(kv, "error.code", h->error_code);
		kv_add_str(kv, "error.text", h->error_text);
		kv_add_u64(kv, "error.at_ns", (uint64_t)h->error_ns);
	}
	kv_add_u64(kv, "certificate.ends", h->certificate_ends);
	if (h->success_ns)
		kv_add_u64(kv, "success_ns", (uint64_t)h->success_ns);
	buf_init(&b, KV_BYTES_MAX);
	kv_encode(kv, &b);
	m.u.kv.kv = buf_bytes(&b);
	if (!b.err)
		pump_send_msg(h, &m);
	buf_fini(&b);
	kv_free(kv);
}

/* ---- batches ---------------------------------------------------------------
 */

/* Frees the batches at the front that are wholly settled. */
static void
trim(struct target_host *h)
{
	while (h->first && !h->first->left) {
		struct pump_batch *b = h->first;

		h->first = b->next;
		if (!h->first)
			h->last = NULL;
		h->window_used -= b->cost;
		h->window_n--;
		ivset_remove(&h->settled, b->batch.first_rec,
		    b->batch.first_rec + b->batch.records, NULL);
		free(b->mem);
		free(b);
	}
}

void
pump_forget(struct target_host *h)
{
	for (struct pump_batch *b = h->first; b; b = b->next)
		b->left = 0;
	trim(h);
	ivset_clear(&h->settled);
	buf_clear(&h->verdicts);
	h->n_verdicts = 0;
	h->has_opaque = false;
	h->last_verdict = (struct entry_settled){0};
}

void
pump_run(struct target_host *h)
{
	bool any = false;

	for (struct pump_batch *b = h->first; b; b = b->next) {
		if (!h->up || h->blocked || h->paused)
			return;
		if (b->sent || !b->left)
			continue;
		if (h->class->send(h->target, &b->batch) == ERR_AGAIN) {
			h->blocked = h->up;
			return;
		}
		b->sent = any = true;
	}
	if (any && h->up && h->class->idle)
		h->class->idle(h->target);
}

void
pump_start(struct target_host *h)
{
	if (h->started || h->paused || !h->has_state || h->asks ||
	    loop_timer_is_active(h->retry))
		return;
	h->started = true;
	h->attempts++;
	h->class->start(h->target);
}

/* ---- timers ----------------------------------------------------------------
 */

static void
on_retry(void *arg)
{
	pump_start(arg);
}

static void
on_more(void *arg)
{
	target_host_more(arg);
}

static void
on_tick(void *arg)
{
	tell_status(arg);
}

static void
on_soon(void *arg)
{
	struct target_host *h = arg;

	trim(h);
	pump_flush_verdicts(h);
	if (h->status_changed)
		tell_status(h);
}

/* ---- links -----------------------------------------------------------------
 */

static void
lose_keeper(struct target_host *h)
{
	chan_free(h->keeper);
	h->keeper = NULL;
	h->has_state = h->asks = false;
	h->class->reset(h->target);
	h->started = h->up = h->blocked = false;
	pump_forget(h);
	pump_forget_streams(h);
	ivset_clear(&h->before);
}

static void
on_keeper_closed(int rc, void *arg)
{
	struct target_host *h = arg;

	log_warn("the keeper is gone (%s)", err_text(rc));
	lose_keeper(h);
}

static void
on_keeper_message(uint16_t type, struct bytes payload, int fd, void *arg)
{
	struct target_host *h = arg;
	int rc = pump_on_keeper(h, type, payload);

	(void)fd;
	if (rc && h->keeper) {
		log_error("message %s of the keeper: %s", ipc_type_name(type),
		    err_text(rc));
		lose_keeper(h);
	}
}

static const struct chan_events keeper_events = {
    .on_message = on_keeper_message,
    .on_closed = on_keeper_closed,
};

void
pump_connect(struct pump *p, int fd)
{
	struct target_host *h = &p->host;
	struct ipc_msg m = {.type = IPC_TARGET};

	if (h->keeper)
		lose_keeper(h);
	if (chan_new(h->loop, fd, &keeper_events, h, &h->keeper)) {
		log_error("cannot use the line to the keeper");
		close(fd);
		return;
	}
	m.u.target.name = bytes_of_str(h->name);
	m.u.target.protocol = bytes_of_str(h->protocol);
	pump_send_msg(h, &m);
}

static void
lose_resolver(struct target_host *h)
{
	chan_free(h->resolver);
	h->resolver = NULL;
	if (h->resolve.active) {
		h->resolve.active = false;
		h->resolve.on_done(
		    NULL, 0, "the resolver is not there", h->resolve.arg);
	}
}

static void
on_resolver_closed(int rc, void *arg)
{
	(void)rc;
	lose_resolver(arg);
}

static void
on_resolver_message(uint16_t type, struct bytes payload, int fd, void *arg)
{
	struct target_host *h = arg;
	struct ipc_msg m;

	(void)fd;
	if (type != IPC_ADDRESSES || ipc_decode(type, payload, &m))
		lose_resolver(h);
	else
		pump_on_addresses(h, &m.u.addresses);
}

static const struct chan_events resolver_events = {
    .on_message = on_resolver_message,
    .on_closed = on_resolver_closed,
};

void
pump_connect_resolver(struct pump *p, int fd)
{
	struct target_host *h = &p->host;

	lose_resolver(h);
	if (chan_new(h->loop, fd, &resolver_events, h, &h->resolver)) {
		log_error("cannot use the line to the resolver");
		close(fd);
	}
}

/* ---- life cycle ------------------------------------------------------------
 */

static int
make_parts(struct target_host *h)
{
	int rc = digest_sha256_new(&h->sha);

	if (!rc)
		rc = loop_timer_new(h->loop, on_retry, h, &h->retry);
	if (!rc)
		rc = loop_timer_new(h->loop, on_more, h, &h->more);
	if (!rc)
		rc = loop_timer_new(h->loop, on_tick, h, &h->tick);
	if (!rc)
		rc = loop_timer_new(h->loop, on_soon, h, &h->soon);
	return rc;
}

int
pump_new(struct loop *loop, const char *name, const struct kv *kv, int dir_fd,
    struct pump **out)
{
	const char *protocol = "";
	const struct target_class *class;

	kv_get_str(kv, "protocol", &protocol);
	class = pump_class(protocol);
	return class ? pump_new_of(class, loop, name, kv, dir_fd, out)
		     : ERR_NOENT;
}

int
pump_new_of(const struct target_class *class, struct loop *loop,
    const char *name, const struct kv *kv, int dir_fd, struct pump **out)
{
	struct pump *p = calloc(1, sizeof(*p));
	struct target_host *h;
	int rc;

	if (!p)
		return ERR_NOMEM;
	h = &p->host;
	h->loop = loop;
	h->class = class;
	snprintf(h->name, sizeof(h->name), "%s", name);
	snprintf(h->protocol, sizeof(h->protocol), "%s", class->protocol);
	ivset_init(&h->settled, PUMP_INTERVALS_MAX);
	ivset_init(&h->before, PUMP_INTERVALS_MAX);
	buf_init(&h->verdicts, 2 * PUMP_VERDICTS_MAX);
	pace_init(&h->pace, 0, loop_now_ms(loop));
	rc = make_parts(h);
	if (!rc)
		rc = pump_settings_take(h, kv);
	if (!rc)
		rc = h->class->open(h, kv, dir_fd, &h->target);
	if (rc) {
		pump_free(p);
		return rc;
	}
	pump_settings_digest(h, kv, h->settings);
	loop_timer_start(h->tick, 1000, 1000);
	*out = p;
	return 0;
}

/* Come up anew, with what is not settled in hand. */
static void
restart(struct target_host *h)
{
	h->class->reset(h->target);
	h->started = h->up = h->blocked = false;
	loop_timer_stop(h->retry);
	backoff_on_success(&h->backoff);
	pump_start(h);
}

int
pump_configure(struct pump *p, const struct kv *kv)
{
	struct target_host *h = &p->host;
	uint8_t digest[DIGEST_SIZE];
	int rc;

	pump_settings_digest(h, kv, digest);
	if (!memcmp(digest, h->settings, sizeof(digest)))
		return 0;
	memcpy(h->settings, digest, sizeof(digest));
	rc = pump_settings_take(h, kv);
	if (!rc)
		rc = h->class->configure(h->target, kv);
	if (rc)
		return rc;
	for (size_t i = 0; i < PUMP_STREAM_BUCKETS; i++)
		for (struct pump_stream *s = h->streams[i]; s; s = s->next)
			s->stream.wanted =
			    pump_settings_wants(h, s->stream.name);
	restart(h);
	return 0;
}

void
pump_free(struct pump *p)
{
	struct target_host *h;

	if (!p)
		return;
	h = &p->host;
	if (h->target) {
		h->class->reset(h->target);
		pump_forget(h);
		h->class->close(h->target);
	}
	pump_forget_streams(h);
	pump_settings_free(h);
	chan_free(h->keeper);
	chan_free(h->resolver);
	loop_timer_free(h->retry);
	loop_timer_free(h->more);
	loop_timer_free(h->tick);
	loop_timer_free(h->soon);
	digest_sha256_free(h->sha);
	ivset_fini(&h->settled);
	ivset_fini(&h->before);
	buf_fini(&h->verdicts);
	free(p);
}
