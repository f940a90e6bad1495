/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The syslog target behind a real pump, towards servers that behave and
 * servers that do not.  Whatever is settled must have been read.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "forwarder/pump.h"
#include "lib/base/log.h"
#include "tests/helpers/cmocka_all.h"
#include "tests/helpers/pki.h"
#include "tests/helpers/records.h"
#include "tests/unit/forwarder/peer.h"
#include "tests/unit/forwarder/targets/syslog_server.h"

#define BATCH 100u
#define RECORDS_MAX 40000u
#define HANDOVER_MS 2000u

struct settings {
	const char *transport, *format, *streams;
	uint64_t timeout_ms, bandwidth;
	const char *server_name;
};

struct fixture {
	struct loop *loop;
	struct pump *pump;
	struct peer peer;
	struct syslog_server server;
	bool rfc5424, mixed;
	unsigned connection;
	uint64_t last; /* record of that connection */
	uint64_t seen_ms[RECORDS_MAX]; /* when first; 0: never */
	uint64_t messages, repeats;
	struct pki *ca, *other_ca, *cert;
	struct tls_config *tls;
};

static const struct settings plain = {"tcp", "raw", NULL, 30000, 0, NULL};

/* ---- what arrives ------------------------------------------------------- */

/* Whose record it is: the next in order that has these bytes. */
static uint64_t
find(const struct fixture *f, struct bytes record)
{
	uint8_t mem[PEER_RECORD_MAX];

	for (uint64_t rec = f->last + 1; rec < RECORDS_MAX; rec++) {
		struct bytes want = peer_record(rec, mem);

		if (!want.len && !f->rfc5424)
			want = bytes_of_str("\n");
		if (bytes_equal(want, record))
			return rec;
	}
	fail_msg("a message that is no record after %llu",
	    (unsigned long long)f->last);
	return 0;
}

static void
on_message(unsigned connection, struct bytes message, void *arg)
{
	struct fixture *f = arg;
	struct bytes id, record = message;
	char text[33];
	uint64_t rec;

	if (connection != f->connection) {
		f->connection = connection;
		f->last = 0;
	}
	if (f->rfc5424)
		assert_int_equal(
		    records_header_strip(message, &id, &record), 0);
	rec = find(f, record);
	if (f->rfc5424)
		assert_true(bytes_equal_str(id, peer_id("one", rec, text)));
	f->last = rec;
	f->messages++;
	if (f->seen_ms[rec])
		f->repeats++;
	else
		f->seen_ms[rec] = peer_now_ms();
}

/* Settled means read, and two seconds ago. */
static void
check_settled(const struct fixture *f)
{
	uint64_t now = peer_now_ms();

	for (size_t i = 0; i < f->peer.settled.n; i++)
		for (uint64_t rec = f->peer.settled.iv[i].from;
		     rec < f->peer.settled.iv[i].to; rec++) {
			if (f->mixed && (rec - 1) % BATCH / 10 % 2)
				continue;
			if (!f->seen_ms[rec] ||
			    f->seen_ms[rec] + HANDOVER_MS - 300 > now)
				fail_msg("%llu was settled too early",
				    (unsigned long long)rec);
		}
}

/* ---- a target and a server ---------------------------------------------- */

static struct tls_config *
server_tls(struct pki *cert)
{
	struct tls_config_settings s = {.side = TLS_CONFIG_SERVER,
	    .verify = TLS_CONFIG_NONE,
	    .cert_pem = pki_cert(cert),
	    .key_pem = pki_key(cert)};
	struct tls_config *tls;

	assert_int_equal(tls_config_new(&tls), 0);
	assert_int_equal(tls_config_load(tls, &s), 0);
	return tls;
}

static void
make_certificates(struct fixture *f)
{
	struct pki_request ca = {.name = "ca", .is_authority = true};
	struct pki_request server = {
	    .name = "siem", .alt = "DNS:siem.example", .usage = "serverAuth"};

	f->ca = pki_new(&ca);
	f->other_ca = pki_new(&ca);
	server.issuer = f->ca;
	f->cert = pki_new(&server);
	f->tls = server_tls(f->cert);
}

static struct kv *
make_kv(const struct settings *s, uint16_t port, struct bytes ca)
{
	char address[32];
	struct kv *kv;

	snprintf(address, sizeof(address), "127.0.0.1:%u", port);
	assert_int_equal(kv_new(&kv), 0);
	kv_add_str(kv, "protocol", "syslog");
	kv_add_str(kv, "address", address);
	kv_add_str(kv, "transport", s->transport);
	kv_add_str(kv, "format", s->format);
	kv_add_u64(kv, "timeout", s->timeout_ms);
	kv_add_u64(kv, "retry_max", 300);
	if (s->bandwidth)
		kv_add_u64(kv, "bandwidth", s->bandwidth);
	if (s->streams)
		kv_add_str(kv, "streams", s->streams);
	if (s->server_name)
		kv_add_str(kv, "server_name", s->server_name);
	if (ca.len)
		kv_add_bytes(kv, "ca", ca);
	return kv;
}

static void
begin_with(struct fixture *f, const struct settings *s,
    enum syslog_server_way way, uint64_t at, bool other_ca)
{
	struct bytes ca = bytes_of(NULL, 0);
	struct kv *kv;
	int fd;

	memset(f, 0, sizeof(*f));
	assert_int_equal(loop_new(&f->loop), 0);
	if (!strcmp(s->transport, "tls")) {
		make_certificates(f);
		ca = pki_cert(other_ca ? f->other_ca : f->ca);
	}
	f->rfc5424 = !strcmp(s->format, "rfc5424");
	f->server.way = way;
	f->server.at = at;
	f->server.on_message = on_message;
	f->server.arg = f;
	syslog_server_start(&f->server, f->loop, f->tls);
	kv = make_kv(s, f->server.port, ca);
	assert_int_equal(pump_new(f->loop, "siem", kv, -1, &f->pump), 0);
	kv_free(kv);
	peer_init(&f->peer, f->loop, &fd);
	pump_connect(f->pump, fd);
	while (peer_turn(&f->peer, PEER_WAIT_MS) != IPC_TARGET)
		;
	peer_state(&f->peer);
	peer_stream(&f->peer, 1, "one");
	peer_stream(&f->peer, 2, "two");
}

static struct fixture *
begin(const struct settings *s, enum syslog_server_way way, uint64_t at)
{
	struct fixture *f = malloc(sizeof(*f));

	assert_non_null(f);
	begin_with(f, s, way, at, false);
	return f;
}

static void
end(struct fixture *f)
{
	pump_free(f->pump);
	syslog_server_stop(&f->server);
	loop_free(f->loop);
	peer_fini(&f->peer);
	tls_config_free(f->tls);
	pki_free(f->ca);
	pki_free(f->other_ca);
	pki_free(f->cert);
	free(f);
}

static void
send_batches(struct fixture *f, uint64_t first, uint64_t n)
{
	for (uint64_t i = first; i < first + n; i++)
		peer_batch(&f->peer, 1 + i * BATCH, BATCH, f->mixed);
}

/* Until all of them are settled, with an eye on each verdict. */
static void
until_settled(struct fixture *f, uint64_t to)
{
	uint64_t until = peer_now_ms() + PEER_WAIT_MS;

	while (ivset_count_in(&f->peer.settled, 1, to) < to - 1) {
		if (peer_now_ms() > until)
			fail_msg("in vain; %s: %s", f->peer.error_code,
			    f->peer.error_text);
		if (peer_turn(&f->peer, 20) == IPC_VERDICTS)
			check_settled(f);
	}
}

/* ---- tests -------------------------------------------------------------- */

static void
records_arrive_once_and_are_unconfirmed_after_two_seconds(void **state)
{
	struct fixture *f = begin(&plain, SYSLOG_SERVER_READS, 0);
	uint64_t from = peer_now_ms();

	(void)state;
	send_batches(f, 0, 10);
	until_settled(f, 1 + 10 * BATCH);
	assert_true(peer_now_ms() - from >= HANDOVER_MS);
	assert_true(peer_now_ms() - from < HANDOVER_MS + 2500);
	assert_int_equal(f->messages, 10 * BATCH);
	assert_int_equal(f->peer.by_term[ENTRY_TERM_UNCONFIRMED], 10 * BATCH);
	/* A connection that was idle goes on. */
	send_batches(f, 10, 1);
	until_settled(f, 1 + 11 * BATCH);
	assert_int_equal(f->server.accepted, 1);
	assert_int_equal(f->messages, 11 * BATCH);
	end(f);
}

static void
tls_carries_the_same_and_counts_ciphertext(void **state)
{
	struct settings s = plain;
	struct fixture *f;

	(void)state;
	s.transport = "tls";
	s.server_name = "siem.example";
	s.format = "rfc5424";
	f = begin(&s, SYSLOG_SERVER_READS, 0);
	send_batches(f, 0, 20);
	until_settled(f, 1 + 20 * BATCH);
	assert_int_equal(f->messages, 20 * BATCH);
	assert_int_equal(f->repeats, 0);
	end(f);
}

static void
streams_that_are_not_wanted_are_filtered(void **state)
{
	struct settings s = plain;
	struct fixture *f;

	(void)state;
	s.streams = "one";
	s.format = "rfc5424";
	f = begin(&s, SYSLOG_SERVER_READS, 0);
	f->mixed = true;
	send_batches(f, 0, 3);
	until_settled(f, 1 + 3 * BATCH);
	assert_int_equal(f->messages, 3 * BATCH / 2);
	assert_int_equal(f->peer.by_term[ENTRY_TERM_FILTERED], 3 * BATCH / 2);
	end(f);
}

/* After each break at another byte, all that is not handed over comes again. */
static void
check_breaks(const char *transport, enum syslog_server_way way)
{
	struct settings s = plain;
	struct fixture *f;
	unsigned broken = 0;

	s.transport = transport;
	s.server_name = "siem.example";
	f = begin(&s, way, 1);
	send_batches(f, 0, 10);
	srandom(7);
	while (broken < 12) {
		peer_turn(&f->peer, 5);
		assert_int_equal(f->peer.settled.n, 0);
		if (f->server.ended > broken) {
			broken = f->server.ended;
			f->server.at = (uint64_t)random() % 100000;
		}
	}
	f->server.way = SYSLOG_SERVER_READS;
	until_settled(f, 1 + 10 * BATCH);
	for (uint64_t rec = 1; rec <= 10 * BATCH; rec++)
		assert_true(f->seen_ms[rec] > 0);
	assert_true(f->repeats > 0);
	end(f);
}

static void
a_server_that_resets_at_any_byte_loses_nothing(void **state)
{
	(void)state;
	check_breaks("tcp", SYSLOG_SERVER_RESETS);
}

static void
a_server_that_closes_within_a_record_loses_nothing(void **state)
{
	(void)state;
	check_breaks("tcp", SYSLOG_SERVER_CLOSES);
	check_breaks("tls", SYSLOG_SERVER_RESETS);
}

static void
a_break_within_two_seconds_settles_nothing(void **state)
{
	struct fixture *f = begin(&plain, SYSLOG_SERVER_READS, 0);
	uint64_t until;

	(void)state;
	send_batches(f, 0, 5);
	while (f->messages < 5 * BATCH)
		peer_turn(&f->peer, 5);
	until = peer_now_ms() + 1500;
	while (peer_now_ms() < until)
		peer_turn(&f->peer, 20);
	/* The clock runs on while nobody looks at the connection. */
	syslog_server_drop(&f->server, true);
	until = peer_now_ms() + 700;
	while (peer_now_ms() < until)
		;
	assert_int_equal(f->peer.settled.n, 0);
	until_settled(f, 1 + 5 * BATCH);
	assert_int_equal(f->messages, 10 * BATCH);
	end(f);
}

static void
a_flapping_server_gets_everything_in_the_end(void **state)
{
	struct fixture *f = begin(&plain, SYSLOG_SERVER_READS, 0);
	uint64_t until;

	(void)state;
	send_batches(f, 0, 5);
	for (int i = 0; i < 6; i++) {
		until = peer_now_ms() + 300;
		while (peer_now_ms() < until)
			peer_turn(&f->peer, 20);
		if (i % 2) {
			syslog_server_open(&f->server);
		} else {
			syslog_server_close(&f->server);
			syslog_server_drop(&f->server, i % 4 == 0);
		}
	}
	assert_int_equal(f->peer.settled.n, 0);
	until_settled(f, 1 + 5 * BATCH);
	end(f);
}

static void
a_server_that_never_reads_is_left_after_the_timeout(void **state)
{
	struct settings s = plain;
	struct fixture *f;
	uint64_t settled;

	(void)state;
	s.timeout_ms = 1000;
	f = begin(&s, SYSLOG_SERVER_NEVER_READS, 0);
	send_batches(f, 0, 200);
	peer_until_error(&f->peer, "TIMEOUT");
	assert_string_equal(f->peer.state, "retry");
	/* Only what its kernel took can have been settled. */
	settled = ivset_count(&f->peer.settled);
	assert_true(settled < 200 * BATCH);
	f->server.way = SYSLOG_SERVER_READS;
	syslog_server_drop(&f->server, true);
	syslog_server_close(&f->server);
	syslog_server_open(&f->server);
	while (ivset_count(&f->peer.settled) < 200 * BATCH)
		peer_turn(&f->peer, 20);
	assert_true(f->messages >= 200 * BATCH - settled - 4000);
	end(f);
}

static void
a_refused_connection_is_tried_again(void **state)
{
	struct fixture *f = begin(&plain, SYSLOG_SERVER_READS, 0);

	(void)state;
	syslog_server_close(&f->server);
	syslog_server_drop(&f->server, false);
	send_batches(f, 0, 1);
	while (f->peer.attempts < 4)
		peer_turn(&f->peer, 20);
	assert_string_equal(f->peer.state, "retry");
	syslog_server_open(&f->server);
	until_settled(f, 1 + BATCH);
	end(f);
}

static void
check_hold(const char *server_name, bool other_ca)
{
	struct settings s = plain;
	struct fixture *f = malloc(sizeof(*f));

	assert_non_null(f);
	s.transport = "tls";
	s.server_name = server_name;
	begin_with(f, &s, SYSLOG_SERVER_READS, 0, other_ca);
	send_batches(f, 0, 1);
	peer_until_error(&f->peer, "CERTIFICATE_REFUSED");
	assert_string_equal(f->peer.state, "hold");
	assert_int_equal(f->messages, 0);
	assert_true(strlen(f->peer.error_text) > 10);
	end(f);
}

static void
a_certificate_that_is_not_good_holds(void **state)
{
	(void)state;
	check_hold("other.example", false);
	check_hold("siem.example", true);
}

static void
bandwidth_is_kept(void **state)
{
	struct settings s = plain;
	struct fixture *f;
	uint64_t from;

	(void)state;
	s.bandwidth = 8 * 100000; /* bits: 100 kB a second */
	f = begin(&s, SYSLOG_SERVER_READS, 0);
	from = peer_now_ms();
	send_batches(f, 0, 20); /* about 430 kB */
	while (f->messages < 20 * BATCH)
		peer_turn(&f->peer, 20);
	assert_true(peer_now_ms() - from > 2500);
	assert_true(peer_now_ms() - from < 8000);
	until_settled(f, 1 + 20 * BATCH);
	end(f);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(
		records_arrive_once_and_are_unconfirmed_after_two_seconds),
	    cmocka_unit_test(tls_carries_the_same_and_counts_ciphertext),
	    cmocka_unit_test(streams_that_are_not_wanted_are_filtered),
	    cmocka_unit_test(a_server_that_resets_at_any_byte_loses_nothing),
	    cmocka_unit_test(
		a_server_that_closes_within_a_record_loses_nothing),
	    cmocka_unit_test(a_break_within_two_seconds_settles_nothing),
	    cmocka_unit_test(a_flapping_server_gets_everything_in_the_end),
	    cmocka_unit_test(
		a_server_that_never_reads_is_left_after_the_timeout),
	    cmocka_unit_test(a_refused_connection_is_tried_again),
	    cmocka_unit_test(a_certificate_that_is_not_good_holds),
	    cmocka_unit_test(bandwidth_is_kept),
	};

	log_setup("test", LOG_LEVEL_ERROR, false);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
