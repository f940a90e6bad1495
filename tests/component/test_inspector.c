/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/helpers/cmocka_all.h"
#include "tests/helpers/storerig.h"

#define EXIT_BAD 9

/* Run the real program, sandbox and all; its exit code and its line. */
static int
inspect(const char *option, const char *path, char line[512])
{
	const char *top = getenv("TOP_BUILDDIR");
	char command[1200];
	int status;
	FILE *f;

	snprintf(command, sizeof(command),
	    "%s/spoold/inspector/spoold-inspector %s '%s'", top ? top : ".",
	    option, path);
	f = popen(command, "r");
	assert_non_null(f);
	if (!fgets(line, 512, f))
		line[0] = '\0';
	status = pclose(f);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void
build(struct storerig *r)
{
	storerig_init(r, true);
	assert_int_equal(storerig_open(r), 0);
	for (int i = 0; i < 25; i++)
		assert_int_equal(storerig_put(r, 3, 20000), 0);
}

/* The active one. */
static void
last_path(struct storerig *r, char path[512])
{
	size_t n = 0;

	while (storerig_segment_path(r, n, path))
		n++;
	assert_true(n > 1);
}

static void
scribble(const char *path, long off, size_t len)
{
	uint8_t rubbish[4096];
	int fd = open(path, O_WRONLY);

	memset(rubbish, 0xa5, sizeof(rubbish));
	assert_true(fd >= 0);
	assert_int_equal(pwrite(fd, rubbish, len, off), len);
	close(fd);
}

static void
a_sound_spool_passes(void **state)
{
	char path[512], line[512];
	struct storerig r;

	(void)state;
	build(&r);
	assert_true(storerig_segment_path(&r, 0, path));
	assert_int_equal(inspect("--segment", path, line), 0);
	assert_non_null(strstr(line, "\"ok\":true"));
	/* The active one, of which each batch is looked at. */
	last_path(&r, path);
	assert_int_equal(inspect("--segment", path, line), 0);
	assert_non_null(strstr(line, "\"damaged\":0"));
	assert_null(strstr(line, "\"batches\":0,"));
	snprintf(path, sizeof(path), "%s/meta", r.dir);
	assert_int_equal(inspect("--meta", path, line), 0);
	storerig_fini(&r);
}

static void
damaged_metas_are_bad(void **state)
{
	char path[512], line[512];
	struct storerig r;

	(void)state;
	build(&r);
	assert_true(storerig_segment_path(&r, 0, path));
	storerig_close(&r);
	scribble(path, 40, 100);
	assert_int_equal(inspect("--segment", path, line), EXIT_BAD);
	assert_non_null(strstr(line, "\"ok\":false"));
	storerig_fini(&r);
}

static void
a_damaged_batch_is_counted_and_not_bad(void **state)
{
	char path[512], line[512];
	struct storerig r;
	uint8_t page[4096];
	long off;
	int fd;

	(void)state;
	build(&r);
	last_path(&r, path);
	fd = open(path, O_RDONLY);
	for (off = 8192; pread(fd, page, sizeof(page), off) == 4096;
	     off += 4096)
		if (!memcmp(page + 16, "SPLBATCH", 8))
			break;
	close(fd);
	scribble(path, off + 16 + 100, 10);
	assert_int_equal(inspect("--segment", path, line), 0);
	assert_non_null(strstr(line, "\"damaged\":1"));
	storerig_fini(&r);
}

static void
a_missing_file_is_no_verdict(void **state)
{
	char line[512];

	(void)state;
	assert_int_equal(inspect("--segment", "/var/tmp/not-there", line), 1);
	assert_int_equal(inspect("--meta", "/var/tmp/not-there", line), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_sound_spool_passes),
	    cmocka_unit_test(damaged_metas_are_bad),
	    cmocka_unit_test(a_damaged_batch_is_counted_and_not_bad),
	    cmocka_unit_test(a_missing_file_is_no_verdict),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
