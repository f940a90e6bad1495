/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "lib/base/err.h"
#include "tests/crash/spool.h"

#define CONTROL_ROOM 8192
#define BUF_MAX (8u << 20)

static void
encode_recycle(const struct entry_recycle *recycle, struct buf *b)
{
	struct entry e = {.type = ENTRY_RECYCLE};

	e.u.recycle = *recycle;
	entry_encode(b, &e);
}

static void
encode_checkpoint(
    const struct spool *s, unsigned lane, uint64_t last, struct buf *b)
{
	struct entry e = {.type = ENTRY_CHECKPOINT_BEGIN};
	char name[16];

	e.u.checkpoint.full = true;
	entry_encode(b, &e);
	e = (struct entry){.type = ENTRY_STREAM_STATE};
	e.u.stream_state.key = known_key(lane, name);
	e.u.stream_state.listener = bytes_of_str("agents");
	e.u.stream_state.start_seq = 1;
	e.u.stream_state.last = last;
	entry_encode(b, &e);
	e = (struct entry){.type = ENTRY_CHECKPOINT_END};
	e.u.checkpoint.full = true;
	e.u.checkpoint.entries = 1;
	entry_encode(b, &e);
	e = (struct entry){.type = ENTRY_STREAM_DEF};
	e.u.stream_def.ref = lane + 1; /* 0 means none */
	e.u.stream_def.key = known_key(lane, name);
	e.u.stream_def.listener = bytes_of_str("agents");
	entry_encode(b, &e);
	for (size_t i = 0; i < s->recycles; i++)
		encode_recycle(&s->recycle[i], b);
	if (b->err)
		abort();
}

static int
add_checkpoint(
    struct spool *s, struct store_txn *txn, unsigned lane, uint64_t last)
{
	struct buf b;
	uint64_t number;
	int rc;

	buf_init(&b, BUF_MAX);
	encode_checkpoint(s, lane, last, &b);
	rc = store_add_control(txn, buf_bytes(&b), &number);
	buf_fini(&b);
	return rc;
}

static int
add_batch(struct store_txn *txn, unsigned lane, uint64_t from, uint32_t count)
{
	struct batch_range range = {
	    .stream = lane + 1, .first_seq = from, .count = count};
	struct store_data d = {.codec = BATCH_CODEC_RAW,
	    .records = count,
	    .received_first_ns = 1,
	    .received_last_ns = 2};
	struct buf ranges, payload;
	uint8_t digest[32];
	uint64_t number, rec;
	int rc;

	buf_init(&ranges, CONTROL_ROOM);
	buf_init(&payload, BUF_MAX);
	batch_ranges_encode_begin(&ranges, NULL, 1);
	batch_range_encode(&ranges, &range);
	known_columns(lane, from, count, &payload);
	known_digest(lane, from, count, digest);
	d.content_digest = digest;
	d.ranges = buf_bytes(&ranges);
	d.payload = buf_bytes(&payload);
	d.raw_len = (uint32_t)payload.len;
	rc = store_add(txn, &d, &number, &rec);
	buf_fini(&ranges);
	buf_fini(&payload);
	return rc;
}

static uint64_t
need(unsigned batches, uint32_t count)
{
	uint64_t bytes = 2 * CONTROL_ROOM;

	for (unsigned i = 0; i < batches; i++)
		bytes += store_need(
		    64, (count / batches + 1) * (KNOWN_RECORD_MAX / 2 + 64));
	return bytes;
}

int
spool_write(struct spool *s, unsigned lane, uint64_t last, unsigned batches,
    uint32_t count, uint64_t *number)
{
	const struct store_token *token;
	struct store_txn *txn;
	uint64_t from = last + 1;
	bool fresh;
	int rc =
	    store_begin(s->store, need(batches, count), false, &fresh, &txn);

	if (rc)
		return rc;
	if (fresh)
		rc = add_checkpoint(s, txn, lane, last);
	for (unsigned i = 0; !rc && i < batches && count > 0; i++) {
		uint32_t n = i + 1 == batches ? count : count / batches;

		n = n ? n : 1;
		rc = add_batch(txn, lane, from, n);
		from += n;
		count -= n;
	}
	if (rc) {
		store_abort(txn);
		return rc;
	}
	rc = store_commit(txn, &token);
	if (!rc)
		*number = store_token_number(token);
	return rc;
}

static int
add_recycle(struct store_txn *txn, const struct entry_recycle *recycle)
{
	struct buf b;
	uint64_t number;
	int rc;

	buf_init(&b, CONTROL_ROOM);
	encode_recycle(recycle, &b);
	rc = b.err ? b.err : store_add_control(txn, buf_bytes(&b), &number);
	buf_fini(&b);
	return rc;
}

int
spool_write_recycle(struct spool *s, unsigned lane, uint64_t last,
    const struct store_segment *seg)
{
	struct entry_recycle recycle = {.segment = seg->uuid,
	    .segment_id = seg->id,
	    .first_rec = seg->first_rec,
	    .next_rec = seg->next_rec};
	const struct store_token *token;
	struct store_txn *txn;
	bool fresh;
	int rc = s->recycles == SPOOL_RECYCLES ? ERR_LIMIT : 0;

	if (!rc)
		rc =
		    store_begin(s->store, 2 * CONTROL_ROOM, true, &fresh, &txn);
	if (rc)
		return rc;
	if (fresh)
		rc = add_checkpoint(s, txn, lane, last);
	if (!rc)
		rc = add_recycle(txn, &recycle);
	if (rc) {
		store_abort(txn);
		return rc;
	}
	rc = store_commit(txn, &token);
	if (!rc)
		s->recycle[s->recycles++] = recycle;
	return rc;
}
