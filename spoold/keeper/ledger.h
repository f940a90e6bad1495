/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ledger - the fold of the log: what is true after batch number N.
 *
 * Feeding every batch since a full checkpoint gives the state at the end, and
 * a full checkpoint of that state, fed to an empty ledger, gives it again:
 * meta can be deleted at any time.  One instance is rebuilt by replay and then
 * belongs to the writer thread, which feeds it what it has committed and takes
 * full checkpoints from it; another counts for `prove`.  Rules: no I/O.
 * The entries are specified in doc/format-entries.md.
 */
#ifndef SPOOLD_KEEPER_LEDGER_H
#define SPOOLD_KEEPER_LEDGER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/codec/batch.h"
#include "lib/codec/entry.h"
#include "spoold/keeper/children.h"
#include "spoold/keeper/counters.h"
#include "spoold/keeper/cursors.h"
#include "spoold/keeper/sdef.h"
#include "spoold/keeper/streams.h"

#define LEDGER_RECEIVERS_MAX 64

/* What a reference stands for in the segment that is being read. */
struct ledger_def {
	struct sdef *def;
	struct stream *stream; /* found before; if generation is the same */
	uint64_t generation;
};

struct ledger {
	struct entry_identity identity;
	struct streams streams;
	struct children children;
	struct counters counters;
	struct cursors cursors;
	struct entry_receiver_state receiver[LEDGER_RECEIVERS_MAX];
	size_t receivers;
	uint64_t next_number; /* of the batch after the last one seen */
	uint64_t next_rec;
	struct ledger_def *def; /* by reference; [0] is not used */
	size_t defs;
	struct uuid segment; /* that the references belong to */
	struct uuid *recycle; /* segments that are to be given back */
	size_t recycles;
	/*
	 * Full checkpoints after the first are passed over: the events tell
	 * the same, and a checkpoint may have lost a part.
	 */
	bool skip_full;
	bool in_skipped; /* between the BEGIN and END of such a one */
	bool in_full; /* between the BEGIN and END of any full one */
	bool has_full; /* a full checkpoint was seen */
	uint64_t alarms, forks; /* entries seen */
};

void ledger_init(struct ledger *l, uint64_t seed);
void ledger_fini(struct ledger *l);

/* References begin anew. */
void ledger_on_segment(struct ledger *l, const struct uuid *segment);

/* A control batch; ERR_FORMAT, ERR_VERSION (an unknown critical entry). */
int ledger_on_control(struct ledger *l, uint64_t number, struct bytes entries);

/*
 * A data batch with its ranges, whose streams are references; ERR_FORMAT, also
 * for a reference that is not defined.
 */
int ledger_on_data(
    struct ledger *l, const struct batch_header *h, struct bytes ranges);

void ledger_note_receiver(struct ledger *l, uint32_t slot,
    const struct uuid *epoch, uint64_t last_number);

/*
 * Hand a full checkpoint to `emit` in pieces of at most about LEDGER_PIECE
 * bytes, each a whole number of entries.  `now_us` is the spool time, which
 * lets go of streams closed long ago.  A result of emit other than 0 ends it
 * and is returned.
 */
#define LEDGER_PIECE ((size_t)256 << 10)
int ledger_checkpoint(struct ledger *l, uint64_t now_us, int64_t wall_ns,
    int (*emit)(void *arg, struct bytes entries), void *arg);

#endif
