/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/base/err.h"
#include "lib/base/failpoint.h"
#include "lib/store/segment.h"
#include "lib/store/spare.h"
#include "lib/store/store_internal.h"
#include "lib/store/table.h"

static bool
is_in_use(const struct store *s, const struct segment *seg)
{
	if (seg == s->active)
		return true;
#ifdef MUTANT_RECYCLE_UNDER_READER
	return false;
#else
	return seg->readers > 0 || (seg->env && seg->env->users > 0);
#endif
}

/* Key first, then the name: what has lost its name can have no key. */
int
store_recycle_segment(struct store *s, struct segment *seg)
{
	char path[STORE_PATH_MAX];
	int rc = 0;

	if (is_in_use(s, seg))
		return ERR_BUSY;
	FAILPOINT("store-recycle-begin");
#ifndef MUTANT_RECYCLE_UNDER_READER
	segment_drop_env(s, seg);
#endif
	if (s->slots)
		rc = slots_erase(s->slots, &seg->header.segment);
	if (rc)
		return rc;
	seg->no_key = seg->header.cipher != BATCH_CIPHER_NONE;
	FAILPOINT("store-recycle-keys");
	segment_path(s, seg->id, path);
	rc = seg->bad ? spare_quarantine(s, path, seg)
		      : spare_give(s, path, seg->bytes);
	if (rc)
		return rc;
	table_remove(s, seg);
#ifndef MUTANT_RECYCLE_UNDER_READER
	segment_free(s, seg);
#endif
	return 0;
}

int
store_recycle(struct store *s, const struct uuid *segment)
{
	struct segment *seg;
	int rc;

	pthread_mutex_lock(&s->lock);
	seg = table_by_uuid(s, segment);
	rc = seg ? store_recycle_segment(s, seg) : ERR_NOENT;
	pthread_mutex_unlock(&s->lock);
	return rc;
}

int
store_mark_bad(struct store *s, uint64_t segment_id)
{
	struct segment *seg;
	int rc = 0;

	pthread_mutex_lock(&s->lock);
	seg = table_by_id(s, segment_id);
	if (!seg)
		rc = ERR_NOENT;
	else if (seg == s->active)
		rc = ERR_BUSY;
	else
		segment_condemn(s, seg, "it is set aside");
	pthread_mutex_unlock(&s->lock);
	return rc;
}

static void
fill_row(
    const struct store *s, const struct segment *seg, struct store_segment *row)
{
	bool last = seg->next_number > s->durable_number;

	*row = (struct store_segment){.id = seg->id,
	    .uuid = seg->header.segment,
	    .first_rec = seg->header.first_rec,
	    .next_rec = last ? s->durable_rec : seg->next_rec,
	    .first_number = seg->header.first_number,
	    .next_number = last ? s->durable_number : seg->next_number,
	    .bytes = seg->bytes,
	    .sealed = seg != s->active,
	    .quarantined = seg->bad || seg->no_key,
	    .readers = seg->readers};
}

size_t
store_segments(const struct store *s, struct store_segment *rows, size_t max)
{
	struct store *locked = (struct store *)s;
	size_t n = 0;

	pthread_mutex_lock(&locked->lock);
	for (size_t i = 0; i < s->n; i++) {
		if (!s->seg[i]->committed)
			continue;
		if (n < max)
			fill_row(s, s->seg[i], &rows[n]);
		n++;
	}
	pthread_mutex_unlock(&locked->lock);
	return n;
}
