/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/helpers/cmocka_all.h"

#include <malloc.h>
#include <stdlib.h>

#include "config.h"

#include "lib/base/err.h"
#include "lib/tls/openssl.h"
#include "tests/unit/lib/tls/pair.h"

static struct pair_world world;

static int
make_world(void **state)
{
	(void)state;
	pair_world_init(&world);
	return 0;
}

static int
free_world(void **state)
{
	(void)state;
	pair_world_fini(&world);
	return 0;
}

static struct pair
ready_pair(void)
{
	struct pair p = pair_new(world.client, world.server, "localhost");

	pair_settle(&p);
	assert_string_equal(tls_why(p.client), "");
	assert_string_equal(tls_why(p.server), "");
	assert_true(tls_is_ready(p.client));
	assert_true(tls_is_ready(p.server));
	return p;
}

static void
both_sides_learn_who_the_other_is(void **state)
{
	uint8_t finger[TLS_FINGERPRINT_SIZE], want[TLS_FINGERPRINT_SIZE];
	struct pair p = pair_new(world.client, world.server, NULL);
	char text[UUID_TEXT_SIZE];
	enum tls_identity kind;
	struct bytes cert;
	struct uuid id;
	void *der;

	(void)state;
	assert_int_equal(tls_peer_identity(p.server, &kind, &id), ERR_STATE);
	assert_int_equal(tls_peer_fingerprint(p.server, finger), ERR_STATE);
	pair_settle(&p);
	assert_int_equal(tls_peer_identity(p.server, &kind, &id), 0);
	assert_int_equal(kind, TLS_IDENTITY_AGENT);
	assert_string_equal(uuid_format(&id, text), &PAIR_AGENT[12]);
	assert_int_equal(tls_peer_identity(p.client, &kind, &id), 0);
	assert_int_equal(kind, TLS_IDENTITY_SPOOL);
	assert_string_equal(uuid_format(&id, text), &PAIR_SPOOL[12]);
	assert_int_equal(tls_peer_fingerprint(p.server, finger), 0);
	cert = pki_der(world.agent, &der);
	EVP_Digest(cert.ptr, cert.len, want, NULL, EVP_sha256(), NULL);
	assert_memory_equal(finger, want, sizeof(want));
	free(der);
	assert_string_equal(tls_protocol(p.server), "agentlink/1");
	assert_string_equal(tls_protocol(p.client), "agentlink/1");
	pair_free(&p);
}

static void
a_side_knows_its_own_identity(void **state)
{
	struct tls_config *empty;
	char text[UUID_TEXT_SIZE];
	enum tls_identity kind;
	struct uuid id;

	(void)state;
	assert_int_equal(tls_own_identity(world.client, &kind, &id), 0);
	assert_int_equal(kind, TLS_IDENTITY_AGENT);
	assert_string_equal(uuid_format(&id, text), &PAIR_AGENT[12]);
	assert_int_equal(tls_own_identity(world.server, &kind, &id), 0);
	assert_int_equal(kind, TLS_IDENTITY_SPOOL);
	assert_int_equal(tls_config_new(&empty), 0);
	assert_int_equal(tls_own_identity(empty, &kind, &id), ERR_NOENT);
	tls_config_free(empty);
}

static void
the_handshake_works_byte_by_byte(void **state)
{
	struct pair p = pair_new(world.client, world.server, "127.0.0.1");

	(void)state;
	while (tls_pending(p.client) || tls_pending(p.server)) {
		struct tls *from = tls_pending(p.client) ? p.client : p.server;
		struct tls *to = from == p.client ? p.server : p.client;
		struct buf b;

		buf_init(&b, 1 << 20);
		tls_drain(from, &b);
		while (b.len) {
			assert_int_equal(
			    tls_feed(to, bytes_of(buf_ptr(&b), 1)), 0);
			buf_consume(&b, 1);
		}
		buf_fini(&b);
	}
	assert_true(tls_is_ready(p.client) && tls_is_ready(p.server));
	pair_free(&p);
}

static void
plaintext_arrives_and_waits_for_ready(void **state)
{
	struct pair p = pair_new(world.client, world.server, "localhost");
	uint8_t got[32];
	size_t n = 9;

	(void)state;
	assert_int_equal(
	    tls_write(p.client, bytes_of_str("early"), &n), ERR_AGAIN);
	assert_int_equal(n, 0);
	assert_int_equal(tls_read(p.server, got, sizeof(got), &n), ERR_AGAIN);
	pair_settle(&p);
	assert_int_equal(tls_read(p.server, got, sizeof(got), &n), ERR_AGAIN);
	assert_int_equal(tls_write(p.client, bytes_of_str("hello"), &n), 0);
	assert_int_equal(n, 5);
	assert_int_equal(tls_write(p.client, bytes_of_str(" you"), &n), 0);
	assert_int_equal(pair_carry(p.client, p.server), 0);
	assert_int_equal(tls_read(p.server, got, 3, &n), 0);
	assert_int_equal(n, 3);
	assert_int_equal(tls_read(p.server, got + 3, sizeof(got) - 3, &n), 0);
	assert_int_equal(n, 6);
	assert_memory_equal(got, "hello you", 9);
	assert_int_equal(tls_write(p.server, bytes_of_str("yes"), &n), 0);
	assert_int_equal(pair_carry(p.server, p.client), 0);
	assert_int_equal(tls_read(p.client, got, sizeof(got), &n), 0);
	assert_memory_equal(got, "yes", 3);
	pair_free(&p);
}

static void
close_notify_ends_one_direction_after_the_data(void **state)
{
	struct pair p = ready_pair();
	uint8_t got[32];
	size_t n;

	(void)state;
	assert_int_equal(tls_write(p.client, bytes_of_str("last"), &n), 0);
	tls_shutdown(p.client);
	tls_shutdown(p.client);
	assert_int_equal(
	    tls_write(p.client, bytes_of_str("more"), &n), ERR_STATE);
	assert_int_equal(pair_carry(p.client, p.server), 0);
	assert_int_equal(tls_read(p.server, got, sizeof(got), &n), 0);
	assert_int_equal(n, 4);
	for (int again = 0; again < 2; again++)
		assert_int_equal(
		    tls_read(p.server, got, sizeof(got), &n), ERR_CLOSED);
	assert_int_equal(tls_feed(p.server, bytes_of_str("rubbish")), 0);
	/* The other direction is still open. */
	assert_int_equal(tls_write(p.server, bytes_of_str("ack"), &n), 0);
	tls_shutdown(p.server);
	assert_int_equal(pair_carry(p.server, p.client), 0);
	assert_int_equal(tls_read(p.client, got, sizeof(got), &n), 0);
	assert_memory_equal(got, "ack", 3);
	assert_int_equal(tls_read(p.client, got, sizeof(got), &n), ERR_CLOSED);
	assert_int_equal(tls_failure(p.client), TLS_FAILURE_NONE);
	assert_int_equal(tls_failure(p.server), TLS_FAILURE_NONE);
	pair_free(&p);
}

static void
a_big_transfer_arrives_whole_in_bounded_memory(void **state)
{
	enum { TOTAL = 24 << 20, STEP = 1 << 20 };
	uint8_t *data = malloc(STEP), *got = malloc(STEP);
	struct pair p = ready_pair();
	size_t sent = 0, received = 0;

	(void)state;
	assert_true(data && got);
	for (size_t i = 0; i < STEP; i++)
		data[i] = (uint8_t)(i * 31 >> 4);
	while (received < TOTAL) {
		size_t at = sent % STEP, n;

		if (sent < TOTAL &&
		    !tls_write(p.client, bytes_of(data + at, STEP - at), &n))
			sent += n;
		assert_true(
		    tls_pending(p.client) < TLS_DRAIN_MAX + 16384 + 1024);
		if (tls_pending(p.client) > 100000) {
			/* Part by part, as through a socket. */
			struct buf b;

			buf_init(&b, 70000);
			tls_drain(p.client, &b);
			assert_int_equal(b.len, 70000);
			assert_int_equal(tls_feed(p.server, buf_bytes(&b)), 0);
			buf_fini(&b);
		} else {
			assert_int_equal(pair_carry(p.client, p.server), 0);
		}
		while (!tls_read(p.server, got, STEP, &n)) {
			size_t first = STEP - received % STEP;

			first = n < first ? n : first;
			assert_memory_equal(got, data + received % STEP, first);
			assert_memory_equal(got + first, data, n - first);
			received += n;
		}
	}
	assert_int_equal(received, TOTAL);
	assert_int_equal(sent, TOTAL);
	pair_free(&p);
	free(data);
	free(got);
}

static void
feeding_without_reading_has_a_limit(void **state)
{
	uint8_t data[16384] = {0}, got[16384];
	struct pair p = ready_pair();
	size_t n, fed = 0, received = 0;
	int rc = 0;

	(void)state;
	while (!rc) {
		struct buf b;

		assert_int_equal(
		    tls_write(p.client, bytes_of(data, sizeof(data)), &n), 0);
		buf_init(&b, 1 << 20);
		tls_drain(p.client, &b);
		rc = tls_feed(p.server, buf_bytes(&b));
		fed += rc ? 0 : b.len;
		buf_fini(&b);
		assert_true(fed <= TLS_FEED_MAX);
	}
	assert_int_equal(rc, ERR_LIMIT);
	assert_true(fed > TLS_FEED_MAX - 20000);
	while (!tls_read(p.server, got, sizeof(got), &n))
		received += n;
	assert_int_equal(received % sizeof(data), 0);
	assert_int_equal(tls_failure(p.server), TLS_FAILURE_NONE);
	pair_free(&p);
}

static void
positions_count_every_byte_of_ciphertext(void **state)
{
	struct pair p = ready_pair();
	uint64_t before = tls_position(p.client), after;
	struct buf b;
	size_t n;

	(void)state;
	buf_init(&b, 1 << 20);
	assert_int_equal(tls_write(p.client, bytes_of_str("12345"), &n), 0);
	after = tls_position(p.client);
	assert_int_equal(after - before, 5 + 22);
	assert_int_equal(tls_pending(p.client), 5 + 22);
	tls_drain(p.client, &b);
	assert_int_equal(b.len, 5 + 22);
	assert_int_equal(tls_pending(p.client), 0);
	assert_int_equal(tls_position(p.client), after);
	assert_int_equal(b.limit, 1 << 20);
	/* A buf that holds something keeps it, and its limit is kept. */
	assert_int_equal(tls_write(p.client, bytes_of_str("6"), &n), 0);
	b.limit = b.len + 10;
	tls_drain(p.client, &b);
	assert_int_equal(b.len, 5 + 22 + 10);
	assert_int_equal(tls_pending(p.client), 13);
	b.limit = 1 << 20;
	tls_drain(p.client, &b);
	assert_int_equal(tls_feed(p.server, buf_bytes(&b)), 0);
	assert_int_equal(tls_read(p.server, buf_ptr(&b), 10, &n), 0);
	assert_int_equal(n, 6);
	assert_memory_equal(buf_ptr(&b), "123456", 6);
	buf_fini(&b);
	pair_free(&p);
}

static void
broken_bytes_fail_the_session_with_an_alert(void **state)
{
	struct pair p = ready_pair();
	uint8_t got[16];
	struct buf b;
	size_t n;

	(void)state;
	buf_init(&b, 1 << 20);
	assert_int_equal(tls_write(p.client, bytes_of_str("hello"), &n), 0);
	tls_drain(p.client, &b);
	buf_ptr(&b)[b.len - 1] ^= 1;
	assert_int_equal(tls_feed(p.server, buf_bytes(&b)), 0);
	assert_int_equal(tls_read(p.server, got, sizeof(got), &n), ERR_TLS);
	assert_int_equal(tls_failure(p.server), TLS_FAILURE_PROTOCOL);
	assert_false(tls_is_ready(p.server));
	assert_int_equal(tls_feed(p.server, buf_bytes(&b)), ERR_TLS);
	assert_int_equal(tls_write(p.server, bytes_of_str("x"), &n), ERR_TLS);
	tls_shutdown(p.server);
	assert_int_equal(pair_carry(p.server, p.client), 0);
	assert_int_equal(tls_read(p.client, got, sizeof(got), &n), ERR_TLS);
	assert_string_equal(
	    tls_why(p.client), "the peer gave up: bad_record_mac (alert 20)");
	assert_int_equal(tls_failure(p.client), TLS_FAILURE_PROTOCOL);
	buf_fini(&b);
	pair_free(&p);
}

static void
a_peer_that_speaks_no_tls_fails_the_session(void **state)
{
	static const char *const words[] = {"GET / HTTP/1.1\r\n\r\n",
	    "<13>Nov 26 04:15:00 host app: plain syslog\n",
	    "\x16\x03\x01\xff\xff"};

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		struct tls *t;

		assert_int_equal(tls_new(world.server, NULL, &t), 0);
		assert_int_equal(tls_feed(t, bytes_of_str(words[i])), ERR_TLS);
		assert_int_equal(tls_failure(t), TLS_FAILURE_PROTOCOL);
		assert_string_not_equal(tls_why(t), "");
		tls_free(t);
	}
}

static void
sessions_outlive_the_configuration_that_made_them(void **state)
{
	struct tls_config *c =
	    pair_config(&(struct tls_config_settings){.side = TLS_CONFIG_CLIENT,
		.cert_pem = pki_cert(world.agent),
		.key_pem = pki_key(world.agent),
		.ca_pem = pki_cert(world.ca),
		.protocols = {"agentlink/1"}});
	struct pair p = pair_new(c, world.server, "localhost");
	uint8_t got[8];
	size_t n;

	(void)state;
	tls_config_free(c); /* as a reload does */
	pair_settle(&p);
	assert_true(tls_is_ready(p.client));
	assert_int_equal(tls_write(p.server, bytes_of_str("hi"), &n), 0);
	assert_int_equal(pair_carry(p.server, p.client), 0);
	assert_int_equal(tls_read(p.client, got, sizeof(got), &n), 0);
	pair_free(&p);
}

static void
an_idle_session_costs_less_than_24_kib(void **state)
{
	enum { PAIRS = 100 };
	struct pair *pairs = calloc(PAIRS, sizeof(*pairs));
	size_t before, each;
	uint8_t *got = malloc(100000);

	(void)state;
	assert_true(pairs && got);
	pairs[0] = ready_pair(); /* what is paid once */
	pair_free(&pairs[0]);
	before = mallinfo2().uordblks;
	for (size_t i = 0; i < PAIRS; i++) {
		size_t n;

		pairs[i] = ready_pair();
		/* It has been busy, and is idle again. */
		memset(got, 7, 100000);
		assert_int_equal(
		    tls_write(pairs[i].client, bytes_of(got, 100000), &n), 0);
		assert_int_equal(
		    pair_carry(pairs[i].client, pairs[i].server), 0);
		assert_int_equal(tls_read(pairs[i].server, got, 100000, &n), 0);
	}
	each = (mallinfo2().uordblks - before) / (2 * PAIRS);
	print_message("an idle session costs %zu bytes\n", each);
#ifndef WITH_SANITIZER
	assert_true(each > 1000 && each < 24 * 1024);
#endif
	for (size_t i = 0; i < PAIRS; i++)
		pair_free(&pairs[i]);
	free(pairs);
	free(got);
}

static void
warming_up_works_and_may_be_done_again(void **state)
{
	(void)state;
	assert_int_equal(tls_warm_up(), 0);
	assert_int_equal(tls_warm_up(), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(both_sides_learn_who_the_other_is),
	    cmocka_unit_test(a_side_knows_its_own_identity),
	    cmocka_unit_test(the_handshake_works_byte_by_byte),
	    cmocka_unit_test(plaintext_arrives_and_waits_for_ready),
	    cmocka_unit_test(close_notify_ends_one_direction_after_the_data),
	    cmocka_unit_test(a_big_transfer_arrives_whole_in_bounded_memory),
	    cmocka_unit_test(feeding_without_reading_has_a_limit),
	    cmocka_unit_test(positions_count_every_byte_of_ciphertext),
	    cmocka_unit_test(broken_bytes_fail_the_session_with_an_alert),
	    cmocka_unit_test(a_peer_that_speaks_no_tls_fails_the_session),
	    cmocka_unit_test(sessions_outlive_the_configuration_that_made_them),
	    cmocka_unit_test(an_idle_session_costs_less_than_24_kib),
	    cmocka_unit_test(warming_up_works_and_may_be_done_again),
	};

	return cmocka_run_group_tests(tests, make_world, free_world);
}
