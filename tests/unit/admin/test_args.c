/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/helpers/cmocka_all.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "admin/args.h"
#include "admin/command.h"

#define ARGV_MAX 16

/* Each line is split at spaces. */
static const struct {
	const char *line;
	const char *command; /* NULL: refused */
	const char *rest; /* arguments, or the code of the fault */
} lines[] = {
    {"status", "status", ""},
    {"status --output json", "status", ""},
    {"--output=json status", "status", ""},
    {"-o json status", "status", ""},
    {"-ojson status -q", "status", ""},
    {"target pause siem", "target pause", "siem"},
    {"target --reason why pause siem", "target pause", "siem"},
    {"target pause -- --siem", "target pause", "--siem"},
    {"target rename a b", "target rename", "a b"},
    {"decode - a b c d", "decode", "- a b c d"},
    {"config check", "config check", ""},
    {"config check f", "config check", "f"},
    {"wait --ready --timeout 10s", "wait", ""},
    {"status --watch", "status", ""},
    {"status --watch=500ms", "status", ""},
    {"help", "help", ""},
    {"help target pause", "help", "target pause"},
    {"target pause --help", "help", "target pause"},
    {"--help", "help", ""},
    {"--version", "version", ""},
    {"status --version", "version", ""},
    {"queue peek --limit 3 --from 18446744073709551615", "queue peek", ""},
    {"", NULL, "COMMAND_MISSING"},
    {"frobnicate", NULL, "COMMAND_UNKNOWN"},
    {"target", NULL, "COMMAND_INCOMPLETE"},
    {"target frobnicate", NULL, "COMMAND_UNKNOWN"},
    {"target pause", NULL, "ARGUMENT_MISSING"},
    {"target pause a b", NULL, "ARGUMENT_EXTRA"},
    {"status now", NULL, "ARGUMENT_EXTRA"},
    {"status --frob", NULL, "OPTION_UNKNOWN"},
    {"status -x", NULL, "OPTION_UNKNOWN"},
    {"status --yes", NULL, "OPTION_NOT_HERE"},
    {"target pause a --watch", NULL, "OPTION_NOT_HERE"},
    {"status --output", NULL, "OPTION_VALUE"},
    {"status --output yaml", NULL, "OPTION_VALUE"},
    {"status --output=", NULL, "OPTION_VALUE"},
    {"status --quiet=yes", NULL, "OPTION_VALUE"},
    {"status --quiet --quiet", NULL, "OPTION_TWICE"},
    {"status --watch=soon", NULL, "OPTION_VALUE"},
    {"wait --ready --timeout 10", NULL, "OPTION_VALUE"},
    {"queue ls --limit -1", NULL, "OPTION_VALUE"},
    {"queue ls --limit 18446744073709551616", NULL, "OPTION_VALUE"},
    {"target pause \xff", NULL, "ARGUMENT_NOT_TEXT"},
    {"target pause a\x1b[2J", NULL, "ARGUMENT_NOT_TEXT"},
    {"target pause a --reason \xc3", NULL, "ARGUMENT_NOT_TEXT"},
    {"decode \xff", "decode", "\xff"},
};

static int
parse(const char *line, struct args *a, struct fault *f, char **copy)
{
	static char *argv[ARGV_MAX];
	char *at = NULL;
	int argc = 1;

	*copy = strdup(line);
	argv[0] = "spoolctl";
	for (char *w = strtok_r(*copy, " ", &at); w;
	     w = strtok_r(NULL, " ", &at))
		argv[argc++] = w;
	return args_parse(argc, argv, a, f);
}

static void
each_line_is_understood_or_refused_with_its_code(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		struct fault f = {.exit = FAULT_OK};
		char rest[256] = "", *copy;
		struct args a;
		int rc = parse(lines[i].line, &a, &f, &copy);

		if (!lines[i].command) {
			if (rc != FAULT_USAGE || strcmp(f.code, lines[i].rest))
				fail_msg(
				    "%s: %d %s", lines[i].line, rc, f.code);
		} else {
			if (rc || !a.command)
				fail_msg("%s: %s", lines[i].line, f.message);
			assert_string_equal(a.command->name, lines[i].command);
			for (size_t k = 0; k < a.word_count; k++) {
				strcat(rest, k ? " " : "");
				strcat(rest, a.words[k]);
			}
			assert_string_equal(rest, lines[i].rest);
			assert_null(a.words[a.word_count]);
		}
		args_fini(&a);
		free(copy);
	}
}

static void
values_are_read_with_their_units(void **state)
{
	struct fault f;
	struct args a;
	char *copy;

	(void)state;
	assert_int_equal(
	    parse("wait --drained --timeout 2m -o csv", &a, &f, &copy), 0);
	assert_int_equal(a.number[ARGS_TIMEOUT], 120000);
	assert_int_equal(a.form, WRITER_CSV);
	assert_int_equal(a.number[ARGS_WATCH], 2000); /* if asked for */
	args_fini(&a);
	free(copy);
}

static void
a_wrong_word_is_answered_with_what_was_meant(void **state)
{
	static const struct {
		const char *line, *hint;
	} typos[] = {
	    {"statsu", "did you mean spoolctl status?"},
	    {"target paus siem", "did you mean spoolctl target pause?"},
	    {"status --ouput json", "did you mean --output?"},
	    {"target",
		"one of: ls, show, pause, resume, retry, remove, "
		"rename"},
	    {"target frobnicate",
		"one of: ls, show, pause, resume, retry, "
		"remove, rename"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(typos) / sizeof(typos[0]); i++) {
		struct fault f;
		struct args a;
		char *copy;

		assert_int_equal(
		    parse(typos[i].line, &a, &f, &copy), FAULT_USAGE);
		assert_string_equal(f.hint, typos[i].hint);
		args_fini(&a);
		free(copy);
	}
}

static void
an_error_has_the_form_that_was_asked_for(void **state)
{
	struct fault f;
	struct args a;
	char *copy;

	(void)state;
	assert_int_equal(
	    parse("frobnicate -o json", &a, &f, &copy), FAULT_USAGE);
	assert_int_equal(a.form, WRITER_JSON);
	args_fini(&a);
	free(copy);
}

/* The table itself. */
static void
every_command_has_words_text_and_only_known_options(void **state)
{
	(void)state;
	assert_true(ARGS_OPTION_COUNT < 32);
	for (size_t i = 0; i < command_count; i++) {
		const struct command *c = &command_table[i];
		size_t len = strlen(c->summary);

		assert_non_null(c->run);
		assert_true(len > 0 && len < 64);
		assert_int_not_equal(c->summary[len - 1], '.');
		assert_true(!*c->text || c->text[strlen(c->text) - 1] == '.');
		assert_int_equal(c->options & ARGS_COMMON, 0);
		assert_true(c->least <= c->most);
		assert_ptr_equal(command_find(c->name), c);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(each_line_is_understood_or_refused_with_its_code),
	    cmocka_unit_test(values_are_read_with_their_units),
	    cmocka_unit_test(a_wrong_word_is_answered_with_what_was_meant),
	    cmocka_unit_test(an_error_has_the_form_that_was_asked_for),
	    cmocka_unit_test(
		every_command_has_words_text_and_only_known_options),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
