/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/store/segfmt.h"

#include <string.h>

#include "lib/base/crc32c.h"
#include "lib/base/endian.h"
#include "lib/base/err.h"
#include "tests/helpers/cmocka_all.h"
#include "tests/helpers/golden.h"

static void
set(void *p, size_t len, uint8_t first)
{
	for (size_t i = 0; i < len; i++)
		((uint8_t *)p)[i] = (uint8_t)(first + i);
}

static struct segfmt_header
some_header(void)
{
	struct segfmt_header h = {.family = SEGFMT_MAIN,
	    .cipher = 1,
	    .id = 7,
	    .prev_last = 99,
	    .first_number = 100,
	    .first_rec = 5000,
	    .opening_next = 102,
	    .created_ns = 1800000000000000000};

	set(h.spool.byte, 16, 0x10);
	set(h.segment.byte, 16, 0x20);
	set(h.prev.byte, 16, 0x30);
	set(h.chain, 32, 0x40);
	set(h.key_id, 16, 0x70);
	return h;
}

static struct segfmt_footer
some_footer(void)
{
	struct segfmt_footer f = {.id = 7,
	    .first_number = 100,
	    .next_number = 200,
	    .first_rec = 5000,
	    .next_rec = 6000,
	    .batches = 100,
	    .records = 1000,
	    .stored_bytes = 123456,
	    .received_first_ns = 1,
	    .received_last_ns = 2,
	    .sealed_ns = 1800000000000000001,
	    .data_end = 7654321};

	set(f.segment.byte, 16, 0x20);
	set(f.chain, 32, 0x80);
	return f;
}

static struct segfmt_slot
some_slot(void)
{
	struct segfmt_slot s = {.id = 7, .created_ns = 1800000000000000000};

	set(s.segment.byte, 16, 0x20);
	set(s.key_id, 16, 0x70);
	set(s.wrapped, 40, 0xa0);
	set(s.mac, 32, 0xd0);
	return s;
}

static struct segfmt_lock
some_lock(void)
{
	struct segfmt_lock l = {.generation = 3,
	    .flags = SEGFMT_LOCK_CLEAN | SEGFMT_LOCK_ENCRYPTED,
	    .created_ns = 1800000000000000000};

	set(l.spool.byte, 16, 0x10);
	set(l.key_id, 16, 0x70);
	return l;
}

/* Of the pages only the record at their beginning; the rest is zero. */
static void
the_layouts_are_those_of_the_golden_file(void **state)
{
	struct segfmt_header h = some_header();
	struct segfmt_footer f = some_footer();
	struct segfmt_slot s = some_slot();
	struct segfmt_lock l = some_lock();
	uint8_t page[SEGFMT_SLOT_SIZE];
	struct buf b;

	(void)state;
	segfmt_header_encode(&h, page);
	golden_check("segfmt-1", "HEADER", "segfmt", bytes_of(page, 256));
	segfmt_footer_encode(&f, page);
	golden_check("segfmt-1", "FOOTER", "segfmt", bytes_of(page, 256));
	segfmt_slot_encode(&s, page);
	golden_check("segfmt-1", "SLOT", "segfmt", bytes_of(page, 140));
	segfmt_lock_encode(&l, page);
	golden_check("segfmt-1", "LOCK", "segfmt", bytes_of(page, 128));
	buf_init(&b, 1000);
	segfmt_meta_encode(&b, bytes_of_str("t/siem"), bytes_of_str("12-34"));
	golden_check("segfmt-1", "META", "segfmt", buf_bytes(&b));
	buf_fini(&b);
}

static void
what_was_encoded_decodes_to_the_same(void **state)
{
	struct segfmt_header h = some_header(), h2 = {0};
	struct segfmt_footer f = some_footer(), f2 = {0};
	struct segfmt_slot s = some_slot(), s2 = {0};
	struct segfmt_lock l = some_lock(), l2 = {0};
	uint8_t page[SEGFMT_SLOT_SIZE];

	(void)state;
	segfmt_header_encode(&h, page);
	assert_int_equal(
	    segfmt_header_decode(bytes_of(page, SEGFMT_VALUE_SIZE), &h2), 0);
	assert_memory_equal(&h, &h2, sizeof(h));
	segfmt_footer_encode(&f, page);
	assert_int_equal(
	    segfmt_footer_decode(bytes_of(page, SEGFMT_VALUE_SIZE), &f2), 0);
	assert_memory_equal(&f, &f2, sizeof(f));
	segfmt_slot_encode(&s, page);
	assert_int_equal(
	    segfmt_slot_decode(bytes_of(page, SEGFMT_SLOT_SIZE), &s2), 0);
	assert_memory_equal(&s, &s2, sizeof(s));
	segfmt_lock_encode(&l, page);
	assert_int_equal(
	    segfmt_lock_decode(bytes_of(page, SEGFMT_LOCK_SIZE), &l2), 0);
	assert_memory_equal(&l, &l2, sizeof(l));
}

static void
every_flipped_bit_of_a_header_page_is_noticed(void **state)
{
	struct segfmt_header h = some_header(), out;
	uint8_t page[SEGFMT_VALUE_SIZE];

	(void)state;
	segfmt_header_encode(&h, page);
	for (size_t bit = 0; bit < sizeof(page) * 8; bit++) {
		page[bit / 8] ^= (uint8_t)(1 << bit % 8);
		assert_true(segfmt_header_decode(
				bytes_of(page, sizeof(page)), &out) < 0);
		page[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
}

static void
sign(uint8_t *page, size_t record_size)
{
	endian_put_le32(
	    page + record_size - 4, crc32c(0, page, record_size - 4));
}

struct spoiled {
	size_t at;
	uint8_t value;
	int rc;
};

static void
a_header_of_other_values_is_refused(void **state)
{
	static const struct spoiled table[] = {
	    {0, 'X', ERR_FORMAT}, {8, 2, ERR_VERSION}, {10, 1, ERR_FORMAT},
	    {12, 2, ERR_VERSION}, /* the family of held segments */
	    {13, 2, ERR_VERSION}, /* another cipher */
	    {14, 1, ERR_FORMAT}, /* not used yet */
	    {72, 100, ERR_FORMAT}, /* prev_last 100, first_number 100 */
	    {128, 1, ERR_FORMAT}, /* opening_next 1 */
	    {200, 1, ERR_FORMAT}, /* not used yet */
	    {255 + 1, 1, ERR_CORRUPT}, /* behind the record */
	};
	struct segfmt_header h = some_header(), out;
	uint8_t page[SEGFMT_VALUE_SIZE];

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(*table); i++) {
		segfmt_header_encode(&h, page);
		page[table[i].at] = table[i].value;
		sign(page, 256);
		if (segfmt_header_decode(bytes_of(page, sizeof(page)), &out) !=
		    table[i].rc)
			fail_msg("byte %zu", table[i].at);
	}
}

static void
a_zero_slot_is_free_and_an_unknown_lock_flag_is_newer(void **state)
{
	uint8_t page[SEGFMT_SLOT_SIZE] = {0};
	struct segfmt_lock l = some_lock();
	struct segfmt_slot s;

	(void)state;
	assert_int_equal(
	    segfmt_slot_decode(bytes_of(page, sizeof(page)), &s), ERR_NOENT);
	l.flags |= 4;
	segfmt_lock_encode(&l, page);
	assert_int_equal(
	    segfmt_lock_decode(bytes_of(page, SEGFMT_LOCK_SIZE), &l),
	    ERR_VERSION);
}

static void
a_meta_value_belongs_to_its_key(void **state)
{
	struct bytes key = bytes_of_str("a"), other = bytes_of_str("b");
	struct bytes value;
	struct buf b;

	(void)state;
	buf_init(&b, 1000);
	segfmt_meta_encode(&b, key, bytes_of_str("value"));
	assert_int_equal(segfmt_meta_decode(key, buf_bytes(&b), &value), 0);
	assert_true(bytes_equal_str(value, "value"));
	assert_int_equal(
	    segfmt_meta_decode(other, buf_bytes(&b), &value), ERR_CORRUPT);
	assert_int_equal(
	    segfmt_meta_decode(key, bytes_of(buf_ptr(&b), 7), &value),
	    ERR_FORMAT);
	buf_fini(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(the_layouts_are_those_of_the_golden_file),
	    cmocka_unit_test(what_was_encoded_decodes_to_the_same),
	    cmocka_unit_test(every_flipped_bit_of_a_header_page_is_noticed),
	    cmocka_unit_test(a_header_of_other_values_is_refused),
	    cmocka_unit_test(
		a_zero_slot_is_free_and_an_unknown_lock_flag_is_newer),
	    cmocka_unit_test(a_meta_value_belongs_to_its_key),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
