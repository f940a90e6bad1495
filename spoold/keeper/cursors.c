/* SPDX-License-Identifier: Apache-2.0 */
#include "spoold/keeper/cursors.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/err.h"
#include "spoold/keeper/mem.h"

static void
target_free(struct cursors_target *t)
{
	ivset_fini(&t->settled);
	free(t->unlogged);
	free(t);
}

void
cursors_clear(struct cursors *c)
{
	while (c->n)
		target_free(c->target[--c->n]);
}

void
cursors_fini(struct cursors *c)
{
	cursors_clear(c);
	free(c->target);
	*c = (struct cursors){0};
}

struct cursors_target *
cursors_find(const struct cursors *c, struct bytes name)
{
	size_t i;

	for (i = 0; i < c->n; i++)
		if (bytes_equal_str(name, c->target[i]->name))
			return c->target[i];
	return NULL;
}

static void
copy_text(char *to, size_t max, struct bytes from)
{
	size_t len = from.len < max ? from.len : max;

	if (len)
		memcpy(to, from.ptr, len);
	to[len] = '\0';
}

int
cursors_add(struct cursors *c, struct bytes name, struct bytes protocol,
    uint64_t start_rec, struct cursors_target **out)
{
	struct cursors_target *t;

	if (!name.len || name.len > ENTRY_NAME_MAX)
		return ERR_INVAL;
	if (cursors_find(c, name))
		return ERR_EXISTS;
	if (c->n == CURSORS_TARGETS_MAX)
		return ERR_LIMIT;
	t = mem_new(sizeof(*t));
	copy_text(t->name, ENTRY_NAME_MAX, name);
	copy_text(t->protocol, CURSORS_PROTOCOL_MAX, protocol);
	t->start_rec = start_rec ? start_rec : 1;
	t->serial = 1;
	ivset_init(&t->settled, CURSORS_INTERVALS_MAX);
	c->target = mem_grow(c->target, c->n + 1, sizeof(*c->target));
	c->target[c->n++] = t;
	if (out)
		*out = t;
	return 0;
}

void
cursors_remove(struct cursors *c, struct cursors_target *t)
{
	size_t i = 0;

	while (c->target[i] != t)
		i++;
	memmove(&c->target[i], &c->target[i + 1],
	    (c->n - i - 1) * sizeof(*c->target));
	c->n--;
	target_free(t);
}

int
cursors_rename(
    struct cursors *c, struct cursors_target *t, struct bytes new_name)
{
	if (!new_name.len || new_name.len > ENTRY_NAME_MAX)
		return ERR_INVAL;
	if (cursors_find(c, new_name))
		return ERR_EXISTS;
	copy_text(t->name, ENTRY_NAME_MAX, new_name);
	t->serial++;
	return 0;
}

void
cursors_set_protocol(struct cursors_target *t, struct bytes protocol)
{
	if (bytes_equal_str(protocol, t->protocol))
		return;
	copy_text(t->protocol, CURSORS_PROTOCOL_MAX, protocol);
	memset(t->opaque, 0, sizeof(t->opaque));
	t->serial++;
}

int
cursors_settle(struct cursors_target *t, enum entry_term term, uint64_t from,
    uint64_t to, uint64_t *added)
{
	uint64_t n = 0;
	int rc;

	if (from < t->start_rec)
		from = t->start_rec;
	if (from < to) {
		rc = ivset_add(&t->settled, from, to, &n);
		if (rc)
			return rc;
		t->term[term] += n;
		t->serial++;
	}
	if (added)
		*added = n;
	return 0;
}

/*
 * Numbers that cannot be read: all are settled, but only up to `count` are
 * counted as records, for the rest never were any.
 */
static int
settle_hole(
    struct cursors_target *t, uint64_t from, uint64_t to, uint64_t count)
{
	uint64_t n = 0;
	int rc;

	if (from < t->start_rec)
		from = t->start_rec;
	if (from >= to)
		return 0;
	rc = ivset_add(&t->settled, from, to, &n);
	if (rc)
		return rc;
	t->term[ENTRY_TERM_QUARANTINED] += n < count ? n : count;
	t->serial++;
	return 0;
}

void
cursors_plan_again(const struct cursors_target *t, uint64_t from, uint64_t to,
    uint64_t term[static ENTRY_TERMS], struct entry_pending_again *e)
{
	uint64_t left, take;
	size_t i;

	*e = (struct entry_pending_again){
	    .target = bytes_of_str(t->name), .from = from, .to = to};
	left = ivset_count_in(&t->settled, from, to);
	for (i = 0; i < ENTRY_TERMS; i++) {
		take = left < term[i] ? left : term[i];
		e->count[i] = take;
		term[i] -= take;
		left -= take;
	}
}

void
cursors_again(struct cursors_target *t, const struct entry_pending_again *e)
{
	uint64_t removed;
	size_t i;

	if (ivset_remove(&t->settled, e->from, e->to, &removed))
		return;
	for (i = 0; i < ENTRY_TERMS; i++)
		t->term[i] -=
		    e->count[i] < t->term[i] ? e->count[i] : t->term[i];
	t->serial++;
}

void
cursors_note(
    struct cursors_target *t, enum entry_term term, uint64_t from, uint64_t to)
{
	struct entry_settled *last =
	    t->unlogged_n ? &t->unlogged[t->unlogged_n - 1] : NULL;

	if (last && last->term == term && last->to == from) {
		last->to = to;
		return;
	}
	if (t->unlogged_n == t->unlogged_cap) {
		t->unlogged_cap = t->unlogged_cap ? t->unlogged_cap * 2 : 8;
		t->unlogged = mem_grow(
		    t->unlogged, t->unlogged_cap, sizeof(*t->unlogged));
	}
	t->unlogged[t->unlogged_n++] = (struct entry_settled){
	    .term = (uint8_t)term, .from = from, .to = to};
}

void
cursors_sum_up(struct cursors_target *t)
{
	t->unlogged_n = 0;
	t->unlogged_state = true;
}

bool
cursors_has_unlogged(const struct cursors_target *t)
{
	return !t->held &&
	    (t->unlogged_n || t->opaque_unlogged || t->unlogged_state);
}

void
cursors_take_delivered(struct cursors_target *t, struct buf *b)
{
	struct entry e = {.type = ENTRY_DELIVERED};
	struct buf list;
	size_t i;

	if (t->unlogged_state) {
		e = cursors_entry(t);
		entry_encode(b, &e);
		t->unlogged_n = 0;
		t->opaque_unlogged = t->unlogged_state = false;
		return;
	}
	buf_init(&list, SIZE_MAX);
	for (i = 0; i < t->unlogged_n; i++)
		entry_settled_encode(&list, &t->unlogged[i]);
	e.u.delivered.target = bytes_of_str(t->name);
	memcpy(e.u.delivered.opaque, t->opaque, ENTRY_OPAQUE_SIZE);
	e.u.delivered.n = (uint32_t)t->unlogged_n;
	e.u.delivered.settled = buf_bytes(&list);
	entry_encode(b, &e);
	buf_fini(&list);
	t->unlogged_n = 0;
	t->opaque_unlogged = false;
}

uint64_t
cursors_pending_in(const struct cursors_target *t, uint64_t from, uint64_t to)
{
	if (from < t->start_rec)
		from = t->start_rec;
	if (from >= to)
		return 0;
	return to - from - ivset_count_in(&t->settled, from, to);
}

uint64_t
cursors_first_pending(const struct cursors_target *t, uint64_t from)
{
	return ivset_first_gap(
	    &t->settled, from < t->start_rec ? t->start_rec : from);
}

/* A full set costs a resend; it must not keep the log from being read. */
static int
soft(int rc)
{
	return rc == ERR_LIMIT ? 0 : rc;
}

static int
apply_delivered(struct cursors *c, const struct entry_delivered *d)
{
	struct cursors_target *t = cursors_find(c, d->target);
	struct entry_settled s;
	struct cursor in;
	int rc;

	if (!t)
		return 0;
	cursor_init(&in, d->settled);
	while ((rc = entry_settled_next(&in, &s)) == 1) {
		if (s.term >= ENTRY_TERMS)
			return ERR_FORMAT;
		rc = soft(cursors_settle(t, s.term, s.from, s.to, NULL));
		if (rc)
			return rc;
	}
	memcpy(t->opaque, d->opaque, ENTRY_OPAQUE_SIZE);
	t->serial++;
	return rc;
}

static int
apply_quarantine(struct cursors *c, const struct entry_quarantine *q)
{
	size_t i;
	int rc;

	for (i = 0; i < c->n; i++) {
		rc = soft(settle_hole(c->target[i], q->from, q->to, q->count));
		if (rc)
			return rc;
	}
	return 0;
}

static int
apply_target(struct cursors *c, const struct entry_target *e)
{
	struct cursors_target *t = cursors_find(c, e->name);

	if (e->action == ENTRY_TARGET_ADDED)
		return t
		    ? 0
		    : cursors_add(c, e->name, e->protocol, e->start_rec, NULL);
	if (!t)
		return 0;
	switch (e->action) {
	case ENTRY_TARGET_REMOVED:
		cursors_remove(c, t);
		break;
	case ENTRY_TARGET_RENAMED:
		return cursors_rename(c, t, e->new_name);
	case ENTRY_TARGET_PAUSED:
	case ENTRY_TARGET_RESUMED:
		t->paused = e->action == ENTRY_TARGET_PAUSED;
		t->serial++;
		break;
	case ENTRY_TARGET_PROTOCOL:
		cursors_set_protocol(t, e->protocol);
		break;
	default:
		break;
	}
	return 0;
}

static int
apply_state(struct cursors *c, const struct entry_target_state *s)
{
	struct cursors_target *t = cursors_find(c, s->name);
	int rc = 0;

	if (!t)
		rc = cursors_add(c, s->name, s->protocol, s->start_rec, &t);
	if (rc)
		return rc;
	copy_text(t->protocol, CURSORS_PROTOCOL_MAX, s->protocol);
	t->paused = s->paused;
	t->start_rec = s->start_rec;
	memcpy(t->term, s->term, sizeof(t->term));
	memcpy(t->opaque, s->opaque, sizeof(t->opaque));
	t->serial++;
	return ivset_copy(&t->settled, &s->settled);
}

static int
apply_give_up(struct cursors *c, const struct entry_give_up *g)
{
	struct cursors_target *t = cursors_find(c, g->target);

	if (g->term >= ENTRY_TERMS)
		return ERR_FORMAT;
	return t ? soft(cursors_settle(t, g->term, g->from, g->to, NULL)) : 0;
}

int
cursors_apply(struct cursors *c, const struct entry *e)
{
	struct cursors_target *t;

	switch (e->type) {
	case ENTRY_DELIVERED:
		return apply_delivered(c, &e->u.delivered);
	case ENTRY_GIVE_UP:
		return apply_give_up(c, &e->u.give_up);
	case ENTRY_QUARANTINE:
		return apply_quarantine(c, &e->u.quarantine);
	case ENTRY_TARGET:
		return apply_target(c, &e->u.target);
	case ENTRY_TARGET_STATE:
		return apply_state(c, &e->u.target_state);
	case ENTRY_PENDING_AGAIN:
		t = cursors_find(c, e->u.pending_again.target);
		if (t)
			cursors_again(t, &e->u.pending_again);
		return 0;
	default:
		return 0;
	}
}

struct entry
cursors_entry(const struct cursors_target *t)
{
	struct entry e = {.type = ENTRY_TARGET_STATE};
	struct entry_target_state *s = &e.u.target_state;

	s->name = bytes_of_str(t->name);
	s->protocol = bytes_of_str(t->protocol);
	s->paused = t->paused;
	s->start_rec = t->start_rec;
	memcpy(s->term, t->term, sizeof(s->term));
	memcpy(s->opaque, t->opaque, sizeof(s->opaque));
	s->settled = t->settled;
	return e;
}

bool
cursors_adopt(struct cursors_target *t, const struct entry_target_state *saved,
    uint64_t next_rec, bool newer)
{
	uint64_t known = ivset_count(&t->settled), both = 0;
	size_t i;

	if (saved->start_rec != t->start_rec ||
	    ivset_end(&saved->settled) > next_rec ||
	    ivset_count(&saved->settled) < known)
		return false;
	for (i = 0; i < t->settled.n; i++)
		both += ivset_count_in(&saved->settled, t->settled.iv[i].from,
		    t->settled.iv[i].to);
	if (both != known)
		return false;
	/* A position may move without records: a file that was begun. */
	if (ivset_count(&saved->settled) == known &&
	    (!newer || !memcmp(t->opaque, saved->opaque, sizeof(t->opaque))))
		return false;
	memcpy(t->term, saved->term, sizeof(t->term));
	memcpy(t->opaque, saved->opaque, sizeof(t->opaque));
	t->serial++;
	return ivset_copy(&t->settled, &saved->settled) == 0;
}
