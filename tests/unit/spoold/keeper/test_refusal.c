/* SPDX-License-Identifier: Apache-2.0 */
/* The codes of the control socket are those of its page, all of them. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "spoold/keeper/refusal.h"
#include "tests/helpers/cmocka_all.h"

#define PAGE_MAX 65536

static char *
read_page(void)
{
	const char *top = getenv("TOP_SRCDIR");
	char *text = calloc(1, PAGE_MAX), path[1024];
	FILE *f;

	snprintf(
	    path, sizeof(path), "%s/doc/protocol-control.md", top ? top : ".");
	f = fopen(path, "re");
	assert_non_null(f);
	assert_true(fread(text, 1, PAGE_MAX - 1, f) > 0);
	fclose(f);
	return text;
}

static void
each_code_is_on_the_page_with_its_exit_status(void **state)
{
	char *page = read_page(), *list = strstr(page, "## Refusals"), *at;
	char line[256];
	size_t n = 0;
	int i;

	(void)state;
	assert_non_null(list);
	for (i = 0; i < REFUSALS; i++) {
		const struct refusal_row *row = refusal_row((enum refusal)i);

		snprintf(line, sizeof(line), "| `%s` | %d | %s |\n", row->code,
		    row->exit, row->message);
		if (!strstr(list, line))
			fail_msg("not on the page: %s", line);
	}
	for (at = list; (at = strstr(at, "\n| `")); at++)
		n++;
	assert_int_equal(n, REFUSALS);
	free(page);
}

/* INTERFACES: words in capitals, and an exit status that there is. */
static void
each_code_is_a_word_of_one_kind(void **state)
{
	static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ_";
	int i;

	(void)state;
	for (i = 0; i < REFUSALS; i++) {
		const struct refusal_row *row = refusal_row((enum refusal)i);

		assert_int_equal(strspn(row->code, allowed), strlen(row->code));
		assert_int_not_equal(strncmp(row->code, "ERR_", 4), 0);
		assert_in_range(row->exit, 1, 10);
		assert_true(*row->message != '\0' && row->hint != NULL);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(each_code_is_on_the_page_with_its_exit_status),
	    cmocka_unit_test(each_code_is_a_word_of_one_kind),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
