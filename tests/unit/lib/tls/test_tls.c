/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/helpers/cmocka_all.h"

#include <malloc.h>
#include <stdlib.h>

#include "config.h"

#include "lib/base/err.h"
#include "lib/tls/openssl.h"
#include "tests/unit/lib/tls/pair.h"

#define AGENT "spool:agent:0189af00-ffee-4abc-8def-0123456789ab"
#define SPOOL "spool:spool:1189af00-ffee-4abc-8def-0123456789ab"

static struct pki *ca, *agent, *spool;
static struct tls_config *client_config, *server_config;

static int
make_configs(void **state)
{
	(void)state;
	ca = pki_new(&(struct pki_request){.name = "CA", .is_authority = true});
	agent = pki_new(&(struct pki_request){.issuer = ca,
	    .name = "agent",
	    .alt = "URI:" AGENT,
	    .usage = "clientAuth"});
	spool = pki_new(&(struct pki_request){.issuer = ca,
	    .name = "spool",
	    .alt = "DNS:localhost,IP:127.0.0.1,URI:" SPOOL,
	    .usage = "serverAuth,clientAuth"});
	client_config =
	    pair_config(&(struct tls_config_settings){.side = TLS_CONFIG_CLIENT,
		.cert_pem = pki_cert(agent),
		.key_pem = pki_key(agent),
		.ca_pem = pki_cert(ca),
		.protocols = {"agentlink/1"},
		.identity_required = true});
	server_config =
	    pair_config(&(struct tls_config_settings){.side = TLS_CONFIG_SERVER,
		.cert_pem = pki_cert(spool),
		.key_pem = pki_key(spool),
		.ca_pem = pki_cert(ca),
		.protocols = {"agentlink/2", "agentlink/1"},
		.identity_required = true});
	return 0;
}

static int
free_configs(void **state)
{
	(void)state;
	tls_config_free(client_config);
	tls_config_free(server_config);
	pki_free(agent);
	pki_free(spool);
	pki_free(ca);
	return 0;
}

static struct pair
ready_pair(void)
{
	struct pair p = pair_new(client_config, server_config, "localhost");

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
	struct pair p = pair_new(client_config, server_config, NULL);
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
	assert_string_equal(uuid_format(&id, text), AGENT + 12);
	assert_int_equal(tls_peer_identity(p.client, &kind, &id), 0);
	assert_int_equal(kind, TLS_IDENTITY_SPOOL);
	assert_string_equal(uuid_format(&id, text), SPOOL + 12);
	assert_int_equal(tls_peer_fingerprint(p.server, finger), 0);
	cert = pki_der(agent, &der);
	EVP_Digest(cert.ptr, cert.len, want, NULL, EVP_sha256(), NULL);
	assert_memory_equal(finger, want, sizeof(want));
	free(der);
	assert_string_equal(tls_protocol(p.server), "agentlink/1");
	assert_string_equal(tls_protocol(p.client), "agentlink/1");
	pair_free(&p);
}

static void
the_handshake_works_byte_by_byte(void **state)
{
	struct pair p = pair_new(client_config, server_config, "127.0.0.1");

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
	struct pair p = pair_new(client_config, server_config, "localhost");
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

		assert_int_equal(tls_new(server_config, NULL, &t), 0);
		assert_int_equal(tls_feed(t, bytes_of_str(words[i])), ERR_TLS);
		assert_int_equal(tls_failure(t), TLS_FAILURE_PROTOCOL);
		assert_string_not_equal(tls_why(t), "");
		tls_free(t);
	}
}

/* A session of the library's own, for what ours never does. */
static SSL *
foreign_client(SSL_CTX *ctx)
{
	SSL *ssl = SSL_new(ctx);
	BIO *in = BIO_new(BIO_s_mem()), *out = BIO_new(BIO_s_mem());

	BIO_set_mem_eof_return(in, -1);
	SSL_set_bio(ssl, in, out);
	SSL_set_connect_state(ssl);
	SSL_set_alpn_protos(ssl,
	    (const unsigned char *)"\x0b"
				   "agentlink/1",
	    12);
	return ssl;
}

static SSL_CTX *
foreign_context(void)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
	BIO *cert = BIO_new_mem_buf(pki_cert(agent).ptr, -1);
	BIO *key = BIO_new_mem_buf(pki_key(agent).ptr, -1);
	X509 *x = PEM_read_bio_X509(cert, NULL, NULL, NULL);
	EVP_PKEY *k = PEM_read_bio_PrivateKey(key, NULL, NULL, NULL);

	SSL_CTX_use_certificate(ctx, x);
	SSL_CTX_use_PrivateKey(ctx, k);
	X509_free(x);
	EVP_PKEY_free(k);
	BIO_free(cert);
	BIO_free(key);
	return ctx;
}

/* Shake hands until neither side says anything more. */
static void
foreign_settle(SSL *ssl, struct tls *server)
{
	struct buf b;
	bool silent = false;

	buf_init(&b, 1 << 20);
	while (!silent) {
		uint8_t part[4096], got[16];
		size_t n;
		int len;

		SSL_do_handshake(ssl);
		SSL_read(ssl, got, sizeof(got));
		len = BIO_read(SSL_get_wbio(ssl), part, sizeof(part));
		if (len > 0)
			tls_feed(server, bytes_of(part, (size_t)len));
		tls_read(server, got, sizeof(got), &n);
		tls_drain(server, &b);
		silent = len <= 0 && !b.len;
		if (b.len)
			BIO_write(SSL_get_rbio(ssl), buf_ptr(&b), (int)b.len);
		buf_clear(&b);
	}
	ERR_clear_error();
	buf_fini(&b);
}

static int tickets_seen;

static int
count_ticket(SSL *ssl, SSL_SESSION *session)
{
	(void)ssl;
	(void)session;
	tickets_seen++;
	return 0;
}

static void
no_ticket_is_ever_offered_and_none_is_taken(void **state)
{
	SSL_CTX *ctx = foreign_context();
	SSL *ssl;
	struct tls *server;
	SSL_SESSION *session;

	(void)state;
	SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_CLIENT);
	SSL_CTX_sess_set_new_cb(ctx, count_ticket);
	tickets_seen = 0;
	ssl = foreign_client(ctx);
	assert_int_equal(tls_new(server_config, NULL, &server), 0);
	foreign_settle(ssl, server);
	assert_true(tls_is_ready(server));
	assert_int_equal(SSL_version(ssl), TLS1_3_VERSION);
	assert_int_equal(tickets_seen, 0);
	session = SSL_get1_session(ssl);
	assert_false(SSL_SESSION_is_resumable(session));
	tls_free(server);
	SSL_free(ssl);
	/* Offered all the same, it leads to a full handshake. */
	ssl = foreign_client(ctx);
	SSL_set_session(ssl, session);
	assert_int_equal(tls_new(server_config, NULL, &server), 0);
	foreign_settle(ssl, server);
	assert_true(tls_is_ready(server));
	assert_false(SSL_session_reused(ssl));
	tls_free(server);
	SSL_free(ssl);
	SSL_SESSION_free(session);
	SSL_CTX_free(ctx);
}

static void
tls_1_2_is_refused(void **state)
{
	SSL_CTX *ctx = foreign_context();
	struct tls *server;
	SSL *ssl;

	(void)state;
	SSL_CTX_set_max_proto_version(ctx, TLS1_2_VERSION);
	ssl = foreign_client(ctx);
	assert_int_equal(tls_new(server_config, NULL, &server), 0);
	foreign_settle(ssl, server);
	assert_false(tls_is_ready(server));
	assert_int_equal(tls_failure(server), TLS_FAILURE_PROTOCOL);
	assert_non_null(strstr(tls_why(server), "unsupported protocol"));
	assert_false(SSL_is_init_finished(ssl));
	tls_free(server);
	SSL_free(ssl);
	SSL_CTX_free(ctx);
}

static void
other_suites_and_groups_are_refused(void **state)
{
	SSL_CTX *ctx = foreign_context();
	struct tls *server;
	SSL *ssl;

	(void)state;
	SSL_CTX_set_ciphersuites(ctx, "TLS_AES_128_GCM_SHA256");
	ssl = foreign_client(ctx);
	assert_int_equal(tls_new(server_config, NULL, &server), 0);
	foreign_settle(ssl, server);
	assert_int_equal(tls_failure(server), TLS_FAILURE_PROTOCOL);
	tls_free(server);
	SSL_free(ssl);
	SSL_CTX_set_ciphersuites(ctx, "TLS_CHACHA20_POLY1305_SHA256");
	SSL_CTX_set1_groups_list(ctx, "P-256");
	ssl = foreign_client(ctx);
	assert_int_equal(tls_new(server_config, NULL, &server), 0);
	foreign_settle(ssl, server);
	assert_true(tls_is_ready(server));
	tls_free(server);
	SSL_free(ssl);
	SSL_CTX_set1_groups_list(ctx, "P-521");
	ssl = foreign_client(ctx);
	assert_int_equal(tls_new(server_config, NULL, &server), 0);
	foreign_settle(ssl, server);
	assert_int_equal(tls_failure(server), TLS_FAILURE_PROTOCOL);
	tls_free(server);
	SSL_free(ssl);
	SSL_CTX_free(ctx);
}

static void
a_client_without_our_protocol_is_refused(void **state)
{
	static const struct {
		const char *wire;
		unsigned len;
	} offers[] = {{"\x08http/1.1", 9}, {NULL, 0}};
	SSL_CTX *ctx = foreign_context();

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		SSL *ssl = foreign_client(ctx);
		struct tls *server;

		SSL_set_alpn_protos(
		    ssl, (const unsigned char *)offers[i].wire, offers[i].len);
		assert_int_equal(tls_new(server_config, NULL, &server), 0);
		foreign_settle(ssl, server);
		assert_false(tls_is_ready(server));
		assert_int_equal(tls_failure(server), TLS_FAILURE_PROTOCOL);
		assert_false(SSL_is_init_finished(ssl));
		tls_free(server);
		SSL_free(ssl);
	}
	SSL_CTX_free(ctx);
}

static void
a_key_update_of_the_peer_is_answered(void **state)
{
	SSL_CTX *ctx = foreign_context();
	SSL *ssl = foreign_client(ctx);
	struct tls *server;
	uint8_t got[16];
	size_t n;

	(void)state;
	assert_int_equal(tls_new(server_config, NULL, &server), 0);
	foreign_settle(ssl, server);
	assert_true(tls_is_ready(server));
	assert_int_equal(SSL_key_update(ssl, SSL_KEY_UPDATE_REQUESTED), 1);
	foreign_settle(ssl, server);
	assert_int_equal(tls_write(server, bytes_of_str("again"), &n), 0);
	{
		struct buf b;

		buf_init(&b, 1 << 20);
		tls_drain(server, &b);
		BIO_write(SSL_get_rbio(ssl), buf_ptr(&b), (int)b.len);
		buf_fini(&b);
	}
	assert_int_equal(SSL_read(ssl, got, sizeof(got)), 5);
	tls_free(server);
	SSL_free(ssl);
	SSL_CTX_free(ctx);
}

static void
sessions_outlive_the_configuration_that_made_them(void **state)
{
	struct tls_config *c =
	    pair_config(&(struct tls_config_settings){.side = TLS_CONFIG_CLIENT,
		.cert_pem = pki_cert(agent),
		.key_pem = pki_key(agent),
		.ca_pem = pki_cert(ca),
		.protocols = {"agentlink/1"}});
	struct pair p = pair_new(c, server_config, "localhost");
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
	    cmocka_unit_test(the_handshake_works_byte_by_byte),
	    cmocka_unit_test(plaintext_arrives_and_waits_for_ready),
	    cmocka_unit_test(close_notify_ends_one_direction_after_the_data),
	    cmocka_unit_test(a_big_transfer_arrives_whole_in_bounded_memory),
	    cmocka_unit_test(feeding_without_reading_has_a_limit),
	    cmocka_unit_test(positions_count_every_byte_of_ciphertext),
	    cmocka_unit_test(broken_bytes_fail_the_session_with_an_alert),
	    cmocka_unit_test(a_peer_that_speaks_no_tls_fails_the_session),
	    cmocka_unit_test(no_ticket_is_ever_offered_and_none_is_taken),
	    cmocka_unit_test(tls_1_2_is_refused),
	    cmocka_unit_test(other_suites_and_groups_are_refused),
	    cmocka_unit_test(a_client_without_our_protocol_is_refused),
	    cmocka_unit_test(a_key_update_of_the_peer_is_answered),
	    cmocka_unit_test(sessions_outlive_the_configuration_that_made_them),
	    cmocka_unit_test(an_idle_session_costs_less_than_24_kib),
	    cmocka_unit_test(warming_up_works_and_may_be_done_again),
	};

	return cmocka_run_group_tests(tests, make_configs, free_configs);
}
