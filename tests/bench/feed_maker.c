/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/bench/feed_maker.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/err.h"
#include "tests/bench/gen.h"

#define SMALL_MAX 4096 /* of a record of mix-1 */
#define SHARE                                                          \
	(GEN_SEQ_MAX / FEED_MAKER_PARTS) /* sequence numbers of a part \
					  */
#define COLUMNS_HEAD 64 /* what columns take beside records and lengths */
#define LENGTH_MAX 3 /* bytes of a record's length there */

struct feed_maker {
	struct gen *gen;
	struct agentlink_sealer *sealer;
	uint64_t seq_from;
	uint32_t raw_max, count_max;
	struct gen_record record; /* made, and not yet in a batch */
	bool has_record;
	uint8_t patched[SMALL_MAX];
};

int
feed_maker_new(uint64_t seed, unsigned part, uint32_t raw_max,
    uint32_t count_max, struct feed_maker **out)
{
	struct feed_maker *m;
	int rc;

	if (part >= FEED_MAKER_PARTS || raw_max < 2 * SMALL_MAX || !count_max)
		return ERR_INVAL;
	m = calloc(1, sizeof(*m));
	if (!m)
		return ERR_NOMEM;
	m->seq_from = part * SHARE;
	m->raw_max = raw_max;
	m->count_max = count_max;
	rc = gen_new(GEN_MIX_1, seed, NULL, &m->gen);
	if (!rc)
		rc = agentlink_sealer_new(&m->sealer);
	if (rc) {
		feed_maker_free(m);
		return rc;
	}
	*out = m;
	return 0;
}

void
feed_maker_free(struct feed_maker *m)
{
	if (!m)
		return;
	gen_free(m->gen);
	agentlink_sealer_free(m->sealer);
	free(m);
}

static int
make_record(struct feed_maker *m)
{
	struct gen_record *r = &m->record;

	if (m->has_record)
		return 0;
	gen_next(m->gen, r);
	if (r->bytes.len > sizeof(m->patched))
		return ERR_LIMIT;
	memcpy(m->patched, r->bytes.ptr, r->bytes.len);
	gen_patch(m->patched, &r->at, m->seq_from + r->seq, r->event_ns);
	m->has_record = true;
	return 0;
}

int
feed_maker_next(struct feed_maker *m, struct agentlink_batch *batch)
{
	uint32_t raw = COLUMNS_HEAD, count = 0;
	int64_t from_ns = 0, to_ns = 0;
	int rc = make_record(m);

	while (!rc && count < m->count_max) {
		raw += (uint32_t)m->record.bytes.len + LENGTH_MAX;
		if (raw > m->raw_max)
			break;
		rc = agentlink_sealer_add(
		    m->sealer, m->patched, m->record.bytes.len);
		if (rc)
			return rc;
		to_ns = m->record.event_ns;
		from_ns = count++ ? from_ns : to_ns;
		m->has_record = false;
		rc = make_record(m);
	}
	if (!rc)
		rc = agentlink_sealer_seal(m->sealer, batch);
	if (rc)
		return rc;
	batch->event_min_ns = from_ns;
	batch->event_max_ns = to_ns;
	return 0;
}
