/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/pack/pack_frame.h"

#include "lib/base/endian.h"
#include "lib/base/err.h"

#define MAGIC 0xfd2fb528U
#define DESCRIPTOR_AT 4
#define SINGLE_SEGMENT 0x20
#define RESERVED 0x18 /* "unused" and "reserved": we want both zero */
#define DICTIONARY 0x03

/* Section 3.1.1.1.2: an exponent and eighths of it. */
static uint64_t
window_of(uint8_t x)
{
	uint64_t base = (uint64_t)1 << (10 + (x >> 3));

	return base + base / 8 * (x & 7);
}

static uint64_t
raw_len_of(const uint8_t *p, size_t size)
{
	switch (size) {
	case 1:
		return p[0];
	case 2:
		return endian_get_le16(p) + (uint64_t)256;
	case 4:
		return endian_get_le32(p);
	default:
		return endian_get_le64(p);
	}
}

int
pack_frame_read(struct bytes in, struct pack_frame *out)
{
	static const uint8_t dictionary_size[] = {0, 1, 2, 4};
	struct pack_frame f = {0};
	size_t at = DESCRIPTOR_AT + 1, raw_size;
	uint8_t d;

	if (in.len < at || endian_get_le32(in.ptr) != MAGIC)
		return ERR_FORMAT;
	d = in.ptr[DESCRIPTOR_AT];
	if (d & RESERVED)
		return ERR_FORMAT;
	if (!(d & SINGLE_SEGMENT)) {
		if (in.len <= at)
			return ERR_FORMAT;
		f.window = window_of(in.ptr[at++]);
	}
	f.has_dictionary = d & DICTIONARY;
	at += dictionary_size[d & DICTIONARY];
	raw_size = d >> 6 ? (size_t)1 << (d >> 6) : d & SINGLE_SEGMENT ? 1 : 0;
	if (in.len < at || in.len - at < raw_size)
		return ERR_FORMAT;
	if (raw_size) {
		f.has_raw_len = true;
		f.raw_len = raw_len_of(in.ptr + at, raw_size);
	}
	if (d & SINGLE_SEGMENT)
		f.window = f.raw_len;
	*out = f;
	return 0;
}
