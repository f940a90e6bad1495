/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The status of golden/NAME.json in each form, as golden/NAME-FORM.txt has it.
 * With GOLDEN_UPDATE=admin in the environment the files are written instead.
 */
#include "tests/helpers/cmocka_all.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "admin/json.h"
#include "admin/safe.h"
#include "admin/statusview.h"

#define NOW 1795669200 /* 2026-11-26T05:00:00Z */
#define FILE_MAX 65536

static const struct {
	const char *name;
	enum writer_form form;
	const char *form_name;
	const char *columns; /* NULL: as they come */
	int stale_s; /* 0: not */
} cases[] = {
    {"branch", WRITER_TABLE, "table", NULL, 0},
    {"branch", WRITER_TABLE, "stale", NULL, 75},
    {"branch", WRITER_TABLE, "columns", "name,pending,delivered", 0},
    {"branch", WRITER_WIDE, "wide", NULL, 0},
    {"branch", WRITER_CSV, "csv", NULL, 0},
    {"branch", WRITER_JSON, "json", NULL, 0},
    {"branch", WRITER_NDJSON, "ndjson", NULL, 0},
    {"new", WRITER_TABLE, "table", NULL, 0},
    {"new", WRITER_WIDE, "wide", NULL, 0},
    {"hostile", WRITER_TABLE, "table", NULL, 0},
    {"hostile", WRITER_WIDE, "wide", NULL, 0},
    {"hostile", WRITER_CSV, "csv", NULL, 0},
};

static FILE *
open_golden(const char *name, const char *ending, const char *mode)
{
	const char *top = getenv("TOP_SRCDIR");
	char path[1024];

	snprintf(path, sizeof(path), "%s/tests/unit/admin/golden/%s%s",
	    top ? top : ".", name, ending);
	return fopen(path, mode);
}

static char *
read_golden(const char *name, const char *ending)
{
	FILE *f = open_golden(name, ending, "r");
	char *text = calloc(1, FILE_MAX);

	if (!f)
		fail_msg("no golden/%s%s", name, ending);
	assert_true(fread(text, 1, FILE_MAX - 1, f) > 0);
	fclose(f);
	return text;
}

static json_t *
read_status(const char *name)
{
	char *text = read_golden(name, ".json");
	json_t *status = NULL;

	assert_int_equal(json_read(bytes_of_str(text), &status, NULL), 0);
	free(text);
	return status;
}

static char *
print_case(size_t i)
{
	json_t *status = read_status(cases[i].name);
	struct args args = {.form = cases[i].form};
	struct writer_options o = {.form = cases[i].form};
	struct fault fault;
	struct writer *w;
	char *out = NULL;
	size_t len;

	if (cases[i].stale_s)
		json_object_set_new(
		    status, "stale_seconds", json_integer(cases[i].stale_s));
	args.text[ARGS_COLUMNS] = cases[i].columns;
	o.to = open_memstream(&out, &len);
	assert_int_equal(writer_new(&o, &w), 0);
	assert_int_equal(
	    statusview_write(w, status, &args, NOW, &fault), FAULT_OK);
	assert_int_equal(writer_close(w), 0);
	writer_free(w);
	fclose(o.to);
	json_decref(status);
	return out;
}

static void
each_form_is_as_its_golden_file(void **state)
{
	const char *update = getenv("GOLDEN_UPDATE");

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char *out = print_case(i), *want, ending[64];
		FILE *f;

		snprintf(ending, sizeof(ending), "-%s.txt", cases[i].form_name);
		if (update && !strcmp(update, "admin")) {
			f = open_golden(cases[i].name, ending, "w");
			assert_non_null(f);
			fputs(out, f);
			fclose(f);
		} else {
			want = read_golden(cases[i].name, ending);
			assert_string_equal(out, want);
			free(want);
		}
		free(out);
	}
}

/* What a person sees on a screen of 80 columns, whatever the values are. */
static void
the_narrow_form_fits_80_columns_and_does_nothing_else(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char *out = print_case(i), *at = NULL;

		if (cases[i].form > WRITER_WIDE) {
			free(out);
			continue;
		}
		for (char *p = out; *p; p++)
			assert_true(*p == '\n' || (unsigned char)*p >= 0x20);
		for (char *line = strtok_r(out, "\n", &at);
		     line && cases[i].form == WRITER_TABLE;
		     line = strtok_r(NULL, "\n", &at)) {
			if (safe_width(bytes_of_str(line)) > 80)
				fail_msg("%s: %s", cases[i].name, line);
		}
		free(out);
	}
}

static void
json_gives_the_status_back_with_nothing_left_out(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		json_t *status, *back = NULL;
		char *out;

		if (cases[i].form != WRITER_JSON &&
		    cases[i].form != WRITER_NDJSON)
			continue;
		status = read_status(cases[i].name);
		out = print_case(i);
		assert_int_equal(json_read(bytes_of_str(out), &back, NULL), 0);
		assert_true(json_equal(status, back));
		json_decref(status);
		json_decref(back);
		free(out);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(each_form_is_as_its_golden_file),
	    cmocka_unit_test(
		the_narrow_form_fits_80_columns_and_does_nothing_else),
	    cmocka_unit_test(json_gives_the_status_back_with_nothing_left_out),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
