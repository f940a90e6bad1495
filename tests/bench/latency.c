/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/bench/latency.h"

#include <stdlib.h>

#include "lib/base/err.h"

#define HOUR_US UINT64_C(3600000000)
#define FIRST_CAP 4096

int
latency_add(struct latency *l, uint64_t us, uint32_t weight)
{
	if (l->n == l->cap) {
		size_t cap = l->cap ? 2 * l->cap : FIRST_CAP;
		struct latency_sample *sample =
		    realloc(l->sample, cap * sizeof(*sample));

		if (!sample)
			return ERR_NOMEM;
		l->sample = sample;
		l->cap = cap;
	}
	l->sample[l->n++] = (struct latency_sample){
	    (uint32_t)(us < HOUR_US ? us : HOUR_US), weight};
	l->weight += weight;
	return 0;
}

static int
compare(const void *a, const void *b)
{
	const struct latency_sample *x = a, *y = b;

	return x->us < y->us ? -1 : x->us > y->us;
}

void
latency_sort(struct latency *l)
{
	if (l->n)
		qsort(l->sample, l->n, sizeof(*l->sample), compare);
}

uint64_t
latency_at(const struct latency *l, double q)
{
	double want = q * (double)l->weight;
	uint64_t sum = 0;

	for (size_t i = 0; i < l->n; i++) {
		sum += l->sample[i].weight;
		if ((double)sum >= want)
			return l->sample[i].us;
	}
	return 0;
}

void
latency_fini(struct latency *l)
{
	free(l->sample);
	*l = (struct latency){0};
}
