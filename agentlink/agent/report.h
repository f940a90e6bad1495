/* SPDX-License-Identifier: Apache-2.0 */
/*
 * report - what a person may know of a running agent, as text.
 *
 * The file STATE/status.json is laid out so that `cat` shows it well; its
 * keys are in agentlink(1).  Pure: numbers in, text out.
 */
#ifndef AGENTLINK_AGENT_REPORT_H
#define AGENTLINK_AGENT_REPORT_H

#include "agentlink/agent/inputs.h"
#include "lib/base/buf.h"

struct report {
	long pid;
	int64_t since_ns, at_ns; /* wall clock */
	const char *server; /* that is connected, or NULL */
	const char *last_error; /* of a connection; NULL none */
	int64_t last_error_ns;
	uint64_t outbox_bytes, outbox_max;
	bool is_full; /* inputs wait for acknowledgements */
	struct agentlink_counts counts;
	const struct inputs *inputs;
};

/* All of it, as JSON. */
void report_json(struct buf *b, const struct report *r);

/* The gist of it in one line, for the service manager. */
void report_line(struct buf *b, const struct report *r);

#endif
