/* SPDX-License-Identifier: Apache-2.0 */
/*
 * group - one transaction of the writer: what is in it, and in which order.
 *
 * A fresh segment opens with a full checkpoint; then come the definitions of
 * streams and the control entries, then the receivers' items in order.  What
 * was committed is in `written`, the ledger has been fed with it, and for each
 * receiver there is one COMMITTED made from the commit's token.  What was not
 * (segment full, error) is still in front of its list.  The writing thread's.
 */
#ifndef SPOOLD_KEEPER_GROUP_H
#define SPOOLD_KEEPER_GROUP_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/base/buf.h"
#include "lib/store/store.h"
#include "spoold/keeper/clock_rules.h"
#include "spoold/keeper/committed.h"
#include "spoold/keeper/item.h"
#include "spoold/keeper/ledger.h"

#define GROUP_BYTES                                              \
	((uint64_t)16 << 20) /* about what one transaction takes \
			      */
#define GROUP_ITEMS 1024

struct group {
	struct store *store;
	struct ledger *ledger;
	const struct clock_rules *clock;
	struct item_list control, ordered; /* to be written */
	struct item_list written; /* durable */
	struct committed *committed;
	/* Called before the commit under MUTANT_ACK_BEFORE_COMMIT only. */
	void (*announce)(struct group *g, void *arg);
	void *arg;

	/* Of the transaction under construction. */
	struct item_list in_control, in_ordered;
	struct buf defs, entries;
	bool fresh;
	/* Of the segment. */
	const struct store_token *token;
	uint64_t serial; /* definitions with it are valid */
	uint32_t next_ref;
	uint64_t last_number;
};

void group_init(struct group *g, struct store *s, struct ledger *ledger,
    const struct clock_rules *clock);
void group_fini(struct group *g);

/*
 * Write the control list and, unless control_only, the ordered list, as far as
 * one transaction goes.  ERR_FULL: no room for data (or, with control_only, for
 * anything).  Another error: outcome unknown, nothing is in `written`.
 */
int group_write(struct group *g, bool control_only);

#endif
