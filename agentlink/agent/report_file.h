/* SPDX-License-Identifier: Apache-2.0 */
/*
 * report_file - keeps STATE/status.json and the service manager's line true.
 *
 * The file is replaced by renaming, so a reader sees the old one or the new
 * one.  It is not synced, and not written while nothing changes but once a
 * minute; that it cannot be written is no reason to stop.
 */
#ifndef AGENTLINK_AGENT_REPORT_FILE_H
#define AGENTLINK_AGENT_REPORT_FILE_H

#include "agentlink/agent/report.h"

struct report_file; /* opaque */

int report_file_new(const char *state_dir, struct report_file **out);
void report_file_free(struct report_file *f);

/* `at_ns` of the report is set here. */
void report_file_write(struct report_file *f, struct report *report);

#endif
