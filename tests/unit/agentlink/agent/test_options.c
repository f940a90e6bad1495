/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/helpers/cmocka_all.h"

#include <stdio.h>
#include <string.h>

#include "agentlink/agent/options.h"

#define BASE "--server", "a:1,[::1]:2", "--cert", "c", "--key", "k", "--ca", "r"

static bool
parse(struct options *o, const char *const *words)
{
	static char *argv[32];
	int n = 0;
	argv[n++] = (char *)(uintptr_t) "send";
	while (*words)
		argv[n++] = (char *)(uintptr_t)*words++;
	argv[n] = NULL;
	return options_parse(n, argv, o);
}

static void
every_option_is_taken(void **state)
{
	(void)state;
	struct options o;
	assert_true(parse(&o,
	    (const char *[]){BASE, "--stream", "s", "--state", "d", "--framing",
		"nul", "--rate", "500/s", "--bandwidth", "8Mbit/s", "--timeout",
		"2m", "f", "g", NULL}));
	assert_int_equal(o.server_count, 2);
	assert_string_equal(o.servers[0], "a:1");
	assert_string_equal(o.servers[1], "[::1]:2");
	assert_string_equal(o.stream, "s");
	assert_string_equal(o.state, "d");
	assert_int_equal(o.framing, FRAMING_NUL);
	assert_int_equal(o.rate, 500);
	assert_int_equal(o.bandwidth, 1000000);
	assert_int_equal(o.timeout_ms, 120000);
	assert_int_equal(o.file_count, 2);
	options_fini(&o);
}

static void
each_wrong_line_is_refused(void **state)
{
	(void)state;
	static const char *const wrong[][14] = {
	    {BASE},
	    {"f"},
	    {"--server", "a:1", "f"},
	    {BASE, "-"},
	    {BASE, "--stream", "s", "-", "f"},
	    {BASE, "--server", "nohost", "f"},
	    {BASE, "--server", "a:0", "f"},
	    {BASE, "--server", "a:1,", "f"},
	    {BASE, "--rate", "0", "f"},
	    {BASE, "--rate", "-1", "f"},
	    {BASE, "--rate", "5/m", "f"},
	    {BASE, "--bandwidth", "8", "f"},
	    {BASE, "--bandwidth", "fast", "f"},
	    {BASE, "--timeout", "5", "f"},
	    {BASE, "--framing", "crlf", "f"},
	    {BASE, "--stream", "", "f"},
	    {BASE, "--nothing", "f"},
	};
	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
		struct options o;
		if (parse(&o, wrong[i]))
			fail_msg("row %zu was taken", i);
		options_fini(&o);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(every_option_is_taken),
	    cmocka_unit_test(each_wrong_line_is_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
