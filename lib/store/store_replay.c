/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/base/err.h"
#include "lib/store/segment.h"
#include "lib/store/store_cursor.h"
#include "lib/store/store_internal.h"
#include "lib/store/table.h"

#define VALUE_MAX (BATCH_STORED_MAX * 2u)

/* Hand batches [from, to) of the store to see, with what lies damaged. */
struct pass {
	struct store *s;
	int (*see)(void *arg, const struct store_batch *batch);
	void *arg;
	struct buf copy;
	bool damaged; /* something could not be read */
	bool quiet; /* and nobody is told */
	bool controls_only;
};

static int
run(struct pass *p, uint64_t from, uint64_t to)
{
	struct store_cursor *c;
	int rc = store_cursor_open_number(p->s, from, &c);

	if (rc)
		return rc;
	while (!rc) {
		struct store_batch batch;
		struct store_damage d;

		rc =
		    store_cursor_read(c, SEGMENT_CONTROL, &p->copy, &batch, &d);
		if (rc == ERR_CORRUPT) {
			p->damaged = true;
			if (!p->quiet)
				store_tell(p->s,
				    STORE_EVENT_SEGMENT_QUARANTINED, d.from,
				    d.to, "%s", d.why);
			rc = 0;
			continue;
		}
		if (rc)
			break;
		if (batch.header.number >= to)
			break;
		if (p->see &&
		    !(p->controls_only && batch.header.kind != BATCH_CONTROL))
			rc = p->see(p->arg, &batch);
	}
	store_cursor_close(c);
	return rc == ERR_NOENT ? 0 : rc;
}

/* Whether the segment's opening checkpoint is there and whole. */
static int
opening_is_whole(struct store *s, const struct segment *seg, bool *whole)
{
	struct pass p = {.s = s, .quiet = true};
	uint64_t first = seg->header.first_number;
	int rc = 0;

	*whole = seg->header.opening_next > first;
	if (!*whole)
		return 0;
	buf_init(&p.copy, VALUE_MAX);
	rc = run(&p, first, seg->header.opening_next);
	buf_fini(&p.copy);
	*whole = !p.damaged;
	return rc;
}

/* The newest segment with a whole opening, else the oldest. */
static int
find_start(struct store *s, const struct segment **start)
{
	const struct segment *seg = NULL;
	int rc = 0;

	for (size_t i = s->n; i-- > 0;) {
		bool whole;

		if (!s->seg[i]->committed)
			continue;
		seg = s->seg[i];
		rc = opening_is_whole(s, seg, &whole);
		if (rc || whole)
			break;
	}
	*start = seg;
	return rc;
}

int
store_replay(struct store *s,
    int (*see)(void *arg, const struct store_batch *batch), void *arg)
{
	struct pass p = {.s = s, .see = see, .arg = arg};
	const struct segment *start = NULL, *seg;
	int rc = s->replayed ? ERR_STATE : store_ready(s);

	if (!rc)
		rc = find_start(s, &start);
	buf_init(&p.copy, VALUE_MAX);
	/*
	 * Later openings are not whole, and come all the same: behind their
	 * checkpoints lie definitions and entries that are nowhere else.
	 */
	for (seg = start; !rc && seg; seg = table_next(s, seg))
		rc = run(&p, seg->header.first_number, seg->next_number);
	buf_fini(&p.copy);
	if (!rc)
		s->replayed = true;
	return rc;
}

int
store_segment_controls(struct store *s, uint64_t segment_id, uint64_t before,
    int (*see)(void *arg, const struct store_batch *batch), void *arg)
{
	struct pass p = {.s = s, .quiet = true};
	struct segment *seg;
	uint64_t from = 0, to = 0;
	int rc;

	pthread_mutex_lock(&s->lock);
	seg = table_by_id(s, segment_id);
	if (seg) {
		from = seg->header.first_number;
		to = seg->next_number < before ? seg->next_number : before;
	}
	pthread_mutex_unlock(&s->lock);
	if (!seg)
		return ERR_NOENT;
	buf_init(&p.copy, VALUE_MAX);
	p.controls_only = true;
	p.see = see;
	p.arg = arg;
	rc = run(&p, from, to);
	buf_fini(&p.copy);
	return rc;
}
