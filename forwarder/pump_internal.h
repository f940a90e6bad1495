/* SPDX-License-Identifier: Apache-2.0 */
/* pump_internal - what pump.c, pump_keeper.c and pump_host.c share. */
#ifndef FORWARDER_PUMP_INTERNAL_H
#define FORWARDER_PUMP_INTERNAL_H

#include "forwarder/backoff.h"
#include "forwarder/pace.h"
#include "forwarder/pump.h"
#include "lib/base/buf.h"
#include "lib/codec/ivset.h"
#include "lib/digest/digest.h"
#include "lib/link/chan.h"

#define PUMP_STREAM_BUCKETS 1024u
#define PUMP_PATTERNS_MAX 64
#define PUMP_TEXT 256
/* Of verdicts in one message; no group of a file target has more. */
#define PUMP_VERDICTS_MAX ((size_t)900 << 10)
#define PUMP_INTERVALS_MAX ENTRY_INTERVALS_MAX

struct pump_batch {
	struct pump_batch *next;
	struct target_batch batch;
	uint8_t *mem; /* ranges and payload */
	size_t cost; /* bytes of the window */
	uint64_t left; /* records not settled */
	bool sent; /* to the target, since it came up */
};

struct pump_stream {
	struct pump_stream *next;
	struct target_stream stream;
	uint8_t *mem;
};

struct pump_resolve {
	uint32_t id;
	bool active;
	void (*on_done)(const struct address *addresses, size_t n,
	    const char *why, void *arg);
	void *arg;
};

/* The pump is the target's host. */
struct target_host {
	struct loop *loop;
	const struct target_class *class;
	struct target *target;
	char name[33];
	char protocol[33];
	struct chan *keeper;
	struct chan *resolver;
	struct loop_timer *retry, *more, *tick;
	struct loop_timer *soon; /* verdicts go, batches are freed */
	struct backoff backoff;
	struct pace pace;
	struct digest_sha256 *sha;
	bool has_state; /* TARGET_STATE came on this link */
	bool asks; /* for another one, and does not begin before */
	bool is_open; /* the whole window was asked for */
	bool started, up, blocked, paused;
	bool dead; /* freed in this turn: touch nothing */
	struct pump_batch *first, *last;
	size_t window_used;
	unsigned window_n;
	struct ivset settled; /* of what is in hand */
	struct clock_floor floor; /* what time it is at least */
	struct ivset before; /* what the keeper had as settled */
	struct pump_stream *streams[PUMP_STREAM_BUCKETS];
	char *patterns[PUMP_PATTERNS_MAX];
	size_t n_patterns;
	struct pump_resolve resolve;
	uint8_t settings[DIGEST_SIZE]; /* of the configuration in use */
	/* for the next VERDICTS */
	struct buf verdicts;
	uint32_t n_verdicts;
	struct entry_settled last_verdict;
	bool has_opaque;
	uint8_t opaque[ENTRY_OPAQUE_SIZE];
	/* for TARGET_STATUS */
	enum target_verdict verdict;
	char error_code[48];
	char error_text[PUMP_TEXT];
	int64_t error_ns, success_ns;
	uint64_t certificate_ends; /* 0: none */
	uint64_t settled_records;
	uint64_t attempts;
	bool status_changed;
};

struct pump {
	struct target_host host;
};

/* Send what can be sent. */
void pump_run(struct target_host *h);

/* Everything in hand is owed again by the keeper: forget it. */
void pump_forget(struct target_host *h);

/* Start the target now, unless it must not. */
void pump_start(struct target_host *h);

/* An error means that no memory is left: the process ends, and starts anew. */
void pump_send_msg(struct target_host *h, const struct ipc_msg *m);
void pump_must(int rc, const char *what);

/* Flush verdicts and free what is settled, in the next turn. */
void pump_soon(struct target_host *h);
void pump_flush_verdicts(struct target_host *h);

/* pump_keeper.c: a message of the keeper's; an error breaks the link. */
int pump_on_keeper(struct target_host *h, uint16_t type, struct bytes payload);
void pump_forget_streams(struct target_host *h);
void pump_ask(struct target_host *h);

/* pump_host.c */
void pump_on_judged(struct target_host *h, const struct ipc_judged *j);
void pump_on_addresses(struct target_host *h, const struct ipc_addresses *a);

/* pump_settings.c */
int pump_settings_take(struct target_host *h, const struct kv *kv);
void pump_settings_free(struct target_host *h);
bool pump_settings_wants(const struct target_host *h, struct bytes stream);
/* Of what is about the target itself, not about logging. */
void pump_settings_digest(struct target_host *h, const struct kv *kv,
    uint8_t out[static DIGEST_SIZE]);

#endif
