/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/helpers/cmocka_all.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "lib/base/err.h"
#include "lib/config/agentconfig.h"
#include "lib/config/config.h"
#include "lib/config/load.h"

#define TEXT_MAX ((size_t)1 << 20)
#define TITLE "=== "
#define ARROW "\n=>\n"
#define ARROW_AT_END "\n=>"

/* The lines of one file, to be freed; *rc is what parsing returned. */
typedef char *(*judge_fn)(struct bytes text, int *rc);

static char *
judge_spoold(struct bytes text, int *rc)
{
	struct config *c;
	char *why;

	*rc = config_parse("f", text, &c);
	why = strdup(config_why(c));
	config_free(c);
	return why;
}

static char *
judge_agentlink(struct bytes text, int *rc)
{
	struct agentconfig *c;
	char *why;

	*rc = agentconfig_parse("f", text, &c);
	why = strdup(agentconfig_why(c));
	agentconfig_free(c);
	return why;
}

static void
trim(char *text)
{
	size_t len = strlen(text);

	if (len > 0 && text[len - 1] == '\n')
		text[len - 1] = '\0';
}

/* One case: text begins after its title's ===, and is cut up. */
static bool
check_case(char *text, judge_fn judge)
{
	char *file = strchr(text, '\n'), *lines, *why;
	bool is_good;
	int rc;

	assert_non_null(file);
	lines = strstr(file, ARROW);
	if (!lines)
		lines = strstr(file, ARROW_AT_END);
	assert_non_null(lines);
	*file++ = '\0';
	lines[1] = '\0';
	lines += strlen(ARROW_AT_END) + (lines[strlen(ARROW_AT_END)] == '\n');
	why = judge(bytes_of_str(file), &rc);
	trim(why);
	trim(lines);
	is_good = !strcmp(why, lines) && rc == (*lines ? ERR_INVAL : 0);
	/* What is printed here is what the table should say, if it is right. */
	if (!is_good)
		print_error("--- %s: %d\n%s=>\n%s--- not\n%s", text, rc, file,
		    why, lines);
	free(why);
	return is_good;
}

static void
check_cases(const char *name, judge_fn judge, size_t at_least)
{
	char path[4096], *text, *next;
	size_t count = 0, wrong = 0;
	struct buf b;

	snprintf(path, sizeof(path), "%s/tests/unit/lib/config/%s",
	    getenv("TOP_SRCDIR"), name);
	buf_init(&b, TEXT_MAX);
	assert_int_equal(load_file(path, &b), 0);
	buf_add_u8(&b, '\0');
	assert_int_equal(b.err, 0);
	text = strstr((char *)buf_ptr(&b), "\n" TITLE);
	for (; text; text = next) {
		text += strlen("\n" TITLE);
		next = strstr(text, "\n" TITLE);
		if (next)
			*next = '\0';
		wrong += !check_case(text, judge);
		count++;
	}
	assert_int_equal(wrong, 0);
	assert_true(count >= at_least);
	buf_fini(&b);
}

static void
each_wrong_spoold_file_gives_exactly_its_lines(void **state)
{
	(void)state;
	check_cases("wrong-spoold.txt", judge_spoold, 60);
}

static void
each_wrong_agentlink_file_gives_exactly_its_lines(void **state)
{
	(void)state;
	check_cases("wrong-agentlink.txt", judge_agentlink, 8);
}

/* What cannot be written into a text file. */
#define BYTES(literal)                                          \
	{                                                       \
		(const uint8_t *)(literal), sizeof(literal) - 1 \
	}
#define UTF8 "; allowed: UTF-8 without control characters\n"

static const struct {
	struct bytes in;
	const char *lines;
} bytes_table[] = {
    {BYTES("log:\n  a\0: x\n"), "f:2:4: (file): a NUL byte" UTF8},
    {BYTES("\xff"), "f:1:1: (file): bytes that are not UTF-8" UTF8},
    {BYTES("\xff\xfel\0"), "f:1:1: (file): bytes that are not UTF-8" UTF8},
    {BYTES("é: \xe4\xbd"), "f:1:4: (file): bytes that are not UTF-8" UTF8},
    {BYTES("\xc0\x80"), "f:1:1: (file): bytes that are not UTF-8" UTF8},
    {BYTES("\xed\xa0\x80"), "f:1:1: (file): bytes that are not UTF-8" UTF8},
    {BYTES("\xf4\x90\x80\x80"), "f:1:1: (file): bytes that are not UTF-8" UTF8},
    {BYTES("log: \x1b[1m"), "f:1:6: (file): a control character" UTF8},
    {BYTES("log: \x7f"), "f:1:6: (file): a control character" UTF8},
    {BYTES("log: \xc2\x9b"), "f:1:6: (file): a control character" UTF8},
    {BYTES("log: \xe2\x80\xa8"), "f:1:6: (file): a control character" UTF8},
    {BYTES("\xef\xbb\xbflog: { level: info }\r\n"), ""},
    {BYTES(""), "f:1:1: (file): empty; allowed: a map of keys and values\n"},
};

static void
bytes_that_are_not_text_are_refused_at_their_place(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(bytes_table) / sizeof(bytes_table[0]);
	     i++) {
		int rc;
		char *why = judge_spoold(bytes_table[i].in, &rc);

		assert_string_equal(why, bytes_table[i].lines);
		free(why);
	}
}

/* A file of `size` bytes, valid but for its size. */
static char *
padded(size_t size)
{
	char *text = malloc(size + 1);

	assert_non_null(text);
	memset(text, '#', size);
	memcpy(text, "log: {}\n", 8);
	text[size] = '\0';
	return text;
}

static void
a_file_has_at_most_1_mib(void **state)
{
	(void)state;
	for (int over = -1; over <= 1; over++) {
		size_t size = (size_t)((long)CONFIG_FILE_MAX + over);
		char *text = padded(size), *why;
		int rc;

		why = judge_spoold(bytes_of(text, size), &rc);
		assert_string_equal(why,
		    over > 0
			? "f:1:1: (file): longer than 1MiB; allowed: at most "
			  "1MiB\n"
			: "");
		free(why);
		free(text);
	}
}

static void
maps_and_lists_nest_8_deep(void **state)
{
	int rc;
	char *why;

	(void)state;
	/* The root is the first level, the value of x the second. */
	why = judge_spoold(bytes_of_str("x: [[[[[[[1]]]]]]]"), &rc);
	assert_null(strstr(why, "nested"));
	free(why);
	why = judge_spoold(bytes_of_str("x: [[[[[[[[1]]]]]]]]"), &rc);
	assert_string_equal(why,
	    "f:1:11: x[0][0][0][0][0][0][0]: nested too deeply; allowed: 8 "
	    "levels\n");
	free(why);
}

static void
a_thousand_lines_are_shown_and_the_others_counted(void **state)
{
	struct buf b;
	char *why;
	size_t lines = 0;
	int rc;

	(void)state;
	buf_init(&b, TEXT_MAX);
	for (int i = 0; i < 1003; i++)
		buf_add_fmt(&b, "k%04d: 1\n", i);
	why = judge_spoold(buf_bytes(&b), &rc);
	for (const char *p = why; (p = strchr(p, '\n')); p++)
		lines++;
	assert_int_equal(lines, 1001);
	assert_non_null(strstr(why, "f:1000:1: k0999: unknown key"));
	assert_non_null(strstr(why, "\nf:1003:1: (file): 3 errors more\n"));
	free(why);
	buf_fini(&b);
}

static void
a_file_of_more_than_16384_values_is_refused(void **state)
{
	struct buf b;
	char *why;
	int rc;

	(void)state;
	buf_init(&b, TEXT_MAX);
	buf_add_str(&b, "x: [");
	for (int i = 0; i < 16384; i++)
		buf_add_str(&b, "1,");
	buf_add_str(&b, "]");
	why = judge_spoold(buf_bytes(&b), &rc);
	assert_non_null(strstr(
	    why, "x[16382]: too many values; allowed: 16384 in one file\n"));
	free(why);
	buf_fini(&b);
}

/* Entries named a0 ... that are right, `count` of them. */
static void
add_targets(struct buf *b, int count)
{
	buf_add_str(b, "targets:\n");
	for (int i = 0; i < count; i++)
		buf_add_fmt(
		    b, " a%d: {protocol: file, directory: /d%d}\n", i, i);
}

static void
there_are_at_most_64_targets(void **state)
{
	(void)state;
	for (int over = -1; over <= 1; over++) {
		struct buf b;
		char *why;
		int rc;

		buf_init(&b, TEXT_MAX);
		add_targets(&b, CONFIG_ITEMS_MAX + over);
		why = judge_spoold(buf_bytes(&b), &rc);
		assert_string_equal(why,
		    over > 0 ? "f:66:2: targets.a64: one entry too many; "
			       "allowed: at most 64\n"
			     : "");
		free(why);
		buf_fini(&b);
	}
}

static void
a_file_that_cannot_be_read_gives_one_line(void **state)
{
	struct agentconfig *agent;
	struct config *c;

	(void)state;
	assert_int_equal(config_load("/nonexistent/x.yaml", &c), ERR_INVAL);
	assert_string_equal(config_why(c),
	    "/nonexistent/x.yaml:1:1: (file): cannot be read: No such file or "
	    "directory; allowed: a file that can be read\n");
	config_free(c);
	assert_int_equal(config_load("/", &c), ERR_INVAL);
	assert_string_equal(config_why(c),
	    "/:1:1: (file): cannot be read: Is a directory; allowed: a file "
	    "that can be read\n");
	config_free(c);
	assert_int_equal(agentconfig_load("/dev/zero", &agent), ERR_INVAL);
	assert_string_equal(agentconfig_why(agent),
	    "/dev/zero:1:1: (file): cannot be read: not a regular file; "
	    "allowed: a file that can be read\n");
	agentconfig_free(agent);
	config_free(NULL);
	agentconfig_free(NULL);
}

static void
a_file_of_no_bytes_is_empty(void **state)
{
	char path[] = "/tmp/test-wrong-XXXXXX";
	int fd = mkstemp(path);
	char lines[128];
	struct config *c;

	(void)state;
	assert_true(fd >= 0);
	close(fd);
	snprintf(lines, sizeof(lines),
	    "%s:1:1: (file): empty; allowed: a map of keys and values\n", path);
	assert_int_equal(config_load(path, &c), ERR_INVAL);
	assert_string_equal(config_why(c), lines);
	config_free(c);
	unlink(path);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(each_wrong_spoold_file_gives_exactly_its_lines),
	    cmocka_unit_test(each_wrong_agentlink_file_gives_exactly_its_lines),
	    cmocka_unit_test(
		bytes_that_are_not_text_are_refused_at_their_place),
	    cmocka_unit_test(a_file_has_at_most_1_mib),
	    cmocka_unit_test(maps_and_lists_nest_8_deep),
	    cmocka_unit_test(a_thousand_lines_are_shown_and_the_others_counted),
	    cmocka_unit_test(a_file_of_more_than_16384_values_is_refused),
	    cmocka_unit_test(there_are_at_most_64_targets),
	    cmocka_unit_test(a_file_that_cannot_be_read_gives_one_line),
	    cmocka_unit_test(a_file_of_no_bytes_is_empty),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
