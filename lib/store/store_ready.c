/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The usual course: the last segment was left by a clean stop and is gone on
 * with, or it is sealed and a fresh one is opened at the next transaction.
 * What can go wrong: it was left open by a crash (sealed now, before anything
 * in it is believed), or its tree is damaged (read by salvage; numbers go on
 * far past whatever it may have held).
 */
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "lib/base/err.h"
#include "lib/store/btree.h"
#include "lib/store/segment.h"
#include "lib/store/store_internal.h"
#include "lib/store/table.h"

static void
go_on_at(struct store *s, uint64_t number, uint64_t rec)
{
	if (number > s->next_number)
		s->next_number = number;
	if (rec > s->next_rec)
		s->next_rec = rec;
}

/* Records up to here were given out. */
static void
know(struct store *s, uint64_t next_rec)
{
	pthread_mutex_lock(&s->lock);
	if (next_rec > s->known_rec)
		s->known_rec = next_rec;
	pthread_mutex_unlock(&s->lock);
}

/* What readers may see ends here; a hole before it is reported as damage. */
static void
show_end(struct store *s)
{
	pthread_mutex_lock(&s->lock);
	s->durable_number = s->next_number;
	s->durable_rec = s->next_rec;
	s->durable_data = s->tally.data_end;
	pthread_mutex_unlock(&s->lock);
}

void
store_raise_numbers(struct store *s, uint64_t next_rec, uint64_t next_number)
{
	bool past = next_rec > s->next_rec || next_number > s->next_number;

	know(s, next_rec);
	go_on_at(s, next_number, next_rec);
	/* Numbers are dense within a segment, so a fresh one must follow. */
	if (past && s->active && s->active->committed)
		store_rotate_seal(s);
	show_end(s);
}

/* Walk the tree before LMDB writes to it. */
static int
check_last(struct store *s, struct segment *seg)
{
	char path[STORE_PATH_MAX];
	struct btree b;
	int rc, fd;

	if (seg->bad)
		return 0;
	fd = open(
	    segment_path(s, seg->id, path), O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return ERR_IO;
	rc = btree_open(&b, fd);
	if (!rc)
		rc = btree_check(&b, true, NULL, NULL);
	close(fd);
	if (rc == ERR_NOMEM)
		return rc;
	pthread_mutex_lock(&s->lock);
	if (rc)
		segment_condemn(s, seg, b.why);
	else
		seg->checked = true;
	pthread_mutex_unlock(&s->lock);
	return 0;
}

static bool
can_resume(const struct store *s, const struct segment *seg)
{
	enum batch_cipher wanted =
	    s->o.encrypt ? BATCH_CIPHER_XAES256GCM : BATCH_CIPHER_NONE;

	return s->clean && !seg->bad && seg->header.cipher == wanted &&
	    !memcmp(seg->header.key_id, s->key_id, sizeof(s->key_id));
}

/* What was stored before, if the last segment does not tell. */
static uint64_t
sealed_data(const struct store *s)
{
	uint64_t most = 0;

	for (size_t i = 0; i < s->n; i++)
		if (s->seg[i]->sealed && s->seg[i]->footer.data_end > most)
			most = s->seg[i]->footer.data_end;
	return most;
}

/*
 * What is damaged at the end, or was not found by salvage, meta may know of:
 * then it is known how many records are lost.  True if that is all there was:
 * a clean stop saves meta last.
 */
static bool
take_witness(const struct store *s, const struct store_watermark *w, bool bad,
    struct segment_tally *t)
{
	if (!t->damaged_tail && !bad)
		return true;
	if (w->rec > t->next_rec)
		t->next_rec = w->rec;
	if (w->number < t->next_number)
		return false;
	t->next_number = w->number;
	t->damaged_tail = 0;
	return s->clean || !bad;
}

/*
 * Where the log goes on after a last segment that has no footer.  If its end
 * is not known, as many records further as there may have been: readers report
 * these as lost, though it may be that none ever was (known_rec).
 */
static void
end_of(struct store *s, const struct segment *seg,
    const struct segment_tally *t, bool is_known)
{
	uint64_t rec =
	    t->next_rec + (uint64_t)t->damaged_tail * BATCH_RECORDS_MAX;
	uint64_t number = t->next_number;

	know(s, t->next_rec);
	s->last_number = number - 1;
	if (seg->bad && !is_known) {
		uint64_t far_rec = seg->header.first_rec + STORE_HOLE_RECS;
		uint64_t far_number =
		    seg->header.first_number + STORE_HOLE_NUMBERS;

		rec = rec > far_rec ? rec : far_rec;
		number = number > far_number ? number : far_number;
	}
	go_on_at(s, number, rec);
}

static int
finish_open(struct store *s, struct segment *seg)
{
	struct store_watermark w;
	struct segment_tally t;
	int rc = segment_tally(s, seg, UINT64_MAX, &t);
	bool damaged, is_known;

	if (!rc)
		rc = store_meta_watermark(s, &w);
	if (rc)
		return rc;
	damaged = t.damaged_tail;
	is_known = take_witness(s, &w, seg->bad, &t);
	end_of(s, seg, &t, is_known);
	if (!t.batches)
		t.data_end = sealed_data(s);
	s->tally.data_end = t.data_end;
	memcpy(s->chain, t.chain, sizeof(s->chain));
	if (can_resume(s, seg) && !damaged && !store_rotate_resume(s, seg, &t))
		return 0;
	if (seg->bad) {
		/* It cannot be sealed; make what was found durable. */
		seg->next_number = t.next_number;
		seg->next_rec = s->next_rec;
		return store_mend_rewrite(s, seg);
	}
	return store_mend_seal(s, seg, &t);
}

static int
finish_last(struct store *s, struct segment *seg)
{
	int rc;

	s->last_segment = seg->header.segment;
	rc = check_last(s, seg);
	if (rc)
		return rc;
	if (!seg->sealed)
		return finish_open(s, seg);
	s->last_number = seg->footer.next_number - 1;
	memcpy(s->chain, seg->footer.chain, sizeof(s->chain));
	know(s, seg->footer.next_rec);
	s->tally.data_end = seg->footer.data_end;
	go_on_at(s, seg->footer.next_number, seg->footer.next_rec);
	return 0;
}

/* Nothing of them counts: a later header cuts all that they hold. */
static int
recycle_cut(struct store *s)
{
	int rc = 0;

	pthread_mutex_lock(&s->lock);
	for (size_t i = s->n; !rc && i-- > 0;) {
		struct segment *seg = s->seg[i];

		if (seg != table_last(s) &&
		    seg->next_number <= seg->header.first_number)
			rc = store_recycle_segment(s, seg);
	}
	pthread_mutex_unlock(&s->lock);
	return rc;
}

static struct segment *
last_readable(struct store *s)
{
	for (size_t i = s->n; i-- > 0;)
		if (s->seg[i]->committed && !s->seg[i]->lost)
			return s->seg[i];
	return NULL;
}

/* The newest segment cannot be read at all: far past whatever it held. */
static int
leave_room_for_lost(struct store *s, struct segment *last)
{
	struct store_watermark w;
	int rc = store_meta_watermark(s, &w);

	if (rc)
		return rc;
	if (s->active)
		rc = store_rotate_seal(s);
	if (last && last->next_number > s->next_number)
		last->next_number = s->next_number;
	if (last && last->next_rec > s->next_rec)
		last->next_rec = s->next_rec;
	table_apply_cuts(s);
	know(s, w.rec);
	go_on_at(s, s->next_number + STORE_HOLE_NUMBERS,
	    s->next_rec + STORE_HOLE_RECS);
	return rc;
}

int
store_ready(struct store *s)
{
	struct segment *last;
	int rc = recycle_cut(s);

	know(s, 1);
	go_on_at(s, 1, 1);
	s->tally.data_end = sealed_data(s);
	last = last_readable(s);
	if (!rc && last)
		rc = finish_last(s, last);
	if (!rc && table_last(s) != last)
		rc = leave_room_for_lost(s, last);
	if (!rc)
		rc = store_meta_compare(s);
	if (!rc)
		show_end(s);
	return rc;
}
