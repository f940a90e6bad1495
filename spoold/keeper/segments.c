/* SPDX-License-Identifier: Apache-2.0 */
#include "spoold/keeper/segments.h"

#include "spoold/keeper/mem.h"

#define MORE 4 /* that may be added between two looks */

struct store_segment *
segments_list(const struct store *store, size_t *n)
{
	struct store_segment *row = NULL;
	size_t there = store_segments(store, NULL, 0), max;

	do {
		max = there + MORE;
		row = mem_grow(row, max, sizeof(*row));
		there = store_segments(store, row, max);
	} while (there > max);
	*n = there;
	return row;
}
