/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/store/segment.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "lib/base/err.h"
#include "lib/store/env.h"
#include "lib/store/salvage.h"

#ifndef MADV_POPULATE_READ
#define MADV_POPULATE_READ 22
#endif

#define PAGE SEGFMT_PAGE

struct request {
	struct store *s;
	struct segment *seg;
	uint64_t number;
	enum segment_where where;
	enum segment_what what;
	unsigned blame_slot;
	struct buf *copy;
	struct segment_hit *hit;
};

static void
set_damage(struct segment_hit *hit, const char *why)
{
	hit->damaged = true;
	hit->why = why;
}

/*
 * Have the kernel read the pages, so that a bad sector is an error here and
 * no SIGBUS later.  Kernels before 5.14 do not know it: then a touch decides.
 */
static int
populate(const uint8_t *ptr, size_t len)
{
	uintptr_t from = (uintptr_t)ptr & ~(uintptr_t)(PAGE - 1);
	uintptr_t to =
	    ((uintptr_t)ptr + len + PAGE - 1) & ~(uintptr_t)(PAGE - 1);

	if (madvise((void *)from, to - from, MADV_POPULATE_READ) &&
	    errno != EINVAL)
		return ERR_IO;
	return 0;
}

static const char *
what_is_wrong(int rc)
{
	switch (rc) {
	case ERR_CORRUPT:
		return "the checksum does not match";
	case ERR_VERSION:
		return "a field that this version does not know";
	default:
		return "this is no batch";
	}
}

/* The value stands in the place of this batch of this segment? */
static void
judge(const struct request *q, struct bytes value)
{
	struct segment_hit *hit = q->hit;
	int rc = batch_decode(value, &hit->view);
	const struct batch_header *h = &hit->view.header;

	if (rc)
		set_damage(hit, what_is_wrong(rc));
	else if (h->number != hit->number ||
	    !uuid_equal(&h->segment, &q->seg->header.segment) ||
	    !uuid_equal(&h->spool, &q->seg->header.spool))
		set_damage(hit, "another batch lies in its place");
}

static int
reserve(const struct request *q, size_t len, uint8_t **to)
{
	buf_clear(q->copy);
	*to = buf_reserve(q->copy, len);
	return *to ? 0 : q->copy->err;
}

/* Keep header and ranges only; the view moves to the copy. */
static int
copy_header(const struct request *q)
{
	struct batch_view *v = &q->hit->view;
	size_t header_len = v->header_bytes.len;
	size_t len = header_len + v->ranges.len;
	uint8_t *to;
	int rc = reserve(q, len, &to);

	if (rc)
		return rc;
	memcpy(to, v->header_bytes.ptr, len);
	buf_claim(q->copy, len);
	v->header_bytes = bytes_of(to, header_len);
	v->ranges = bytes_of(to + header_len, v->ranges.len);
	v->payload = bytes_of(NULL, 0);
	v->header.extensions =
	    bytes_of(to + BATCH_HEADER_SIZE, header_len - BATCH_HEADER_SIZE);
	return 0;
}

static bool
wants_payload(const struct request *q)
{
	return q->what == SEGMENT_WHOLE ||
	    (q->what == SEGMENT_CONTROL &&
		q->hit->view.header.kind == BATCH_CONTROL);
}

static int
copy_value(const struct request *q, MDB_val *value)
{
	uint8_t *to;
	int rc;

	if (value->mv_size > BATCH_STORED_MAX * 2) {
		set_damage(q->hit, "an impossible length");
		return 0;
	}
	if (populate(value->mv_data, value->mv_size)) {
		set_damage(q->hit, "the disk does not give it back");
		return 0;
	}
	if (q->what != SEGMENT_WHOLE) {
		judge(q, bytes_of(value->mv_data, value->mv_size));
		if (q->hit->damaged)
			return 0;
		if (!wants_payload(q))
			return copy_header(q);
	}
	rc = reserve(q, value->mv_size, &to);
	if (rc)
		return rc;
	memcpy(to, value->mv_data, value->mv_size);
	buf_claim(q->copy, value->mv_size);
	judge(q, bytes_of(to, value->mv_size));
	return 0;
}

static int
decode_key(const MDB_val *key, uint64_t *found)
{
	return segfmt_key_decode(bytes_of(key->mv_data, key->mv_size), found);
}

/* Stand at the wanted batch; ERR_NOENT if there is none on that side. */
static int
position(const struct request *q, MDB_cursor *cursor, MDB_val *value)
{
	uint8_t raw[SEGFMT_KEY_SIZE];
	MDB_val key = {sizeof(raw), raw};
	uint64_t found;
	int rc;

	segfmt_key_encode(SEGFMT_KEY_BATCHES + q->number, raw);
	rc = mdb_cursor_get(cursor, &key, value, MDB_SET_RANGE);
	if (q->where == SEGMENT_LT)
		rc = mdb_cursor_get(cursor, &key, value,
		    rc == MDB_NOTFOUND ? MDB_LAST : MDB_PREV);
	if (!rc && decode_key(&key, &found))
		return ERR_CORRUPT;
	if (!rc && q->where == SEGMENT_LT && found == SEGFMT_KEY_FOOTER)
		rc = mdb_cursor_get(cursor, &key, value, MDB_PREV);
	if (rc)
		return env_err(rc);
	if (decode_key(&key, &found))
		return ERR_CORRUPT;
	if (found == SEGFMT_KEY_FOOTER || found < SEGFMT_KEY_BATCHES)
		return ERR_NOENT;
	q->hit->number = found - SEGFMT_KEY_BATCHES;
	return 0;
}

/* Threads spread over the slots; two in one slot may blame the other's. */
static unsigned
blame_slot(void)
{
	return (unsigned)((uintptr_t)pthread_self() >> 12) % STORE_BLAME_SLOTS;
}

static void
blame(const struct request *q, bool on)
{
	volatile uint64_t *b = q->s->o.blame;

	if (!b)
		return;
	b += 2 * q->blame_slot;
	b[0] = on ? q->seg->id : 0;
	b[1] = on ? q->number : 0;
}

static int
read_env(const struct request *q, MDB_env *env)
{
	MDB_txn *txn = NULL;
	MDB_cursor *cursor = NULL;
	MDB_dbi dbi;
	MDB_val value;
	int rc = mdb_txn_begin(env, NULL, MDB_RDONLY, &txn);

	if (rc)
		return env_err(rc);
	rc = env_err(mdb_dbi_open(txn, NULL, 0, &dbi));
	if (!rc)
		rc = env_err(mdb_cursor_open(txn, dbi, &cursor));
	if (!rc)
		rc = position(q, cursor, &value);
	if (!rc)
		rc = copy_value(q, &value);
	mdb_cursor_close(cursor);
	mdb_txn_abort(txn);
	return rc;
}

static int
read_salvage(const struct request *q)
{
	const struct salvage *v = q->seg->salvage;
	const struct salvage_entry *e = q->where == SEGMENT_GE
	    ? salvage_ge(v, q->number)
	    : salvage_lt(v, q->number);
	uint8_t *to;
	int rc;

	if (!e)
		return ERR_NOENT;
	q->hit->number = e->number;
	rc = reserve(q, e->len, &to);
	if (rc)
		return rc;
	if (salvage_read(v, e, to)) {
		set_damage(q->hit, "the disk does not give it back");
		return 0;
	}
	buf_claim(q->copy, e->len);
	judge(q, bytes_of(to, e->len));
	if (!q->hit->damaged && !wants_payload(q))
		q->hit->view.payload = bytes_of(NULL, 0);
	return 0;
}

int
segment_read(struct store *s, struct segment *seg, uint64_t number,
    enum segment_where where, enum segment_what what, struct buf *copy,
    struct segment_hit *hit)
{
	struct segment_hit h = {0};
	struct request q = {.s = s,
	    .seg = seg,
	    .number = number,
	    .where = where,
	    .what = what,
	    .blame_slot = blame_slot(),
	    .copy = copy,
	    .hit = &h};
	struct segment_env *e;
	int rc;

	blame(&q, true);
	e = segment_use(s, seg, &rc);
	if (e) {
		rc = read_env(&q, e->env);
		segment_unuse(s, e);
	} else if (!rc) {
		rc = read_salvage(&q);
	}
	blame(&q, false);
	if (!rc)
		*hit = h;
	return rc;
}

void
segment_digest(struct digest_sha256 *sha, const struct batch_view *view,
    uint8_t digest[static DIGEST_SIZE])
{
	digest_sha256_start(sha);
	digest_sha256_add(sha, view->header_bytes.ptr, view->header_bytes.len);
	digest_sha256_add(sha, view->ranges.ptr, view->ranges.len);
	digest_sha256_finish(sha, digest);
}

static void
count(struct store *s, struct segment_tally *t, const struct segment_hit *hit)
{
	const struct batch_header *h = &hit->view.header;

	t->next_number = hit->number + 1;
	if (hit->damaged) {
		t->damaged = true;
		t->damaged_tail++;
		return;
	}
	t->damaged_tail = 0;
	if (!t->received_first_ns)
		t->received_first_ns = h->received_first_ns;
	if (h->received_last_ns > t->received_last_ns)
		t->received_last_ns = h->received_last_ns;
	t->batches++;
	t->records += h->records;
	t->stored_bytes += h->stored_len;
	t->data_end =
	    h->data_before + (h->kind == BATCH_DATA ? h->stored_len : 0);
	t->next_rec = h->first_rec + h->records;
	segment_digest(s->sha, &hit->view, t->chain);
}

int
segment_tally(struct store *s, struct segment *seg, uint64_t limit,
    struct segment_tally *tally)
{
	struct segment_tally t = {.next_number = seg->header.first_number,
	    .next_rec = seg->header.first_rec};
	struct segment_hit hit;
	struct buf copy;
	int rc = 0;

	memcpy(t.chain, seg->header.chain, sizeof(t.chain));
	buf_init(&copy, BATCH_STORED_MAX * 2);
	for (;;) {
		rc = segment_read(s, seg, t.next_number, SEGMENT_GE,
		    SEGMENT_HEADER, &copy, &hit);
		if (rc || hit.number >= limit)
			break;
		if (hit.number != t.next_number)
			t.damaged = true;
		count(s, &t, &hit);
	}
	buf_fini(&copy);
	if (rc && rc != ERR_NOENT)
		return rc;
	*tally = t;
	return 0;
}
