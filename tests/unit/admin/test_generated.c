/* SPDX-License-Identifier: Apache-2.0 */
/* What `make update-admin` writes is what is committed. */
#include "tests/helpers/cmocka_all.h"

#include <stdio.h>
#include <stdlib.h>

#include "admin/completion.h"
#include "admin/manual.h"

#define FILE_MAX ((size_t)1 << 20)

static void
assert_same(const char *path, struct buf *made)
{
	const char *top = getenv("TOP_SRCDIR");
	char full[1024];
	struct buf file;
	uint8_t *to;
	FILE *f;

	snprintf(full, sizeof(full), "%s/%s", top ? top : ".", path);
	f = fopen(full, "r");
	if (!f)
		fail_msg("no %s", path);
	buf_init(&file, FILE_MAX);
	to = buf_reserve(&file, FILE_MAX);
	buf_claim(&file, fread(to, 1, FILE_MAX, f));
	fclose(f);
	if (made->err || !bytes_equal(buf_bytes(&file), buf_bytes(made)))
		fail_msg("%s is not what the table of commands gives; "
			 "make update-admin",
		    path);
	buf_fini(&file);
	buf_clear(made);
}

static void
the_manual_and_the_completions_are_those_of_the_table(void **state)
{
	struct buf b;

	(void)state;
	buf_init(&b, FILE_MAX);
	manual_print(&b);
	assert_same("man/spoolctl.1", &b);
	assert_true(completion_print("bash", &b));
	assert_same("admin/completion/spoolctl", &b);
	assert_true(completion_print("zsh", &b));
	assert_same("admin/completion/_spoolctl", &b);
	assert_true(completion_print("fish", &b));
	assert_same("admin/completion/spoolctl.fish", &b);
	assert_false(completion_print("tcsh", &b));
	assert_int_equal(b.len, 0);
	buf_fini(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(
		the_manual_and_the_completions_are_those_of_the_table),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
