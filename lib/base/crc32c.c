/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/base/crc32c.h"

#include <stdbool.h>
#include <string.h>
#if defined(__x86_64__)
#include <nmmintrin.h>
#endif

#define POLYNOMIAL 0x82f63b78u /* reflected */

/* table[k][b]: the checksum of byte b followed by k zero bytes. */
static uint32_t table[8][256];

__attribute__((constructor)) static void
make_table(void)
{
	for (uint32_t b = 0; b < 256; b++) {
		uint32_t c = b;

		for (int i = 0; i < 8; i++)
			c = (c >> 1) ^ (c & 1 ? POLYNOMIAL : 0);
		table[0][b] = c;
	}
	for (int k = 1; k < 8; k++)
		for (int b = 0; b < 256; b++)
			table[k][b] = (table[k - 1][b] >> 8) ^
			    table[0][table[k - 1][b] & 255];
}

static uint32_t
by_table(uint32_t c, const uint8_t *p, size_t len)
{
	for (; len >= 8; p += 8, len -= 8) {
		c ^= (uint32_t)p[0] | (uint32_t)p[1] << 8 |
		    (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
		c = table[7][c & 255] ^ table[6][(c >> 8) & 255] ^
		    table[5][(c >> 16) & 255] ^ table[4][c >> 24] ^
		    table[3][p[4]] ^ table[2][p[5]] ^ table[1][p[6]] ^
		    table[0][p[7]];
	}
	for (; len; p++, len--)
		c = (c >> 8) ^ table[0][(c ^ *p) & 255];
	return c;
}

#if defined(__x86_64__)
__attribute__((target("sse4.2"))) static uint32_t
by_instruction(uint32_t c, const uint8_t *p, size_t len)
{
	uint64_t wide = c;

	for (; len >= 8; p += 8, len -= 8) {
		uint64_t x;

		memcpy(&x, p, 8);
		wide = _mm_crc32_u64(wide, x);
	}
	c = (uint32_t)wide;
	for (; len; p++, len--)
		c = _mm_crc32_u8(c, *p);
	return c;
}
#endif

uint32_t
crc32c(uint32_t crc, const void *ptr, size_t len)
{
	crc = ~crc;
#if defined(__x86_64__)
	if (__builtin_cpu_supports("sse4.2"))
		return ~by_instruction(crc, ptr, len);
#endif
	return ~by_table(crc, ptr, len);
}
