/* SPDX-License-Identifier: Apache-2.0 */
/*
 * waiting - does the status say what `spoolctl wait` waits for?
 *
 * Rules only: the status and what is asked in, the verdict and what is still
 * missing out.
 */
#ifndef ADMIN_WAITING_H
#define ADMIN_WAITING_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

enum waiting_verdict {
	WAITING_DONE,
	WAITING_NOT_YET,
	WAITING_NEVER, /* there is no such target */
};

struct waiting_wish {
	bool ready;
	bool drained;
	const char *target; /* NULL: all that are neither paused nor orphaned */
};

/* `missing` gets a phrase such as "siem: 17 records are pending". */
enum waiting_verdict waiting_judge(const json_t *status,
    const struct waiting_wish *wish, char *missing, size_t size);

#endif
