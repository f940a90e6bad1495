/* SPDX-License-Identifier: Apache-2.0 */
/*
 * unit - whole numbers with a unit: sizes, rates, durations.
 *
 * Digits and a unit, with nothing before, between or after; no sign, no
 * fraction, no leading zero.
 */
#ifndef LIB_CONFIG_UNIT_H
#define LIB_CONFIG_UNIT_H

#include <stdint.h>

#include "lib/base/buf.h"
#include "lib/base/bytes.h"

enum unit {
	UNIT_SIZE, /* bytes */
	UNIT_RATE, /* bits per second */
	UNIT_DURATION, /* milliseconds */
};

/* Decimal digits only.  ERR_FORMAT, or ERR_RANGE above 64 bits. */
int unit_integer(struct bytes text, uint64_t *value);

/* ERR_FORMAT, or ERR_RANGE above 64 bits. */
int unit_parse(enum unit unit, struct bytes text, uint64_t *value);

/* With the largest unit that leaves a whole number. */
void unit_format(enum unit unit, uint64_t value, struct buf *b);

/* "B, KiB, MiB, GiB, kB, MB or GB" */
const char *unit_names(enum unit unit);

#endif
