/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/helpers/cmocka_all.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/buf.h"
#include "lib/base/err.h"
#include "lib/pack/pack.h"
#include "tests/helpers/records.h"

#define ID "0123456789abcdefghijklmnopqrstuv"

/* All records as "[id|record]", ids left out if empty. */
static int
collect(void *arg, struct bytes id, struct bytes record)
{
	struct buf *seen = arg;

	buf_add_u8(seen, '[');
	if (id.len > 0) {
		buf_add_bytes(seen, id);
		buf_add_u8(seen, '|');
	}
	buf_add_bytes(seen, record);
	buf_add_u8(seen, ']');
	return seen->err;
}

struct room {
	char dir[64];
};

static int
make_room(void **state)
{
	struct room *room = calloc(1, sizeof(*room));

	strcpy(room->dir, "/tmp/test-records-XXXXXX");
	*state = room;
	return mkdtemp(room->dir) ? 0 : -1;
}

static int
remove_room(void **state)
{
	struct room *room = *state;
	char command[128];
	int rc;

	snprintf(command, sizeof(command), "rm -r %s", room->dir);
	rc = system(command);
	free(room);
	return rc;
}

static void
write_file(const struct room *room, const char *name, struct bytes x,
    char path[static 256])
{
	FILE *to;

	snprintf(path, 256, "%s/%s", room->dir, name);
	to = fopen(path, "wb");
	assert_non_null(to);
	assert_int_equal(fwrite(x.ptr, 1, x.len, to), x.len);
	assert_int_equal(fclose(to), 0);
}

#define BYTES(literal)                                          \
	{                                                       \
		(const uint8_t *)(literal), sizeof(literal) - 1 \
	}

static const struct {
	const char *framing;
	struct bytes file;
	struct bytes seen;
	int rc;
	uint64_t record; /* the last one that was begun */
} rows[] = {
    {"lf", BYTES("a\r\n\nb"), BYTES("[a\r][][b]"), 0, 3},
    {"lf", BYTES(""), BYTES(""), 0, 0},
    {"lf", BYTES("a\n\x1a"), BYTES("[a][\x1a]"), 0, 2},
    {"nul", BYTES("a\nb\0c\0"), BYTES("[a\nb][c]"), 0, 2},
    {"length", BYTES("\1\0\0\0a\0\0\0\0\2\0\0\0bc"), BYTES("[a][][bc]"), 0, 3},
    {"length", BYTES("\1\0\0\0a\2\0\0\0b"), BYTES("[a]"), ERR_FORMAT, 2},
    {"length", BYTES("\1\0\0"), BYTES(""), ERR_FORMAT, 1},
    {"length", BYTES("\0\0\0\xff"), BYTES(""), ERR_FORMAT, 1},
    {"octets", BYTES("3 a\nb2 cd0 "), BYTES("[a\nb][cd][]"), 0, 3},
    {"octets", BYTES("3 a\nb2"), BYTES("[a\nb]"), ERR_FORMAT, 2},
    {"octets", BYTES("3 ab"), BYTES(""), ERR_FORMAT, 1},
    {"octets", BYTES("x3 ab"), BYTES(""), ERR_FORMAT, 1},
    {"octets", BYTES("99999999999 a"), BYTES(""), ERR_FORMAT, 1},
    {"target", BYTES(ID "\ta\\nb\n" ID "\t\n"), BYTES("[" ID "|a\nb][" ID "|]"),
	0, 2},
    {"target", BYTES(ID "\ta"), BYTES(""), ERR_FORMAT, 1},
    {"target", BYTES(ID " a\n"), BYTES(""), ERR_FORMAT, 1},
    {"target", BYTES(ID "\t\\q\n"), BYTES(""), ERR_FORMAT, 1},
    {"target", BYTES("\ta\n"), BYTES(""), ERR_FORMAT, 1},
    {"peek", BYTES("{\"rec\":1,\"id\":\"" ID "\",\"text\":\"\\u4f50\\n\"}\n"),
	BYTES("[" ID "|佐\n]"), 0, 1},
    {"peek", BYTES("{\"id\":\"" ID "\",\"base64\":\"AP8BZA==\"}\n"),
	BYTES("[" ID "|\0\xff\x01"
	      "d]"),
	0, 1},
    {"peek", BYTES("{\"id\":\"" ID "\",\"base64\":\"AP8=x\"}\n"), BYTES(""),
	ERR_FORMAT, 1},
    {"peek", BYTES("{\"id\":\"short\",\"text\":\"\"}\n"), BYTES(""), ERR_FORMAT,
	1},
    {"peek", BYTES("{\"id\":\"" ID "\"}\n"), BYTES(""), ERR_FORMAT, 1},
};

static void
each_framing_is_read_and_its_breaks_are_named(void **state)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		enum records_framing framing;
		struct records_place where;
		struct buf seen;
		char path[256];

		buf_init(&seen, 1 << 16);
		write_file(*state, "file", rows[i].file, path);
		assert_int_equal(
		    records_framing_parse(rows[i].framing, &framing), 0);
		assert_int_equal(
		    records_file(path, framing, collect, &seen, &where),
		    rows[i].rc);
		assert_true(bytes_equal(buf_bytes(&seen), rows[i].seen));
		assert_int_equal(where.record, rows[i].record);
		assert_string_equal(where.path, path);
		buf_fini(&seen);
	}
}

static void
write_packed(const struct room *room, const char *name, const char *text,
    char path[static 256])
{
	uint8_t packed[1024];
	struct pack *p;
	size_t len, half = strlen(text) / 2, more;

	assert_int_equal(pack_new(3, &p), 0);
	assert_int_equal(pack_compress(p, bytes_of(text, half), packed,
			     sizeof(packed), &len),
	    0);
	assert_int_equal(pack_compress(p, bytes_of_str(text + half),
			     packed + len, sizeof(packed) - len, &more),
	    0);
	pack_free(p);
	write_file(room, name, bytes_of(packed, len + more), path);
}

static void
a_directory_is_read_by_number_and_holds_nothing_else(void **state)
{
	struct records_place where;
	struct buf seen;
	char path[256];
	const struct room *room = *state;

	if (system("zstd --version >/dev/null 2>&1"))
		skip();
	buf_init(&seen, 1 << 16);
	write_file(room, "archive-0000000000000010.log",
	    bytes_of_str(ID "\tc\n"), path);
	write_file(room, "archive-0000000000000009.log",
	    bytes_of_str(ID "\tb\n"), path);
	write_packed(room, "archive-0000000000000002.log.zst",
	    ID "\ta\n" ID "\tA\n", path);
	assert_int_equal(
	    records_dir(room->dir, RECORDS_TARGET, collect, &seen, &where), 0);
	assert_true(bytes_equal_str(
	    buf_bytes(&seen), "[" ID "|a][" ID "|A][" ID "|b][" ID "|c]"));
	write_file(
	    room, "archive-0000000000000002.log", bytes_of_str(""), path);
	buf_clear(&seen);
	assert_int_equal(
	    records_dir(room->dir, RECORDS_TARGET, collect, &seen, &where), 0);
	assert_true(bytes_equal_str(buf_bytes(&seen), "[" ID "|b][" ID "|c]"));
	assert_int_equal(unlink(path), 0);
	write_file(
	    room, "another-0000000000000009.log", bytes_of_str(""), path);
	assert_int_equal(
	    records_dir(room->dir, RECORDS_TARGET, collect, &seen, &where),
	    ERR_FORMAT);
	assert_int_equal(unlink(path), 0);
	write_file(room, "archive-2.log", bytes_of_str(""), path);
	assert_int_equal(
	    records_dir(room->dir, RECORDS_TARGET, collect, &seen, &where),
	    ERR_FORMAT);
	assert_int_equal(unlink(path), 0);
	write_file(room, "archive-0000000000000003.log.zst",
	    bytes_of_str("no zstd"), path);
	assert_int_equal(
	    records_dir(room->dir, RECORDS_TARGET, collect, &seen, &where),
	    ERR_FORMAT);
	buf_fini(&seen);
}

static void
a_missing_file_is_not_an_empty_one(void **state)
{
	struct records_place where;

	(void)state;
	assert_int_equal(
	    records_file("/nowhere/a", RECORDS_LF, collect, NULL, &where),
	    ERR_NOENT);
	assert_int_equal(
	    records_file("/nowhere/a.zst", RECORDS_LF, collect, NULL, &where),
	    ERR_NOENT);
	assert_int_equal(
	    records_dir("/nowhere", RECORDS_LF, collect, NULL, &where),
	    ERR_NOENT);
}

static void
a_header_of_rfc_5424_comes_off_with_its_id(void **state)
{
	static const struct {
		const char *message, *id, *record;
	} headers[] = {
	    {"<14>1 - h a p m - text", "", "text"},
	    {"<14>1 - h a p m -", "", ""},
	    {"<14>1 - h a p m - ", "", ""},
	    {"<14>1 - h a p m [x a=\"1\"] text", "", "text"},
	    {"<14>1 - h a p m [x i=\"" ID "\"][y] <3>t", ID, "<3>t"},
	    {"<14>1 - h a p m [x a=\"\\\"]\" i=\"" ID "\"] t", ID, "t"},
	    {"14>1 - h a p m - text", NULL, NULL},
	    {"", NULL, NULL},
	    {"<14>1 - h a p", NULL, NULL},
	    {"<14>1 - h a p m text", NULL, NULL},
	    {"<14>1 - h a p m [x a=\"1\" text", NULL, NULL},
	    {"<14>1 - h a p m [x a=\"1\\", NULL, NULL},
	    {"<14>1 - h a p m [x]text", NULL, NULL},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(headers) / sizeof(headers[0]); i++) {
		struct bytes id = {0}, record = {0};
		int rc = records_header_strip(
		    bytes_of_str(headers[i].message), &id, &record);

		assert_int_equal(rc, headers[i].record ? 0 : ERR_FORMAT);
		assert_true(bytes_equal_str(id, headers[i].id));
		assert_true(bytes_equal_str(record, headers[i].record));
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(
		each_framing_is_read_and_its_breaks_are_named, make_room,
		remove_room),
	    cmocka_unit_test_setup_teardown(
		a_directory_is_read_by_number_and_holds_nothing_else, make_room,
		remove_room),
	    cmocka_unit_test(a_missing_file_is_not_an_empty_one),
	    cmocka_unit_test(a_header_of_rfc_5424_comes_off_with_its_id),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
