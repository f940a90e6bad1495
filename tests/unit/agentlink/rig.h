/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rig - an engine (or sender) and a spoolsim, joined by memory and a number
 * for the time, for tests.
 */
#ifndef TESTS_UNIT_AGENTLINK_RIG_H
#define TESTS_UNIT_AGENTLINK_RIG_H

#include "agentlink/agentlink_sender.h"
#include "tests/unit/agentlink/spoolsim.h"

struct rig {
	struct agentlink_settings settings;
	const char *outbox; /* directory or NULL */
	uint64_t outbox_max; /* 8 MiB */
	struct agentlink_sender *sender;
	struct agentlink_engine *engine;
	struct spoolsim *spool[2];
	struct spoolsim_conn conn;
	struct buf wire; /* on its way to the engine */
	bool is_connected;
	unsigned server; /* of the connection, or wanted */
	uint64_t now_ms;
	uint32_t next_record; /* number of the next one */
	uint32_t stream;
	/* what the events said */
	uint64_t acked, epochs, lost, notes, failures, connects;
	int last_code;
	char last_text[AGENTLINK_EVENT_TEXT_SIZE];
	uint64_t last_retry_ms;
	uint8_t *stored;
};

void rig_init(struct rig *r, const char *outbox, unsigned servers);
void rig_fini(struct rig *r);
/* Open the sender (again), with stream "s". */
void rig_open(struct rig *r);
/* Drop the sender as a kill would. */
void rig_kill(struct rig *r);
void rig_add(struct rig *r, unsigned records);
/* Add one batch of this many records, and commit. */
void rig_batch(struct rig *r, unsigned records);
/* Carry at most `most` bytes each way; false: nothing moved. */
bool rig_carry(struct rig *r, size_t most, bool with_acks);
/* Take the events; connects when it is asked to. */
void rig_events(struct rig *r);
void rig_disconnect(struct rig *r);
/* Until all is acknowledged, or nothing changes for an hour. */
void rig_settle(struct rig *r);
struct agentlink_time rig_now(const struct rig *r);
/* Records below `upto` that are not stored exactly once. */
uint32_t rig_wrong(const struct rig *r, uint32_t upto);

#endif
