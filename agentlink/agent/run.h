/* SPDX-License-Identifier: Apache-2.0 */
/* run - `agentlink run`: follows its inputs for ever. */
#ifndef AGENTLINK_AGENT_RUN_H
#define AGENTLINK_AGENT_RUN_H

/* argv begins with the word `run`.  The exit code. */
int run_main(int argc, char **argv);

#endif
