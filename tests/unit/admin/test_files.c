/* SPDX-License-Identifier: Apache-2.0 */
/* decode and config: commands that read files and ask nobody. */
#include "tests/helpers/cmocka_all.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/pack/pack_stream.h"
#include "tests/unit/admin/fake.h"

#define ID "0123456789abcdefghijklmnopqrstuv"

/* Write a file in the fake's directory; its path. */
static const char *
write_file(const struct fake *f, struct bytes content)
{
	static char path[256];
	FILE *file;

	snprintf(path, sizeof(path), "%s/file", fake_dir(f));
	file = fopen(path, "w");
	assert_non_null(file);
	assert_int_equal(
	    fwrite(content.ptr, 1, content.len, file), content.len);
	fclose(file);
	return path;
}

static struct fake_run
run_on(const struct fake *f, const char *command, const char *path,
    const char *options)
{
	char line[2048];

	snprintf(line, sizeof(line), "%s %s %s", command, path, options);
	return fake_spoolctl(f, line);
}

static void
pack(const char *text, struct buf *out)
{
	struct pack_stream *s;

	buf_init(out, 65536);
	assert_int_equal(pack_stream_new(3, &s), 0);
	assert_int_equal(pack_stream_add(s, bytes_of_str(text), out), 0);
	assert_int_equal(pack_stream_end(s, out), 0);
	pack_stream_free(s);
}

static const char lines[] = ID "\tone\n" ID "\tt\\\\wo\\n\n" ID "\t\n";

static void
a_file_comes_back_byte_by_byte_packed_or_not(void **state)
{
	struct fake *f = fake_absent();
	struct fake_run r;
	struct buf packed;

	(void)state;
	r = run_on(f, "decode", write_file(f, bytes_of_str(lines)), "");
	assert_int_equal(r.status, 0);
	assert_string_equal(r.out, "one\nt\\wo\n\n\n");
	fake_run_fini(&r);

	pack(lines, &packed);
	r = run_on(f, "decode", write_file(f, buf_bytes(&packed)), "");
	assert_int_equal(r.status, 0);
	assert_string_equal(r.out, "one\nt\\wo\n\n\n");
	fake_run_fini(&r);

	r = run_on(
	    f, "decode", write_file(f, buf_bytes(&packed)), "--framing none");
	assert_string_equal(r.out, "onet\\wo\n");
	fake_run_fini(&r);

	r = run_on(f, "decode", write_file(f, buf_bytes(&packed)), "-o ndjson");
	assert_string_equal(r.out,
	    "{\"id\":\"" ID "\",\"bytes\":3,\"text\":\"one\"}\n"
	    "{\"id\":\"" ID "\",\"bytes\":5,\"text\":\"t\\\\wo\\n\"}\n"
	    "{\"id\":\"" ID "\",\"bytes\":0,\"text\":\"\"}\n");
	fake_run_fini(&r);

	/* cut within the frame: what is there comes, and is told as a part */
	r = run_on(f, "decode",
	    write_file(f, bytes_of(buf_ptr(&packed), packed.len - 2)), "");
	assert_int_equal(r.status, 8);
	assert_string_equal(r.out, "one\nt\\wo\n\n\n");
	fake_run_fini(&r);
	buf_fini(&packed);
	unlink(write_file(f, bytes_of(NULL, 0)));
	fake_free(f);
}

static void
wrong_files_have_their_exit_status(void **state)
{
	struct fake *f = fake_absent();
	struct fake_run r = fake_spoolctl(f, "decode /nonexistent/file");
	const char *path;

	(void)state;
	assert_int_equal(r.status, 3);
	fake_run_fini(&r);
	path = write_file(f, bytes_of_str(ID "\tone\nrubbish\n"));
	r = run_on(f, "decode", path, "");
	assert_int_equal(r.status, 9);
	assert_string_equal(r.out, "one\n");
	assert_non_null(strstr(r.err, "after 1 whole records"));
	fake_run_fini(&r);
	r = run_on(f, "decode", fake_dir(f), "");
	assert_int_equal(r.status, 1);
	fake_run_fini(&r);
	unlink(path);
	fake_free(f);
}

static void
a_wrong_configuration_tells_every_line(void **state)
{
	struct fake *f = fake_absent();
	const char *path = write_file(f, bytes_of_str("spol: 1\nlog: 2\n"));
	struct fake_run r = run_on(f, "config check", path, "");
	char *second;

	(void)state;
	assert_int_equal(r.status, 9);
	assert_string_equal(r.out, "");
	assert_ptr_equal(strstr(r.err, path), r.err);
	assert_non_null(strstr(r.err, ":1:1: spol: "));
	second = strstr(r.err, ":2:");
	assert_non_null(second);
	assert_non_null(strstr(second, "(CONFIG_INVALID)"));
	fake_run_fini(&r);
	r = run_on(f, "config check", path, "-o json");
	assert_int_equal(r.status, 9);
	assert_non_null(strstr(r.out, "\"ok\": false"));
	assert_non_null(strstr(r.out, ":1:1: spol: "));
	fake_run_fini(&r);
	/* What is not there is not wrong; what cannot be read is. */
	r = fake_spoolctl(f, "config show /nonexistent/file");
	assert_int_equal(r.status, 3);
	assert_non_null(strstr(r.err, "(FILE_UNKNOWN)"));
	fake_run_fini(&r);
	r = run_on(f, "config show", fake_dir(f), "");
	assert_int_equal(r.status, 9);
	fake_run_fini(&r);
	unlink(path);
	fake_free(f);
}

static void
the_sample_is_valid_and_what_is_shown_too(void **state)
{
	const char *top = getenv("TOP_SRCDIR");
	struct fake *f = fake_absent();
	struct fake_run r, again;
	char sample[1024];

	(void)state;
	snprintf(sample, sizeof(sample), "%s/etc/spoold.yaml", top ? top : ".");
	r = run_on(f, "config check", sample, "");
	assert_int_equal(r.status, 0);
	fake_run_fini(&r);
	r = run_on(f, "config show", sample, "");
	assert_int_equal(r.status, 0);
	again =
	    run_on(f, "config show", write_file(f, bytes_of_str(r.out)), "");
	assert_string_equal(again.out, r.out);
	fake_run_fini(&r);
	fake_run_fini(&again);
	unlink(write_file(f, bytes_of(NULL, 0)));
	fake_free(f);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_file_comes_back_byte_by_byte_packed_or_not),
	    cmocka_unit_test(wrong_files_have_their_exit_status),
	    cmocka_unit_test(a_wrong_configuration_tells_every_line),
	    cmocka_unit_test(the_sample_is_valid_and_what_is_shown_too),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
