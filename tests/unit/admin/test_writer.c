/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/helpers/cmocka_all.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "admin/json.h"
#include "admin/view.h"

static const struct writer_column columns[] = {
    {"name", "NAME", WRITER_TEXT, false, 6},
    {"state", "STATE", WRITER_STATE, false, 0},
    {"n", "N", WRITER_COUNT, false, 0},
    {"more", "MORE", WRITER_TEXT, true, 0},
    {NULL, NULL, WRITER_TEXT, false, 0},
};
static const struct view view = {"things", "No things.", columns, NULL, NULL};

static const char rows[] =
    "{\"r\":[{\"name\":\"a\",\"state\":\"ok\",\"n\":1234,\"more\":\"x,\\\"y\"},"
    "{\"name\":\"a longer name\",\"state\":\"hold\",\"n\":5,\"more\":null,"
    "\"extra\":[1,2]}]}";

struct form {
	enum writer_form form;
	bool no_headers, colour, is_terminal;
	const char *keys;
	const char *want;
};

static const struct form forms[] = {
    {WRITER_TABLE, false, false, false, NULL,
	"NAME    STATE      N\n"
	"a       ok     1,234\n"
	"a lon…  hold       5\n"},
    {WRITER_TABLE, true, false, false, NULL,
	"a       ok    1,234\n"
	"a lon…  hold      5\n"},
    {WRITER_TABLE, false, false, false, "n,name",
	"    N  NAME\n"
	"1,234  a\n"
	"    5  a lon…\n"},
    {WRITER_TABLE, true, true, true, "state",
	"\033[32mok\033[0m\n"
	"\033[31mhold\033[0m\n"},
    {WRITER_WIDE, false, false, false, NULL,
	"NAME           STATE      N  MORE\n"
	"a              ok     1,234  x,\"y\n"
	"a longer name  hold       5  -\n"},
    {WRITER_CSV, false, false, false, NULL,
	"name,state,n,more\n"
	"a,ok,1234,\"x,\"\"y\"\n"
	"\"a longer name\",hold,5,\n"},
    {WRITER_CSV, true, false, false, "n",
	"1234\n"
	"5\n"},
    {WRITER_JSON, false, false, false, NULL,
	"{\"things\":[\n"
	"{\"name\":\"a\",\"state\":\"ok\",\"n\":1234,\"more\":\"x,\\\"y\"}\n"
	",{\"name\":\"a longer name\",\"state\":\"hold\",\"n\":5,"
	"\"more\":null,\"extra\":[1,2]}\n"
	"]}\n"},
    {WRITER_NDJSON, false, false, false, NULL,
	"{\"name\":\"a\",\"state\":\"ok\",\"n\":1234,\"more\":\"x,\\\"y\"}\n"
	"{\"name\":\"a longer name\",\"state\":\"hold\",\"n\":5,"
	"\"more\":null,\"extra\":[1,2]}\n"},
    {WRITER_NDJSON, false, false, false, "n,more",
	"{\"n\":1234,\"more\":\"x,\\\"y\"}\n"
	"{\"n\":5,\"more\":null}\n"},
};

static char *
print(const struct form *f, const char *json, bool is_show)
{
	struct writer_options o = {
	    f->form, f->no_headers, f->colour, f->is_terminal, NULL};
	struct args args = {.form = f->form};
	struct view_choice choice;
	struct fault fault;
	struct writer *w;
	json_t *all;
	char *out = NULL;
	size_t len;

	args.text[ARGS_COLUMNS] = f->keys;
	o.to = open_memstream(&out, &len);
	assert_int_equal(json_read(bytes_of_str(json), &all, NULL), 0);
	assert_int_equal(view_choose(&view, &args, &choice, &fault), 0);
	assert_int_equal(writer_new(&o, &w), 0);
	if (is_show)
		view_show(
		    w, &view, &choice, json_array_get(json_at(all, "r"), 0));
	else
		view_list(w, &view, &choice, json_at(all, "r"), SIZE_MAX);
	assert_int_equal(writer_close(w), 0);
	writer_free(w);
	fclose(o.to);
	json_decref(all);
	return out;
}

static void
each_form_says_the_same_in_its_way(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
		char *out = print(&forms[i], rows, false);

		assert_string_equal(out, forms[i].want);
		free(out);
	}
}

static void
nothing_is_an_empty_list_or_a_sentence(void **state)
{
	static const struct form empty[] = {
	    {WRITER_TABLE, false, false, false, NULL, "No things.\n"},
	    {WRITER_JSON, false, false, false, NULL, "{\"things\":[]}\n"},
	    {WRITER_NDJSON, false, false, false, NULL, ""},
	    {WRITER_CSV, false, false, false, NULL, "name,state,n,more\n"},
	    {WRITER_CSV, true, false, false, NULL, ""},
	    {WRITER_CSV, false, false, false, "n", "n\n"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(empty) / sizeof(empty[0]); i++) {
		char *out = print(&empty[i], "{\"r\":[]}", false);

		assert_string_equal(out, empty[i].want);
		free(out);
	}
}

static void
one_object_is_a_line_a_key_with_those_of_the_wide_table(void **state)
{
	static const struct form form = {.form = WRITER_TABLE};
	char *out = print(&form, rows, true);

	(void)state;
	assert_string_equal(out,
	    "NAME                 a\n"
	    "STATE                ok\n"
	    "N                    1,234\n"
	    "MORE                 x,\"y\n");
	free(out);
}

static void
csv_on_a_terminal_is_harmless(void **state)
{
	static const struct form form = {
	    WRITER_CSV, true, false, true, "name", NULL};
	static const struct form file = {
	    WRITER_CSV, true, false, false, "name", NULL};
	const char *json = "{\"r\":[{\"name\":\"\\u001b[2J\"}]}";
	char *out = print(&form, json, false);

	(void)state;
	assert_string_equal(out, "\\x1b[2J\n");
	free(out);
	out = print(&file, json, false);
	assert_string_equal(out, "\x1b[2J\n");
	free(out);
}

static void
an_unknown_column_is_told_with_those_there_are(void **state)
{
	struct args args = {.form = WRITER_TABLE};
	struct view_choice choice;
	struct fault fault;

	(void)state;
	args.text[ARGS_COLUMNS] = "name,nome";
	assert_int_equal(
	    view_choose(&view, &args, &choice, &fault), FAULT_USAGE);
	assert_string_equal(fault.code, "COLUMN_UNKNOWN");
	assert_string_equal(fault.hint, "one of: name, state, n, more");
}

static void
what_cannot_be_written_is_an_error(void **state)
{
	struct writer_options o = {.form = WRITER_NDJSON};
	struct writer *w;
	json_t *row = json_pack("{s:i}", "a", 1);

	(void)state;
	o.to = fopen("/dev/full", "w");
	assert_non_null(o.to);
	assert_int_equal(writer_new(&o, &w), 0);
	view_object(w, row);
	assert_true(writer_close(w) < 0);
	writer_free(w);
	fclose(o.to);
	json_decref(row);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(each_form_says_the_same_in_its_way),
	    cmocka_unit_test(nothing_is_an_empty_list_or_a_sentence),
	    cmocka_unit_test(
		one_object_is_a_line_a_key_with_those_of_the_wide_table),
	    cmocka_unit_test(csv_on_a_terminal_is_harmless),
	    cmocka_unit_test(an_unknown_column_is_told_with_those_there_are),
	    cmocka_unit_test(what_cannot_be_written_is_an_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
