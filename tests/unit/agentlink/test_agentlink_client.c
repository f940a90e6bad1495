/* SPDX-License-Identifier: Apache-2.0 */
/* The blocking client against a TLS server of the test's own. */
#include "tests/helpers/cmocka_all.h"

#include <stdio.h>
#include <stdlib.h>

#include "agentlink/agentlink.h"
#include "tests/unit/agentlink/agent/tlsspool.h"

static struct tlsspool spool;
static struct agentlink_client_settings settings;
static char path[5][128];

static int
setup(void **state)
{
	(void)state;
	tlsspool_start(&spool);
	static const char *const names[] = {
	    "agent.pem", "agent.key", "ca.pem", "outbox", "other.pem"};
	for (int i = 0; i < 5; i++)
		snprintf(
		    path[i], sizeof(path[i]), "%s/%s", spool.dir, names[i]);
	settings = (struct agentlink_client_settings){
	    .servers = spool.address,
	    .certificate = path[0],
	    .key = path[1],
	    .ca = path[2],
	    .backoff_max_ms = 1000,
	};
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	tlsspool_free(&spool);
	return 0;
}

static struct agentlink_client *
open_client(void)
{
	struct agentlink_client *c;
	char why[300];
	if (agentlink_client_open(&settings, why, sizeof(why), &c))
		fail_msg("%s", why);
	return c;
}

static void
send_records(
    struct agentlink_client *c, const char *name, uint32_t from, uint32_t to)
{
	uint32_t stream;
	assert_int_equal(agentlink_client_stream(c, name, &stream), 0);
	for (uint32_t i = from; i < to; i++) {
		char text[64];
		int n = snprintf(text, sizeof(text), "record #%u", i);
		assert_int_equal(
		    agentlink_client_send(c, stream, text, (size_t)n, 20000),
		    0);
	}
}

static void
records_of_two_streams_are_safe_after_flush(void **state)
{
	(void)state;
	struct agentlink_client *c = open_client();
	for (uint32_t i = 0; i < 40; i++)
		send_records(c, i % 2 ? "b" : "a", 500 * i, 500 * (i + 1));
	assert_int_equal(agentlink_client_flush(c, 20000), 0);
	struct agentlink_counts counts;
	agentlink_client_counts(c, &counts);
	assert_int_equal(counts.records, 20000);
	agentlink_client_close(c);
	tlsspool_stop(&spool);
	assert_int_equal(tlsspool_wrong(&spool, 20000), 0);
	assert_int_equal(spool.sim.streams, 2);
}

static uint64_t
waiting(const struct agentlink_client *c, uint32_t stream)
{
	uint64_t n = UINT64_MAX;
	assert_int_equal(agentlink_client_waiting(c, stream, &n), 0);
	return n;
}

static void
what_waits_is_told_for_each_stream(void **state)
{
	(void)state;
	uint64_t n;
	settings.outbox = path[3];
	atomic_store(&spool.is_silent, true);
	struct agentlink_client *c = open_client();
	assert_int_equal(
	    agentlink_client_waiting(c, 0, &n), AGENTLINK_RESULT_NOENT);
	send_records(c, "a", 0, 5);
	assert_int_equal(waiting(c, 0), 5); /* gathered */
	send_records(c, "b", 0, 7);
	assert_int_equal(waiting(c, 0), 5); /* sealed */
	assert_int_equal(waiting(c, 1), 7);
	assert_int_equal(
	    agentlink_client_flush(c, 200), AGENTLINK_RESULT_TIMEOUT);
	assert_int_equal(waiting(c, 1), 7);
	agentlink_client_close(c);
	atomic_store(&spool.is_silent, false);
	c = open_client();
	assert_int_equal(waiting(c, 0), 5); /* from the outbox */
	send_records(c, "a", 5, 6);
	assert_int_equal(waiting(c, 0), 6);
	assert_int_equal(agentlink_client_flush(c, 20000), 0);
	assert_int_equal(waiting(c, 0), 0);
	assert_int_equal(waiting(c, 1), 0);
	agentlink_client_close(c);
}

static void
broken_connections_are_made_again(void **state)
{
	(void)state;
	atomic_store(&spool.cut_after, 3);
	struct agentlink_client *c = open_client();
	for (uint32_t i = 0; i < 8; i++) {
		send_records(c, "a", 1000 * i, 1000 * (i + 1));
		assert_int_equal(agentlink_client_flush(c, 20000), 0);
	}
	assert_true(atomic_load(&spool.connections) > 1);
	agentlink_client_close(c);
	tlsspool_stop(&spool);
	assert_int_equal(tlsspool_wrong(&spool, 8000), 0);
}

static void
an_outbox_keeps_what_was_not_acknowledged(void **state)
{
	(void)state;
	settings.outbox = path[3];
	atomic_store(&spool.is_silent, true);
	struct agentlink_client *c = open_client();
	send_records(c, "a", 0, 3000);
	assert_int_equal(
	    agentlink_client_flush(c, 200), AGENTLINK_RESULT_TIMEOUT);
	agentlink_client_close(c);
	atomic_store(&spool.is_silent, false);
	c = open_client();
	assert_int_equal(agentlink_client_flush(c, 20000), 0);
	send_records(c, "a", 3000, 3010);
	assert_int_equal(agentlink_client_flush(c, 20000), 0);
	agentlink_client_close(c);
	tlsspool_stop(&spool);
	assert_int_equal(tlsspool_wrong(&spool, 3010), 0);
	assert_int_equal(spool.sim.streams, 1);
}

static void
a_full_memory_makes_send_wait_and_say_so(void **state)
{
	(void)state;
	atomic_store(&spool.is_silent, true);
	settings.outbox_max = 20000;
	struct agentlink_client *c = open_client();
	uint32_t stream;
	assert_int_equal(agentlink_client_stream(c, "a", &stream), 0);
	int rc = 0;
	for (uint32_t i = 0; !rc && i < 200000; i++) {
		char text[64];
		int n = snprintf(text, sizeof(text), "%08x #%u",
		    i * 2654435761u, i % SPOOLSIM_RECORDS);
		rc = agentlink_client_send(c, stream, text, (size_t)n, 100);
	}
	assert_int_equal(rc, AGENTLINK_RESULT_TIMEOUT);
	agentlink_client_close(c);
}

static void
what_is_wrong_is_said(void **state)
{
	(void)state;
	struct agentlink_client *c;
	char why[300];
	settings.certificate = "/does/not/exist";
	assert_int_equal(agentlink_client_open(&settings, why, sizeof(why), &c),
	    AGENTLINK_RESULT_NOENT);
	assert_non_null(strstr(why, "/does/not/exist"));
	settings.certificate = path[0];
	settings.servers = "";
	assert_int_equal(agentlink_client_open(&settings, why, sizeof(why), &c),
	    AGENTLINK_RESULT_INVAL);
	settings.servers = spool.address;
	settings.ca = path[4];
	c = open_client();
	send_records(c, "a", 0, 1);
	assert_int_equal(
	    agentlink_client_flush(c, 1500), AGENTLINK_RESULT_TIMEOUT);
	assert_non_null(strstr(agentlink_client_why(c), spool.address));
	agentlink_client_close(c);
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    CASE(records_of_two_streams_are_safe_after_flush),
	    CASE(what_waits_is_told_for_each_stream),
	    CASE(broken_connections_are_made_again),
	    CASE(an_outbox_keeps_what_was_not_acknowledged),
	    CASE(a_full_memory_makes_send_wait_and_say_so),
	    CASE(what_is_wrong_is_said),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
