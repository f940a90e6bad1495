/* SPDX-License-Identifier: Apache-2.0 */
/*
 * endian - read and write integers of a given byte order at any address.
 *
 * Disk formats are little-endian, wire formats and LMDB keys big-endian.
 */
#ifndef LIB_BASE_ENDIAN_H
#define LIB_BASE_ENDIAN_H

#include <endian.h>
#include <stdint.h>
#include <string.h>

#define ENDIAN_PAIR(bits, order)                                               \
	static inline uint##bits##_t endian_get_##order##bits(const void *p)   \
	{                                                                      \
		uint##bits##_t x;                                              \
		memcpy(&x, p, sizeof(x));                                      \
		return order##bits##toh(x);                                    \
	}                                                                      \
	static inline void endian_put_##order##bits(void *p, uint##bits##_t x) \
	{                                                                      \
		x = hto##order##bits(x);                                       \
		memcpy(p, &x, sizeof(x));                                      \
	}

/* endian_get_le32(ptr), endian_put_be64(ptr, x), ... */
ENDIAN_PAIR(16, le)
ENDIAN_PAIR(32, le)
ENDIAN_PAIR(64, le)
ENDIAN_PAIR(16, be)
ENDIAN_PAIR(32, be)
ENDIAN_PAIR(64, be)

#undef ENDIAN_PAIR

#endif
