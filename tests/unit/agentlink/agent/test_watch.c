/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/helpers/cmocka_all.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agentlink/agent/watch.h"

static char dir[] = "/var/tmp/test_watch-XXXXXX";
static struct loop *loop;
static struct watch *watch;
static unsigned changes;

static char *
at(const char *name)
{
	static char path[256];
	snprintf(path, sizeof(path), "%s/%s", dir, name);
	return path;
}

static void
on_change(void *arg)
{
	(void)arg;
	changes++;
}

static void
append(const char *name)
{
	FILE *f = fopen(at(name), "a");
	assert_non_null(f);
	fputs("a line\n", f);
	fclose(f);
}

static void
wait_for_change(void)
{
	unsigned before = changes;
	for (int i = 0; i < 500 && changes == before; i++)
		loop_run_once(loop, 10);
	assert_int_equal(changes, before + 1);
}

static int
setup(void **state)
{
	(void)state;
	changes = 0;
	if (!mkdtemp(dir) || loop_new(&loop))
		return 1;
	return watch_new(loop, on_change, NULL, &watch);
}

static int
teardown(void **state)
{
	(void)state;
	watch_free(watch);
	loop_free(loop);
	unlink(at("a.log"));
	unlink(at("b.log"));
	rmdir(dir);
	memcpy(dir + sizeof(dir) - 7, "XXXXXX", 6);
	return 0;
}

static void
a_new_name_and_a_new_line_are_told_apart(void **state)
{
	(void)state;
	assert_true(watch_add(watch, dir));
	append("a.log");
	wait_for_change();
	assert_true(watch_take(watch));
	append("a.log");
	wait_for_change();
	assert_false(watch_take(watch));
	assert_int_equal(chmod(at("a.log"), 0640), 0);
	wait_for_change();
	assert_true(watch_take(watch)); /* perhaps it may be read now */
}

static void
one_change_is_told_until_it_is_taken(void **state)
{
	(void)state;
	assert_true(watch_add(watch, dir));
	append("a.log");
	wait_for_change();
	append("b.log");
	for (int i = 0; i < 20; i++)
		loop_run_once(loop, 1);
	assert_int_equal(changes, 1);
	assert_true(watch_take(watch));
	append("b.log");
	wait_for_change();
}

static void
what_cannot_be_watched_is_to_be_polled(void **state)
{
	(void)state;
	assert_false(watch_add(watch, at("not-there")));
	append("a.log");
	assert_false(watch_add(watch, at("a.log")));
	assert_false(watch_add(NULL, dir));
	assert_false(watch_take(NULL));
	assert_true(watch_add(watch, dir));
	assert_true(watch_add(watch, dir)); /* again is no harm */
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    CASE(a_new_name_and_a_new_line_are_told_apart),
	    CASE(one_change_is_told_until_it_is_taken),
	    CASE(what_cannot_be_watched_is_to_be_polled),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
