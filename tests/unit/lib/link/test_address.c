/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/helpers/cmocka_all.h"

#include <string.h>

#include "lib/base/err.h"
#include "lib/link/address.h"

static void
numeric_addresses_are_parsed_and_shown(void **state)
{
	static const struct {
		const char *in, *out, *host;
	} table[] = {
	    {"192.0.2.1:514", "192.0.2.1:514", "192.0.2.1"},
	    {"[2001:DB8::1]:6514", "[2001:db8::1]:6514", "2001:db8::1"},
	    {"[::]:65535", "[::]:65535", "::"},
	    {"[::ffff:192.0.2.1]:1", "192.0.2.1:1", "192.0.2.1"},
	    {"unix:/run/x.sock", "unix:/run/x.sock", "unix:/run/x.sock"},
	};
	char text[ADDRESS_TEXT_SIZE];

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(*table); i++) {
		struct address a;
		struct sockaddr *sa = (struct sockaddr *)&a.sa;

		assert_int_equal(
		    address_parse(bytes_of_str(table[i].in), &a), 0);
		assert_string_equal(
		    address_format(sa, a.len, text), table[i].out);
		assert_string_equal(
		    address_format_host(sa, a.len, text), table[i].host);
	}
}

static void
what_is_no_numeric_address_is_refused(void **state)
{
	static const char *const table[] = {"", ":", ":514", "192.0.2.1",
	    "192.0.2.1:", "192.0.2.1:0", "192.0.2.1:65536", "192.0.2.1:000514",
	    "192.0.2.1:-1", "192.0.2.1: 1", "192.0.2.1:1x", "host.example:514",
	    "2001:db8::1:514", "[]:514", "[::1]514", "[::1]", "[::1:514",
	    "::1]:514", "192.0.2.256:1", "[192.0.2.1:1", "unix:"};
	struct address a;
	char path[200] = "unix:";

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(*table); i++)
		assert_int_equal(
		    address_parse(bytes_of_str(table[i]), &a), ERR_FORMAT);
	memset(path + 5, 'x', 107);
	assert_int_equal(address_parse(bytes_of_str(path), &a), 0);
	path[5 + 107] = 'x';
	assert_int_equal(address_parse(bytes_of_str(path), &a), ERR_FORMAT);
	assert_int_equal(
	    address_parse(bytes_of("192.0.2.1\0x:1", 13), &a), ERR_FORMAT);
}

static void
a_name_and_its_port_are_split_without_judging_the_name(void **state)
{
	struct bytes host;
	uint16_t port;

	(void)state;
	assert_int_equal(
	    address_split(bytes_of_str("siem.example:6514"), &host, &port), 0);
	assert_true(bytes_equal_str(host, "siem.example"));
	assert_int_equal(port, 6514);
	assert_int_equal(
	    address_split(bytes_of_str("[::1]:1"), &host, &port), 0);
	assert_true(bytes_equal_str(host, "::1"));
	assert_int_equal(
	    address_split(bytes_of_str("a:b:1"), &host, &port), ERR_FORMAT);
}

static void
a_socket_without_a_name_is_shown_as_unix(void **state)
{
	struct sockaddr sa = {.sa_family = AF_UNIX};
	char text[ADDRESS_TEXT_SIZE];

	(void)state;
	assert_string_equal(
	    address_format(&sa, sizeof(sa_family_t), text), "unix");
	sa.sa_family = AF_UNSPEC;
	assert_string_equal(address_format(&sa, sizeof(sa), text), "unknown");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(numeric_addresses_are_parsed_and_shown),
	    cmocka_unit_test(what_is_no_numeric_address_is_refused),
	    cmocka_unit_test(
		a_name_and_its_port_are_split_without_judging_the_name),
	    cmocka_unit_test(a_socket_without_a_name_is_shown_as_unix),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
