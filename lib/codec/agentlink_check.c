/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/codec/agentlink_check.h"

#include "lib/base/err.h"
#include "lib/codec/entry.h"

#define SEVERITIES 0xffu
#define INTERVAL_SIZE 48

static int
verdict(bool good)
{
	return good ? 0 : ERR_FORMAT;
}

/* `count` numbers from `first` on: at least one, and none past the end. */
static bool
is_run(uint64_t first, uint64_t count)
{
	return count && first <= UINT64_MAX - count;
}

/* The payload as packed must fit what is said of it unpacked. */
static bool
is_packed(uint8_t codec, uint32_t raw_len, struct bytes payload)
{
	if (raw_len < BATCH_COLUMNS_HEADER_SIZE)
		return false;
	if (codec == BATCH_CODEC_RAW)
		return payload.len == raw_len;
	return codec == BATCH_CODEC_ZSTD && payload.len;
}

int
agentlink_check_hello(const struct agentlink_msg *m)
{
	return verdict(m->u.hello.min_version &&
	    m->u.hello.min_version <= m->u.hello.max_version);
}

int
agentlink_check_stream_open(const struct agentlink_msg *m)
{
	return verdict(m->stream && m->u.stream_open.name.len &&
	    m->u.stream_open.next_seq);
}

int
agentlink_check_stream_state(const struct agentlink_msg *m)
{
	return verdict(
	    !(m->u.stream_state.flags & ~(unsigned)AGENTLINK_STREAM_NEW));
}

int
agentlink_check_stream_close(const struct agentlink_msg *m)
{
	return verdict(
	    !(m->u.stream_close.flags & ~(unsigned)AGENTLINK_STREAM_FINAL));
}

int
agentlink_check_data(const struct agentlink_msg *m)
{
	const struct agentlink_data *d = &m->u.data;
	unsigned flags = BATCH_RANGE_GAP_BEFORE | BATCH_RANGE_RESTART;

	/* The payload is judged with the batch: NACK, not the end. */
	return verdict(m->stream && d->first_seq &&
	    is_run(d->first_seq, d->count) && !(d->flags & ~flags) &&
	    !d->dictionary && d->severities <= SEVERITIES);
}

int
agentlink_check_advance(const struct agentlink_msg *m)
{
	const struct agentlink_advance *a = &m->u.advance;

	return verdict(m->stream && a->from && a->from <= a->to &&
	    a->to < UINT64_MAX && a->reason >= ENTRY_ADVANCE_LOST &&
	    a->reason <= ENTRY_ADVANCE_CORRUPT);
}

int
agentlink_check_chain_open(const struct agentlink_msg *m)
{
	return verdict(m->u.chain_open.start_rec <= m->u.chain_open.next_rec);
}

int
agentlink_check_chain_state(const struct agentlink_msg *m)
{
	const struct agentlink_chain_state *s = &m->u.chain_state;
	struct agentlink_chain_interval iv;
	uint64_t end = 0;

	if (s->n > AGENTLINK_INTERVALS_MAX ||
	    s->intervals.len != (size_t)s->n * INTERVAL_SIZE)
		return ERR_FORMAT;
	for (uint32_t i = 0; i < s->n; i++) {
		agentlink_chain_interval_at(s->intervals, i, &iv);
		if (iv.from >= iv.to || (i && iv.from <= end))
			return ERR_FORMAT;
		end = iv.to;
	}
	return 0;
}

int
agentlink_check_chain_def(const struct agentlink_msg *m)
{
	const struct agentlink_chain_def *d = &m->u.chain_def;

	return verdict(d->ref && d->name.len && d->path.len % UUID_SIZE == 0);
}

int
agentlink_check_chain_data(const struct agentlink_msg *m)
{
	const struct agentlink_chain_data *d = &m->u.chain_data;

	return verdict(d->first_rec && is_run(d->first_rec, d->count) &&
	    d->count <= BATCH_RECORDS_MAX && d->lane <= BATCH_LANE_URGENT &&
	    is_packed(d->codec, d->raw_len, d->payload));
}

int
agentlink_check_chain_ack(const struct agentlink_msg *m)
{
	return verdict(m->u.chain_ack.from <= m->u.chain_ack.to);
}

int
agentlink_check_skip(const struct agentlink_msg *m)
{
	const struct agentlink_skip *s = &m->u.skip;

	return verdict(s->from && is_run(s->from, s->count) &&
	    s->reason >= ENTRY_SKIP_HOLE && s->reason <= ENTRY_SKIP_GIVEN_UP);
}
