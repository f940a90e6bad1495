/* SPDX-License-Identifier: Apache-2.0 */
/*
 * streams - how far each sequenced stream has come (RULES.md 2).
 *
 * A stream is (origin, name, epoch).  The table holds what was accepted and
 * what of it is durable, with the head of the agent's chain at both places.
 * Limits: memory of the whole table, open streams of one agent, epochs kept
 * of one name (the least recently seen one goes), and streams that were closed
 * for good go after 30 days of spool time.  What each has received, and what
 * became of it, is counted (stream_counts.h).  Rules: no I/O, time is given.
 * The same table is the live one of intake and the log-exact one of the
 * ledger.
 */
#ifndef SPOOLD_KEEPER_STREAMS_H
#define SPOOLD_KEEPER_STREAMS_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/codec/entry.h"
#include "spoold/keeper/htable.h"

#define STREAMS_MEMORY_MAX ((size_t)64 << 20)
#define STREAMS_OPEN_MAX 1024 /* of one agent */
#define STREAMS_EPOCHS_MAX 8 /* of one name */
#define STREAMS_KEEP_US (30ull * 24 * 3600 * 1000000)

/* A place in a stream: last sequence number and the head there. */
struct streams_place {
	uint64_t seq;
	uint8_t head[BATCH_HEAD_SIZE];
};

struct streams_name; /* all epochs of one (origin, name) */
struct streams_agent; /* all streams of one origin */

struct stream {
	struct htable_node node;
	struct stream *next_epoch; /* of the same name */
	struct streams_name *of_name;
	struct streams_agent *of_agent;
	struct entry_stream_key key; /* name lies behind */
	char listener[ENTRY_NAME_MAX + 1];
	uint64_t start_seq;
	struct streams_place accepted, durable;
	uint64_t seen_us; /* spool time */
	bool closed; /* the agent will send nothing more, ever */
	bool stored; /* something of it is in the log, or queued for it */
	uint32_t queued; /* items of it that are not yet durable */
	uint32_t opens; /* connections that refer to it */
	uint64_t owner; /* of intake: the connection that has it; 0 none */
	uint64_t trial_of; /* of judge: the batch that tries ... */
	struct streams_place trial; /* ... this place */
	uint8_t fork_head[BATCH_HEAD_SIZE]; /* the last fork recorded */
	char peer[ENTRY_PEER_MAX + 1]; /* that it came from last; "" unknown */
	struct entry_stream_counts counts;
	/* Of stream_counts: on the list of those that the log does not have. */
	struct stream *next_changed, **at_changed;
	uint64_t logging; /* duplicate + refused on their way to the log */
};

struct streams {
	struct htable by_key, names, agents;
	size_t memory, memory_max;
	uint64_t generation; /* moves on when a stream is removed */
	struct stream *changed; /* counts that the log does not have */
	size_t changed_n;
};

/* Of the three parts of a key. */
uint64_t streams_key_hash(uint64_t seed, const struct entry_stream_key *key);
bool streams_key_equal(
    const struct entry_stream_key *a, const struct entry_stream_key *b);

void streams_init(struct streams *s, size_t memory_max, uint64_t seed);
void streams_fini(struct streams *s);
void streams_clear(struct streams *s);

/* NULL if it is not known. */
struct stream *streams_find(
    const struct streams *s, const struct entry_stream_key *key);

/*
 * A stream that is not there yet, with nothing in it.  May remove the least
 * recently seen epoch of its name.  ERR_LIMIT: memory, or that epoch is in
 * use.
 */
int streams_add(struct streams *s, const struct entry_stream_key *key,
    struct bytes listener, uint64_t now_us, struct stream **out);
void streams_remove(struct streams *s, struct stream *st);

/* Where it comes from now; an address that is too long is not known. */
void streams_set_peer(struct stream *st, struct bytes peer);

/* One more connection refers to it; ERR_LIMIT for the agent's 1,025th. */
int streams_open(struct streams *s, struct stream *st);

/* One less; a stream of which nothing was ever stored is removed. */
void streams_close(struct streams *s, struct stream *st);

/* Remove what was closed for good long enough ago. */
void streams_sweep(struct streams *s, uint64_t now_us);

/* Walk: NULL for the first; NULL at the end. */
struct stream *streams_next(const struct streams *s, const struct stream *st);
size_t streams_count(const struct streams *s);

#endif
