/* SPDX-License-Identifier: Apache-2.0 */
/*
 * failpoint - named places where a test may kill the process.
 *
 * Only builds with --enable-failpoints have them.  The environment variable
 * SPOOLD_FAILPOINT=NAME[:K[:MS]] kills the process with SIGKILL at the K-th
 * passage (1 if not given) of FAILPOINT("NAME"), after MS milliseconds in which
 * its other threads go on.  Before it dies, one line
 * "failpoint NAME" goes to the file named by SPOOLD_FAILPOINT_LOG.
 */
#ifndef LIB_BASE_FAILPOINT_H
#define LIB_BASE_FAILPOINT_H

#include "config.h"

#ifdef WITH_FAILPOINTS
void failpoint_pass(const char *name);
#define FAILPOINT(name) failpoint_pass(name)
#else
#define FAILPOINT(name) ((void)0)
#endif

#endif
