/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "lib/base/err.h"
#include "lib/base/failpoint.h"
#include "lib/store/env.h"
#include "lib/store/segment.h"
#include "lib/store/store_internal.h"
#include "lib/store/table.h"

#define LEAF_SHARE 64 /* bytes of the tree that one batch accounts for */

uint64_t
store_need(size_t ranges_len, size_t payload_len)
{
	return batch_padded_len(BATCH_HEADER_SIZE + ranges_len + payload_len) +
	    SEGFMT_PAGE_HEADER + LEAF_SHARE;
}

static uint64_t
pages_of(uint64_t bytes)
{
	return (bytes + SEGFMT_PAGE - 1) / SEGFMT_PAGE;
}

/* ---- begin ---- */

/* The active segment is usable for this much, or a fresh one takes over. */
static int
find_segment(struct store *s, uint64_t bytes, bool control)
{
	if (s->active && store_rotate_has_room(s, pages_of(bytes)))
		return 0;
	/* A failed footer is no loss: the next header cuts the segment. */
	if (s->active)
		store_rotate_seal(s);
	return store_rotate_open(s, control);
}

int
store_begin(struct store *s, uint64_t bytes, bool control, bool *fresh,
    struct store_txn **out)
{
	struct store_txn *txn = &s->txn;
	int rc;

	if (!s->replayed || txn->mdb)
		return ERR_STATE;
	rc = find_segment(s, bytes, control);
	if (rc)
		return rc;
	rc = env_err(mdb_txn_begin(s->active->env->env, NULL, 0, &txn->mdb));
	if (rc) {
		txn->mdb = NULL;
		store_rotate_poison(s, "beginning a transaction");
		return rc;
	}
	txn->s = s;
	txn->number = s->next_number;
	txn->rec = s->next_rec;
	txn->bytes_left = store_rotate_room(s) * SEGFMT_PAGE;
	txn->first = !s->active->committed;
	txn->opening = txn->first;
	txn->opening_next = s->next_number;
	txn->failed = false;
	txn->tally = s->tally;
	*fresh = txn->first;
	*out = txn;
	return 0;
}

uint64_t
store_txn_room(const struct store_txn *txn)
{
	return txn->bytes_left;
}

/* ---- add ---- */

/* A short digest over all of it stands in for the tag without a key. */
static void
plain_tag(struct digest_sha256 *sha, const uint8_t *aad, size_t aad_len,
    struct bytes ranges, struct bytes payload, uint8_t tag[static 16])
{
	uint8_t digest[DIGEST_SIZE];

	digest_sha256_start(sha);
	digest_sha256_add(sha, aad, aad_len);
	digest_sha256_add(sha, ranges.ptr, ranges.len);
	digest_sha256_add(sha, payload.ptr, payload.len);
	digest_sha256_finish(sha, digest);
	memcpy(tag, digest, 16);
}

/* Header, ranges, payload and padding, straight into the page. */
static int
fill(struct store *s, struct batch_header *h, struct bytes ranges,
    struct bytes payload, uint8_t *to, size_t len)
{
	size_t header_len = batch_header_len(h);
	uint8_t *body = to + header_len + ranges.len;
	uint8_t aad[BATCH_HEADER_MAX];
	struct bytes pieces[2] = {bytes_of(aad, header_len), ranges};
	int rc = 0;

	batch_aad(h, aad);
	if (ranges.len)
		memcpy(to + header_len, ranges.ptr, ranges.len);
	memset(
	    body + payload.len, 0, len - header_len - ranges.len - payload.len);
	if (h->cipher == BATCH_CIPHER_NONE) {
		memcpy(body, payload.ptr, payload.len);
		plain_tag(s->sha, aad, header_len, ranges, payload, h->tag);
	} else {
		rc = digest_random(h->nonce, sizeof(h->nonce));
		if (!rc)
			rc = digest_aead_seal(s->aead, h->nonce, pieces, 2,
			    payload, body, h->tag);
	}
	if (!rc)
		batch_header_encode(h, ranges, to);
	return rc;
}

/* Reserve the value's pages; the library's own errors end the transaction. */
static int
reserve(struct store_txn *txn, size_t len, uint8_t **to)
{
	uint8_t raw[SEGFMT_KEY_SIZE];
	MDB_val key = {sizeof(raw), raw};
	MDB_val value = {len, NULL};
	MDB_dbi dbi;
	int rc = mdb_dbi_open(txn->mdb, NULL, 0, &dbi);

	segfmt_key_encode(SEGFMT_KEY_BATCHES + txn->number, raw);
	if (!rc)
		rc = mdb_put(
		    txn->mdb, dbi, &key, &value, MDB_RESERVE | MDB_APPEND);
	if (rc) {
		txn->failed = true;
		return env_err(rc);
	}
	*to = value.mv_data;
	return 0;
}

static void
count(struct store_txn *txn, const struct batch_header *h, const uint8_t *at,
    struct bytes ranges)
{
	struct segment_tally *t = &txn->tally;
	struct digest_sha256 *sha = txn->s->sha;

	digest_sha256_start(sha);
	digest_sha256_add(sha, at, batch_header_len(h));
	digest_sha256_add(sha, ranges.ptr, ranges.len);
	digest_sha256_finish(sha, t->chain);
	if (!t->received_first_ns)
		t->received_first_ns = h->received_first_ns;
	if (h->received_last_ns > t->received_last_ns)
		t->received_last_ns = h->received_last_ns;
	t->batches++;
	t->records += h->records;
	t->stored_bytes += h->stored_len;
	t->data_end += h->kind == BATCH_DATA ? h->stored_len : 0;
	t->next_number = ++txn->number;
	t->next_rec = txn->rec += h->records;
	if (h->kind != BATCH_CONTROL)
		txn->opening = false;
	if (txn->opening)
		txn->opening_next = txn->number;
}

static int
add(struct store_txn *txn, struct batch_header *h, struct bytes ranges,
    struct bytes payload)
{
	struct store *s = txn->s;
	uint64_t need = store_need(ranges.len, payload.len);
	size_t len;
	uint8_t *to;
	int rc;

	if (txn->failed)
		return ERR_STATE;
	if (need > txn->bytes_left ||
	    txn->tally.records + h->records > s->o.segment_records)
		return ERR_MAPFULL;
	h->cipher = s->active->header.cipher;
	h->number = txn->number;
	h->first_rec = txn->rec;
	h->data_before = txn->tally.data_end;
	h->ranges_len = (uint32_t)ranges.len;
	h->stored_len = (uint32_t)payload.len;
	h->spool = s->active->header.spool;
	h->segment = s->active->header.segment;
	memcpy(h->prev_digest, txn->tally.chain, sizeof(h->prev_digest));
	len = batch_value_len(h);
	rc = reserve(txn, len, &to);
	if (!rc) {
		rc = fill(s, h, ranges, payload, to, len);
		txn->failed = rc != 0;
	}
	if (rc)
		return rc;
	txn->bytes_left -= need;
	count(txn, h, to, ranges);
	return 0;
}

static bool
is_allowed(const struct store_data *d)
{
	return d->records > 0 && d->records <= BATCH_RECORDS_MAX &&
	    d->raw_len <= BATCH_RAW_MAX && d->payload.len > 0 &&
	    d->payload.len <= BATCH_STORED_MAX &&
	    d->ranges.len <= BATCH_RANGES_MAX &&
	    (d->codec != BATCH_CODEC_RAW || d->raw_len == d->payload.len);
}

int
store_add(struct store_txn *txn, const struct store_data *data,
    uint64_t *number, uint64_t *first_rec)
{
	struct batch_header h = {.kind = BATCH_DATA,
	    .lane = data->lane,
	    .codec = data->codec,
	    .flags = data->flags,
	    .records = data->records,
	    .raw_len = data->raw_len,
	    .received_first_ns = data->received_first_ns,
	    .received_last_ns = data->received_last_ns,
	    .event_min_ns = data->event_min_ns,
	    .event_max_ns = data->event_max_ns};
	int rc;

	if (!is_allowed(data))
		return ERR_INVAL;
	memcpy(
	    h.content_digest, data->content_digest, sizeof(h.content_digest));
	rc = add(txn, &h, data->ranges, data->payload);
	if (rc)
		return rc;
	*number = h.number;
	*first_rec = h.first_rec;
	return 0;
}

int
store_add_control(struct store_txn *txn, struct bytes entries, uint64_t *number)
{
	struct batch_header h = {.kind = BATCH_CONTROL,
	    .codec = BATCH_CODEC_RAW,
	    .raw_len = (uint32_t)entries.len};
	int rc;

	if (entries.len == 0 || entries.len > BATCH_STORED_MAX)
		return ERR_INVAL;
	digest_sha256_of(txn->s->sha, entries, h.content_digest);
	rc = add(txn, &h, bytes_of(NULL, 0), entries);
	if (!rc)
		*number = h.number;
	return rc;
}

/* ---- end ---- */

void
store_abort(struct store_txn *txn)
{
	if (!txn || !txn->mdb)
		return;
	mdb_txn_abort(txn->mdb);
	txn->mdb = NULL;
}

static int
put_header(struct store_txn *txn, uint64_t key, uint8_t *value)
{
	uint8_t raw[SEGFMT_KEY_SIZE];
	MDB_val k = {sizeof(raw), raw};
	MDB_val v = {SEGFMT_VALUE_SIZE, value};
	MDB_dbi dbi;
	int rc = mdb_dbi_open(txn->mdb, NULL, 0, &dbi);

	segfmt_key_encode(key, raw);
	return env_err(rc ? rc : mdb_put(txn->mdb, dbi, &k, &v, 0));
}

/* The cut is committed with the segment's first batch, never apart. */
static int
put_headers(struct store_txn *txn)
{
	struct segfmt_header *h = &txn->s->active->header;
	uint8_t value[SEGFMT_VALUE_SIZE];
	int rc;

	if (!txn->first)
		return 0;
	h->opening_next = txn->opening_next;
	segfmt_header_encode(h, value);
	rc = put_header(txn, SEGFMT_KEY_HEADER, value);
	if (!rc)
		rc = put_header(txn, SEGFMT_KEY_HEADER_COPY, value);
	FAILPOINT("store-header-put");
	return rc;
}

/*
 * A segment whose own first commit failed has nothing that counts, now that
 * a later one names the cut.
 */
static void
recycle_void(struct store *s)
{
	for (size_t i = s->n; i-- > 0;) {
		struct segment *seg = s->seg[i];

		if (seg->committed || seg == s->active)
			continue;
		if (store_recycle_segment(s, seg))
			break;
	}
}

static void
adopt(struct store_txn *txn)
{
	struct store *s = txn->s;

	s->next_number = txn->number;
	s->next_rec = txn->rec;
	s->last_number = txn->number - 1;
	s->last_segment = s->active->header.segment;
	s->tally = txn->tally;
	memcpy(s->chain, txn->tally.chain, sizeof(s->chain));
	s->token.number = txn->number;
	pthread_mutex_lock(&s->lock);
	s->durable_number = txn->number;
	s->durable_rec = s->known_rec = txn->rec;
	s->durable_data = txn->tally.data_end;
	if (txn->first) {
		s->unsettled = false;
		s->active->committed = true;
		s->active->checked = true;
		table_apply_cuts(s);
		recycle_void(s);
	}
	pthread_mutex_unlock(&s->lock);
}

int
store_commit(struct store_txn *txn, const struct store_token **token)
{
	struct store *s = txn->s;
	bool empty = txn->number == s->next_number;
	int rc = txn->failed ? ERR_STATE : 0;

	if (!rc && !empty)
		rc = put_headers(txn);
	if (rc || empty) {
		store_abort(txn);
		if (rc)
			store_rotate_poison(s, "filling a transaction");
	} else {
		FAILPOINT("store-commit-before");
		rc = env_err(mdb_txn_commit(txn->mdb));
		txn->mdb = NULL;
		FAILPOINT("store-commit-after");
		if (rc)
			store_rotate_poison(s, "a commit");
		else
			adopt(txn);
	}
	if (!rc)
		*token = &s->token;
	return rc;
}

uint64_t
store_token_number(const struct store_token *token)
{
	return token->number;
}
