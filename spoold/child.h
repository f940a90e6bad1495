/* SPDX-License-Identifier: Apache-2.0 */
/*
 * child - one role's process: started, talked to, watched, started again.
 *
 * The usual course: child_start forks and executes the role's program with a
 * channel as descriptor 3; HELLO, configuration, READY.  When the process ends
 * for whatever reason the supervisor is told, waits (backoff) and starts it
 * again.  A role that does not answer PING for half a minute is killed, and so
 * is one that does not come up within a minute; but not the keeper, whose start
 * may have a slow disk to read.
 */
#ifndef SPOOLD_CHILD_H
#define SPOOLD_CHILD_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "lib/base/buf.h"
#include "lib/codec/ipc.h"
#include "lib/link/chan.h"
#include "lib/loop/loop.h"
#include "spoold/backoff.h"

#define CHILD_NAME_SIZE 48
#define CHILD_SILENT_MS 30000u
#define CHILD_START_MS 60000u
#define CHILD_END_SIZE 80

enum child_state {
	CHILD_DOWN, /* waits for its next start */
	CHILD_STARTING, /* no READY yet */
	CHILD_READY,
	CHILD_LEAVING, /* told to stop */
};

struct child;

struct child_events {
	/* The back-off is over: child_start it, now or when that is right. */
	void (*on_due)(struct child *c, void *arg);
	/* HELLO came: send descriptors and links. */
	void (*on_hello)(struct child *c, void *arg);
	void (*on_ready)(struct child *c, void *arg);
	/* CONFIG_READY, or CONFIG_REFUSED with why. */
	void (*on_config)(struct child *c, uint32_t generation, bool ready,
	    struct bytes why, void *arg);
	void (*on_status)(struct child *c, struct bytes kv, void *arg);
	/* The process is gone; status as of waitpid. */
	void (*on_death)(struct child *c, int status, void *arg);
};

struct child {
	struct child *next;
	struct loop *loop;
	const struct child_events *events;
	void *arg;
	enum ipc_role role;
	uint32_t slot; /* of a receiver */
	char target[33]; /* of a forwarder */
	char name[CHILD_NAME_SIZE]; /* "receiver-0", "forwarder-siem" */
	char program[32]; /* "spoold-receiver" */
	enum child_state state;
	pid_t pid; /* 0: none */
	struct chan *chan;
	struct backoff backoff;
	struct loop_timer *restart;
	uint32_t restarts;
	char last_end[CHILD_END_SIZE]; /* "signal 9", "exit 1" */
	uint64_t heard_ms; /* last message */
	uint32_t silences; /* how often it was ended for not answering */
	struct buf kv; /* configuration in use, encoded */
	struct buf next_kv; /* prepared by a reload */
	uint32_t prepared; /* generation that it has said READY to */
	bool greeted; /* HELLO came: it can be linked */
	bool is_cut; /* its end of the channel is closed */
	bool wanted; /* false: goes for good */
};

int child_new(struct loop *loop, enum ipc_role role, uint32_t slot,
    const char *target, const struct child_events *events, void *arg,
    struct child **out);
void child_free(struct child *c);

/* Start the process; on failure it is tried again by the back-off. */
void child_start(struct child *c);

/* Send a message, with a descriptor (or -1). */
int child_send(struct child *c, const struct ipc_msg *m, int fd);

/* PREPARE `kv` as this generation. */
int child_prepare(struct child *c, uint32_t generation, struct bytes kv);
int child_switch(struct child *c, uint32_t generation);

/* STOP: finish within this time. */
void child_stop(struct child *c, uint32_t deadline_ms);
void child_kill(struct child *c);

/* SIGCHLD: see whether it has ended. */
void child_reap(struct child *c);

/* Once every few seconds: is it still there? */
void child_check(struct child *c);

/* Bytes of private memory that the process has now; 0 if unknown. */
uint64_t child_memory(const struct child *c);

/* Where the programs of the roles are. */
const char *child_program_dir(void);

#endif
