/* SPDX-License-Identifier: Apache-2.0 */
#include "spoold/blame.h"

#include <signal.h>

#include "lib/base/log.h"

bool
blame_is_by(int signum)
{
	return signum == SIGSEGV || signum == SIGBUS || signum == SIGILL ||
	    signum == SIGFPE || signum == SIGABRT;
}

/* How often this one was blamed, with this time; 0: too many are. */
static uint32_t
count(struct blame *b, uint64_t id)
{
	size_t i = 0;

	while (i < b->n && b->id[i] != id)
		i++;
	if (i == BLAME_SEGMENTS)
		return 0;
	if (i == b->n)
		b->id[b->n++] = id;
	return ++b->count[i];
}

/* Several readers of one segment blame it once. */
static bool
is_seen(volatile uint64_t *page, size_t slot)
{
	for (size_t i = 0; i < slot; i++)
		if (page[2 * i] == page[2 * slot])
			return true;
	return false;
}

size_t
blame_on_death(struct blame *b, int signum, volatile uint64_t *page,
    uint64_t bad[BLAME_SEGMENTS])
{
	size_t n = 0;

	for (size_t i = 0; blame_is_by(signum) && i < BLAME_SLOTS; i++) {
		uint64_t id = page[2 * i];

		if (!id || is_seen(page, i))
			continue;
		log_error("the keeper died reading segment %016llx, batch %llu",
		    (unsigned long long)id,
		    (unsigned long long)page[2 * i + 1]);
		if (count(b, id) >= 2)
			bad[n++] = id;
	}
	for (size_t i = 0; i < BLAME_SLOTS; i++)
		page[2 * i] = page[2 * i + 1] = 0;
	return n;
}
