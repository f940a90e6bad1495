/* SPDX-License-Identifier: Apache-2.0 */
/*
 * diskfault - makes the k-th write or sync of this process fail.
 *
 * It stands in for pwrite, writev, fsync, fdatasync, ftruncate and rename, for
 * our code and for the libraries alike (the executable's symbols come first).
 */
#ifndef TESTS_HELPERS_DISKFAULT_H
#define TESTS_HELPERS_DISKFAULT_H

#include <stdbool.h>

enum diskfault_kind {
	DISKFAULT_WRITE = 1,
	DISKFAULT_SYNC = 2,
	DISKFAULT_NAME = 4, /* rename, ftruncate */
	DISKFAULT_ALL = 7,
};

/*
 * From now on count calls of these kinds; the k-th (from 1) fails with
 * errnum, and with persistent all after it.  short_write: it writes half.
 * late: a sync does its work and fails nevertheless; a write too.
 */
struct diskfault {
	unsigned kinds;
	long k;
	int errnum;
	bool persistent;
	bool short_write;
	bool late;
};

void diskfault_arm(const struct diskfault *fault);

/* Stop failing; how many calls were counted. */
long diskfault_disarm(void);

#endif
