/* SPDX-License-Identifier: Apache-2.0 */
/*
 * item - one thing on its way into the log.
 *
 * Made on the loop's thread, handed to the writer, and handed back when it is
 * durable.  Numbered items come from a receiver and keep their order among
 * themselves; the others are the keeper's own control entries, which go before
 * them in each transaction.  An item owns its bytes.
 */
#ifndef SPOOLD_KEEPER_ITEM_H
#define SPOOLD_KEEPER_ITEM_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/base/buf.h"
#include "lib/codec/batch.h"
#include "lib/codec/entry.h"
#include "lib/codec/ipc.h"
#include "lib/store/store.h"
#include "spoold/keeper/children.h"
#include "spoold/keeper/sdef.h"
#include "spoold/keeper/streams.h"

enum item_kind {
	ITEM_BATCH, /* a receiver's batch */
	ITEM_ENTRIES, /* encoded control entries */
	ITEM_NOTHING, /* a number that is durable when all before it are */
	ITEM_TARGET, /* a new target: its start is given by the writer */
	ITEM_RECYCLE, /* after the commit of its entry, give the segment back */
};

struct item_range {
	struct sdef *def; /* a reference of the item's */
	struct stream *stream; /* the loop thread's; NULL if chained */
	struct batch_range range; /* its path lies in `memory` */
};

struct item {
	struct item *next;
	enum item_kind kind;
	bool ordered; /* keeps its place among the receivers' items */
	bool of_intake; /* intake is to be told when it is durable */

	/* Where it came from; link 0: from the keeper itself. */
	uint64_t link;
	uint32_t slot;
	struct uuid epoch;
	uint64_t number;

	/* ITEM_BATCH; ranges and payload of `data` are filled in late. */
	struct store_data data;
	uint8_t content_digest[BATCH_DIGEST_SIZE];
	struct item_range *range;
	uint32_t ranges;
	bool chained;
	struct batch_chain chain;
	uint8_t *memory; /* encoded ranges as received, then the payload */

	/* What becomes durable with it; the loop thread's. */
	struct child *child;
	struct stream *stream; /* of an ADVANCE */
	struct streams_place place;
	uint64_t skip_from, skip_to;

	/*
	 * Encoded entries; built by the writer for ITEM_TARGET and
	 * ITEM_RECYCLE; for ITEM_BATCH the ranges as the log has them.
	 */
	struct buf entries;
	struct entry_target target; /* start_rec 0: the next record */
	struct entry_recycle recycle;
	char name[ENTRY_NAME_MAX + 1];
	char protocol[64];
	bool logged; /* ITEM_RECYCLE: its entry is in the log already */

	/* Called on the loop's thread when it is durable; may be NULL. */
	void (*on_durable)(struct item *it, void *arg);
	void *arg;
	uint64_t token; /* of whoever queued it */

	/* The writer's answer. */
	uint64_t batch_number;
	uint64_t first_rec;
	int rc; /* ITEM_RECYCLE: ERR_BUSY ... */
};

struct item *item_new(enum item_kind kind);
void item_free(struct item *it);

/* Copies ranges and payload of m; the streams are filled in by the caller. */
struct item *item_of_batch(const struct ipc_batch *m);

/* A queue of items, in order. */
struct item_list {
	struct item *first, **last;
	size_t n;
};

void item_list_init(struct item_list *l);
void item_list_add(struct item_list *l, struct item *it);
/* The first, or NULL. */
struct item *item_list_take(struct item_list *l);
/* All of `from` goes before, or behind, what is in `to`. */
void item_list_put_before(struct item_list *to, struct item_list *from);
void item_list_put_behind(struct item_list *to, struct item_list *from);
void item_list_free(struct item_list *l);

/* Bytes that it holds in memory and will take in the log, about. */
size_t item_size(const struct item *it);

#endif
