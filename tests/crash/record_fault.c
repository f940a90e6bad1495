/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/crash/record_fault.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* One process, one set of faults; the caller holds its lock. */
static struct {
	unsigned what;
	unsigned long first, many, seen, failed;
	int how;
} fault;

static unsigned
what_of(const char *word)
{
	if (!strcmp(word, "write"))
		return RECORD_FAULT_WRITE;
	if (!strcmp(word, "sync"))
		return RECORD_FAULT_SYNC;
	if (!strcmp(word, "any"))
		return RECORD_FAULT_WRITE | RECORD_FAULT_SYNC;
	abort();
}

static int
how_of(const char *word)
{
	if (!strcmp(word, "EIO"))
		return EIO;
	if (!strcmp(word, "ENOSPC"))
		return ENOSPC;
	if (!strcmp(word, "short"))
		return RECORD_FAULT_SHORT;
	if (!strcmp(word, "kill"))
		return RECORD_FAULT_KILL;
	abort();
}

void
record_fault_set(const char *spec)
{
	char what[8], how[8];
	unsigned long first, many = 1;

	memset(&fault, 0, sizeof(fault));
	if (!spec || !*spec)
		return;
	if (sscanf(spec, "%7[a-z]:%lu:%7[A-Za-z]:%lu", what, &first, how,
		&many) < 3)
		abort();
	fault.what = what_of(what);
	fault.how = how_of(how);
	fault.first = first;
	fault.many = many;
}

int
record_fault_next(enum record_fault_what what)
{
	if (!(fault.what & what))
		return 0;
	fault.seen++;
	if (fault.seen < fault.first ||
	    (fault.many && fault.seen >= fault.first + fault.many))
		return 0;
	fault.failed++;
	/* A sync cannot be short. */
	if (fault.how == RECORD_FAULT_SHORT && what == RECORD_FAULT_SYNC)
		return EIO;
	return fault.how;
}

void
record_fault_counts(unsigned long *seen, unsigned long *failed)
{
	*seen = fault.seen;
	*failed = fault.failed;
}
