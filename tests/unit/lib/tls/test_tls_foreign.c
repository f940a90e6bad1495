/* SPDX-License-Identifier: Apache-2.0 */
/* Our server against the library's own client, which does what ours never do.
 */
#include "tests/helpers/cmocka_all.h"

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
	BIO *cert = BIO_new_mem_buf(pki_cert(world.agent).ptr, -1);
	BIO *key = BIO_new_mem_buf(pki_key(world.agent).ptr, -1);
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
	assert_int_equal(tls_new(world.server, NULL, &server), 0);
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
	assert_int_equal(tls_new(world.server, NULL, &server), 0);
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
	assert_int_equal(tls_new(world.server, NULL, &server), 0);
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
	assert_int_equal(tls_new(world.server, NULL, &server), 0);
	foreign_settle(ssl, server);
	assert_int_equal(tls_failure(server), TLS_FAILURE_PROTOCOL);
	tls_free(server);
	SSL_free(ssl);
	SSL_CTX_set_ciphersuites(ctx, "TLS_CHACHA20_POLY1305_SHA256");
	SSL_CTX_set1_groups_list(ctx, "P-256");
	ssl = foreign_client(ctx);
	assert_int_equal(tls_new(world.server, NULL, &server), 0);
	foreign_settle(ssl, server);
	assert_true(tls_is_ready(server));
	tls_free(server);
	SSL_free(ssl);
	SSL_CTX_set1_groups_list(ctx, "P-521");
	ssl = foreign_client(ctx);
	assert_int_equal(tls_new(world.server, NULL, &server), 0);
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
		assert_int_equal(tls_new(world.server, NULL, &server), 0);
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
	assert_int_equal(tls_new(world.server, NULL, &server), 0);
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

/* Each request is answered, and nobody fetches the answers. */
static void
a_flood_of_key_updates_ends_the_session_and_not_the_memory(void **state)
{
	SSL_CTX *ctx = foreign_context();
	SSL *ssl = foreign_client(ctx);
	struct tls *server;
	int rc = ERR_AGAIN;

	(void)state;
	assert_int_equal(tls_new(world.server, NULL, &server), 0);
	foreign_settle(ssl, server);
	assert_true(tls_is_ready(server));
	for (int i = 0; i < 100000 && rc == ERR_AGAIN; i++) {
		uint8_t part[4096];
		size_t n;
		int len;

		SSL_key_update(ssl, SSL_KEY_UPDATE_REQUESTED);
		SSL_do_handshake(ssl);
		len = BIO_read(SSL_get_wbio(ssl), part, sizeof(part));
		assert_true(len > 0);
		rc = tls_feed(server, bytes_of(part, (size_t)len));
		if (!rc)
			rc = tls_read(server, part, sizeof(part), &n);
		assert_true(tls_pending(server) <= TLS_DRAIN_MAX + (64 << 10));
	}
	assert_int_equal(rc, ERR_TLS);
	assert_int_equal(tls_failure(server), TLS_FAILURE_PROTOCOL);
	assert_string_not_equal(tls_why(server), "");
	print_message("%s\n", tls_why(server));
	tls_free(server);
	SSL_free(ssl);
	SSL_CTX_free(ctx);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(no_ticket_is_ever_offered_and_none_is_taken),
	    cmocka_unit_test(tls_1_2_is_refused),
	    cmocka_unit_test(other_suites_and_groups_are_refused),
	    cmocka_unit_test(a_client_without_our_protocol_is_refused),
	    cmocka_unit_test(a_key_update_of_the_peer_is_answered),
	    cmocka_unit_test(
		a_flood_of_key_updates_ends_the_session_and_not_the_memory),
	};

	return cmocka_run_group_tests(tests, make_world, free_world);
}
