/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/helpers/cmocka_all.h"

#include <string.h>

#include "lib/base/endian.h"
#include "lib/base/err.h"
#include "lib/codec/entry.h"
#include "tests/helpers/golden.h"

#define ID(x)                                                          \
	{                                                              \
		{                                                      \
			x, x, x, x, x, x, x, x, x, x, x, x, x, x, x, x \
		}                                                      \
	}
#define TEXT(s)                                     \
	{                                           \
		(const uint8_t *)(s), sizeof(s) - 1 \
	}
#define KEY_OF                                             \
	{                                                  \
		ID(0x11), ID(0x33), TEXT("/var/log/*.log") \
	}
#define WALL 1767225600000000000

/* [1, 101) and [200, 201), each with a digest; le64, le64, 32 bytes. */
static const uint8_t intervals[96] = {
    [0] = 1, [8] = 101, [16] = 0xd1, [48] = 200, [56] = 201, [64] = 0xd2};

/* delivered [1, 51), unconfirmed [60, 61). */
static const uint8_t settled[] = {0, 1, 50, 1, 60, 1};

static const uint8_t hop[16] = {0x22, 0x22};

/* Nothing, but in the last hour. */
static const uint8_t hours[ENTRY_HISTORY_HOURS] = {[167] = 99};

static struct iv ivs[] = {{1, 51}, {60, 61}};

static const struct {
	const char *title;
	struct entry e;
} sample[] = {
    {"CHECKPOINT_BEGIN",
	{.type = ENTRY_CHECKPOINT_BEGIN, .u.checkpoint = {true, 7, 1000, 0}}},
    {"CHECKPOINT_END",
	{.type = ENTRY_CHECKPOINT_END, .u.checkpoint = {true, 7, 1000, 12}}},
    {"IDENTITY",
	{.type = ENTRY_IDENTITY,
	    .u.identity = {ID(0x22), ID(0x44), WALL, 1234567, WALL + 1}}},
    {"COUNTERS",
	{.type = ENTRY_COUNTERS,
	    .u.counters = {TEXT("agents"), 1000, 990, 7, 3, 990}}},
    {"TARGET_STATE",
	{.type = ENTRY_TARGET_STATE,
	    .u.target_state = {.name = TEXT("hq"),
		.protocol = TEXT("chain"),
		.start_rec = 1,
		.term = {50, 1, 0, 0, 0, 0, 300},
		.opaque = {1, 2, 3},
		.settled = {ivs, 2, 2, 10}}}},
    {"STREAM_STATE",
	{.type = ENTRY_STREAM_STATE,
	    .u.stream_state = {KEY_OF, TEXT("agents"), 1, 770, {0xaa, 0xbb}, 99,
		false, TEXT("192.0.2.7:50123"), {5, 800, 770, 28, 2}}}},
    {"CHILD_STATE",
	{.type = ENTRY_CHILD_STATE,
	    .u.child_state = {ID(0x55), ID(0x66), 2,
		{intervals, sizeof(intervals)}}}},
    {"RECEIVER_STATE",
	{.type = ENTRY_RECEIVER_STATE,
	    .u.receiver_state = {1, ID(0x77), 4242}}},
    {"STREAM_DEF",
	{.type = ENTRY_STREAM_DEF,
	    .u.stream_def = {3, KEY_OF, TEXT("agents"), TEXT("192.0.2.7:50123"),
		TEXT("spool:agent:11111111-1111-1111-1111-111111111111"),
		{hop, sizeof(hop)}}}},
    {"ADVANCE",
	{.type = ENTRY_ADVANCE,
	    .u.advance = {KEY_OF, TEXT("agents"), 771, 780, ENTRY_ADVANCE_LOST,
		{{0}}, {0xcc}}}},
    {"SKIP",
	{.type = ENTRY_SKIP,
	    .u.skip = {ID(0x55), ID(0x66), 101, 99, ENTRY_SKIP_HOLE}}},
    {"GIVE_UP",
	{.type = ENTRY_GIVE_UP,
	    .u.give_up = {TEXT("siem"), ENTRY_TERM_EXPIRED, 1, 300, 250,
		TEXT("target remove")}}},
    {"DELIVERED",
	{.type = ENTRY_DELIVERED,
	    .u.delivered = {TEXT("hq"), {1, 2, 3}, 2,
		{settled, sizeof(settled)}}}},
    {"QUARANTINE",
	{.type = ENTRY_QUARANTINE,
	    .u.quarantine = {9, 300, 364, 64, ID(0x88),
		TEXT("the tag does not match")}}},
    {"FORK",
	{.type = ENTRY_FORK, .u.fork = {KEY_OF, 771, {0xaa}, {0xbb}, WALL}}},
    {"ALARM",
	{.type = ENTRY_ALARM,
	    .u.alarm = {ENTRY_ALARM_DISK_LIED, 5, 9, WALL,
		TEXT("meta is ahead of the log")}}},
    {"ADMIN",
	{.type = ENTRY_ADMIN,
	    .u.admin = {WALL, TEXT("uid 0"), TEXT("target remove siem"),
		TEXT("moved")}}},
    {"KEY", {.type = ENTRY_KEY, .u.key = {ID(0x88), {0x99}, TEXT("created")}}},
    {"RECYCLE", {.type = ENTRY_RECYCLE, .u.recycle = {ID(0x88), 17, 1, 1000}}},
    {"TARGET",
	{.type = ENTRY_TARGET,
	    .u.target = {ENTRY_TARGET_RENAMED, TEXT("hq"), TEXT("hq2"),
		TEXT("chain"), 1}}},
    {"CLOCK",
	{.type = ENTRY_CLOCK, .u.clock = {1234567, WALL, -3600000000000}}},
    {"INCARNATION",
	{.type = ENTRY_INCARNATION,
	    .u.incarnation = {ID(0x66), 1000,
		TEXT("the parent has another history")}}},
    {"STREAM_CLOSED",
	{.type = ENTRY_STREAM_CLOSED, .u.stream_closed = {KEY_OF}}},
    {"PENDING_AGAIN",
	{.type = ENTRY_PENDING_AGAIN,
	    .u.pending_again = {TEXT("hq"), 1, 51, {50, 0, 0, 0, 0, 0, 0}}}},
    {"HISTORY",
	{.type = ENTRY_HISTORY,
	    .u.history = {1234567, 500000, 70000, 700000,
		{hours, sizeof(hours)}}}},
    {"STREAM_COUNTERS",
	{.type = ENTRY_STREAM_COUNTERS,
	    .u.stream_counters = {KEY_OF, {5, 810, 770, 37, 3}}}},
};

#define SAMPLES (sizeof(sample) / sizeof(*sample))
#define LIMIT (1 << 20)

static void
every_entry_is_as_the_golden_file_has_it(void **state)
{
	(void)state;
	for (size_t i = 0; i < SAMPLES; i++) {
		struct buf b, again;
		struct cursor c;
		struct entry e;

		buf_init(&b, LIMIT);
		buf_init(&again, LIMIT);
		entry_encode(&b, &sample[i].e);
		assert_int_equal(b.err, 0);
		golden_check(
		    "entries-1", sample[i].title, "entry", buf_bytes(&b));
		assert_string_equal(
		    entry_type_name(sample[i].e.type), sample[i].title);
		cursor_init(&c, buf_bytes(&b));
		assert_int_equal(entry_next(&c, &e), 1);
		entry_encode(&again, &e);
		entry_fini(&e);
		assert_true(bytes_equal(buf_bytes(&b), buf_bytes(&again)));
		assert_int_equal(entry_next(&c, &e), 0);
		buf_fini(&again);
		buf_fini(&b);
	}
}

static void
fields_come_back_where_they_were(void **state)
{
	const struct entry_target_state *t;
	struct cursor c;
	struct entry e;
	struct buf b;

	(void)state;
	buf_init(&b, LIMIT);
	for (size_t i = 0; i < SAMPLES; i++)
		entry_encode(&b, &sample[i].e);
	cursor_init(&c, buf_bytes(&b));
	for (size_t i = 0; i < SAMPLES; i++) {
		assert_int_equal(entry_next(&c, &e), 1);
		assert_int_equal(e.type, sample[i].e.type);
		if (e.type == ENTRY_TARGET_STATE) {
			t = &e.u.target_state;
			assert_true(bytes_equal_str(t->protocol, "chain"));
			assert_int_equal(t->term[ENTRY_TERM_QUARANTINED], 300);
			assert_memory_equal(t->opaque, "\1\2\3\0", 4);
			assert_true(ivset_equal(
			    &t->settled, &sample[i].e.u.target_state.settled));
		}
		if (e.type == ENTRY_CLOCK)
			assert_true(e.u.clock.jump_ns == -3600000000000);
		entry_fini(&e);
	}
	assert_int_equal(entry_next(&c, &e), 0);
	buf_fini(&b);
}

static void
an_entry_that_is_cut_off_or_too_long_is_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < SAMPLES; i++) {
		struct cursor c;
		struct entry e;
		struct buf b;

		buf_init(&b, LIMIT);
		entry_encode(&b, &sample[i].e);
		for (size_t len = 1; len < b.len; len++) {
			cursor_init(&c, bytes_of(b.mem, len));
			assert_int_equal(entry_next(&c, &e), ERR_FORMAT);
			if (len < 8)
				continue;
			/* the body alone, shorter than its fields */
			endian_put_le32(b.mem + 4, (uint32_t)(len - 8));
			cursor_init(&c, bytes_of(b.mem, len));
			assert_int_equal(entry_next(&c, &e), ERR_FORMAT);
			entry_fini(&e);
			endian_put_le32(b.mem + 4, (uint32_t)(b.len - 8));
		}
		cursor_put_u8(&b, 0);
		endian_put_le32(b.mem + 4, (uint32_t)(b.len - 8));
		cursor_init(&c, buf_bytes(&b));
		assert_int_equal(entry_next(&c, &e), ERR_FORMAT);
		buf_fini(&b);
	}
}

static void
unknown_entries_are_skipped_unless_critical(void **state)
{
	static const uint16_t reserved[] = {
	    ENTRY_REPEAT, ENTRY_DEAD_LETTER, ENTRY_REPACKED, 0, 11, 35, 60000};
	struct cursor c;
	struct entry e;
	struct buf b;

	(void)state;
	buf_init(&b, LIMIT);
	for (size_t i = 0; i < sizeof(reserved) / 2; i++) {
		buf_clear(&b);
		cursor_put_le16(&b, reserved[i]);
		cursor_put_le16(&b, 0);
		cursor_put_le32(&b, 3);
		buf_add_str(&b, "abc");
		entry_encode(&b, &sample[0].e);
		cursor_init(&c, buf_bytes(&b));
		assert_int_equal(entry_next(&c, &e), 1);
		assert_int_equal(e.type, ENTRY_CHECKPOINT_BEGIN);
		b.mem[2] = ENTRY_CRITICAL;
		cursor_init(&c, buf_bytes(&b));
		assert_int_equal(entry_next(&c, &e), ERR_VERSION);
	}
	buf_fini(&b);
}

static void
values_that_cannot_be_are_refused(void **state)
{
	struct {
		size_t from;
		struct entry e;
	} row[] = {{6, {0}}, {6, {0}}, {9, {0}}, {9, {0}}, {10, {0}}, {11, {0}},
	    {12, {0}}, {12, {0}}, {19, {0}}, {23, {0}}, {8, {0}}, {0, {0}},
	    {18, {0}}, {13, {0}}, {24, {0}}};
	static const uint8_t term[] = {7, 1, 50, 1, 60, 1};

	(void)state;
	for (size_t i = 0; i < sizeof(row) / sizeof(*row); i++)
		row[i].e = sample[row[i].from].e;
	row[0].e.u.child_state.n = 3;
	row[1].e.u.child_state.intervals.len = 50;
	row[2].e.u.advance.to = 770;
	row[3].e.u.advance.reason = 0;
	row[4].e.u.skip.count = UINT64_MAX;
	row[5].e.u.give_up.term = ENTRY_TERMS;
	row[6].e.u.delivered.n = 1;
	row[7].e.u.delivered.settled = bytes_of(term, sizeof(term));
	row[8].e.u.target.action = 7;
	row[9].e.u.pending_again.to = 1;
	row[10].e.u.stream_def.path.len = 15;
	row[11].e.flags = 2;
	row[12].e.u.recycle.next_rec = 0;
	row[13].e.u.quarantine.to = 299;
	row[14].e.u.history.bytes.len--;
	for (size_t i = 0; i < sizeof(row) / sizeof(*row); i++) {
		struct cursor c;
		struct entry e;
		struct buf b;

		buf_init(&b, LIMIT);
		entry_encode(&b, &row[i].e);
		assert_int_equal(b.err, 0);
		cursor_init(&c, buf_bytes(&b));
		if (entry_next(&c, &e) != ERR_FORMAT)
			fail_msg("row %zu", i);
		buf_fini(&b);
	}
}

static void
what_could_not_be_read_again_is_not_written(void **state)
{
	static const uint8_t name[33];
	struct entry e = sample[3].e;
	struct buf b;

	(void)state;
	buf_init(&b, LIMIT);
	e.u.counters.listener = bytes_of(name, sizeof(name));
	entry_encode(&b, &e);
	assert_int_equal(b.err, ERR_INVAL);
	buf_clear(&b);
	e.type = ENTRY_REPEAT;
	entry_encode(&b, &e);
	assert_int_equal(b.err, ERR_INVAL);
	buf_fini(&b);
}

static void
lists_come_one_by_one(void **state)
{
	struct entry_child_interval iv;
	struct entry_settled one;
	struct cursor c;
	struct buf b;

	(void)state;
	buf_init(&b, LIMIT);
	cursor_init(&c, bytes_of(intervals, sizeof(intervals)));
	while (entry_child_interval_next(&c, &iv) == 1)
		entry_child_interval_encode(&b, &iv);
	assert_int_equal(cursor_end(&c), 0);
	assert_true(
	    bytes_equal(buf_bytes(&b), bytes_of(intervals, sizeof(intervals))));
	buf_clear(&b);
	cursor_init(&c, bytes_of(settled, sizeof(settled)));
	while (entry_settled_next(&c, &one) == 1)
		entry_settled_encode(&b, &one);
	assert_int_equal(one.term, ENTRY_TERM_UNCONFIRMED);
	assert_int_equal(one.to, 61);
	assert_true(
	    bytes_equal(buf_bytes(&b), bytes_of(settled, sizeof(settled))));
	assert_int_equal(entry_settled_next(&c, &one), 0);
	buf_fini(&b);
}

static void
terms_have_the_names_of_the_ledger(void **state)
{
	(void)state;
	assert_string_equal(
	    entry_term_name(ENTRY_TERM_DEAD_LETTERED), "dead-lettered");
	assert_string_equal(entry_term_name(ENTRY_TERMS), "unknown");
	assert_string_equal(entry_type_name(999), "UNKNOWN");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(every_entry_is_as_the_golden_file_has_it),
	    cmocka_unit_test(fields_come_back_where_they_were),
	    cmocka_unit_test(an_entry_that_is_cut_off_or_too_long_is_refused),
	    cmocka_unit_test(unknown_entries_are_skipped_unless_critical),
	    cmocka_unit_test(values_that_cannot_be_are_refused),
	    cmocka_unit_test(what_could_not_be_read_again_is_not_written),
	    cmocka_unit_test(lists_come_one_by_one),
	    cmocka_unit_test(terms_have_the_names_of_the_ledger),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
