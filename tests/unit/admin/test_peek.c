/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/helpers/cmocka_all.h"

#include <stdlib.h>
#include <string.h>

#include "admin/peek.h"
#include "lib/base/err.h"
#include "lib/base/uuid.h"
#include "tests/helpers/golden.h"
#include "tests/unit/admin/peek_made.h"

static const char stream7[] = PEEK_MADE_STREAM("7", "app");
static const char stream8[] = PEEK_MADE_STREAM("8", "sys");

/* Rows as lines of JSON. */
static int
collect(const struct peek_record *record, void *arg)
{
	struct buf *all = arg;
	json_t *row = peek_row(record);
	char *text = json_dumps(row, JSON_COMPACT);

	buf_add_str(all, text);
	buf_add_u8(all, '\n');
	free(text);
	json_decref(row);
	return 0;
}

static struct peek *
with_streams(void)
{
	struct peek *p;

	assert_int_equal(peek_new(&p), 0);
	assert_int_equal(peek_stream(p, bytes_of_str(stream7)), 0);
	assert_int_equal(peek_stream(p, bytes_of_str(stream8)), 0);
	return p;
}

/* What a frame with that head gives. */
static int
read_batch(struct peek *p, const char *head, struct buf *all)
{
	struct buf frame;
	struct ctl_frame f;
	size_t used;
	int rc;

	buf_init(&frame, 1 << 20);
	peek_made_batch(head, &frame);
	assert_int_equal(
	    ctl_next(buf_bytes(&frame), CTL_ANSWER_MAX, &f, &used), 0);
	rc = peek_batch(p, f.payload, collect, all);
	buf_fini(&frame);
	return rc;
}

/* The id as lib/digest gives it. */
static void
id_of(const char *stream, uint64_t seq, char id[DIGEST_ORIGIN_TEXT_SIZE])
{
	uint8_t prefix[DIGEST_ORIGIN_PREFIX_SIZE];
	struct uuid origin, epoch;
	struct digest_sha256 *d;

	uuid_parse(bytes_of_str(PEEK_MADE_ORIGIN), &origin);
	uuid_hex_parse(bytes_of_str(PEEK_MADE_EPOCH), epoch.byte, UUID_SIZE);
	assert_int_equal(digest_sha256_new(&d), 0);
	digest_origin_prefix(d, &origin, bytes_of_str(stream), &epoch, prefix);
	digest_origin_id(prefix, seq, id);
	digest_sha256_free(d);
}

static const struct {
	unsigned rec;
	const char *stream;
	uint64_t seq;
	const char *received;
	unsigned bytes;
	const char *content;
} want[] = {
    {100, "app", 41, "2026-11-26T04:15:00.123456Z", 5, "\"text\":\"first\""},
    {101, "sys", 1, "2026-11-26T04:15:00.124456Z", 2, "\"base64\":\"//4=\""},
    {102, "app", 42, "2026-11-26T04:15:02.123456Z", 11,
	"\"text\":\"日本 \\u001B[2J\""},
    {103, "sys", 2, "2026-11-26T04:15:00.123455Z", 0, "\"text\":\"\""},
};

static void
add_wanted(struct buf *b, size_t i)
{
	char id[DIGEST_ORIGIN_TEXT_SIZE];

	id_of(want[i].stream, want[i].seq, id);
	buf_add_fmt(b,
	    "{\"rec\":%u,\"id\":\"%s\",\"origin\":\"" PEEK_MADE_ORIGIN
	    "\",\"stream\":\"%s\",\"epoch\":\"" PEEK_MADE_EPOCH
	    "\",\"seq\":%u,\"listener\":\"agents\",\"peer\":"
	    "\"10.0.0.9:4711\",\"received\":\"%s\",\"bytes\":%u,%s}\n",
	    want[i].rec, id, want[i].stream, (unsigned)want[i].seq,
	    want[i].received, want[i].bytes, want[i].content);
}

static void
each_record_has_its_number_its_id_and_its_bytes(void **state)
{
	struct peek *p = with_streams();
	struct buf all, wanted;

	(void)state;
	buf_init(&all, 65536);
	buf_init(&wanted, 65536);
	for (size_t i = 0; i < 4; i++)
		add_wanted(&wanted, i);
	assert_int_equal(read_batch(p, PEEK_MADE_HEAD(""), &all), 0);
	buf_add_u8(&all, '\0');
	buf_add_u8(&wanted, '\0');
	assert_string_equal(buf_ptr(&all), buf_ptr(&wanted));
	buf_fini(&all);
	buf_fini(&wanted);
	peek_free(p);
}

static void
only_what_was_asked_for_is_given(void **state)
{
	struct peek *p = with_streams();
	struct buf all, wanted;

	(void)state;
	buf_init(&all, 65536);
	buf_init(&wanted, 65536);
	add_wanted(&wanted, 1);
	add_wanted(&wanted, 2);
	assert_int_equal(
	    read_batch(p, PEEK_MADE_HEAD(",\"skip\":1,\"take\":2"), &all), 0);
	assert_true(bytes_equal(buf_bytes(&all), buf_bytes(&wanted)));
	buf_clear(&all);
	assert_int_equal(read_batch(p, PEEK_MADE_HEAD(",\"skip\":9"), &all), 0);
	assert_int_equal(all.len, 0);
	buf_fini(&all);
	buf_fini(&wanted);
	peek_free(p);
}

static const struct {
	const char *head;
	int rc;
} heads[] = {
    {"%u", ERR_FORMAT},
    {"{}%u", ERR_FORMAT},
    {"{\"first_rec\":1,\"records\":4,\"codec\":\"lz4\",\"raw_len\":%u}",
	ERR_UNSUPPORTED},
    {"{\"first_rec\":1,\"records\":5,\"codec\":\"zstd\",\"raw_len\":%u}",
	ERR_FORMAT}, /* the ranges have 4 */
    {"{\"first_rec\":1,\"records\":70000,\"codec\":\"zstd\",\"raw_len\":%u}",
	ERR_LIMIT},
    {"{\"first_rec\":1,\"records\":0,\"codec\":\"zstd\",\"raw_len\":%u}",
	ERR_FORMAT},
    {"{\"first_rec\":-1,\"records\":4,\"codec\":\"zstd\",\"raw_len\":%u}",
	ERR_FORMAT},
    {"{\"first_rec\":1,\"records\":4,\"codec\":\"zstd\",\"raw_len\":1%u}",
	ERR_FORMAT},
    {"{\"first_rec\":1,\"records\":4,\"codec\":\"zstd\","
     "\"raw_len\":99999%u}",
	ERR_LIMIT},
    {"{\"first_rec\":1,\"records\":4,\"codec\":\"raw\",\"raw_len\":%u}",
	ERR_FORMAT},
};

static void
a_head_that_lies_is_refused(void **state)
{
	struct peek *p = with_streams();
	struct buf all;

	(void)state;
	buf_init(&all, 65536);
	for (size_t i = 0; i < sizeof(heads) / sizeof(heads[0]); i++) {
		int rc = read_batch(p, heads[i].head, &all);

		if (rc != heads[i].rc)
			fail_msg("%s: %s", heads[i].head, err_name(rc));
		assert_int_equal(all.len, 0);
	}
	buf_fini(&all);
	peek_free(p);
}

static void
a_stream_has_to_be_told_first_and_once_and_whole(void **state)
{
	static const char *const wrong[] = {
	    "{}",
	    "rubbish",
	    PEEK_MADE_STREAM("-1", "app"),
	    PEEK_MADE_STREAM("4294967296", "app"),
	    "{\"id\":1,\"origin\":\"x\",\"stream\":\"a\","
	    "\"epoch\":\"" PEEK_MADE_EPOCH "\"}",
	    "{\"id\":1,\"origin\":\"" PEEK_MADE_ORIGIN
	    "\",\"stream\":\"a\",\"epoch\":\"00\"}",
	    "{\"id\":1,\"origin\":\"" PEEK_MADE_ORIGIN
	    "\",\"epoch\":\"" PEEK_MADE_EPOCH "\"}",
	};
	struct peek *p;
	struct buf all;

	(void)state;
	buf_init(&all, 65536);
	assert_int_equal(peek_new(&p), 0);
	assert_int_equal(peek_stream(p, bytes_of_str(stream7)), 0);
	assert_int_equal(read_batch(p, PEEK_MADE_HEAD(""), &all), ERR_NOENT);
	assert_int_equal(peek_stream(p, bytes_of_str(stream7)), ERR_EXISTS);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		assert_int_equal(
		    peek_stream(p, bytes_of_str(wrong[i])), ERR_FORMAT);
	buf_fini(&all);
	peek_free(p);
	peek_free(NULL);
}

/* As the keeper sends it: streams, a batch that is not packed, the end. */
static void
an_answer_is_the_golden_bytes(void **state)
{
	struct buf answer, columns, ranges;
	struct ctl_batch batch;
	char head[256];

	(void)state;
	buf_init(&answer, 65536);
	buf_init(&columns, 65536);
	buf_init(&ranges, 65536);
	peek_made_columns(&columns);
	peek_made_ranges(&ranges);
	snprintf(head, sizeof(head),
	    "{\"first_rec\":100,\"records\":4,\"codec\":\"raw\","
	    "\"raw_len\":%zu,\"received_first_ns\":" PEEK_MADE_RECEIVED
	    ",\"skip\":0,\"take\":4}",
	    columns.len);
	batch.head = bytes_of_str(head);
	batch.ranges = buf_bytes(&ranges);
	batch.payload = buf_bytes(&columns);
	ctl_put(&answer, CTL_STREAM, bytes_of_str(stream7));
	ctl_put(&answer, CTL_STREAM, bytes_of_str(stream8));
	ctl_put_batch(&answer, &batch);
	ctl_put(&answer, CTL_JSON,
	    bytes_of_str("{\"ok\":true,\"result\":{\"records\":4,"
			 "\"next_rec\":104,\"more\":false}}"));
	golden_check("ctl-peek-1", "PEEK", "peek", buf_bytes(&answer));
	buf_fini(&answer);
	buf_fini(&columns);
	buf_fini(&ranges);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(each_record_has_its_number_its_id_and_its_bytes),
	    cmocka_unit_test(only_what_was_asked_for_is_given),
	    cmocka_unit_test(an_answer_is_the_golden_bytes),
	    cmocka_unit_test(a_head_that_lies_is_refused),
	    cmocka_unit_test(a_stream_has_to_be_told_first_and_once_and_whole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
