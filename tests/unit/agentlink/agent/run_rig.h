/* SPDX-License-Identifier: Apache-2.0 */
/*
 * run_rig - the program `agentlink run` in a process of its own, before a
 * spool that is played, and the files that it follows.
 *
 * The test appends numbered records; the spool knows which it has.
 */
#ifndef TESTS_UNIT_AGENTLINK_AGENT_RUN_RIG_H
#define TESTS_UNIT_AGENTLINK_AGENT_RUN_RIG_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "tests/unit/agentlink/agent/tlsspool.h"

struct run_rig {
	struct tlsspool spool;
	pid_t pid; /* of the program; 0: none */
	uint32_t next; /* number of the next record */
	int in; /* standard input of the program */
	bool becomes_nobody; /* the program that is started */
};

extern struct run_rig run_rig;

/* For cmocka: the input "app" is *.log in log/. */
int run_rig_setup(void **state);
int run_rig_teardown(void **state);

/* A name in the test's directory; good for the next 63 calls. */
char *run_rig_path(const char *name);
/* The configuration, with these lines as its inputs. */
void run_rig_configure(const char *inputs);
void run_rig_start(void);
/* Its exit status, or the signal that ended it with a minus. */
int run_rig_end(int signum);
/* So many records more in a file. */
void run_rig_append(const char *name, unsigned records);
/* Wait until all records have been stored. */
void run_rig_all_arrive(void);
/* Stop the spool: each record is there, and no more than once. */
void run_rig_all_are_stored_once(void);
/* Between two looks of whoever waits. */
void run_rig_nap(void);

#endif
