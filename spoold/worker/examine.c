/* SPDX-License-Identifier: Apache-2.0 */
#include "spoold/worker/examine.h"

#include <stdlib.h>

#include "lib/base/err.h"
#include "lib/check/check.h"

/* Limits of records change over time: only the batch's own holds here. */
#define RECORD_MAX BATCH_RAW_MAX

struct examine {
	struct check *check;
};

int
examine_new(struct examine **out)
{
	struct examine *e = calloc(1, sizeof(*e));
	int rc = e ? check_new(RECORD_MAX, &e->check) : ERR_NOMEM;

	if (rc) {
		examine_free(e);
		return rc;
	}
	*out = e;
	return 0;
}

void
examine_free(struct examine *e)
{
	if (!e)
		return;
	check_free(e->check);
	free(e);
}

static const char *
reason(enum check_step step)
{
	switch (step) {
	case CHECK_UNPACK:
		return "frame: cannot be unpacked to the length that the "
		       "header says";
	case CHECK_COLUMNS:
		return "columns: not well formed, or of other ranges";
	case CHECK_COUNT:
		return "count: not as many records as the header says";
	case CHECK_LENGTHS:
		return "lengths: a record is longer than a batch can be";
	case CHECK_DIGEST:
		return "content digest: not that of the records";
	case CHECK_RUNS:
		return "runs: not the records that the ranges say";
	case CHECK_NOTHING:
		break;
	}
	return "ranges: not well formed";
}

static int
look(struct examine *e, const struct ipc_inspect *q, const char **why)
{
	struct check_claim claim = {
	    .codec = q->codec,
	    .raw_len = q->raw_len,
	    .records = q->records,
	    .content_digest = q->content_digest,
	};
	struct batch_columns_view view;
	struct batch_ranges ranges;
	int rc = batch_ranges_begin(&ranges, q->ranges);

	if (rc) {
		*why = reason(CHECK_NOTHING);
		return rc;
	}
	claim.ranges = ranges.ranges;
	rc = check_batch(e->check, &claim, q->payload, &view);
	if (!rc)
		rc = check_runs(e->check, &view, q->ranges, claim.ranges);
	if (rc)
		*why = reason(check_failed_at(e->check));
	return rc;
}

struct ipc_inspected
examine_batch(struct examine *e, const struct ipc_inspect *q)
{
	struct ipc_inspected a = {.id = q->id, .code = IPC_INSPECT_HOLDS};
	const char *why = "";
	int rc = look(e, q, &why);

	if (rc == ERR_NOMEM) {
		a.code = IPC_INSPECT_CANNOT_TELL;
		why = "no memory";
	} else if (rc) {
		a.code = IPC_INSPECT_BROKEN;
	}
	a.text = bytes_of_str(why);
	return a;
}
