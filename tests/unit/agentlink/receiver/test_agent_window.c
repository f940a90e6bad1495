/* SPDX-License-Identifier: Apache-2.0 */
/* What a connection has given of a stream, and what of it is durable. */
#include "tests/helpers/cmocka_all.h"

#include <string.h>

#include "agentlink/receiver/agent_window.h"

/* A window that was told last 10, and took to 20, 25 and 30. */
struct course {
	struct agent_window w;
	struct agent_window_use use;
};

static const uint8_t *
head(uint64_t seq)
{
	static uint8_t h[4][BATCH_HEAD_SIZE];
	static int next;

	next = (next + 1) % 4;
	memset(h[next], 0, BATCH_HEAD_SIZE);
	memcpy(h[next], &seq, sizeof(seq));
	return h[next];
}

static void
begin(struct course *c)
{
	memset(c, 0, sizeof(*c));
	c->w.use = &c->use;
	agent_window_begin(&c->w, 10, head(10));
	assert_int_equal(agent_window_push(&c->w, 20, 100, head(20)), 0);
	assert_int_equal(agent_window_push(&c->w, 25, 50, head(25)), 0);
	assert_int_equal(agent_window_push(&c->w, 30, 1, head(30)), 0);
	assert_int_equal(c->use.bytes, 151);
	assert_int_equal(c->use.batches, 3);
}

static void
goes_on_at(struct course *c, uint64_t next_seq)
{
	assert_int_equal(c->w.next_seq, next_seq);
	assert_memory_equal(c->w.head, head(next_seq - 1), BATCH_HEAD_SIZE);
}

static void
only_what_carries_on_exactly_is_taken(void **state)
{
	struct course c;

	(void)state;
	begin(&c);
#define JUDGED(from, to, what) \
	assert_int_equal(      \
	    agent_window_judge(&c.w, from, to), AGENT_WINDOW_##what)
	JUDGED(31, 40, TAKE);
	JUDGED(32, 40, GAP);
	JUDGED(11, 20, REPEAT);
	JUDGED(12, 30, REPEAT);
	JUDGED(12, 31, PARTIAL);
	c.w.nacked = true;
	JUDGED(31, 40, TAKE);
	JUDGED(32, 40, IGNORE);
	JUDGED(11, 20, IGNORE);
#undef JUDGED
	agent_window_fini(&c.w);
	assert_int_equal(c.use.bytes, 0);
	assert_int_equal(c.use.batches, 0);
}

static void
an_advance_may_begin_below_and_never_beyond(void **state)
{
	struct course c;

	(void)state;
	begin(&c);
#define JUDGED(from, to, what) \
	assert_int_equal(      \
	    agent_window_judge_advance(&c.w, from, to), AGENT_WINDOW_##what)
	JUDGED(31, 40, TAKE);
	JUDGED(5, 31, TAKE);
	JUDGED(5, 30, REPEAT);
	JUDGED(32, 40, GAP);
	c.w.nacked = true;
	JUDGED(31, 40, TAKE);
	JUDGED(32, 40, IGNORE);
#undef JUDGED
	agent_window_fini(&c.w);
}

static void
what_is_acknowledged_is_where_a_batch_ends(void **state)
{
	struct course c;

	(void)state;
	begin(&c);
	agent_window_acknowledge(&c.w, 19, NULL);
	assert_int_equal(c.w.durable, 10);
	agent_window_acknowledge(&c.w, 27, NULL);
	assert_int_equal(c.w.durable, 25);
	assert_int_equal(c.use.batches, 1);
	/* Nor beyond what was sent. */
	agent_window_acknowledge(&c.w, 99, NULL);
	assert_int_equal(c.w.durable, 30);
	assert_int_equal(c.use.batches, 0);
	agent_window_fini(&c.w);
}

static void
a_refused_batch_takes_what_is_behind_it_along(void **state)
{
	struct course c;

	(void)state;
	begin(&c);
	assert_false(agent_window_refused(&c.w, 21, 20, head(20)));
	goes_on_at(&c, 21);
	assert_int_equal(c.use.batches, 1);
	assert_int_equal(c.use.bytes, 100);
	agent_window_acknowledge(&c.w, 30, NULL);
	assert_int_equal(c.w.durable, 20);
	agent_window_fini(&c.w);
}

/* Part of what it stands at came over another connection. */
static void
a_place_from_elsewhere_is_asked_for_before_it_is_acknowledged(void **state)
{
	struct course c;

	(void)state;
	begin(&c);
	assert_true(agent_window_refused(&c.w, 21, 24, head(24)));
	goes_on_at(&c, 25);
	assert_int_equal(agent_window_push(&c.w, 40, 7, head(40)), 0);
	agent_window_acknowledge(&c.w, 20, NULL);
	assert_int_equal(c.w.durable, 20);
	assert_int_equal(
	    agent_window_answer(&c.w, 24, head(24), NULL), AGENT_WINDOW_SAME);
	assert_int_equal(c.w.durable, 24);
	assert_int_equal(c.use.bytes, 7);
	agent_window_fini(&c.w);
}

static void
a_spool_that_forgot_is_believed(void **state)
{
	struct course c;

	(void)state;
	begin(&c);
	agent_window_acknowledge(&c.w, 30, NULL);
	/* Of a batch that was under way, or of its own accord. */
	assert_false(agent_window_refused(&c.w, 31, 5, head(5)));
	goes_on_at(&c, 6);
	assert_int_equal(c.w.durable, 5);
	agent_window_fini(&c.w);
	begin(&c);
	agent_window_acknowledge(&c.w, 30, NULL);
	assert_int_equal(
	    agent_window_answer(&c.w, 5, head(5), NULL), AGENT_WINDOW_LESS);
	goes_on_at(&c, 6);
	agent_window_fini(&c.w);
}

static void
an_answer_of_another_history_acknowledges_nothing_sent_here(void **state)
{
	struct course c;

	(void)state;
	/* The same end, another head. */
	begin(&c);
	assert_int_equal(
	    agent_window_answer(&c.w, 20, head(99), NULL), AGENT_WINDOW_OTHER);
	assert_int_equal(c.use.batches, 0);
	agent_window_fini(&c.w);
	/* Inside a batch, and beyond all. */
	begin(&c);
	assert_int_equal(
	    agent_window_answer(&c.w, 23, head(23), NULL), AGENT_WINDOW_OTHER);
	goes_on_at(&c, 24);
	agent_window_fini(&c.w);
	begin(&c);
	assert_int_equal(
	    agent_window_answer(&c.w, 50, head(50), NULL), AGENT_WINDOW_OTHER);
	goes_on_at(&c, 51);
	agent_window_fini(&c.w);
	/* Where it stood all the time. */
	begin(&c);
	assert_int_equal(
	    agent_window_answer(&c.w, 10, head(10), NULL), AGENT_WINDOW_SAME);
	goes_on_at(&c, 31);
	agent_window_fini(&c.w);
}

static void
what_was_lost_here_goes_on_where_it_began(void **state)
{
	struct course c;

	(void)state;
	begin(&c);
	agent_window_lost(&c.w, 21);
	goes_on_at(&c, 21);
	agent_window_lost(&c.w, 11);
	goes_on_at(&c, 11);
	agent_window_fini(&c.w);
	/* It has become durable meanwhile: not back behind that. */
	begin(&c);
	agent_window_acknowledge(&c.w, 25, NULL);
	agent_window_lost(&c.w, 11);
	goes_on_at(&c, 26);
	agent_window_fini(&c.w);
}

int
main(void)
{
#define TEST(name) cmocka_unit_test(name)
	const struct CMUnitTest tests[] = {
	    TEST(only_what_carries_on_exactly_is_taken),
	    TEST(an_advance_may_begin_below_and_never_beyond),
	    TEST(what_is_acknowledged_is_where_a_batch_ends),
	    TEST(a_refused_batch_takes_what_is_behind_it_along),
	    TEST(a_place_from_elsewhere_is_asked_for_before_it_is_acknowledged),
	    TEST(a_spool_that_forgot_is_believed),
	    TEST(an_answer_of_another_history_acknowledges_nothing_sent_here),
	    TEST(what_was_lost_here_goes_on_where_it_began),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
