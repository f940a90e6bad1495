/* SPDX-License-Identifier: Apache-2.0 */
#include "spoold/keeper/prove.h"

#include <stdlib.h>

#include "lib/base/err.h"
#include "spoold/keeper/mem.h"
#include "spoold/keeper/prove_count.h"

/* ---- the equations ---- */

/*
 * A counter has more stored than was counted: that is in order as far as
 * records cannot be read, which take_missing sees to.
 */
static uint64_t
missing(uint64_t counter, uint64_t counted)
{
	return counter > counted ? counter - counted : 0;
}

static void
judge_listener(struct prove_count *c, const struct counters_row *live, size_t i)
{
	struct prove_listener *p = &c->r->listener[i];
	struct bytes name = bytes_of_str(live->name);

	p->name = live->name;
	p->received = live->received;
	p->duplicate = live->duplicate;
	p->refused = live->refused;
	p->counter_stored = live->stored;
	p->stored = counters_of(&c->opening.counters, name)->stored +
	    counters_of(&c->counted, name)->stored;
	p->quarantined = missing(p->counter_stored, p->stored);
	p->holds = p->received ==
		p->stored + p->duplicate + p->refused + p->quarantined &&
	    p->stored + p->quarantined == p->counter_stored;
}

/* What was stored of it before the count begins; false: it cannot be known. */
static bool
add_opening(struct prove_count *c, struct prove_stream *p)
{
	const struct stream *then = streams_find(&c->opening.streams, &p->key);

	if (then && then->counts.since_rec == p->live.since_rec)
		p->stored += then->counts.stored;
	else if (p->live.since_rec && p->live.since_rec < c->opening.next_rec)
		return false;
	return true;
}

static void
judge_stream(struct prove_count *c, struct prove_stream *p)
{
	const struct entry_stream_counts *l = &p->live;

	if (!add_opening(c, p)) {
		p->verdict = PROVE_UNTOLD;
		return;
	}
	p->quarantined = missing(l->stored, p->stored);
	if (l->received !=
		p->stored + l->duplicate + l->refused + p->quarantined ||
	    p->stored + p->quarantined != l->stored)
		p->verdict = PROVE_BROKEN;
}

static void
judge_target(struct prove_count *c, size_t i)
{
	struct prove_target *p = &c->r->target[i];
	uint64_t sum = p->pending;
	size_t k;

	for (k = 0; k < ENTRY_TERMS; k++)
		sum += p->term[k];
	p->holds = sum == p->stored;
}

/* More is missing than cannot be read: then whoever misses some is broken. */
static void
judge_missing(struct prove_count *c)
{
	uint64_t listeners = 0, streams = 0;
	size_t i;

	for (i = 0; i < c->r->listeners; i++)
		listeners += c->r->listener[i].quarantined;
	for (i = 0; i < c->state->streams; i++)
		streams += c->state->stream[i].quarantined;
	for (i = 0; i < c->r->listeners && listeners > c->unattributed; i++)
		if (c->r->listener[i].quarantined)
			c->r->listener[i].holds = false;
	for (i = 0; i < c->state->streams && streams > c->unattributed; i++)
		if (c->state->stream[i].quarantined)
			c->state->stream[i].verdict = PROVE_BROKEN;
}

static void
sum_up(struct prove_count *c)
{
	struct prove_result *r = c->r;
	size_t i;

	for (i = 0; i < r->listeners; i++)
		r->holds = r->holds && r->listener[i].holds;
	for (i = 0; i < r->targets; i++)
		r->holds = r->holds && r->target[i].holds;
	for (i = 0; i < c->state->streams; i++) {
		r->streams_broken +=
		    c->state->stream[i].verdict == PROVE_BROKEN;
		r->streams_untold +=
		    c->state->stream[i].verdict == PROVE_UNTOLD;
	}
	r->holds = r->holds && !r->streams_broken;
	r->cannot_tell = r->streams_untold > 0;
}

static void
judge(struct prove_count *c)
{
	size_t i;

	for (i = 0; i < c->r->listeners; i++)
		judge_listener(c, &c->state->counters.row[i], i);
	for (i = 0; i < c->r->targets; i++)
		judge_target(c, i);
	for (i = 0; i < c->state->streams; i++)
		judge_stream(c, &c->state->stream[i]);
	judge_missing(c);
	sum_up(c);
}

int
prove_run(struct store *store, struct prove_state *s, const _Atomic bool *stop,
    struct prove_result *result)
{
	struct prove_count c = {
	    .store = store, .state = s, .stop = stop, .r = result};
	int rc;

	*result = (struct prove_result){
	    .holds = true, .listeners = s->counters.n, .targets = s->cursors.n};
	result->listener =
	    mem_new(s->counters.n * sizeof(*result->listener) + 1);
	result->target = mem_new(s->cursors.n * sizeof(*result->target) + 1);
	prove_count_init(&c);
	rc = prove_count_run(&c);
	if (rc == ERR_NOENT) {
		/* No equation has a beginning. */
		result->listeners = result->targets = 0;
		result->streams_untold = s->streams;
		result->cannot_tell = true;
		rc = 0;
	} else if (!rc) {
		judge(&c);
	}
	prove_count_fini(&c);
	return rc;
}

void
prove_result_fini(struct prove_result *r)
{
	free(r->listener);
	free(r->target);
}
