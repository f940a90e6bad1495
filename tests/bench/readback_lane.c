/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/bench/readback_lane.h"

#include "lib/base/err.h"

/* The feed's batch in hand; ERR_NOENT: more is stored than was ever fed. */
static int
load(struct readback_lane *l, struct feed *f)
{
	int rc;

	if (l->has_batch)
		return 0;
	rc = feed_next(f, l->number, &l->batch);
	if (rc)
		return rc;
	l->has_batch = true;
	l->taken = 0;
	return 0;
}

static void
took(struct readback_lane *l, uint32_t records, uint64_t bytes)
{
	l->bytes += bytes;
	l->taken += records;
	l->next_seq += records;
	l->has_batch = l->taken < l->batch.count;
}

int
readback_lane_begin_at(struct readback_lane *l, struct feed *f, uint64_t seq)
{
	while (l->next_seq < seq) {
		int rc = load(l, f);

		if (rc)
			return rc;
		l->next_seq += l->batch.count;
		l->has_batch = false;
	}
	return l->next_seq == seq ? 0 : ERR_GAP;
}

bool
readback_lane_take_whole(struct readback_lane *l, struct feed *f,
    uint32_t records, uint8_t codec, struct bytes payload)
{
	if (load(l, f) || l->taken || records != l->batch.count ||
	    codec != l->batch.codec ||
	    !bytes_equal(
		payload, bytes_of(l->batch.payload, l->batch.payload_len)))
		return false;
	took(l, records, l->batch.bytes);
	return true;
}

static int
unpack(struct readback_lane *l, struct pack *pack)
{
	struct bytes payload = bytes_of(l->batch.payload, l->batch.payload_len);
	struct batch_columns_view view;
	int rc = 0;

	if (!l->raw.limit)
		buf_init(&l->raw, BATCH_RAW_MAX);
	buf_clear(&l->raw);
	if (l->batch.codec == BATCH_CODEC_ZSTD)
		rc = pack_unpack(
		    pack, payload, l->batch.raw_len, BATCH_RAW_MAX, &l->raw);
	else
		buf_add_bytes(&l->raw, payload);
	if (!rc)
		rc = batch_columns_decode(buf_bytes(&l->raw), 1, &view);
	if (!rc)
		batch_columns_iter_init(&l->iter, &view, NULL);
	return rc;
}

int
readback_lane_take_record(struct readback_lane *l, struct feed *f,
    struct pack *pack, struct bytes record)
{
	int rc = load(l, f);

	if (!rc && !l->taken)
		rc = unpack(l, pack);
	if (rc)
		return rc;
	if (!batch_columns_iter_next(&l->iter) ||
	    !bytes_equal(l->iter.record, record))
		return ERR_DIGEST;
	took(l, 1, record.len);
	return 0;
}
