/* SPDX-License-Identifier: Apache-2.0 */
/* Batches that came through a real pump, record by record. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "forwarder/pump.h"
#include "forwarder/targets/render.h"
#include "lib/base/err.h"
#include "lib/base/log.h"
#include "lib/codec/batch.h"
#include "tests/helpers/cmocka_all.h"
#include "tests/unit/forwarder/peer.h"
#include "tests/unit/forwarder/scripted_target.h"

#define FIRST 1001u
#define RECORDS 95u

/* The n-th record of a mixed batch: its stream and its place in it. */
static void
check_record(const struct render_record *r, uint64_t n)
{
	const char *stream = n / 10 % 2 ? "two" : "one";
	uint8_t mem[PEER_RECORD_MAX];
	char want[33], id[DIGEST_ORIGIN_TEXT_SIZE];

	assert_int_equal(r->rec, FIRST + n);
	assert_int_equal(r->seq, FIRST + n);
	assert_true(bytes_equal(r->bytes, peer_record(FIRST + n, mem)));
	assert_string_equal(render_id(r, id), peer_id(stream, r->seq, want));
	assert_int_equal(r->range->wanted, n / 10 % 2 == 0);
	assert_int_equal(r->received_ns, INT64_C(1790000000123456789));
	assert_int_equal(r->event_ns, 0);
}

static void
walk(const struct render_batch *b)
{
	struct render_record r;
	struct render *render;
	uint64_t n = 0;

	assert_int_equal(render_batch_first(b), FIRST);
	assert_int_equal(render_batch_records(b), RECORDS);
	assert_int_equal(render_batch_runs(b), RECORDS);
	assert_int_equal(render_new(&render), 0);
	/* The same walk twice: nothing of the first is left. */
	for (int i = 0; i < 2; i++) {
		assert_int_equal(render_begin(render, b), 0);
		for (n = 0; render_next(render, &r); n++)
			check_record(&r, n);
		assert_int_equal(n, RECORDS);
	}
	render_free(render);
}

static void
look(struct target *t, const struct target_batch *batch)
{
	struct target_batch copy = *batch;
	uint8_t *ranges = malloc(batch->ranges.len);
	uint8_t *payload = malloc(batch->payload.len);
	struct render_batch *b;

	assert_true(ranges && payload);
	assert_int_equal(render_batch_new(t->host, batch, false, &b), 0);
	assert_int_equal(render_batch_cost(b), batch->payload.len);
	walk(b);
	render_batch_free(b);
	/* A copy stands for itself. */
	memcpy(ranges, batch->ranges.ptr, batch->ranges.len);
	memcpy(payload, batch->payload.ptr, batch->payload.len);
	copy.ranges.ptr = ranges;
	copy.payload.ptr = payload;
	assert_int_equal(render_batch_new(t->host, &copy, true, &b), 0);
	memset(ranges, 0xff, copy.ranges.len);
	memset(payload, 0xff, copy.payload.len);
	free(ranges);
	free(payload);
	walk(b);
	render_batch_free(b);
}

static int
verdict(struct target *t, const struct target_batch *batch)
{
	struct render_batch *b = NULL;
	struct render *render;
	int rc = render_batch_new(t->host, batch, true, &b);

	assert_int_equal(render_new(&render), 0);
	if (!rc)
		rc = render_begin(render, b);
	render_free(render);
	render_batch_free(b);
	return rc;
}

static void
look_for_damage(struct target *t, const struct target_batch *batch)
{
	struct target_batch bad = *batch;
	uint8_t *bytes = malloc(batch->payload.len);
	struct buf ranges;
	struct batch_range r = {.stream = 77, .count = RECORDS};

	assert_non_null(bytes);
	assert_int_equal(verdict(t, &bad), 0);
	bad.records++;
	assert_int_equal(verdict(t, &bad), ERR_FORMAT);
	bad = *batch;
	bad.raw_len++;
	assert_int_equal(verdict(t, &bad), ERR_FORMAT);
	bad = *batch;
	bad.codec = BATCH_CODEC_ZSTD_DICT;
	assert_int_equal(verdict(t, &bad), ERR_UNSUPPORTED);
	bad = *batch;
	bad.ranges.len--;
	assert_int_equal(verdict(t, &bad), ERR_FORMAT);
	bad = *batch;
	memcpy(bytes, batch->payload.ptr, batch->payload.len);
	bytes[0] ^= 1;
	bad.payload.ptr = bytes;
	assert_true(verdict(t, &bad) < 0);
	free(bytes);
	/* A stream that nobody defined. */
	buf_init(&ranges, 4096);
	batch_ranges_encode_begin(&ranges, NULL, 1);
	batch_range_encode(&ranges, &r);
	bad = *batch;
	bad.ranges = buf_bytes(&ranges);
	assert_int_equal(verdict(t, &bad), ERR_FORMAT);
	buf_fini(&ranges);
}

static void
show_a_batch(void (*on_batch)(struct target *t, const struct target_batch *b))
{
	struct loop *loop;
	struct pump *pump;
	struct peer peer;
	struct kv *kv;
	int fd;

	assert_int_equal(loop_new(&loop), 0);
	assert_int_equal(kv_new(&kv), 0);
	kv_add_str(kv, "streams", "one");
	assert_int_equal(
	    pump_new_of(&scripted_target_class, loop, "far", kv, -1, &pump), 0);
	kv_free(kv);
	scripted_target_last()->on_batch = on_batch;
	scripted_target_last()->settles = true;
	peer_init(&peer, loop, &fd);
	pump_connect(pump, fd);
	peer_state(&peer);
	peer_stream(&peer, 1, "one");
	peer_stream(&peer, 2, "two");
	peer_batch(&peer, FIRST, RECORDS, true);
	peer_until_settled(&peer, FIRST, FIRST + RECORDS);
	pump_free(pump);
	loop_free(loop);
	peer_fini(&peer);
}

static void
records_come_with_stream_number_and_id(void **state)
{
	(void)state;
	show_a_batch(look);
}

static void
damaged_batches_are_refused(void **state)
{
	(void)state;
	show_a_batch(look_for_damage);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(records_come_with_stream_number_and_id),
	    cmocka_unit_test(damaged_batches_are_refused),
	};

	log_setup("test", LOG_LEVEL_ERROR, false);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
