/* SPDX-License-Identifier: Apache-2.0 */
/* Whose certificate is believed, whose is not, and what a person reads. */
#include "tests/helpers/cmocka_all.h"

#include <stdlib.h>

#include "lib/base/err.h"
#include "tests/unit/lib/tls/pair.h"

#define UUID "0189af00-ffee-4abc-8def-0123456789ab"
#define AGENT "URI:spool:agent:" UUID
#define DAY 86400L

static struct pki *ca, *other_ca, *spool;
static struct tls_config *server_config;

static struct tls_config *
server_of(struct bytes crl, enum tls_config_verify verify)
{
	return pair_config(
	    &(struct tls_config_settings){.side = TLS_CONFIG_SERVER,
		.verify = verify,
		.cert_pem = pki_cert(spool),
		.key_pem = pki_key(spool),
		.ca_pem = pki_cert(ca),
		.crl_pem = crl,
		.identity_required = verify == TLS_CONFIG_REQUIRED});
}

/* `own` may be NULL: a client without a certificate. */
static struct tls_config *
client_of(const struct pki *own, struct bytes authorities)
{
	struct bytes none = {NULL, 0};

	return pair_config(
	    &(struct tls_config_settings){.side = TLS_CONFIG_CLIENT,
		.cert_pem = own ? pki_cert(own) : none,
		.key_pem = own ? pki_key(own) : none,
		.ca_pem = authorities});
}

static int
make_spool(void **state)
{
	(void)state;
	ca = pki_new(&(struct pki_request){.name = "CA", .is_authority = true});
	other_ca =
	    pki_new(&(struct pki_request){.name = "CA", .is_authority = true});
	spool = pki_new(&(struct pki_request){.issuer = ca,
	    .alt = "DNS:spool.example,DNS:*.wild.example,IP:127.0.0.1",
	    .usage = "serverAuth"});
	server_config = server_of(bytes_of(NULL, 0), TLS_CONFIG_REQUIRED);
	return 0;
}

static int
free_spool(void **state)
{
	(void)state;
	tls_config_free(server_config);
	pki_free(spool);
	pki_free(other_ca);
	pki_free(ca);
	return 0;
}

/* A handshake of a client that trusts the spool, up to the last word. */
static struct pair
meet(const struct pki *own, struct tls_config *server)
{
	struct tls_config *client = client_of(own, pki_cert(ca));
	struct pair p = pair_new(client, server, "spool.example");
	uint8_t byte;
	size_t n;

	tls_config_free(client);
	pair_settle(&p);
	/* The client learns it from what comes after the handshake. */
	tls_read(p.client, &byte, 1, &n);
	return p;
}

/* ok: NULL; else a part of what both sides say. */
static void
check_meeting(const struct pki *own, struct tls_config *server,
    const char *server_says, const char *client_says)
{
	struct pair p = meet(own, server);

	if (!server_says) {
		assert_string_equal(tls_why(p.server), "");
		assert_string_equal(tls_why(p.client), "");
		assert_true(tls_is_ready(p.server));
	} else {
		assert_false(tls_is_ready(p.server));
		assert_int_equal(
		    tls_failure(p.server), TLS_FAILURE_PEER_REFUSED);
		assert_int_equal(
		    tls_failure(p.client), TLS_FAILURE_SELF_REFUSED);
		if (!strstr(tls_why(p.server), server_says))
			fail_msg("%s: %s", server_says, tls_why(p.server));
		if (!strstr(tls_why(p.client), client_says))
			fail_msg("%s: %s", client_says, tls_why(p.client));
	}
	pair_free(&p);
}

static void
each_kind_of_bad_agent_is_refused_with_its_reason(void **state)
{
	const struct {
		struct pki_request request;
		const char *server_says, *client_says;
	} table[] = {
	    {{.alt = AGENT, .usage = "clientAuth"}, NULL, NULL},
	    {{.alt = AGENT, .usage = "clientAuth,serverAuth"}, NULL, NULL},
	    {{.alt = AGENT,
		 .usage = "clientAuth",
		 .from_s = -2 * DAY,
		 .until_s = -DAY},
		"has expired at 20", "certificate_expired (alert 45)"},
	    {{.alt = AGENT,
		 .usage = "clientAuth",
		 .from_s = DAY,
		 .until_s = 2 * DAY},
		"is valid only from 20", "bad_certificate (alert 42)"},
	    {{.issuer = other_ca, .alt = AGENT, .usage = "clientAuth"},
		"unable to get local issuer certificate (CN=somebody)",
		"unknown_ca (alert 48)"},
	    {{.alt = AGENT, .usage = "serverAuth"},
		"unsuitable certificate purpose",
		"unsupported_certificate (alert 43)"},
	    {{.alt = AGENT}, "unsuitable certificate purpose",
		"unsupported_certificate (alert 43)"},
	    {{.alt = AGENT, .usage = "anyExtendedKeyUsage"},
		"unsuitable certificate purpose",
		"unsupported_certificate (alert 43)"},
	    {{.alt = "DNS:agent", .usage = "clientAuth"},
		"does not carry exactly one identity",
		"bad_certificate (alert 42)"},
	    {{.alt = AGENT "," AGENT, .usage = "clientAuth"},
		"does not carry exactly one identity",
		"bad_certificate (alert 42)"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(*table); i++) {
		struct pki_request r = table[i].request;
		struct pki *own;

		r.name = "somebody";
		if (!r.issuer)
			r.issuer = ca;
		own = pki_new(&r);
		check_meeting(own, server_config, table[i].server_says,
		    table[i].client_says);
		pki_free(own);
	}
}

static void
an_agent_without_a_certificate_is_refused(void **state)
{
	(void)state;
	check_meeting(NULL, server_config, "the peer showed no certificate",
	    "the peer refused our certificate: certificate_required "
	    "(alert 116)");
}

static void
an_unknown_authority_is_refused(void **state)
{
	struct pki *stranger = pki_new(
	    &(struct pki_request){.name = "another CA", .is_authority = true});
	struct pki *own = pki_new(&(struct pki_request){
	    .issuer = stranger, .alt = AGENT, .usage = "clientAuth"});
	struct pki *alone =
	    pki_new(&(struct pki_request){.alt = AGENT, .usage = "clientAuth"});

	(void)state;
	check_meeting(own, server_config, "unable to get local issuer",
	    "unknown_ca (alert 48)");
	check_meeting(alone, server_config, "self-signed certificate",
	    "unknown_ca (alert 48)");
	pki_free(alone);
	pki_free(own);
	pki_free(stranger);
}

static void
revoked_certificates_and_outdated_lists_are_refused(void **state)
{
	const struct pki_request request = {
	    .issuer = ca, .name = "agent", .alt = AGENT, .usage = "clientAuth"};
	struct pki *good = pki_new(&request), *bad = pki_new(&request);
	char *list = pki_crl(ca, bad, 3600), *old = pki_crl(ca, bad, -60);
	char *foreign = pki_crl(other_ca, NULL, 3600);
	struct tls_config *current =
	    server_of(bytes_of_str(list), TLS_CONFIG_REQUIRED);
	struct tls_config *outdated =
	    server_of(bytes_of_str(old), TLS_CONFIG_REQUIRED);
	struct tls_config *others =
	    server_of(bytes_of_str(foreign), TLS_CONFIG_REQUIRED);

	(void)state;
	check_meeting(good, server_config, NULL, NULL);
	check_meeting(bad, server_config, NULL, NULL);
	check_meeting(good, current, NULL, NULL);
	check_meeting(bad, current, "certificate revoked (CN=agent)",
	    "certificate_revoked (alert 44)");
	check_meeting(good, outdated, "CRL has expired", "(alert 45)");
	check_meeting(
	    good, others, "CRL signature failure", "decrypt_error (alert 51)");
	tls_config_free(current);
	tls_config_free(outdated);
	tls_config_free(others);
	free(list);
	free(old);
	free(foreign);
	pki_free(good);
	pki_free(bad);
}

static void
an_optional_certificate_may_be_missing_but_not_bad(void **state)
{
	struct tls_config *optional =
	    server_of(bytes_of(NULL, 0), TLS_CONFIG_OPTIONAL);
	struct tls_config *none = server_of(bytes_of(NULL, 0), TLS_CONFIG_NONE);
	struct pki *expired = pki_new(&(struct pki_request){.issuer = ca,
	    .alt = AGENT,
	    .usage = "clientAuth",
	    .from_s = -2 * DAY,
	    .until_s = -DAY});
	struct pair p = meet(NULL, optional);
	enum tls_identity kind;
	uint8_t print[TLS_FINGERPRINT_SIZE];
	struct uuid id;

	(void)state;
	assert_true(tls_is_ready(p.server));
	assert_int_equal(tls_peer_identity(p.server, &kind, &id), ERR_NOENT);
	assert_int_equal(tls_peer_fingerprint(p.server, print), ERR_NOENT);
	pair_free(&p);
	check_meeting(expired, optional, "has expired", "(alert 45)");
	check_meeting(expired, none, NULL, NULL); /* it was not asked for */
	tls_config_free(optional);
	tls_config_free(none);
	pki_free(expired);
}

static void
only_one_exact_identity_counts(void **state)
{
	static const char zero[] =
	    "URI:spool:agent:00000000-0000-0000-0000-000000000000";
	static const struct {
		const char *alt;
		const char *uri;
		size_t uri_len;
		int verdict;
		enum tls_identity kind;
	} table[] = {
	    {AGENT, NULL, 0, 0, TLS_IDENTITY_AGENT},
	    {"URI:spool:spool:" UUID, NULL, 0, 0, TLS_IDENTITY_SPOOL},
	    {"DNS:a.example,email:a@b.example,IP:10.0.0.1," AGENT, NULL, 0, 0,
		TLS_IDENTITY_AGENT},
	    {"DNS:spool:agent:" UUID, NULL, 0, ERR_NOENT, 0},
	    {NULL, NULL, 0, ERR_NOENT, 0},
	    {AGENT "," AGENT, NULL, 0, ERR_FORMAT, 0},
	    {AGENT ",URI:spool:spool:" UUID, NULL, 0, ERR_FORMAT, 0},
	    {AGENT ",URI:https://example.com/", NULL, 0, ERR_FORMAT, 0},
	    {"URI:https://example.com/", NULL, 0, ERR_FORMAT, 0},
	    {"URI:SPOOL:agent:" UUID, NULL, 0, ERR_FORMAT, 0},
	    {"URI:spool:Agent:" UUID, NULL, 0, ERR_FORMAT, 0},
	    {"URI:spool:agent:0189AF00-ffee-4abc-8def-0123456789ab", NULL, 0,
		ERR_FORMAT, 0},
	    {"URI:spool:agent:*", NULL, 0, ERR_FORMAT, 0},
	    {"URI:spool:agent:", NULL, 0, ERR_FORMAT, 0},
	    {"URI:spool:agent:0189af00", NULL, 0, ERR_FORMAT, 0},
	    {AGENT "0", NULL, 0, ERR_FORMAT, 0},
	    {AGENT "/", NULL, 0, ERR_FORMAT, 0},
	    {"URI:spool:other:" UUID, NULL, 0, ERR_FORMAT, 0},
	    {zero, NULL, 0, ERR_FORMAT, 0},
	    {NULL, "spool:agent:" UUID, 48, 0, TLS_IDENTITY_AGENT},
	    {NULL, "spool:agent:" UUID "\0.example", 57, ERR_FORMAT, 0},
	    {NULL, "spool:agent:" UUID, 49, ERR_FORMAT, 0}, /* with its NUL */
	    {NULL, "spool:agent:" UUID "\n", 49, ERR_FORMAT, 0},
	    {NULL, " spool:agent:" UUID, 49, ERR_FORMAT, 0},
	    {"DNS:a.example", "spool:agent:" UUID, 48, 0, TLS_IDENTITY_AGENT},
	};
	struct tls_config *optional =
	    server_of(bytes_of(NULL, 0), TLS_CONFIG_OPTIONAL);

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(*table); i++) {
		struct pki *own = pki_new(&(struct pki_request){.issuer = ca,
		    .alt = table[i].alt,
		    .uri = bytes_of(table[i].uri, table[i].uri_len),
		    .usage = "clientAuth"});
		struct pair p = meet(own, optional);
		enum tls_identity kind;
		struct uuid id;
		int rc = tls_peer_identity(p.server, &kind, &id);

		if (rc != table[i].verdict)
			fail_msg("row %zu: %s", i, err_name(rc));
		if (!rc)
			assert_int_equal(kind, table[i].kind);
		pair_free(&p);
		/* And where it is required, the handshake fails. */
		if (rc)
			check_meeting(own, server_config,
			    "exactly one identity", "bad_certificate");
		pki_free(own);
	}
	tls_config_free(optional);
}

static void
the_server_must_bear_the_name_that_was_asked_for(void **state)
{
	static const struct {
		const char *name;
		bool is_good;
	} table[] = {
	    {"spool.example", true},
	    {"SPOOL.example", true},
	    {"127.0.0.1", true},
	    {"a.wild.example", true},
	    {NULL, true},
	    {"other.example", false},
	    {"xspool.example", false},
	    {"a.b.wild.example", false},
	    {"wild.example", false},
	    {"127.0.0.2", false},
	    {"::1", false},
	    {"CN", false},
	};
	struct pki *own = pki_new(&(struct pki_request){
	    .issuer = ca, .alt = AGENT, .usage = "clientAuth"});
	struct tls_config *client = client_of(own, pki_cert(ca));
	struct tls *t;

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(*table); i++) {
		struct pair p = pair_new(client, server_config, table[i].name);

		pair_settle(&p);
		if (tls_is_ready(p.client) != table[i].is_good)
			fail_msg("%s: %s", table[i].name, tls_why(p.client));
		if (!table[i].is_good) {
			assert_int_equal(
			    tls_failure(p.client), TLS_FAILURE_PEER_REFUSED);
			assert_non_null(strstr(tls_why(p.client), "mismatch"));
			assert_int_equal(
			    tls_failure(p.server), TLS_FAILURE_SELF_REFUSED);
		}
		pair_free(&p);
	}
	assert_int_equal(tls_new(client, "", &t), ERR_INVAL);
	assert_int_equal(tls_new(client, ".example", &t), ERR_INVAL);
	assert_int_equal(tls_new(server_config, "x", &t), ERR_INVAL);
	tls_config_free(client);
	pki_free(own);
}

static void
a_server_with_the_wrong_purpose_or_authority_is_refused(void **state)
{
	struct pki *false_spool = pki_new(&(struct pki_request){
	    .issuer = ca, .alt = "DNS:spool.example", .usage = "clientAuth"});
	struct tls_config *false_server =
	    pair_config(&(struct tls_config_settings){.side = TLS_CONFIG_SERVER,
		.cert_pem = pki_cert(false_spool),
		.key_pem = pki_key(false_spool),
		.verify = TLS_CONFIG_NONE});
	struct tls_config *client = client_of(NULL, pki_cert(ca));
	struct pair p = pair_new(client, false_server, "spool.example");

	(void)state;
	pair_settle(&p);
	assert_int_equal(tls_failure(p.client), TLS_FAILURE_PEER_REFUSED);
	assert_non_null(strstr(tls_why(p.client), "purpose"));
	pair_free(&p);
	tls_config_free(client);
	client = client_of(NULL, pki_cert(other_ca));
	p = pair_new(client, server_config, "spool.example");
	pair_settle(&p);
	assert_int_equal(tls_failure(p.client), TLS_FAILURE_PEER_REFUSED);
	assert_int_equal(tls_failure(p.server), TLS_FAILURE_SELF_REFUSED);
	pair_free(&p);
	tls_config_free(client);
	tls_config_free(false_server);
	pki_free(false_spool);
}

/* Root, intermediate, agent: the agent sends the intermediate along. */
static void
an_intermediate_authority_is_sent_along(void **state)
{
	struct pki *middle = pki_new(&(struct pki_request){
	    .issuer = ca, .name = "middle", .is_authority = true});
	struct pki *own = pki_new(&(struct pki_request){
	    .issuer = middle, .alt = AGENT, .usage = "clientAuth"});
	struct tls_config *client;
	struct buf chain;
	struct pair p;

	(void)state;
	check_meeting(own, server_config, "unable to get local issuer",
	    "unknown_ca (alert 48)");
	buf_init(&chain, 1 << 16);
	buf_add_bytes(&chain, pki_cert(own));
	buf_add_bytes(&chain, pki_cert(middle));
	client =
	    pair_config(&(struct tls_config_settings){.side = TLS_CONFIG_CLIENT,
		.cert_pem = buf_bytes(&chain),
		.key_pem = pki_key(own),
		.ca_pem = pki_cert(ca)});
	p = pair_new(client, server_config, "spool.example");
	pair_settle(&p);
	assert_true(tls_is_ready(p.server));
	pair_free(&p);
	tls_config_free(client);
	buf_fini(&chain);
	pki_free(own);
	pki_free(middle);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(each_kind_of_bad_agent_is_refused_with_its_reason),
	    cmocka_unit_test(an_agent_without_a_certificate_is_refused),
	    cmocka_unit_test(an_unknown_authority_is_refused),
	    cmocka_unit_test(
		revoked_certificates_and_outdated_lists_are_refused),
	    cmocka_unit_test(
		an_optional_certificate_may_be_missing_but_not_bad),
	    cmocka_unit_test(only_one_exact_identity_counts),
	    cmocka_unit_test(the_server_must_bear_the_name_that_was_asked_for),
	    cmocka_unit_test(
		a_server_with_the_wrong_purpose_or_authority_is_refused),
	    cmocka_unit_test(an_intermediate_authority_is_sent_along),
	};

	return cmocka_run_group_tests(tests, make_spool, free_spool);
}
