/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/helpers/cmocka_all.h"

#include <stdlib.h>
#include <time.h>

#include "lib/base/err.h"
#include "lib/tls/tls_alert.h"
#include "tests/unit/lib/tls/pair.h"

static struct pki *ca, *spool, *other;

static int
make_certificates(void **state)
{
	(void)state;
	ca = pki_new(&(struct pki_request){.name = "CA", .is_authority = true});
	spool = pki_new(&(struct pki_request){.issuer = ca,
	    .usage = "serverAuth",
	    .from_s = -60,
	    .until_s = 7200});
	other = pki_new(&(struct pki_request){.issuer = ca});
	return 0;
}

static int
free_certificates(void **state)
{
	(void)state;
	pki_free(other);
	pki_free(spool);
	pki_free(ca);
	return 0;
}

static struct tls_config_settings
good_settings(void)
{
	return (struct tls_config_settings){.side = TLS_CONFIG_SERVER,
	    .cert_pem = pki_cert(spool),
	    .key_pem = pki_key(spool),
	    .ca_pem = pki_cert(ca),
	    .protocols = {"agentlink/1"}};
}

/* The load fails, with this in its sentence, and works when it is mended. */
static void
check_refusal(const struct tls_config_settings *bad, const char *says)
{
	struct tls_config_settings good = good_settings();
	struct tls_config *c;
	struct tls *t;

	assert_int_equal(tls_config_new(&c), 0);
	assert_string_equal(tls_config_why(c), "");
	assert_int_equal(tls_config_load(c, bad), ERR_INVAL);
	if (!strstr(tls_config_why(c), says))
		fail_msg("%s: %s", says, tls_config_why(c));
	assert_int_equal(tls_new(c, NULL, &t), ERR_INVAL);
	assert_int_equal(tls_config_load(c, &good), 0);
	assert_string_equal(tls_config_why(c), "");
	assert_int_equal(tls_config_load(c, &good), ERR_INVAL);
	tls_config_free(c);
}

static void
every_wrong_setting_is_named(void **state)
{
	static const char encrypted[] =
	    "-----BEGIN ENCRYPTED PRIVATE KEY-----\n"
	    "MIHsMFcGCSqGSIb3DQEFDTBKMCkGCSqGSIb3DQEFDDAcBAiE5NxoRUc4tgICCAAw\n"
	    "-----END ENCRYPTED PRIVATE KEY-----\n";
	struct tls_config_settings s;

	(void)state;
	s = good_settings();
	s.cert_pem = bytes_of(NULL, 0);
	check_refusal(&s, "the own certificate is not good PEM");
	s.key_pem = bytes_of(NULL, 0);
	check_refusal(&s, "a server needs a certificate and its key");
	s = good_settings();
	s.key_pem = bytes_of(NULL, 0);
	check_refusal(&s, "the own key is not good PEM");
	s.key_pem = bytes_of_str(encrypted);
	check_refusal(&s, "or needs a pass phrase");
	s.key_pem = pki_key(other);
	check_refusal(&s, "does not belong to the certificate");
	s = good_settings();
	s.cert_pem.len -= 40;
	check_refusal(&s, "the own certificate is not good PEM");
	s = good_settings();
	s.ca_pem = bytes_of(NULL, 0);
	check_refusal(&s, "no certificate authority is given");
	s.ca_pem = bytes_of_str("rubbish");
	check_refusal(&s, "the certificate authorities are not good PEM");
	s.ca_pem = pki_key(spool);
	check_refusal(&s, "the certificate authorities are not good PEM");
	s = good_settings();
	s.crl_pem = pki_cert(ca);
	check_refusal(&s, "the revocation list is not good PEM");
	s = good_settings();
	s.side = TLS_CONFIG_CLIENT;
	s.verify = TLS_CONFIG_NONE;
	check_refusal(&s, "a client must verify the server");
	s = good_settings();
	s.verify = TLS_CONFIG_OPTIONAL;
	s.identity_required = true;
	check_refusal(&s, "an identity needs a verified certificate");
	s = good_settings();
	s.protocols[0] = "a name of more than thirty-one bytes";
	check_refusal(&s, "the name of a protocol is too long");
}

/* Cut anywhere, PEM is refused, or still whole but for its last newline. */
static void
pem_cut_at_any_byte_is_refused(void **state)
{
	struct tls_config_settings s = good_settings();
	size_t whole = s.cert_pem.len;

	(void)state;
	for (size_t cut = 0; cut + 1 < whole; cut += cut + 80 < whole ? 7 : 1) {
		struct tls_config *c;

		s.cert_pem.len = cut;
		assert_int_equal(tls_config_new(&c), 0);
		assert_int_equal(tls_config_load(c, &s), ERR_INVAL);
		tls_config_free(c);
	}
}

static void
a_weak_key_is_refused(void **state)
{
	struct pki *weak =
	    pki_new(&(struct pki_request){.issuer = ca, .is_rsa_1024 = true});
	struct tls_config_settings s = good_settings();

	(void)state;
	s.cert_pem = pki_cert(weak);
	s.key_pem = pki_key(weak);
	check_refusal(&s, "key too small");
	pki_free(weak);
}

static void
the_end_of_the_own_certificate_is_known(void **state)
{
	struct tls_config_settings s = good_settings();
	struct tls_config *c;
	int64_t left;

	(void)state;
	assert_int_equal(tls_config_new(&c), 0);
	assert_true(tls_config_expires(c) == INT64_MAX);
	assert_int_equal(tls_config_load(c, &s), 0);
	left = tls_config_expires(c) - (int64_t)time(NULL);
	assert_true(left > 7100 && left <= 7200);
	assert_ptr_equal(tls_config_ref(c), c);
	tls_config_free(c);
	assert_true(tls_config_expires(c) != INT64_MAX); /* still there */
	tls_config_free(c);
	tls_config_free(NULL);
}

static void
alerts_have_names_and_refusals_are_told_apart(void **state)
{
	(void)state;
	assert_string_equal(tls_alert_name(116), "certificate_required");
	assert_string_equal(tls_alert_name(0), "close_notify");
	assert_string_equal(tls_alert_name(255), "unknown");
	assert_true(tls_alert_is_refusal(48));
	assert_false(tls_alert_is_refusal(70));
	assert_false(tls_alert_is_refusal(255));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(every_wrong_setting_is_named),
	    cmocka_unit_test(pem_cut_at_any_byte_is_refused),
	    cmocka_unit_test(a_weak_key_is_refused),
	    cmocka_unit_test(the_end_of_the_own_certificate_is_known),
	    cmocka_unit_test(alerts_have_names_and_refusals_are_told_apart),
	};

	return cmocka_run_group_tests(
	    tests, make_certificates, free_certificates);
}
