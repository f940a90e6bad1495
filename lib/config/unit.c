/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/config/unit.h"

#include <inttypes.h>

#include "lib/base/err.h"

struct unit_row {
	const char *name;
	uint64_t factor;
};

/* In the order in which unit_format tries them; a factor of 1 always fits. */
static const struct unit_row sizes[] = {
    {"GiB", 1ull << 30},
    {"MiB", 1ull << 20},
    {"KiB", 1ull << 10},
    {"GB", 1000000000},
    {"MB", 1000000},
    {"kB", 1000},
    {"B", 1},
    {NULL, 0},
};

static const struct unit_row rates[] = {
    {"Mbit/s", 1000000},
    {"kbit/s", 1000},
    {"bit/s", 1},
    {"MB/s", 8000000},
    {"B/s", 8},
    {NULL, 0},
};

static const struct unit_row durations[] = {
    {"d", 86400000},
    {"h", 3600000},
    {"m", 60000},
    {"s", 1000},
    {"ms", 1},
    {NULL, 0},
};

static const struct unit_row *
table_of(enum unit unit)
{
	switch (unit) {
	case UNIT_SIZE:
		return sizes;
	case UNIT_RATE:
		return rates;
	case UNIT_DURATION:
		break;
	}
	return durations;
}

const char *
unit_names(enum unit unit)
{
	switch (unit) {
	case UNIT_SIZE:
		return "B, KiB, MiB, GiB, kB, MB or GB";
	case UNIT_RATE:
		return "bit/s, kbit/s, Mbit/s, B/s or MB/s";
	case UNIT_DURATION:
		break;
	}
	return "ms, s, m, h or d";
}

int
unit_integer(struct bytes text, uint64_t *value)
{
	uint64_t x = 0;
	bool is_over = false;

	if (text.len == 0 || (text.len > 1 && text.ptr[0] == '0'))
		return ERR_FORMAT;
	for (size_t i = 0; i < text.len; i++) {
		uint8_t c = text.ptr[i];

		if (c < '0' || c > '9')
			return ERR_FORMAT;
		is_over |= __builtin_mul_overflow(x, 10, &x);
		is_over |= __builtin_add_overflow(x, c - '0', &x);
	}
	if (is_over)
		return ERR_RANGE;
	*value = x;
	return 0;
}

int
unit_parse(enum unit unit, struct bytes text, uint64_t *value)
{
	size_t digits = 0;
	uint64_t x;
	int rc;

	while (digits < text.len && text.ptr[digits] >= '0' &&
	    text.ptr[digits] <= '9')
		digits++;
	for (const struct unit_row *u = table_of(unit); u->name; u++) {
		struct bytes name =
		    bytes_of(text.ptr + digits, text.len - digits);

		if (!bytes_equal_str(name, u->name))
			continue;
		rc = unit_integer(bytes_of(text.ptr, digits), &x);
		if (rc)
			return rc;
		if (__builtin_mul_overflow(x, u->factor, &x))
			return ERR_RANGE;
		*value = x;
		return 0;
	}
	return ERR_FORMAT;
}

void
unit_format(enum unit unit, uint64_t value, struct buf *b)
{
	const struct unit_row *u = table_of(unit);

	while (value % u->factor != 0)
		u++;
	buf_add_fmt(b, "%" PRIu64 "%s", value / u->factor, u->name);
}
