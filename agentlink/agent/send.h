/* SPDX-License-Identifier: Apache-2.0 */
/* send - `agentlink send`: files or standard input, once, until safe. */
#ifndef AGENTLINK_AGENT_SEND_H
#define AGENTLINK_AGENT_SEND_H

/* argv begins with the word `send`.  The exit code. */
int send_main(int argc, char **argv);

#endif
