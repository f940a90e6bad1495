/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The usual course: ask for the status again and again, 5 times a second,
 * until waiting_judge is content.  What can go wrong: the keeper is away or
 * breaks off, which is "not yet"; it refuses us, which is final.
 */
#include "admin/commands.h"

#include <poll.h>
#include <stdint.h>
#include <stdio.h>

#include "admin/ask.h"
#include "admin/waiting.h"
#include "lib/base/clock.h"

#define PAUSE_MS 200
#define ANSWER_MS 5000 /* of silence: then it is asked anew */

struct wait {
	struct command_context *cx;
	struct waiting_wish wish;
	uint64_t end_us; /* UINT64_MAX: never */
	char missing[256];
};

static int
ask(struct wait *x, json_t **status)
{
	struct fault *f = &x->cx->fault;
	struct client *c = NULL;
	int rc;

	/* What an earlier look met is over. */
	*f = (struct fault){.exit = FAULT_OK};
	rc = client_open(x->cx->socket, ANSWER_MS, &c, f);
	if (!rc)
		rc = client_ask(c, "status", NULL, NULL, NULL, status, f);
	client_close(c);
	return rc;
}

/* One look: the exit status, or FAULT_TIMEOUT for "not yet". */
static int
look(struct wait *x)
{
	struct fault *f = &x->cx->fault;
	enum waiting_verdict verdict = WAITING_NOT_YET;
	json_t *status = NULL;
	int rc = ask(x, &status);

	if (rc && !client_is_away(f))
		return rc;
	if (rc)
		snprintf(x->missing, sizeof(x->missing), "%.200s", f->message);
	else
		verdict = waiting_judge(
		    status, &x->wish, x->missing, sizeof(x->missing));
	json_decref(status);
	if (verdict == WAITING_NEVER) {
		fault_set(f, FAULT_NOT_FOUND, "TARGET_UNKNOWN",
		    "there is no target %.64s", x->wish.target);
		fault_hint(f, "spoolctl target ls shows them");
		return FAULT_NOT_FOUND;
	}
	return verdict == WAITING_DONE ? FAULT_OK : FAULT_TIMEOUT;
}

/* false: the time is over. */
static bool
pause_once(const struct wait *x)
{
	uint64_t now = clock_now().mono_us;
	uint64_t us = PAUSE_MS * UINT64_C(1000);

	if (now >= x->end_us)
		return false;
	if (x->end_us - now < us)
		us = x->end_us - now;
	poll(NULL, 0, (int)(us / 1000) + 1);
	return true;
}

int
commands_wait(struct command_context *cx)
{
	const struct args *a = cx->args;
	struct wait x = {
	    .cx = cx,
	    .wish = {a->given[ARGS_READY], a->given[ARGS_DRAINED],
		a->text[ARGS_TARGET]},
	    .end_us = UINT64_MAX,
	};
	int rc;

	if (x.wish.ready == x.wish.drained) {
		fault_set(&cx->fault, FAULT_USAGE, "WAIT_FOR_WHAT",
		    "wait needs one of --ready and --drained");
		return FAULT_USAGE;
	}
	if (a->given[ARGS_TIMEOUT])
		x.end_us = clock_now().mono_us +
		    a->number[ARGS_TIMEOUT] * UINT64_C(1000);
	while ((rc = look(&x)) == FAULT_TIMEOUT && pause_once(&x))
		;
	if (rc == FAULT_TIMEOUT) {
		fault_set(&cx->fault, FAULT_TIMEOUT, "NOT_YET",
		    "it did not come true in time");
		fault_cause(&cx->fault, "%s", x.missing);
	}
	return rc;
}
