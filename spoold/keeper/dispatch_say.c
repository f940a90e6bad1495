/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a forwarder says, and what it is answered.
 *
 * The usual course: TARGET, TARGET_STATE; WORK; STORED and VERDICTS.  What can
 * go wrong: a verdict over numbers that were never given out, or in a term
 * that is not a forwarder's to give: the link ends.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/err.h"
#include "lib/base/log.h"
#include "lib/codec/kv.h"
#include "lib/digest/digest.h"
#include "spoold/keeper/dispatch_state.h"
#include "spoold/keeper/mem.h"

void
dispatch_say(struct dispatch_link *l, const struct ipc_msg *m)
{
	struct buf b;
	struct bytes part;
	int rc;

	if (l->ended)
		return;
	buf_init(&b, IPC_MESSAGE_MAX);
	ipc_encode(&b, m);
	part = buf_bytes(&b);
	rc = b.err ? b.err : chan_send(l->chan, m->type, &part, 1, -1);
	buf_fini(&b);
	if (rc && rc != ERR_CLOSED)
		dispatch_end(l, err_text(rc));
}

static void
on_first_logged(struct item *it, void *arg)
{
	struct keeper *k = arg;

	(void)it;
	k->positions_queued--;
	for (size_t i = 0; i < k->cursors.n; i++) {
		struct cursors_target *t = k->cursors.target[i];

		if (t->first_unlogged)
			t->serial++; /* now meta may save it, and say so */
		t->first_unlogged = false;
	}
}

/*
 * A first position goes to the log before it is said to be durable: if only
 * meta had it, and were lost, the target would find files of its own name in
 * its directory and know nothing of them.
 */
static void
take_position(struct dispatch_link *l, const uint8_t opaque[ENTRY_OPAQUE_SIZE])
{
	static const uint8_t none[ENTRY_OPAQUE_SIZE];
	struct cursors_target *t = l->target;
	struct keeper *k = l->all->k;
	bool first = !memcmp(t->opaque, none, sizeof(none));
	struct buf b;

	memcpy(t->opaque, opaque, ENTRY_OPAQUE_SIZE);
	t->opaque_unlogged = true;
	t->serial++;
	if (!first)
		return;
	t->first_unlogged = true;
	buf_init(&b, BATCH_STORED_MAX);
	cursors_take_delivered(t, &b);
	k->positions_queued++;
	keeper_entries(k, &b, on_first_logged, k);
	buf_fini(&b);
}

void
dispatch_say_state(struct dispatch_link *l)
{
	struct ipc_msg m = {.type = IPC_TARGET_STATE};
	struct cursors_target *t = l->target;
	struct buf settled;

	if (!t || !l->introduced)
		return;
	buf_init(&settled, IPC_MESSAGE_MAX);
	ivset_encode(&t->settled, &settled);
	m.u.target_state = (struct ipc_target_state){
	    .spool = l->all->k->identity.spool,
	    .incarnation = l->all->k->identity.incarnation,
	    .start_rec = t->start_rec,
	    .next_rec = l->all->k->next_rec,
	    .paused = t->paused,
	    .floor_ns = keeper_floor_ns(l->all->k),
	    .settled = buf_bytes(&settled),
	};
	memcpy(m.u.target_state.opaque, t->opaque, ENTRY_OPAQUE_SIZE);
	memcpy(l->told, t->opaque, ENTRY_OPAQUE_SIZE);
	l->answered = true;
	dispatch_say(l, &m);
	buf_fini(&settled);
}

static void
on_target(struct dispatch_link *l, const struct ipc_target *m)
{
	if (l->introduced || !bytes_equal_str(m->name, l->name)) {
		dispatch_end(l, "TARGET is said once, with its own name");
		return;
	}
	l->introduced = true;
	l->target = cursors_find(&l->all->k->cursors, m->name);
	dispatch_say_state(l);
	dispatch_work_restart(l);
}

static void
on_work(struct dispatch_link *l, const struct ipc_work *m)
{
	l->window_bytes =
	    m->bytes < DISPATCH_WINDOW_BYTES ? m->bytes : DISPATCH_WINDOW_BYTES;
	l->window_batches = m->batches < DISPATCH_WINDOW_BATCHES
	    ? m->batches
	    : DISPATCH_WINDOW_BATCHES;
	dispatch_work_kick(l);
}

/* ---- verdicts ---- */

static bool
may_settle(const struct dispatch_link *l, const struct entry_settled *s)
{
	return s->from && s->from < s->to && s->to <= l->all->k->next_rec &&
	    (s->term == ENTRY_TERM_DELIVERED ||
		s->term == ENTRY_TERM_UNCONFIRMED ||
		s->term == ENTRY_TERM_FILTERED ||
		s->term == ENTRY_TERM_QUARANTINED);
}

static int
settle(struct dispatch_link *l, const struct entry_settled *s)
{
	uint64_t added = 0;
	int rc;

	if (!may_settle(l, s))
		return ERR_INVAL;
	rc = cursors_settle(l->target, s->term, s->from, s->to, &added);
	if (rc || !added)
		return rc;
	cursors_note(l->target, s->term, s->from, s->to);
	l->settled += added;
	return 0;
}

/* Below the reserve cursor moves go to meta alone (RULES.md 5). */
static void
log_position(struct dispatch_link *l)
{
	if (l->all->k->full)
		cursors_sum_up(l->target);
	else
		keeper_log_positions(l->all->k);
}

static void
on_verdicts(struct dispatch_link *l, const struct ipc_verdicts *m)
{
	struct entry_settled s;
	struct cursor c;
	int rc;

	if (!l->answered || !l->target) {
		dispatch_end(l, "verdicts before it was told its state");
		return;
	}
	cursor_init(&c, m->settled);
	while ((rc = entry_settled_next(&c, &s)) == 1) {
		rc = settle(l, &s);
		if (rc)
			break;
	}
	if (rc) {
		dispatch_end(l, "verdicts that cannot be");
		return;
	}
	if (m->has_opaque &&
	    memcmp(l->target->opaque, m->opaque, ENTRY_OPAQUE_SIZE))
		take_position(l, m->opaque);
	if (l->target->unlogged_n >= CURSORS_UNLOGGED_MAX)
		log_position(l);
	dispatch_work_kick(l);
}

/* ---- digests of batches, for a parent ---- */

static void
run_query(void *arg)
{
	struct dispatch_query *q = arg;
	struct store_cursor *c = NULL;
	struct store_batch b;
	struct store_damage damage;
	struct buf copy;

	buf_init(&copy, (size_t)BATCH_STORED_MAX + (2 << 20));
	while (!c || b.header.kind != BATCH_DATA) {
		if (!c && store_cursor_open(q->store, q->digest.last_rec, &c))
			break;
		if (store_cursor_next(c, true, &copy, &b, &damage))
			break;
		if (b.header.kind != BATCH_DATA)
			continue;
		q->digest.first_rec = b.header.first_rec;
		q->digest.found = b.header.first_rec + b.header.records - 1 ==
		    q->digest.last_rec;
		memcpy(q->digest.digest, b.header.content_digest,
		    BATCH_DIGEST_SIZE);
	}
	store_cursor_close(c);
	buf_fini(&copy);
}

static void
on_query_done(int rc, void *arg)
{
	struct dispatch_query *q = arg;
	struct ipc_msg m = {.type = IPC_DIGEST};

	(void)rc;
	q->link->queries--;
	m.u.digest = q->digest;
	if (q->link->ended)
		dispatch_end(q->link, NULL); /* it waited for this */
	else
		dispatch_say(q->link, &m);
	free(q);
}

static void
on_digest_query(struct dispatch_link *l, const struct ipc_digest *m)
{
	struct dispatch_query *q = mem_new(sizeof(*q));

	q->link = l;
	q->store = l->all->k->store;
	q->digest.last_rec = m->last_rec;
	if (l->queries >= DISPATCH_QUERIES_MAX) {
		free(q);
		dispatch_end(l, "too many questions for digests");
		return;
	}
	l->queries++;
	if (keeper_work(l->all->k, run_query, on_query_done, q))
		on_query_done(ERR_SYS, q);
}

/* ---- what is durable before it takes effect ---- */

struct wish {
	struct keeper *k;
	char name[ENTRY_NAME_MAX + 1];
	struct uuid incarnation;
};

static void
on_incarnation_durable(struct item *it, void *arg)
{
	struct wish *w = arg;

	(void)it;
	w->k->identity.incarnation = w->incarnation;
	dispatch_on_target(w->k->dispatch, w->name);
	free(w);
}

static void
on_new_incarnation(struct dispatch_link *l, const struct ipc_incarnation *m)
{
	struct wish *w = mem_new(sizeof(*w));
	struct entry e = {.type = ENTRY_INCARNATION};

	w->k = l->all->k;
	memcpy(w->name, l->name, sizeof(w->name));
	if (digest_random(&w->incarnation, sizeof(w->incarnation))) {
		free(w);
		dispatch_end(l, "no random bytes for an incarnation");
		return;
	}
	keeper_alarm(w->k, "NEW_INCARNATION: target %s: %.*s", l->name,
	    (int)m->why.len, (const char *)m->why.ptr);
	e.u.incarnation = (struct entry_incarnation){
	    .incarnation = w->incarnation,
	    .next_rec = w->k->next_rec,
	    .why = m->why,
	};
	keeper_entry(w->k, &e, on_incarnation_durable, w);
}

/* ---- status ---- */

static void
copy_kv(const struct kv *kv, const char *key, char *to, size_t size)
{
	const char *text;

	if (!kv_get_str(kv, key, &text))
		snprintf(to, size, "%s", text);
}

/* A time in nanoseconds, kept as the text that status shows. */
static void
copy_time(const struct kv *kv, const char *key, char to[CLOCK_TEXT_SIZE])
{
	uint64_t ns;

	if (!kv_get_u64(kv, key, &ns) && ns <= INT64_MAX)
		clock_format((int64_t)ns, to);
}

static void
on_status(struct dispatch_link *l, struct bytes encoded)
{
	struct kv *kv;
	uint64_t x;

	if (kv_decode(encoded, &kv))
		return;
	copy_kv(kv, "state", l->state.state, sizeof(l->state.state));
	copy_kv(
	    kv, "error.code", l->state.error_code, sizeof(l->state.error_code));
	copy_kv(
	    kv, "error.text", l->state.error_text, sizeof(l->state.error_text));
	copy_time(kv, "error.at_ns", l->state.error_at);
	copy_time(kv, "success_ns", l->state.success_at);
	l->state.up = !kv_get_u64(kv, "up", &x) && x;
	l->state.certificate_ends =
	    kv_get_u64(kv, "certificate.ends", &x) ? 0 : x;
	if (*l->name)
		keeper_note_certificate(
		    l->all->k, "target", l->name, l->state.certificate_ends);
	kv_free(kv);
}

void
dispatch_say_on_message(struct dispatch_link *l, const struct ipc_msg *m)
{
	switch (m->type) {
	case IPC_TARGET:
		on_target(l, &m->u.target);
		break;
	case IPC_WORK:
		on_work(l, &m->u.work);
		break;
	case IPC_VERDICTS:
		on_verdicts(l, &m->u.verdicts);
		break;
	case IPC_DIGEST_QUERY:
		on_digest_query(l, &m->u.digest);
		break;
	case IPC_NEW_INCARNATION:
		on_new_incarnation(l, &m->u.incarnation);
		break;
	case IPC_PENDING_AGAIN:
		dispatch_custody_lost(l, &m->u.pending_again);
		break;
	case IPC_UNREADABLE:
		dispatch_unreadable(l, &m->u.unreadable);
		break;
	case IPC_TARGET_STATUS:
		on_status(l, m->u.kv.kv);
		break;
	default:
		dispatch_end(l, "a message that is not for us");
	}
}
