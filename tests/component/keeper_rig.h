/* SPDX-License-Identifier: Apache-2.0 */
/*
 * keeper_rig - the real spoold-keeper in a process of its own, between a
 * supervisor, receivers and forwarders that are played by the test.
 *
 * Everything is blocking with a deadline, and a failure ends the test.
 */
#ifndef TESTS_COMPONENT_KEEPER_RIG_H
#define TESTS_COMPONENT_KEEPER_RIG_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/un.h>

#include <jansson.h>

#include "lib/base/buf.h"
#include "lib/codec/ipc.h"
#include "lib/codec/ivset.h"

#define KEEPER_RIG_WAIT_MS 20000
#define KEEPER_RIG_MIB (1u << 20)
#define KEEPER_RIG_SMALL 64 /* bytes of a batch whose size does not matter */

struct keeper_rig {
	char dir[128]; /* holds spool/ and run/ */
	struct sockaddr_un address; /* of the control socket */
	const char *targets[8]; /* names; NULL ends; protocol is "file" */
	bool oldest; /* a new target gets all that is held */
	const char *viewers; /* a group of control.viewers, or NULL */
	const char *failpoint; /* SPOOLD_FAILPOINT of the next start, or NULL */
	uint64_t quota; /* 0: 1 GiB */
	pid_t pid;
	int supervisor; /* our end of its channel */
	int control; /* the listening control socket */
	uint32_t generation;
};

/* One end of a link, with what was received last. */
struct keeper_peer {
	int fd;
	struct buf in;
	struct ipc_msg msg; /* borrowed from `in` */
};

void keeper_rig_init(struct keeper_rig *r);
/* Kill it if it runs, and remove the directory. */
void keeper_rig_fini(struct keeper_rig *r);
/* For cmocka: a rig as the state, with one target, "archive". */
int keeper_rig_setup(void **state);
int keeper_rig_teardown(void **state);

/* Start and bring it to READY; slots 0 to receivers - 1 are listed. */
void keeper_rig_start(struct keeper_rig *r, uint32_t receivers);
void keeper_rig_list(struct keeper_rig *r, uint32_t receivers);
/* Send the configuration again, as a reload does. */
void keeper_rig_reload(struct keeper_rig *r);
void keeper_rig_kill(struct keeper_rig *r); /* -9 */
/* STOP; returns the exit status. */
int keeper_rig_stop(struct keeper_rig *r);
/* Wait for its end, by a fail point; true if by SIGKILL. */
bool keeper_rig_died(struct keeper_rig *r);

/*
 * Flip a bit of the batch that ends the agent's stream at `seq`, in whatever
 * segment it is; the keeper must not run.
 */
void keeper_rig_damage(struct keeper_rig *r, uint64_t seq);

/* Links that it is given. */
void keeper_rig_receiver(
    struct keeper_rig *r, uint32_t slot, struct keeper_peer *p);
void keeper_rig_forwarder(
    struct keeper_rig *r, const char *target, struct keeper_peer *p);
void keeper_rig_worker(struct keeper_rig *r, struct keeper_peer *p);

void keeper_peer_close(struct keeper_peer *p);
void keeper_peer_send(struct keeper_peer *p, const struct ipc_msg *m);
/* The next message; false at the end of the link. */
bool keeper_peer_next(struct keeper_peer *p);
/* The next message of this type; others but CREDIT and SPOOL fail the test. */
void keeper_peer_expect(struct keeper_peer *p, enum ipc_type type);
/* Nothing but CREDIT and SPOOL comes within wait_ms. */
void keeper_peer_silent(struct keeper_peer *p, unsigned wait_ms);

/* A receiver's and an agent's part. */
struct keeper_agent {
	struct uuid origin, epoch;
	char name[32];
	uint32_t sid;
	uint64_t seq; /* last sent */
	uint8_t head[BATCH_HEAD_SIZE];
};

/* A receiver of slot 0 with one agent whose stream is open. */
void keeper_rig_agent(struct keeper_rig *r, struct keeper_peer *p,
    struct keeper_agent *a, uint8_t seed);
/* Its batches from 1 on, each of ten records and so many bytes; committed. */
void keeper_rig_fill(struct keeper_peer *p, struct keeper_agent *a,
    uint64_t batches, uint32_t bytes);
/* Start a keeper, and let one agent store so many small batches and go. */
void keeper_rig_start_with(struct keeper_rig *r, uint64_t batches);
/* A forwarder of this target, with a large window. */
void keeper_rig_connect(
    struct keeper_rig *r, const char *target, struct keeper_peer *p);
/* The same, and so many batches have come. */
void keeper_rig_take(struct keeper_rig *r, const char *target,
    struct keeper_peer *p, uint64_t batches);

void keeper_agent_init(struct keeper_agent *a, uint32_t sid, const char *name);
/* RECEIVER with an epoch made of `seed`. */
void keeper_peer_introduce(struct keeper_peer *p, uint32_t slot, uint8_t seed);
void keeper_peer_replayed(struct keeper_peer *p);
void keeper_peer_open(struct keeper_peer *p, const struct keeper_agent *a);
/* Wait for STREAM_STATE and follow it. */
void keeper_peer_opened(struct keeper_peer *p, struct keeper_agent *a);
/* The agent's next `count` records as batch `number`; moves the agent on. */
void keeper_peer_batch(struct keeper_peer *p, uint64_t number,
    struct keeper_agent *a, uint32_t count);
/* The same with a payload of this many bytes, at least 64. */
void keeper_peer_large(struct keeper_peer *p, uint64_t number,
    struct keeper_agent *a, uint32_t count, uint32_t bytes);
/* Until COMMITTED of at least this number. */
void keeper_peer_committed(struct keeper_peer *p, uint64_t number);

/* A forwarder's part: TARGET, TARGET_STATE; WORK with a large window. */
void keeper_peer_target(struct keeper_peer *p, const char *name);
void keeper_peer_work(struct keeper_peer *p, uint64_t bytes, uint32_t batches);
/* Skip STREAM_DEF and HOLE, wait for STORED. */
void keeper_peer_stored(struct keeper_peer *p);
void keeper_peer_settle(
    struct keeper_peer *p, uint64_t from, uint64_t to, enum entry_term term);
/* The far side lacks both; they may be the same. */
void keeper_peer_lost(struct keeper_peer *p, struct iv a, struct iv b);

/* A connection to the control socket; the caller closes it. */
int keeper_rig_call(struct keeper_rig *r);
/* Ask the control socket; the whole answer, the caller owns it. */
json_t *keeper_rig_ask(struct keeper_rig *r, const char *verb, json_t *args);
/* A number in a target's row of status. */
int64_t keeper_rig_target(
    struct keeper_rig *r, const char *target, const char *key);
/* Wait until it has this value. */
void keeper_rig_wait_target(
    struct keeper_rig *r, const char *target, const char *key, int64_t value);
/* The result of a verb, or the test fails; the caller owns it. */
json_t *keeper_rig_result(struct keeper_rig *r, const char *verb, json_t *args);
/* The code of the error that a verb ends in. */
void keeper_rig_refused(
    struct keeper_rig *r, const char *verb, json_t *args, const char *code);
/* A number in the spool's part of status. */
int64_t keeper_rig_spool(struct keeper_rig *r, const char *key);
/* Wait until it is no more than this. */
void keeper_rig_wait_spool(
    struct keeper_rig *r, const char *key, int64_t at_most);
/* `prove` says that everything holds. */
void keeper_rig_prove(struct keeper_rig *r);

#endif
