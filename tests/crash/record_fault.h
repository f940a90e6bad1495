/* SPDX-License-Identifier: Apache-2.0 */
/*
 * record_fault - which write or sync of a recorded process is to fail.
 *
 * A specification is WHAT:K:HOW[:MANY].  WHAT: write, sync or any.  K: the
 * first that fails, counted from 1 since it was set.  HOW: EIO, ENOSPC, short
 * (half is written, no error) or kill (SIGKILL once it is done and logged, so
 * that log and files agree).  MANY: how many fail from there on, 0 for all
 * that follow; 1 if it is left out.  Only operations on files of the spool
 * directory are counted.
 */
#ifndef TESTS_CRASH_RECORD_FAULT_H
#define TESTS_CRASH_RECORD_FAULT_H

#include <stdbool.h>

#define RECORD_FAULT_ENV "SPOOLD_FAULT"
#define RECORD_FAULT_SHORT (-1)
#define RECORD_FAULT_KILL (-2)

enum record_fault_what { RECORD_FAULT_WRITE = 1, RECORD_FAULT_SYNC = 2 };

/* Set the faults; NULL or "" for none.  Aborts on a bad specification. */
void record_fault_set(const char *spec);

/* Count one; 0, an errno, RECORD_FAULT_SHORT or RECORD_FAULT_KILL. */
int record_fault_next(enum record_fault_what what);

/* How many were counted and how many made to fail since it was set. */
void record_fault_counts(unsigned long *seen, unsigned long *failed);

#endif
