/* SPDX-License-Identifier: Apache-2.0 */
/*
 * intake_rig - the rules of acceptance, driven by plain calls.
 *
 * What intake wants done is collected: messages decoded, items in a row until
 * the test says that they are durable.
 */
#ifndef TESTS_UNIT_SPOOLD_KEEPER_INTAKE_RIG_H
#define TESTS_UNIT_SPOOLD_KEEPER_INTAKE_RIG_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/codec/agentlink_msg.h"
#include "spoold/keeper/intake.h"

#define INTAKE_RIG_MAX 4096

struct intake_rig_said {
	uint64_t link;
	struct ipc_msg m;
	struct buf bytes; /* what m borrows from */
};

struct intake_rig {
	struct intake *in;
	struct counters counters;
	struct intake_rig_said said[INTAKE_RIG_MAX];
	size_t said_n, said_read;
	struct item_list items; /* submitted, not durable */
	size_t pauses, resumes, closes, alarms;
	char text[256]; /* of the last CLOSE or ALARM */
	struct intake_now now;
};

/* A stream as its agent has it. */
struct intake_rig_stream {
	uint32_t sid;
	uint8_t origin, epoch; /* fill bytes */
	const char *name;
	uint64_t next_seq;
	uint8_t head[BATCH_HEAD_SIZE];
};

void intake_rig_init(struct intake_rig *r);
void intake_rig_fini(struct intake_rig *r);

/* For cmocka: a rig as the state. */
int intake_rig_setup(void **state);
int intake_rig_teardown(void **state);
/* Of that state: one receiver, one agent's stream, open and empty. */
struct intake_rig *intake_rig_one_stream(void **state);

/* Take what intake wants done. */
void intake_rig_pump(struct intake_rig *r);
void intake_rig_say(
    struct intake_rig *r, uint64_t link, const struct ipc_msg *m);

/* A link that has introduced itself, replayed nothing, and may go on. */
void intake_rig_connect(struct intake_rig *r, uint64_t link, uint32_t slot);
void intake_rig_introduce(struct intake_rig *r, uint64_t link, uint32_t slot);
void intake_rig_replayed(struct intake_rig *r, uint64_t link);
void intake_rig_list(struct intake_rig *r, uint32_t receivers);

void intake_rig_open(
    struct intake_rig *r, uint64_t link, const struct intake_rig_stream *s);
/* The head after `seq` in the usual history. */
void intake_rig_head(uint64_t seq, uint8_t head[BATCH_HEAD_SIZE]);

/* A range of `count` from `first` on, in the usual history. */
struct ipc_range intake_rig_range(uint32_t sid, uint64_t first, uint32_t count);
void intake_rig_batch(struct intake_rig *r, uint64_t link, uint64_t number,
    const struct ipc_range *range, uint32_t n);
/* The same with one such range. */
void intake_rig_one(struct intake_rig *r, uint64_t link, uint64_t number,
    uint32_t sid, uint64_t first, uint32_t count);
void intake_rig_void(struct intake_rig *r, uint64_t link, uint64_t number);
void intake_rig_advance(struct intake_rig *r, uint64_t link, uint64_t number,
    uint32_t sid, uint64_t from, uint64_t to, uint8_t reason);
void intake_rig_chain_open(struct intake_rig *r, uint64_t link, uint32_t id,
    uint8_t incarnation, uint64_t next_rec);
void intake_rig_chained(struct intake_rig *r, uint64_t link, uint64_t number,
    uint32_t id, uint64_t first, uint32_t count);

/* The next n items, or all that there are (0), become durable. */
void intake_rig_commit(struct intake_rig *r, size_t n);

/* The next message but CREDIT; NULL if there is none. */
const struct ipc_msg *intake_rig_next(struct intake_rig *r);
/* It is of this type, or the test fails. */
const struct ipc_msg *intake_rig_expect(
    struct intake_rig *r, enum ipc_type type);
void intake_rig_silent(struct intake_rig *r);
/* The last CREDIT that was sent to the link; bytes. */
uint64_t intake_rig_credit(const struct intake_rig *r, uint64_t link);
/* The i-th verdict of a REFUSED. */
struct ipc_range_verdict intake_rig_verdict(const struct ipc_msg *m, size_t i);
/* Entries of this type among the items that wait. */
size_t intake_rig_entries(const struct intake_rig *r, enum entry_type type);

#endif
