/* SPDX-License-Identifier: Apache-2.0 */
/*
 * options - the command line of `agentlink send`.
 *
 * All of it is checked before anything is opened: a wrong one is one line on
 * standard error and exit code 2.
 */
#ifndef AGENTLINK_AGENT_OPTIONS_H
#define AGENTLINK_AGENT_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "agentlink/agent/framing.h"

#define OPTIONS_SERVERS_MAX 16

/* Exit codes of the program (INTERFACES.md). */
enum options_exit {
	EXIT_OK = 0,
	EXIT_FAILED = 1,
	EXIT_USAGE = 2,
	EXIT_NOT_FOUND = 3,
	EXIT_DENIED = 4,
	EXIT_TIMEOUT = 6,
	EXIT_CONFLICT = 7,
	EXIT_INVALID = 9,
	EXIT_CANCELLED = 10,
};

struct options {
	char *server_text; /* of which the servers are parts */
	const char *servers[OPTIONS_SERVERS_MAX];
	size_t server_count;
	const char *certificate, *key, *ca;
	const char *stream; /* NULL: the file's base name */
	const char *state; /* NULL: in memory */
	enum framing_kind framing;
	uint64_t rate; /* records per second; 0 any */
	uint64_t bandwidth; /* bytes per second; 0 any */
	uint64_t timeout_ms; /* 0 none */
	bool is_verbose;
	char **files; /* borrowed from argv */
	size_t file_count;
};

/* argv after the word `send`.  False: a message has been printed. */
bool options_parse(int argc, char **argv, struct options *o);
void options_fini(struct options *o);

#endif
