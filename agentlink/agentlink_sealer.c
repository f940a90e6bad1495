/* SPDX-License-Identifier: Apache-2.0 */
#include "agentlink/agentlink.h"

#include <stdlib.h>

#include "lib/base/buf.h"
#include "lib/base/err.h"
#include "lib/codec/batch.h"
#include "lib/digest/digest.h"
#include "lib/pack/pack.h"

#define LEVEL 1

struct agentlink_sealer {
	struct batch_columns columns;
	uint32_t lens[AGENTLINK_BATCH_RECORDS_MAX];
	size_t bytes; /* of the records */
	bool sealed; /* the columns were handed out */
	struct buf raw, packed;
	struct digest_sha256 *sha;
	struct pack *pack;
};

int
agentlink_sealer_new(struct agentlink_sealer **out)
{
	struct agentlink_sealer *s = calloc(1, sizeof(*s));
	if (!s)
		return ERR_NOMEM;
	batch_columns_init(&s->columns, BATCH_RAW_MAX);
	buf_init(&s->raw, BATCH_RAW_MAX);
	buf_init(&s->packed, 2 * (size_t)BATCH_RAW_MAX);
	int rc = digest_sha256_new(&s->sha);
	if (!rc)
		rc = pack_new(LEVEL, &s->pack);
	if (rc) {
		agentlink_sealer_free(s);
		return rc;
	}
	*out = s;
	return 0;
}

void
agentlink_sealer_free(struct agentlink_sealer *s)
{
	if (!s)
		return;
	batch_columns_fini(&s->columns);
	buf_fini(&s->raw);
	buf_fini(&s->packed);
	digest_sha256_free(s->sha);
	pack_free(s->pack);
	free(s);
}

static void
start_over(struct agentlink_sealer *s)
{
	batch_columns_clear(&s->columns);
	s->bytes = 0;
	s->sealed = false;
}

uint32_t
agentlink_sealer_count(const struct agentlink_sealer *s)
{
	return s->sealed ? 0 : s->columns.count;
}

int
agentlink_sealer_add(struct agentlink_sealer *s, const void *ptr, size_t len)
{
	if (len > AGENTLINK_BATCH_RECORD_MAX)
		return ERR_LIMIT;
	if (s->sealed)
		start_over(s);
	uint32_t n = s->columns.count;
	if (n == AGENTLINK_BATCH_RECORDS_MAX ||
	    (n && s->bytes + len > AGENTLINK_SEALER_TARGET))
		return ERR_FULL;
	batch_columns_add(&s->columns, 0, bytes_of(ptr, len));
	if (s->columns.records.err)
		return s->columns.records.err;
	s->lens[n] = (uint32_t)len;
	s->bytes += len;
	return 0;
}

/* Packed if that is shorter, else as it is. */
static int
pack_columns(struct agentlink_sealer *s, struct agentlink_batch *batch)
{
	size_t raw_len = s->raw.len, bound = pack_bound(raw_len), len;
	buf_clear(&s->packed);
	uint8_t *to = buf_reserve(&s->packed, bound);
	if (!to)
		return s->packed.err;
	int rc = pack_compress(s->pack, buf_bytes(&s->raw), to, bound, &len);
	if (rc)
		return rc;
	bool is_shorter = len < raw_len;
	batch->codec = is_shorter ? BATCH_CODEC_ZSTD : BATCH_CODEC_RAW;
	batch->payload = is_shorter ? to : buf_ptr(&s->raw);
	batch->payload_len = is_shorter ? len : raw_len;
	return 0;
}

int
agentlink_sealer_seal(struct agentlink_sealer *s, struct agentlink_batch *batch)
{
	if (!agentlink_sealer_count(s))
		return ERR_STATE;
	struct agentlink_batch b = {
	    .count = s->columns.count,
	    .bytes = (uint32_t)s->bytes,
	};
	int rc = digest_records(
	    s->sha, buf_bytes(&s->columns.records), s->lens, b.count, b.digest);
	buf_clear(&s->raw);
	if (!rc)
		rc = batch_columns_encode(&s->columns, &s->raw);
	if (rc)
		return rc;
	b.raw_len = (uint32_t)s->raw.len;
	rc = pack_columns(s, &b);
	if (rc)
		return rc;
	s->sealed = true;
	*batch = b;
	return 0;
}
