/* SPDX-License-Identifier: Apache-2.0 */
/*
 * human - numbers as a person reads them at one glance.
 *
 * Only for tables; machines get plain numbers.  Each appends to a buf.
 */
#ifndef ADMIN_HUMAN_H
#define ADMIN_HUMAN_H

#include <stdint.h>

#include "lib/base/buf.h"

/* With commas: 18,446,744,073,709,551,615. */
void human_exact(uint64_t n, struct buf *out);

/* At most seven columns: 0, 9,999, 999,999; then 1.23M, 45.6G. */
void human_count(uint64_t n, struct buf *out);

/* 17 B, 1.5 KiB, 12.3 GiB, 120 GiB. */
void human_bytes(uint64_t bytes, struct buf *out);

/* A rate: 0, 0.4, 12.3, 1,234. */
void human_rate(double per_second, struct buf *out);

/* At most six columns: 0s, 4.2s, 4m10s, 3h05m, 2d04h, 41d; then ages. */
void human_seconds(double seconds, struct buf *out);

#endif
