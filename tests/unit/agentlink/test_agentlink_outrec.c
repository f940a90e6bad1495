/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/helpers/cmocka_all.h"

#include "agentlink/agentlink_outrec.h"
#include "lib/base/err.h"
#include "tests/helpers/golden.h"

#define SALT 0x5a175a17u

static void
fill(uint8_t *to, size_t len, uint8_t first)
{
	for (size_t i = 0; i < len; i++)
		to[i] = (uint8_t)(first + i);
}

static const struct {
	const char *name;
	uint8_t type;
} types[] = {
    {"STREAM", AGENTLINK_OUTREC_STREAM},
    {"BATCH", AGENTLINK_OUTREC_BATCH},
    {"ACKED", AGENTLINK_OUTREC_ACKED},
    {"EPOCH", AGENTLINK_OUTREC_EPOCH},
    {"POSITION", AGENTLINK_OUTREC_POSITION},
};
#define TYPES (sizeof(types) / sizeof(*types))

/* One record of each type, with every field different. */
static struct agentlink_outrec
example(uint8_t type)
{
	struct agentlink_outrec r = {
	    .type = type,
	    .stream = 3,
	    .seq = 0x0102030405060708,
	    .marks = 2,
	    .name = bytes_of_str("app"),
	    .path = bytes_of_str("/var/log/app.log"),
	    .key = bytes_of_str("key"),
	    .value = bytes_of_str("value"),
	    .body = bytes_of_str("the payload"),
	    .batch = {.count = 7,
		.raw_len = 300,
		.bytes = 250,
		.codec = 1,
		.flags = AGENTLINK_BATCH_RESTART,
		.severities = 0x40,
		.event_min_ns = -5,
		.event_max_ns = 6},
	};
	fill(r.head, sizeof(r.head), 0x10);
	fill(r.epoch, sizeof(r.epoch), 0x20);
	fill(r.spool, sizeof(r.spool), 0x30);
	fill(r.batch.digest, sizeof(r.batch.digest), 0x40);
	for (unsigned i = 0; i < 2; i++) {
		fill(r.mark[i].spool, 16, (uint8_t)(0x60 + i));
		fill(r.mark[i].head, 16, (uint8_t)(0x80 + i));
		r.mark[i].seq = 100 + i;
	}
	if (type != AGENTLINK_OUTREC_BATCH)
		r.body = bytes_of(NULL, 0);
	return r;
}

static void
encode(uint8_t type, struct buf *b)
{
	struct agentlink_outrec r = example(type);
	buf_init(b, 1 << 20);
	agentlink_outrec_encode(b, SALT, &r);
	assert_int_equal(b->err, 0);
}

static void
each_record_has_the_bytes_of_the_golden_file(void **state)
{
	(void)state;
	struct buf b;
	buf_init(&b, 1 << 20);
	agentlink_outrec_file_encode(&b, 0x1122334455667788, SALT);
	golden_check("outbox-1", "FILE", "outrec", buf_bytes(&b));
	buf_fini(&b);
	for (size_t i = 0; i < TYPES; i++) {
		encode(types[i].type, &b);
		golden_check(
		    "outbox-1", types[i].name, "outrec", buf_bytes(&b));
		buf_fini(&b);
	}
}

static void
what_was_encoded_is_decoded(void **state)
{
	(void)state;
	for (size_t i = 0; i < TYPES; i++) {
		struct buf b, again;
		struct agentlink_outrec r;
		size_t len;
		encode(types[i].type, &b);
		assert_int_equal(
		    agentlink_outrec_decode(buf_bytes(&b), SALT, &r, &len), 1);
		assert_int_equal(len, b.len);
		assert_true(agentlink_outrec_body_is_sound(&r));
		buf_init(&again, 1 << 20);
		agentlink_outrec_encode(&again, SALT, &r);
		assert_true(bytes_equal(buf_bytes(&b), buf_bytes(&again)));
		buf_fini(&again);
		buf_fini(&b);
	}
}

static void
a_record_that_is_cut_anywhere_is_not_there_yet(void **state)
{
	(void)state;
	for (size_t i = 0; i < TYPES; i++) {
		struct buf b;
		struct agentlink_outrec r;
		size_t len;
		encode(types[i].type, &b);
		for (size_t n = 0; n < b.len; n++)
			assert_int_equal(
			    agentlink_outrec_decode(
				bytes_of(buf_ptr(&b), n), SALT, &r, &len),
			    0);
		buf_fini(&b);
	}
}

static void
every_flipped_bit_is_noticed(void **state)
{
	(void)state;
	for (size_t i = 0; i < TYPES; i++) {
		struct buf b;
		encode(types[i].type, &b);
		for (size_t bit = 0; bit < 8 * b.len; bit++) {
			struct agentlink_outrec r;
			size_t len;
			buf_ptr(&b)[bit / 8] ^= (uint8_t)(1 << bit % 8);
			int rc = agentlink_outrec_decode(
			    buf_bytes(&b), SALT, &r, &len);
			assert_true(
			    rc <= 0 || !agentlink_outrec_body_is_sound(&r));
			buf_ptr(&b)[bit / 8] ^= (uint8_t)(1 << bit % 8);
		}
		buf_fini(&b);
	}
}

static void
a_record_of_another_file_is_not_taken(void **state)
{
	(void)state;
	struct buf b;
	struct agentlink_outrec r;
	size_t len;
	encode(AGENTLINK_OUTREC_ACKED, &b);
	assert_int_equal(
	    agentlink_outrec_decode(buf_bytes(&b), SALT + 1, &r, &len),
	    ERR_FORMAT);
	assert_int_equal(
	    agentlink_outrec_seek(buf_bytes(&b), SALT + 1, 0), b.len);
	buf_fini(&b);
}

static void
the_next_sound_record_is_found_behind_rubbish(void **state)
{
	(void)state;
	struct buf b, one;
	buf_init(&b, 1 << 20);
	buf_add_str(&b, "agr1 is not one, nor is agr");
	size_t at = b.len;
	encode(AGENTLINK_OUTREC_POSITION, &one);
	buf_add_bytes(&b, buf_bytes(&one));
	assert_int_equal(agentlink_outrec_seek(buf_bytes(&b), SALT, 0), at);
	assert_int_equal(
	    agentlink_outrec_seek(buf_bytes(&b), SALT, at + 1), b.len);
	buf_fini(&one);
	buf_fini(&b);
}

static void
file_headers_are_checked(void **state)
{
	(void)state;
	struct buf b;
	uint64_t number;
	uint32_t salt;
	buf_init(&b, 100);
	agentlink_outrec_file_encode(&b, 9, SALT);
	assert_int_equal(b.len, AGENTLINK_OUTREC_FILE_HEADER);
	assert_int_equal(
	    agentlink_outrec_file_decode(buf_bytes(&b), &number, &salt), 0);
	assert_int_equal(number, 9);
	assert_int_equal(salt, SALT);
	for (size_t i = 0; i < b.len; i++) {
		buf_ptr(&b)[i] ^= 4;
		assert_int_equal(
		    agentlink_outrec_file_decode(buf_bytes(&b), &number, &salt),
		    ERR_FORMAT);
		buf_ptr(&b)[i] ^= 4;
	}
	buf_fini(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(each_record_has_the_bytes_of_the_golden_file),
	    cmocka_unit_test(what_was_encoded_is_decoded),
	    cmocka_unit_test(a_record_that_is_cut_anywhere_is_not_there_yet),
	    cmocka_unit_test(every_flipped_bit_is_noticed),
	    cmocka_unit_test(a_record_of_another_file_is_not_taken),
	    cmocka_unit_test(the_next_sound_record_is_found_behind_rubbish),
	    cmocka_unit_test(file_headers_are_checked),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
