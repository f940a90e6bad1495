/* SPDX-License-Identifier: Apache-2.0 */
/*
 * crc32c - the Castagnoli checksum (RFC 3720 appendix B.4), of any length.
 *
 * Uses the CPU's instruction where there is one, a table elsewhere.
 */
#ifndef LIB_BASE_CRC32C_H
#define LIB_BASE_CRC32C_H

#include <stddef.h>
#include <stdint.h>

/* Start with crc = 0; feeding two parts in turn equals feeding them as one. */
uint32_t crc32c(uint32_t crc, const void *ptr, size_t len);

#endif
