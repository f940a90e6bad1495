/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sdef - who sent what: the definition of a stream as it came in.
 *
 * A definition never changes once made, so it is shared by counting: by the
 * link that it came over, by the batches that wait for the writer, by readers
 * of the log.  Any thread may take and drop references.
 */
#ifndef SPOOLD_KEEPER_SDEF_H
#define SPOOLD_KEEPER_SDEF_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/base/bytes.h"
#include "lib/base/uuid.h"
#include "lib/codec/entry.h"

struct sdef {
	_Atomic unsigned refs;
	struct entry_stream_key key; /* name lies behind */
	struct bytes listener, peer, identity, path;
	/* The writer's: which reference it has in which segment. */
	uint64_t segment;
	uint32_t ref;
};

/* Copies everything; one reference is the caller's. */
struct sdef *sdef_new(const struct entry_stream_key *key, struct bytes listener,
    struct bytes peer, struct bytes identity, struct bytes path);
struct sdef *sdef_ref(struct sdef *d);
void sdef_unref(struct sdef *d);

bool sdef_equal(const struct sdef *a, const struct sdef *b);
uint64_t sdef_hash(const struct sdef *d, uint64_t seed);

/* As an entry, borrowed from d. */
struct entry sdef_entry(const struct sdef *d, uint32_t ref);

#endif
