/* SPDX-License-Identifier: Apache-2.0 */
/* Who may be connected, over all receivers: one below, at and above. */
#include "tests/helpers/cmocka_all.h"

#include <stdio.h>
#include <string.h>

#include "lib/codec/agentlink_msg.h"
#include "spoold/keeper/connections.h"

#define ALL 10000
#define SOURCE 256

static struct connections *all;
static struct connections_limits limits;
static struct connections_displaced gone;

static int
set_up(void **state)
{
	(void)state;
	all = connections_new(7);
	limits = (struct connections_limits){ALL, ALL, SOURCE};
	memset(&gone, 0, sizeof(gone));
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	connections_free(all);
	return 0;
}

/* A connection `number` of `link` by agent `id`, which came at `since`. */
static bool
add(uint64_t link, uint64_t number, uint32_t id, uint64_t since,
    const char *listener, const char *host)
{
	struct ipc_connected m = {.connection = number,
	    .since_us = since,
	    .listener = bytes_of_str(listener),
	    .host = bytes_of_str(host)};

	memcpy(m.id.byte, &id, sizeof(id));
	return connections_add(all, link, &m, &limits, &gone);
}

static void
is_gone(uint64_t link, uint64_t number, uint16_t code)
{
	assert_int_equal(gone.link, link);
	assert_int_equal(gone.connection, number);
	assert_int_equal(gone.code, code);
}

static void
the_third_of_an_identity_ends_the_oldest_in_any_receiver(void **state)
{
	(void)state;
	assert_false(add(1, 1, 5, 10, "a", "h"));
	assert_false(add(2, 1, 5, 20, "b", "h"));
	assert_true(add(3, 1, 5, 30, "a", "h"));
	is_gone(1, 1, AGENTLINK_CODE_TAKEN_OVER);
	assert_true(add(1, 2, 5, 40, "a", "h"));
	is_gone(2, 1, AGENTLINK_CODE_TAKEN_OVER);
	assert_int_equal(connections_count(all), 2);
	/* That it has ended is told after it was forgotten. */
	connections_remove(all, 2, 1);
	assert_int_equal(connections_count(all), 2);
	connections_remove(all, 3, 1);
	assert_false(add(3, 2, 5, 50, "a", "h"));
}

/* A restarted keeper is told in any order. */
static void
who_came_first_counts_not_who_was_told_first(void **state)
{
	(void)state;
	assert_false(add(1, 1, 5, 30, "a", "h"));
	assert_false(add(2, 1, 5, 20, "a", "h"));
	assert_true(add(3, 1, 5, 10, "a", "h"));
	is_gone(3, 1, AGENTLINK_CODE_TAKEN_OVER);
}

static void
an_agent_and_a_spool_of_one_uuid_are_two(void **state)
{
	struct ipc_connected m = {.connection = 9, .is_spool = true};

	(void)state;
	assert_false(add(1, 1, 0, 10, "a", "h"));
	assert_false(add(1, 2, 0, 20, "a", "h"));
	assert_false(connections_add(all, 1, &m, &limits, &gone));
}

static void
a_receiver_that_died_takes_its_connections_along(void **state)
{
	(void)state;
	assert_false(add(1, 1, 5, 10, "a", "h"));
	assert_false(add(2, 1, 5, 20, "a", "h"));
	connections_forget(all, 1);
	assert_false(add(3, 1, 5, 30, "a", "h"));
	assert_int_equal(connections_count(all), 2);
}

/* n agents of as many hosts, in turn over three receivers. */
static void
fill(uint32_t n, const char *listener, const char *host)
{
	char name[32];

	for (uint32_t i = 1; i <= n; i++) {
		snprintf(name, sizeof(name), "host %u", i);
		assert_false(
		    add(1 + i % 3, i, i, i, listener, host ? host : name));
	}
}

static void
ten_thousand_in_all(void **state)
{
	(void)state;
	fill(ALL - 1, "a", NULL);
	assert_false(add(1, 20000, 20000, 1, "b", "h"));
	assert_true(add(2, 20001, 20001, 1, "c", "i"));
	is_gone(2, 20001, AGENTLINK_CODE_LIMIT);
	connections_remove(all, 1, 20000);
	assert_false(add(2, 20002, 20002, 1, "c", "i"));
}

static void
as_many_of_a_listener_as_it_says(void **state)
{
	(void)state;
	limits.listener = 50;
	fill(49, "a", NULL);
	assert_false(add(1, 100, 100, 1, "a", "h"));
	assert_true(add(2, 101, 101, 1, "a", "i"));
	is_gone(2, 101, AGENTLINK_CODE_LIMIT);
	assert_false(add(2, 102, 102, 1, "b", "i"));
}

static void
as_many_of_a_source_as_it_says(void **state)
{
	(void)state;
	fill(SOURCE - 1, "a", "192.0.2.1");
	assert_false(add(1, 1000, 1000, 1, "a", "192.0.2.1"));
	assert_true(add(2, 1001, 1001, 1, "a", "192.0.2.1"));
	is_gone(2, 1001, AGENTLINK_CODE_LIMIT);
	assert_false(add(2, 1002, 1002, 1, "a", "192.0.2.2"));
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
	    TEST(the_third_of_an_identity_ends_the_oldest_in_any_receiver),
	    TEST(who_came_first_counts_not_who_was_told_first),
	    TEST(an_agent_and_a_spool_of_one_uuid_are_two),
	    TEST(a_receiver_that_died_takes_its_connections_along),
	    TEST(ten_thousand_in_all),
	    TEST(as_many_of_a_listener_as_it_says),
	    TEST(as_many_of_a_source_as_it_says),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
