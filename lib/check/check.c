/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/check/check.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/buf.h"
#include "lib/base/err.h"
#include "lib/digest/digest.h"
#include "lib/pack/pack.h"

struct check {
	struct pack *pack;
	struct digest_sha256 *sha;
	struct buf raw;
	uint32_t *lens; /* of the records in hand */
	uint32_t record_max;
	enum check_step step; /* that the last check stands at */
};

int
check_new(uint32_t record_max, struct check **out)
{
	struct check *c = calloc(1, sizeof(*c));
	int rc;

	if (!c)
		return ERR_NOMEM;
	buf_init(&c->raw, BATCH_RAW_MAX);
	c->record_max = record_max;
	c->lens = calloc(BATCH_RECORDS_MAX, sizeof(*c->lens));
	rc = c->lens ? pack_new(1, &c->pack) : ERR_NOMEM;
	if (!rc)
		rc = digest_sha256_new(&c->sha);
	if (rc) {
		check_free(c);
		return rc;
	}
	*out = c;
	return 0;
}

void
check_free(struct check *c)
{
	if (!c)
		return;
	pack_free(c->pack);
	digest_sha256_free(c->sha);
	buf_fini(&c->raw);
	free(c->lens);
	free(c);
}

static int
unpack(struct check *c, const struct check_claim *claim, struct bytes payload,
    struct bytes *raw)
{
	int rc;

	if (claim->raw_len > BATCH_RAW_MAX)
		return ERR_LIMIT;
	if (claim->codec == BATCH_CODEC_RAW) {
		*raw = payload;
		return payload.len == claim->raw_len ? 0 : ERR_FORMAT;
	}
	if (claim->codec != BATCH_CODEC_ZSTD)
		return ERR_UNSUPPORTED;
	/* A rare giant does not keep its memory for ever. */
	if (c->raw.cap > (1u << 20) && claim->raw_len < (1u << 20))
		buf_release(&c->raw);
	buf_clear(&c->raw);
	rc = pack_unpack(
	    c->pack, payload, claim->raw_len, BATCH_RAW_MAX, &c->raw);
	*raw = buf_bytes(&c->raw);
	return rc;
}

/* The lengths as an array; each is held against the limit. */
static int
read_lens(struct check *c, const struct batch_columns_view *view)
{
	struct cursor lens;

	cursor_init(&lens, view->lens);
	for (uint32_t i = 0; i < view->count; i++) {
		c->lens[i] = cursor_varint32(&lens);
		if (c->lens[i] > c->record_max)
			return ERR_LIMIT;
	}
	return cursor_end(&lens);
}

int
check_digest(struct check *c, const struct batch_columns_view *view,
    uint8_t digest[static BATCH_DIGEST_SIZE])
{
	int rc = read_lens(c, view);

	if (rc)
		return rc;
	return digest_records(
	    c->sha, view->records, c->lens, view->count, digest);
}

/* After unpacking: form, count, lengths, digest. */
static int
look_at(struct check *c, const struct check_claim *claim, struct bytes raw,
    struct batch_columns_view *view)
{
	uint8_t digest[BATCH_DIGEST_SIZE];
	int rc;

	c->step = CHECK_COLUMNS;
	rc = batch_columns_decode(raw, claim->ranges, view);
	if (rc)
		return rc;
	c->step = CHECK_COUNT;
	if (view->count != claim->records)
		return ERR_FORMAT;
	c->step = CHECK_LENGTHS;
	rc = check_digest(c, view, digest);
	if (rc)
		return rc;
	c->step = CHECK_DIGEST;
	return memcmp(digest, claim->content_digest, sizeof(digest))
	    ? ERR_DIGEST
	    : 0;
}

int
check_batch(struct check *c, const struct check_claim *claim,
    struct bytes payload, struct batch_columns_view *view)
{
	struct batch_columns_view own;
	struct bytes raw;
	int rc;

	c->step = CHECK_COUNT;
	if (!claim->records || claim->records > BATCH_RECORDS_MAX)
		return ERR_LIMIT;
	c->step = CHECK_UNPACK;
	rc = unpack(c, claim, payload, &raw);
	if (!rc)
		rc = look_at(c, claim, raw, &own);
	if (rc)
		return rc;
	c->step = CHECK_NOTHING;
	if (view)
		*view = own;
	return 0;
}

int
check_runs(struct check *c, const struct batch_columns_view *view,
    struct bytes ranges, uint32_t n)
{
	uint32_t *counts = calloc(n + 1, sizeof(*counts));
	int rc = counts ? batch_columns_match(view, ranges, counts) : ERR_NOMEM;

	free(counts);
	c->step = rc ? CHECK_RUNS : CHECK_NOTHING;
	return rc;
}

enum check_step
check_failed_at(const struct check *c)
{
	return c->step;
}
