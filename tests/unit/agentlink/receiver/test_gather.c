/* SPDX-License-Identifier: Apache-2.0 */
/* Checking, gathering, and who may connect how often. */
#include "tests/helpers/cmocka_all.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agentlink/receiver/gather.h"
#include "agentlink/receiver/mismatches.h"
#include "agentlink/receiver/sources.h"
#include "lib/base/err.h"
#include "lib/check/check.h"
#include "lib/digest/digest.h"
#include "lib/pack/pack.h"

static void
nobody_sends(uint16_t type, const struct bytes *parts, size_t n, void *arg)
{
	(void)type;
	(void)parts;
	(void)n;
	(void)arg;
}

static void
nothing_happens(void *arg)
{
	(void)arg;
}

static const struct flow_events events = {
    .send = nobody_sends,
    .on_window = nothing_happens,
};

/* A packed batch of n records "NNN one record" and what it claims to be. */
struct sample {
	uint8_t packed[4096];
	struct bytes payload;
	uint8_t digest[32];
	struct check_claim claim;
};

static void
make_sample(struct sample *s, uint32_t n)
{
	struct digest_sha256 *sha = NULL;
	struct batch_columns columns;
	struct pack *pack = NULL;
	uint32_t lens[64];
	struct buf raw;
	char text[32];
	size_t len;

	batch_columns_init(&columns, 1 << 20);
	buf_init(&raw, 1 << 20);
	for (uint32_t i = 0; i < n; i++) {
		lens[i] =
		    (uint32_t)snprintf(text, sizeof(text), "%u one record", i);
		batch_columns_add(&columns, 0, bytes_of(text, lens[i]));
	}
	assert_int_equal(digest_sha256_new(&sha), 0);
	assert_int_equal(digest_records(sha, buf_bytes(&columns.records), lens,
			     n, s->digest),
	    0);
	assert_int_equal(batch_columns_encode(&columns, &raw), 0);
	assert_int_equal(pack_new(1, &pack), 0);
	assert_int_equal(pack_compress(pack, buf_bytes(&raw), s->packed,
			     sizeof(s->packed), &len),
	    0);
	s->payload = bytes_of(s->packed, len);
	s->claim = (struct check_claim){.codec = BATCH_CODEC_ZSTD,
	    .raw_len = (uint32_t)raw.len,
	    .records = n,
	    .ranges = 1,
	    .content_digest = s->digest};
	pack_free(pack);
	digest_sha256_free(sha);
	batch_columns_fini(&columns);
	buf_fini(&raw);
}

static void
a_batch_that_is_not_what_it_claims_is_refused(void **state)
{
	struct check *c = NULL;
	struct sample s;

	(void)state;
	make_sample(&s, 10);
	assert_int_equal(check_new(1 << 20, &c), 0);
	assert_int_equal(check_batch(c, &s.claim, s.payload, NULL), 0);
	s.digest[5] ^= 1;
	assert_int_equal(check_batch(c, &s.claim, s.payload, NULL), ERR_DIGEST);
	s.digest[5] ^= 1;
	s.claim.records = 11;
	assert_int_equal(check_batch(c, &s.claim, s.payload, NULL), ERR_FORMAT);
	s.claim.records = 0;
	assert_int_equal(check_batch(c, &s.claim, s.payload, NULL), ERR_LIMIT);
	s.claim.records = 10;
	s.claim.raw_len++;
	assert_int_not_equal(check_batch(c, &s.claim, s.payload, NULL), 0);
	s.claim.raw_len--;
	s.claim.codec = BATCH_CODEC_ZSTD_DICT;
	assert_int_equal(
	    check_batch(c, &s.claim, s.payload, NULL), ERR_UNSUPPORTED);
	check_free(c);
}

static void
a_record_over_the_limit_is_refused(void **state)
{
	struct check *c = NULL;
	struct sample s;

	(void)state;
	make_sample(&s, 10);
	assert_int_equal(check_new(12, &c), 0); /* "N one record" is 12 */
	assert_int_equal(check_batch(c, &s.claim, s.payload, NULL), 0);
	check_free(c);
	assert_int_equal(check_new(11, &c), 0);
	assert_int_equal(check_batch(c, &s.claim, s.payload, NULL), ERR_LIMIT);
	check_free(c);
}

struct parts {
	struct check *check;
	struct flow *flow;
	struct gather *gather;
	struct flow_stream *stream[2];
};

static void
parts_init(struct parts *p)
{
	struct uuid epoch = {.byte = {1}};
	struct flow_stream_open open = {
	    .key = {.name = bytes_of_str("a")}, .next_seq = 1};

	assert_int_equal(check_new(1 << 20, &p->check), 0);
	assert_int_equal(
	    flow_new(&epoch, 0, 1 << 20, &events, NULL, &p->flow), 0);
	assert_int_equal(gather_new(p->check, p->flow, &p->gather), 0);
	for (int i = 0; i < 2; i++)
		assert_int_equal(
		    flow_stream_open(p->flow, &open, NULL, &p->stream[i]), 0);
}

static void
parts_fini(struct parts *p)
{
	gather_free(p->gather);
	flow_free(p->flow);
	check_free(p->check);
}

static void
gather_two(struct parts *p, struct now now)
{
	struct ipc_range range = {
	    .first_seq = 1, .count = 10, .flags = BATCH_RANGE_HEAD};
	struct batch_columns_view view;
	struct sample s;

	make_sample(&s, 10);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(
		    check_batch(p->check, &s.claim, s.payload, &view), 0);
		assert_int_equal(
		    gather_add(p->gather, p->stream[i], &range, &view, &now),
		    0);
	}
}

/* The records of an item as one text. */
static void
records_of(struct parts *p, const struct flow_item *item, struct buf *out)
{
	struct check_claim claim = {.codec = item->batch.codec,
	    .raw_len = item->batch.raw_len,
	    .records = item->batch.records,
	    .ranges = item->n,
	    .content_digest = item->batch.content_digest};
	struct batch_columns_view view;
	struct batch_columns_iter it;

	assert_int_equal(
	    check_batch(p->check, &claim, item->batch.payload, &view), 0);
	batch_columns_iter_init(&it, &view, NULL);
	while (batch_columns_iter_next(&it)) {
		buf_add_fmt(out, "%u:", it.range);
		buf_add_bytes(out, it.record);
		buf_add_u8(out, '\n');
	}
}

static void
small_batches_of_two_streams_become_one(void **state)
{
	struct now now = {.mono_us = 1000000, .wall_ns = 5};
	struct flow_item *item = NULL;
	struct parts p;
	struct buf text;

	(void)state;
	parts_init(&p);
	buf_init(&text, 65536);
	gather_two(&p, now);
	assert_int_equal(gather_seal(p.gather, &now, &item), 0);
	assert_int_equal(item->n, 2);
	assert_int_equal(item->batch.records, 20);
	records_of(&p, item, &text);
	assert_memory_equal(buf_ptr(&text), "0:0 one record\n", 15);
	assert_non_null(
	    memmem(buf_ptr(&text), text.len, "\n1:9 one record\n", 16));
	assert_true(gather_is_empty(p.gather));
	flow_drop(p.flow, item);
	buf_fini(&text);
	parts_fini(&p);
}

static void
a_rebuilt_batch_has_only_the_ranges_that_are_kept(void **state)
{
	const bool keep[] = {false, true};
	struct now now = {.mono_us = 1000000};
	struct flow_item *item = NULL;
	struct parts p;
	struct buf text;

	(void)state;
	parts_init(&p);
	buf_init(&text, 65536);
	gather_two(&p, now);
	assert_int_equal(gather_seal(p.gather, &now, &item), 0);
	assert_int_equal(gather_rebuild(p.gather, item, keep), 0);
	assert_int_equal(item->batch.records, 10);
	records_of(&p, item, &text);
	assert_memory_equal(buf_ptr(&text), "0:0 one record\n", 15);
	assert_null(memmem(buf_ptr(&text), text.len, "\n1:", 3));
	flow_drop(p.flow, item);
	buf_fini(&text);
	parts_fini(&p);
}

static void
a_gathered_batch_is_due_when_old_or_when_all_wait(void **state)
{
	struct now now = {.mono_us = 1000000};
	uint64_t in_ms = 0;
	struct parts p;

	(void)state;
	parts_init(&p);
	assert_false(gather_is_due(p.gather, true, true, &now, &in_ms));
	gather_two(&p, now);
	assert_false(gather_is_due(p.gather, true, false, &now, &in_ms));
	assert_int_equal(in_ms, 200); /* quiet: the longest age */
	assert_true(gather_is_due(p.gather, true, true, &now, &in_ms));
	assert_false(gather_is_due(p.gather, false, true, &now, &in_ms));
	now.mono_us += 200000;
	assert_true(gather_is_due(p.gather, false, false, &now, &in_ms));
	parts_fini(&p);
}

static void
a_busy_disk_makes_batches_younger(void **state)
{
	struct now now = {.mono_us = 2000000};
	uint64_t in_ms = 0;
	struct parts p;

	(void)state;
	parts_init(&p);
	for (int i = 0; i < 20; i++) { /* ten megabytes a second */
		now.mono_us += 1000000;
		gather_note_stored(p.gather, 10000000, &now);
	}
	gather_two(&p, now);
	assert_false(gather_is_due(p.gather, false, false, &now, &in_ms));
	assert_int_equal(in_ms, 2);
	parts_fini(&p);
}

static void
one_source_may_not_have_all_connections(void **state)
{
	struct sources *s = NULL;

	(void)state;
	assert_int_equal(sources_new(&s), 0);
	for (int i = 0; i < 256; i++)
		assert_int_equal(
		    sources_open(s, "192.0.2.1", 256, 1000, 1, 5), 0);
	assert_int_equal(
	    sources_open(s, "192.0.2.1", 256, 1000, 1, 5), ERR_LIMIT);
	assert_int_equal(sources_open(s, "192.0.2.2", 256, 1000, 1, 5), 0);
	sources_close(s, "192.0.2.1");
	assert_int_equal(sources_open(s, "192.0.2.1", 256, 1000, 1, 5), 0);
	sources_free(s);
}

static void
connections_may_not_come_faster_than_the_rate(void **state)
{
	struct sources *s = NULL;

	(void)state;
	assert_int_equal(sources_new(&s), 0);
	for (int i = 0; i < 200; i++)
		assert_int_equal(
		    sources_open(s, "192.0.2.1", 1000, 200, 1, 7), 0);
	assert_int_equal(
	    sources_open(s, "192.0.2.1", 1000, 200, 1, 7), ERR_LIMIT);
	/* A two-hundredth of a second later there is room for one. */
	assert_int_equal(sources_open(s, "192.0.2.1", 1000, 200, 1, 12), 0);
	assert_int_equal(
	    sources_open(s, "192.0.2.1", 1000, 200, 1, 12), ERR_LIMIT);
	sources_free(s);
}

static void
a_rate_that_three_share_is_a_third_for_each(void **state)
{
	struct sources *s = NULL;
	int taken = 0;

	(void)state;
	assert_int_equal(sources_new(&s), 0);
	for (int i = 0; i < 200; i++)
		assert_int_equal(
		    sources_open(s, "192.0.2.1", 10000, 200, 3, 0), 0);
	assert_int_equal(
	    sources_open(s, "192.0.2.1", 10000, 200, 3, 0), ERR_LIMIT);
	for (uint64_t ms = 1; ms <= 3000; ms++)
		taken += !sources_open(s, "192.0.2.1", 10000, 200, 3, ms);
	/* 66 a millisecond each are a little less than 200 in 3 s. */
	assert_in_range(taken, 190, 200);
	sources_free(s);
}

static uint64_t
alarms(struct mismatches *m, uint64_t now_ms, uint64_t *last)
{
	uint64_t n = 0;

	*last = 0;
	while (mismatches_due(m, now_ms, last))
		n++;
	return n;
}

/* One may be an accident; a second of the same agent is told. */
static void
mismatches_are_counted_by_agent(void **state)
{
	struct mismatches *m = calloc(1, sizeof(*m));
	struct uuid id = {{0}};
	uint64_t last;

	(void)state;
	assert_non_null(m);
	for (uint32_t i = 0; i < MISMATCHES_AGENTS; i++) {
		id.byte[0] = (uint8_t)i;
		mismatches_note(m, &id, "agents");
	}
	assert_int_equal(alarms(m, 1, &last), 0);
	id.byte[0] = 3;
	mismatches_note(m, &id, "agents");
	assert_int_equal(alarms(m, 1, &last), 1);
	assert_int_equal(last, 2);
	id.byte[1] = 1; /* the first is forgotten for this one */
	mismatches_note(m, &id, "agents");
	assert_int_equal(alarms(m, 1, &last), 0);
	memset(&id, 0, sizeof(id));
	mismatches_note(m, &id, "agents");
	assert_int_equal(alarms(m, 1, &last), 0);
	free(m);
}

static void
an_agent_that_goes_on_is_one_alarm_an_hour_with_a_count(void **state)
{
	struct mismatches *m = calloc(1, sizeof(*m));
	struct uuid id = {{7}};
	uint64_t last, all = 0, n = 0;

	(void)state;
	assert_non_null(m);
	for (uint64_t ms = 1; ms <= 2 * MISMATCHES_TELL_MS; ms += 10000) {
		mismatches_note(m, &id, "agents");
		mismatches_note(m, &id, "agents");
		n += alarms(m, ms, &last);
		all += last;
	}
	assert_int_equal(n, 2);
	assert_int_equal(all, 2 + 2 * 360);
	free(m);
}

/* Agents that take turns, so that each is forgotten, are held as well. */
static void
many_agents_raise_no_more_alarms_than_are_remembered(void **state)
{
	struct mismatches *m = calloc(1, sizeof(*m));
	struct uuid id = {{0}};
	uint64_t last, n = 0;

	(void)state;
	assert_non_null(m);
	for (uint32_t i = 0; i < 4 * MISMATCHES_AGENTS; i++) {
		memcpy(id.byte, &i, sizeof(i));
		mismatches_note(m, &id, "agents");
		mismatches_note(m, &id, "agents");
		n += alarms(m, 1000, &last);
	}
	assert_int_equal(n, MISMATCHES_AGENTS);
	free(m);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_batch_that_is_not_what_it_claims_is_refused),
	    cmocka_unit_test(a_record_over_the_limit_is_refused),
	    cmocka_unit_test(small_batches_of_two_streams_become_one),
	    cmocka_unit_test(a_rebuilt_batch_has_only_the_ranges_that_are_kept),
	    cmocka_unit_test(a_gathered_batch_is_due_when_old_or_when_all_wait),
	    cmocka_unit_test(a_busy_disk_makes_batches_younger),
	    cmocka_unit_test(mismatches_are_counted_by_agent),
	    cmocka_unit_test(
		an_agent_that_goes_on_is_one_alarm_an_hour_with_a_count),
	    cmocka_unit_test(
		many_agents_raise_no_more_alarms_than_are_remembered),
	    cmocka_unit_test(one_source_may_not_have_all_connections),
	    cmocka_unit_test(connections_may_not_come_faster_than_the_rate),
	    cmocka_unit_test(a_rate_that_three_share_is_a_third_for_each),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
