/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/helpers/cmocka_all.h"

#include "lib/base/err.h"
#include "lib/pack/pack_reader.h"
#include "lib/pack/pack_stream.h"

#define TEXT_SIZE 300000

/* Two frames; what they hold is `raw`. */
static void
make_file(struct buf *raw, struct buf *file)
{
	struct pack_stream *s;

	buf_init(raw, 1 << 20);
	buf_init(file, 1 << 20);
	assert_int_equal(pack_stream_new(3, &s), 0);
	for (int frame = 0; frame < 2; frame++) {
		size_t start = raw->len;

		for (int i = 0; raw->len < start + TEXT_SIZE; i++)
			buf_add_fmt(raw, "frame %d line %d\n", frame, i * i);
		assert_int_equal(
		    pack_stream_add(s,
			bytes_of(buf_ptr(raw) + start, raw->len - start), file),
		    0);
		assert_int_equal(pack_stream_end(s, file), 0);
	}
	pack_stream_free(s);
}

/* Unpack in pieces of `piece`, into a buffer of `room`. */
static void
read_back(struct bytes file, size_t piece, size_t room, struct buf *all)
{
	struct pack_reader *r;
	struct buf out;

	buf_init(&out, room);
	assert_int_equal(pack_reader_new(&r), 0);
	for (size_t at = 0; at < file.len; at += piece) {
		struct bytes in = bytes_of(file.ptr + at,
		    file.len - at < piece ? file.len - at : piece);
		bool was_full = true;

		while (in.len || was_full) {
			assert_int_equal(pack_reader_add(r, &in, &out), 0);
			was_full = out.len == room;
			buf_add_bytes(all, buf_bytes(&out));
			buf_clear(&out);
		}
	}
	assert_false(pack_reader_is_open(r));
	pack_reader_free(r);
	buf_fini(&out);
}

static void
a_row_of_frames_comes_back_in_any_pieces(void **state)
{
	static const size_t pieces[] = {1, 7, 4096, 1 << 20};
	static const size_t rooms[] = {333, 65536, 1 << 20};
	struct buf raw, file, all;

	(void)state;
	make_file(&raw, &file);
	buf_init(&all, 1 << 20);
	for (size_t i = 0; i < 4; i++)
		for (size_t k = 0; k < 3; k++) {
			buf_clear(&all);
			read_back(buf_bytes(&file), pieces[i], rooms[k], &all);
			assert_true(
			    bytes_equal(buf_bytes(&all), buf_bytes(&raw)));
		}
	buf_fini(&all);
	buf_fini(&raw);
	buf_fini(&file);
}

static void
a_cut_file_is_open_and_a_damaged_one_refused(void **state)
{
	struct buf raw, file, out;
	struct pack_reader *r;
	struct bytes in;

	(void)state;
	make_file(&raw, &file);
	buf_init(&out, 1 << 20);
	assert_int_equal(pack_reader_new(&r), 0);
	in = bytes_of(buf_ptr(&file), file.len - 1);
	assert_int_equal(pack_reader_add(r, &in, &out), 0);
	assert_true(pack_reader_is_open(r));
	pack_reader_free(r);

	assert_int_equal(pack_reader_new(&r), 0);
	buf_clear(&out);
	buf_ptr(&file)[file.len - 2] ^= 1; /* the checksum */
	in = buf_bytes(&file);
	assert_int_equal(pack_reader_add(r, &in, &out), ERR_FORMAT);
	pack_reader_free(r);

	assert_int_equal(pack_reader_new(&r), 0);
	in = bytes_of_str("no frame at all");
	assert_int_equal(pack_reader_add(r, &in, &out), ERR_FORMAT);
	pack_reader_free(r);
	pack_reader_free(NULL);
	buf_fini(&raw);
	buf_fini(&file);
	buf_fini(&out);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_row_of_frames_comes_back_in_any_pieces),
	    cmocka_unit_test(a_cut_file_is_open_and_a_damaged_one_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
