/* SPDX-License-Identifier: Apache-2.0 */
#include "admin/human.h"

#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>

/* Three digits that count: 4.56, 12.3, 120. */
static void
add_three(double x, struct buf *out)
{
	if (x < 9.995)
		buf_add_fmt(out, "%.2f", x);
	else if (x < 99.95)
		buf_add_fmt(out, "%.1f", x);
	else
		buf_add_fmt(out, "%.0f", x);
}

void
human_exact(uint64_t n, struct buf *out)
{
	char digits[24];
	int len = snprintf(digits, sizeof(digits), "%" PRIu64, n);

	for (int i = 0; i < len; i++) {
		if (i > 0 && (len - i) % 3 == 0)
			buf_add_u8(out, ',');
		buf_add_u8(out, (uint8_t)digits[i]);
	}
}

void
human_count(uint64_t n, struct buf *out)
{
	static const char units[] = "MGTPE";
	double x = (double)n / 1e6;
	size_t unit = 0;

	if (n < 1000000) {
		human_exact(n, out);
		return;
	}
	for (; x >= 999.5 && units[unit + 1]; unit++)
		x /= 1000;
	add_three(x, out);
	buf_add_u8(out, (uint8_t)units[unit]);
}

void
human_bytes(uint64_t bytes, struct buf *out)
{
	static const char units[] = "KMGTPE";
	double x = (double)bytes / 1024;
	size_t unit = 0;

	if (bytes < 1024) {
		buf_add_fmt(out, "%u B", (unsigned)bytes);
		return;
	}
	for (; x >= 999.5 && units[unit + 1]; unit++)
		x /= 1024;
	add_three(x, out);
	buf_add_fmt(out, " %ciB", units[unit]);
}

void
human_rate(double per_second, struct buf *out)
{
	if (!(per_second >= 0.05))
		buf_add_str(out, "0");
	else if (per_second < 99.95)
		buf_add_fmt(out, "%.1f", per_second);
	else
		human_count((uint64_t)(per_second + 0.5), out);
}

void
human_seconds(double seconds, struct buf *out)
{
	uint64_t s;

	if (!(seconds > 0))
		seconds = 0;
	if (seconds >= 10000 * 86400.0) {
		buf_add_str(out, "ages");
		return;
	}
	s = (uint64_t)(seconds + 0.5);
	if (seconds < 9.95)
		buf_add_fmt(out, "%.*fs", seconds >= 0.05, seconds);
	else if (s < 60)
		buf_add_fmt(out, "%" PRIu64 "s", s);
	else if (s < 3600)
		buf_add_fmt(
		    out, "%" PRIu64 "m%02us", s / 60, (unsigned)(s % 60));
	else if (s < 86400)
		buf_add_fmt(out, "%" PRIu64 "h%02um", s / 3600,
		    (unsigned)(s / 60 % 60));
	else if (s < 10 * 86400 && s / 3600 % 24)
		buf_add_fmt(out, "%" PRIu64 "d%02uh", s / 86400,
		    (unsigned)(s / 3600 % 24));
	else {
		human_count(s / 86400, out);
		buf_add_u8(out, 'd');
	}
}
