/* SPDX-License-Identifier: Apache-2.0 */
/*
 * program - spoolctl from its command line to its exit status.
 *
 * All that main does, with the streams as arguments, so that tests run whole
 * commands.  Reads the environment: SPOOLCTL_SOCKET, NO_COLOR, TERM.
 */
#ifndef ADMIN_PROGRAM_H
#define ADMIN_PROGRAM_H

#include <stdio.h>

int program_run(int argc, char **argv, FILE *in, FILE *out, FILE *err);

#endif
