/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/config/suggest.h"

#include <limits.h>

#define WORD_MAX 40

static unsigned
least(unsigned a, unsigned b)
{
	return a < b ? a : b;
}

unsigned
suggest_distance(struct bytes a, struct bytes b)
{
	unsigned row[3][WORD_MAX + 1];
	unsigned *two = row[0], *one = row[1], *now = row[2], *spare;

	if (a.len > WORD_MAX || b.len > WORD_MAX)
		return UINT_MAX;
	for (unsigned j = 0; j <= b.len; j++)
		one[j] = j;
	for (unsigned i = 1; i <= a.len; i++) {
		now[0] = i;
		for (unsigned j = 1; j <= b.len; j++) {
			bool same = a.ptr[i - 1] == b.ptr[j - 1];

			now[j] = least(
			    one[j - 1] + !same, least(one[j], now[j - 1]) + 1);
			if (i > 1 && j > 1 && a.ptr[i - 1] == b.ptr[j - 2] &&
			    a.ptr[i - 2] == b.ptr[j - 1])
				now[j] = least(now[j], two[j - 2] + 1);
		}
		spare = two;
		two = one;
		one = now;
		now = spare;
	}
	return one[b.len];
}

bool
suggest_is_nearer(struct bytes typed, const char *candidate, unsigned *distance)
{
	unsigned d = suggest_distance(typed, bytes_of_str(candidate));
	size_t len =
	    typed.len < strlen(candidate) ? typed.len : strlen(candidate);

	/* A word may be cut short: dir is directory. */
	if (typed.len >= 3 && typed.len < strlen(candidate) &&
	    !strncmp((const char *)typed.ptr, candidate, typed.len))
		d = 1;
	/* A third of the letters may be wrong, and one in any word. */
	if (d > (len < 6 ? 1 : len / 3) || d >= len || d >= *distance)
		return false;
	*distance = d;
	return true;
}
