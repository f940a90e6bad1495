/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/helpers/cmocka_all.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/err.h"
#include "tests/helpers/checker.h"

#define STREAMS 3
#define EACH 100
#define MOST 1000

/* One arrival of a run, before it is told to the checker. */
struct event {
	int stream; /* the id says so; 9: a key of nobody */
	int seq; /* from 1 */
	const char *other; /* other bytes than what was sent; NULL: those */
};

struct run {
	struct event event[MOST];
	int n;
};

static void
make_record(int stream, int seq, char text[static 64])
{
	snprintf(text, 64, "record %d of stream %d", seq, stream);
}

/* As DESIGN.md 3 has it: 12 bytes of the stream, 8 of the sequence. */
static void
make_id(int stream, uint64_t seq, char id[static 33])
{
	uint8_t raw[20] = {0};
	uint64_t bits = 0;
	int have = 0, at = 0;

	memset(raw, 17 + stream, 12);
	for (int i = 0; i < 8; i++)
		raw[19 - i] = (uint8_t)(seq >> (8 * i));
	for (int i = 0; i < 20; i++) {
		bits = bits << 8 | raw[i];
		for (have += 8; have >= 5; have -= 5)
			id[at++] = "0123456789ABCDEFGHIJKLMNOPQRSTUV"[bits >>
				(have - 5) &
			    31];
	}
	id[32] = 0;
}

/* Perfect: the streams' records in turns of 1, 2 and 3. */
static void
perfect(struct run *run)
{
	int next[STREAMS] = {1, 1, 1};

	run->n = 0;
	while (run->n < STREAMS * EACH) {
		for (int s = 0; s < STREAMS; s++) {
			for (int k = 0; k <= s && next[s] <= EACH; k++)
				run->event[run->n++] =
				    (struct event){s, next[s]++, NULL};
		}
	}
}

static int
find(const struct run *run, int stream, int seq)
{
	for (int i = 0; i < run->n; i++) {
		if (run->event[i].stream == stream && run->event[i].seq == seq)
			return i;
	}
	fail();
	return 0;
}

static void
take_out(struct run *run, int stream, int first, int last)
{
	for (int seq = first; seq <= last; seq++) {
		int i = find(run, stream, seq);

		memmove(&run->event[i], &run->event[i + 1],
		    (size_t)(--run->n - i) * sizeof(run->event[0]));
	}
}

static void
put_in(struct run *run, int at, struct event event)
{
	memmove(&run->event[at + 1], &run->event[at],
	    (size_t)(run->n++ - at) * sizeof(run->event[0]));
	run->event[at] = event;
}

static void
nothing(struct run *run)
{
	(void)run;
}

static void
lose_prefix(struct run *run)
{
	take_out(run, 1, 1, 3);
}

static void
lose_middle(struct run *run)
{
	take_out(run, 0, 50, 51);
	take_out(run, 2, 7, 7);
}

static void
lose_suffix(struct run *run)
{
	take_out(run, 2, 97, 100);
}

static void
lose_stream(struct run *run)
{
	take_out(run, 1, 1, EACH);
}

static void
lose_all_ends(struct run *run)
{
	lose_prefix(run);
	lose_middle(run);
	lose_suffix(run);
}

static void
repeat_at_once(struct run *run)
{
	int i = find(run, 0, 10);

	put_in(run, i, run->event[i]);
}

static void
repeat_a_window(struct run *run)
{
	for (int seq = 80; seq <= 90; seq++)
		put_in(run, run->n, (struct event){1, seq, NULL});
}

static void
add_phantom(struct run *run)
{
	put_in(run, 20, (struct event){9, 1, "nobody sent this"});
}

static void
alter_middle(struct run *run)
{
	run->event[find(run, 1, 40)].other = "bytes turned over";
}

static void
alter_first_and_last(struct run *run)
{
	run->event[find(run, 0, 1)].other = "first";
	run->event[find(run, 2, EACH)].other = "last";
}

static void
cut_short(struct run *run)
{
	run->event[find(run, 2, 60)].other = "record 60 of stream ";
}

static void
exchange(struct run *run, int a, int b)
{
	struct event event = run->event[a];

	run->event[a] = run->event[b];
	run->event[b] = event;
}

static void
exchange_in_a_stream(struct run *run)
{
	exchange(run, find(run, 2, 30), find(run, 2, 31));
}

static void
exchange_between_streams(struct run *run)
{
	exchange(run, find(run, 0, 9), find(run, 1, 17));
}

static void
move_far(struct run *run)
{
	take_out(run, 0, 5, 6);
	put_in(run, run->n, (struct event){0, 5, NULL});
	put_in(run, run->n, (struct event){0, 6, NULL});
}

static void
everything_at_once(struct run *run)
{
	lose_all_ends(run);
	repeat_at_once(run);
	add_phantom(run);
	exchange_in_a_stream(run);
	alter_middle(run);
}

/* The fault put into a perfect run, and what must be said of it. */
static const struct {
	const char *name;
	void (*fault)(struct run *run);
	struct checker_counts want; /* of the faults; the rest is worked out */
} faults[] = {
    {"none", nothing, {0}},
    {"prefix", lose_prefix, {.lost_prefix = 3}},
    {"middle", lose_middle, {.lost_middle = 3}},
    {"suffix", lose_suffix, {.lost_suffix = 4}},
    {"stream", lose_stream, {.lost_suffix = EACH}},
    {"ends", lose_all_ends,
	{.lost_prefix = 3, .lost_middle = 3, .lost_suffix = 4}},
    {"repeat", repeat_at_once, {.repeats = 1}},
    {"window", repeat_a_window, {.repeats = 11}},
    {"phantom", add_phantom, {.phantoms = 1}},
    {"altered", alter_middle, {.altered = 1}},
    {"altered ends", alter_first_and_last, {.altered = 2}},
    {"cut", cut_short, {.altered = 1}},
    {"exchange", exchange_in_a_stream, {.disorder = 1}},
    {"streams", exchange_between_streams, {0}},
    {"far", move_far, {.disorder = 2}},
    {"all", everything_at_once,
	{.lost_prefix = 3,
	    .lost_middle = 3,
	    .lost_suffix = 4,
	    .repeats = 1,
	    .phantoms = 1,
	    .altered = 1,
	    .disorder = 1}},
};

static void
send_all(struct checker *c)
{
	char text[64], name[8];

	for (int s = 0; s < STREAMS; s++) {
		snprintf(name, sizeof(name), "s%d", s);
		assert_int_equal(checker_stream(c, name), 0);
		for (int seq = 1; seq <= EACH; seq++) {
			make_record(s, seq, text);
			assert_int_equal(
			    checker_sent(c, bytes_of_str(text)), 0);
		}
	}
}

static void
deliver(struct checker *c, const struct run *run, bool with_ids)
{
	for (int i = 0; i < run->n; i++) {
		const struct event *e = &run->event[i];
		char text[64], id[33] = "";

		make_record(e->stream, e->seq, text);
		if (with_ids)
			make_id(e->stream, (uint64_t)e->seq, id);
		assert_int_equal(checker_arrived(c, bytes_of_str(id),
				     bytes_of_str(e->other ? e->other : text)),
		    0);
	}
}

static void
assert_faults(
    const struct checker_counts *got, const struct checker_counts *want)
{
	assert_int_equal(got->lost_prefix, want->lost_prefix);
	assert_int_equal(got->lost_middle, want->lost_middle);
	assert_int_equal(got->lost_suffix, want->lost_suffix);
	assert_int_equal(got->lost_declared, want->lost_declared);
	assert_int_equal(got->repeats, want->repeats);
	assert_int_equal(got->phantoms, want->phantoms);
	assert_int_equal(got->altered, want->altered);
	assert_int_equal(got->disorder, want->disorder);
}

static bool
is_none(const struct checker_counts *want)
{
	return want->lost_prefix + want->lost_middle + want->lost_suffix +
	    want->repeats + want->phantoms + want->altered + want->disorder ==
	    0;
}

static void
check_fault(size_t row, bool with_ids)
{
	static struct run run;
	struct checker_counts counts;
	struct checker *c;
	bool good;

	assert_int_equal(checker_new(&c), 0);
	perfect(&run);
	faults[row].fault(&run);
	send_all(c);
	deliver(c, &run, with_ids);
	assert_int_equal(checker_judge(c, &counts, &good), 0);
	assert_faults(&counts, &faults[row].want);
	assert_int_equal(good, is_none(&faults[row].want));
	assert_int_equal(counts.sent, STREAMS * EACH);
	assert_int_equal(counts.arrived, run.n);
	assert_int_equal(
	    counts.matched + counts.repeats + counts.phantoms + counts.altered,
	    counts.arrived);
	checker_free(c);
}

static void
each_fault_is_seen_for_what_it_is_by_ids(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++) {
		print_message("fault: %s\n", faults[i].name);
		check_fault(i, true);
	}
}

static void
each_fault_is_seen_for_what_it_is_by_content(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++) {
		print_message("fault: %s\n", faults[i].name);
		check_fault(i, false);
	}
}

/*
 * Streams as words of one letter a record, "ab aac"; what arrived as letters,
 * each after the digit of its stream if ids are given: "0a1a".
 */
static struct checker_counts
judge_words(const char *sent, const char *arrived, bool with_ids)
{
	int seq[10] = {0};
	struct checker_counts counts;
	struct checker *c;
	char name[2] = "0", id[33];
	bool good;

	assert_int_equal(checker_new(&c), 0);
	assert_int_equal(checker_stream(c, name), 0);
	for (; *sent; sent++) {
		if (*sent == ' ') {
			name[0]++;
			assert_int_equal(checker_stream(c, name), 0);
		} else {
			assert_int_equal(checker_sent(c, bytes_of(sent, 1)), 0);
		}
	}
	for (; *arrived; arrived++) {
		if (with_ids) {
			int s = *arrived++ - '0';
			make_id(s, (uint64_t)++seq[s], id);
		}
		assert_int_equal(
		    checker_arrived(c, bytes_of_str(with_ids ? id : NULL),
			bytes_of(arrived, 1)),
		    0);
	}
	assert_int_equal(checker_judge(c, &counts, &good), 0);
	checker_free(c);
	return counts;
}

static void
equal_records_are_a_multiset_with_order_per_stream(void **state)
{
	static const struct {
		const char *sent, *arrived;
		bool with_ids;
		struct checker_counts want;
	} rows[] = {
	    {"aaaa", "aaaa", false, {0}},
	    {"aaaa", "0a0a0a0a", true, {0}},
	    {"aaaa", "aaa", false, {.lost_suffix = 1}},
	    {"aaaa", "aaaaaa", false, {.repeats = 2}},
	    {"abac", "abac", false, {0}},
	    {"abac", "bac", false, {.lost_prefix = 1}},
	    {"abac", "abc", false, {.lost_middle = 1}},
	    {"aab", "aba", false, {.disorder = 1}},
	    {"ab ac", "acab", false, {0}},
	    {"ab ac", "aabc", false, {0}},
	    {"ab ac", "aacb", false, {0}},
	    {"ab ac ad", "acabad", false, {0}},
	    {"ab ac", "acb", false, {.lost_prefix = 1}},
	    {"aa aa", "0a1a1a0a", true, {0}},
	    {"aa aa", "0a1a1a", true, {.lost_suffix = 1}},
	    {"ab ac", "1a1c0a0b", true, {0}},
	    {"a  b", "0a2b", true, {0}},
	    {" ", "", false, {0}},
	    {"ab", "", false, {.lost_suffix = 2}},
	    {"", "a", false, {.phantoms = 1}},
	    /* a new epoch: the key changes, the stream goes on */
	    {"abcdef", "0a0b0c1d1e1f", true, {0}},
	    {"abcdef", "0a0b0c1c1d1e1f", true, {.repeats = 1}},
	    {"abcdef", "0a0b1e1f", true, {.lost_middle = 2}},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct checker_counts got = judge_words(
		    rows[i].sent, rows[i].arrived, rows[i].with_ids);

		print_message("%s, %s\n", rows[i].sent, rows[i].arrived);
		assert_faults(&got, &rows[i].want);
	}
}

/* Judge a run after `prepare`; true if it is perfect. */
static bool
judge_allowed(void (*fault)(struct run *run),
    void (*prepare)(struct checker *c), struct checker_counts *counts)
{
	static struct run run;
	struct checker *c;
	bool good;

	assert_int_equal(checker_new(&c), 0);
	perfect(&run);
	fault(&run);
	send_all(c);
	prepare(c);
	deliver(c, &run, true);
	assert_int_equal(checker_judge(c, counts, &good), 0);
	checker_free(c);
	return good;
}

static void
allow_three(struct checker *c)
{
	assert_int_equal(checker_allow_loss(c, "s0", 50, 51), 0);
	assert_int_equal(checker_allow_loss(c, "s2", 7, 7), 0);
}

static void
allow_two(struct checker *c)
{
	assert_int_equal(checker_allow_loss(c, "s0", 40, 50), 0);
	assert_int_equal(checker_allow_loss(c, "s2", 7, 7), 0);
	assert_int_equal(checker_allow_loss(c, "s2", 8, 8), ERR_RANGE);
	assert_int_equal(checker_allow_loss(c, "s1", 1, 101), ERR_RANGE);
	assert_int_equal(checker_allow_loss(c, "s9", 1, 1), ERR_NOENT);
}

static void
what_is_allowed_is_counted_and_is_no_fault(void **state)
{
	struct checker_counts counts;

	(void)state;
	assert_true(
	    judge_allowed(repeat_a_window, checker_allow_repeats, &counts));
	assert_int_equal(counts.repeats, 11);
	assert_false(
	    judge_allowed(add_phantom, checker_allow_repeats, &counts));
	assert_true(judge_allowed(lose_middle, allow_three, &counts));
	assert_int_equal(counts.lost_declared, 3);
	assert_false(judge_allowed(lose_middle, allow_two, &counts));
	assert_int_equal(counts.lost_declared, 2);
	assert_int_equal(counts.lost_middle, 1);
}

static void
calls_in_the_wrong_order_are_refused(void **state)
{
	struct bytes x = bytes_of_str("x"), none = bytes_of_str(NULL);
	struct checker *c;

	(void)state;
	assert_int_equal(checker_new(&c), 0);
	assert_int_equal(checker_sent(c, x), ERR_STATE);
	assert_int_equal(checker_stream(c, "s"), 0);
	assert_int_equal(checker_stream(c, "s"), ERR_EXISTS);
	assert_int_equal(checker_sent(c, x), 0);
	assert_int_equal(checker_arrived(c, x, x), ERR_FORMAT);
	assert_int_equal(
	    checker_arrived(
		c, bytes_of_str("000000000000000000000000000000W0"), x),
	    ERR_FORMAT);
	assert_int_equal(checker_arrived(c, none, x), 0);
	assert_int_equal(checker_sent(c, x), ERR_STATE);
	assert_int_equal(checker_stream(c, "t"), ERR_STATE);
	checker_free(c);
	checker_free(NULL);
}

/* Half of them equal, and one lost of each half. */
static void
a_million_records_are_judged_in_seconds(void **state)
{
	struct checker_counts counts;
	struct checker *c;
	bool good;

	(void)state;
	assert_int_equal(checker_new(&c), 0);
	assert_int_equal(checker_stream(c, "all"), 0);
	for (uint32_t i = 0; i < 1000000; i++) {
		uint32_t x = i % 2 ? i : 0;
		checker_sent(c, bytes_of(&x, sizeof(x)));
	}
	for (uint32_t i = 0; i < 1000000; i++) {
		uint32_t x = i % 2 ? i : 0;
		if (i != 500000 && i != 600001)
			checker_arrived(
			    c, bytes_of_str(NULL), bytes_of(&x, sizeof(x)));
	}
	assert_int_equal(checker_judge(c, &counts, &good), 0);
	assert_false(good);
	assert_int_equal(counts.lost_middle, 2);
	assert_int_equal(counts.matched, 999998);
	checker_free(c);
}

static void
the_report_names_stream_position_and_arrival(void **state)
{
	static struct run run;
	struct checker_counts counts;
	struct checker *c;
	char *text = NULL;
	size_t len;
	FILE *to = open_memstream(&text, &len);
	bool good;

	(void)state;
	assert_non_null(to);
	assert_int_equal(checker_new(&c), 0);
	perfect(&run);
	lose_suffix(&run);
	alter_middle(&run);
	send_all(c);
	deliver(c, &run, true);
	assert_int_equal(checker_judge(c, &counts, &good), 0);
	checker_report(c, to);
	fclose(to);
	assert_string_equal(text,
	    "sent 300 in 3 streams, arrived 296, matched 295\n"
	    "lost suffix 4\n    stream s2 record 97 to 100\n"
	    "altered 1\n    stream s1 record 40 arrival 117\n");
	free(text);
	checker_free(c);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(each_fault_is_seen_for_what_it_is_by_ids),
	    cmocka_unit_test(each_fault_is_seen_for_what_it_is_by_content),
	    cmocka_unit_test(
		equal_records_are_a_multiset_with_order_per_stream),
	    cmocka_unit_test(what_is_allowed_is_counted_and_is_no_fault),
	    cmocka_unit_test(calls_in_the_wrong_order_are_refused),
	    cmocka_unit_test(a_million_records_are_judged_in_seconds),
	    cmocka_unit_test(the_report_names_stream_position_and_arrival),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
