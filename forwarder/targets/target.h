/* SPDX-License-Identifier: Apache-2.0 */
/*
 * target - the contract between the pump and one target's protocol.
 *
 * A forwarder process serves one target.  The pump (forwarder/pump.h) gets
 * batches from the keeper and holds them until they are settled; a target
 * speaks a protocol.  Adding a target is one file with a struct target_class
 * and one row in targets.def.
 *
 * What the pump promises
 *   - `prepare` may be called at any time, also when there is no target yet
 *     and with a configuration that is then not used.
 *   - `state` comes before the first `start`, whenever the keeper was connected
 *     anew, and when its view changed otherwise (an answer, a name).  It
 *     carries the opaque position that the keeper holds.  The pump has called
 *     `reset`, and everything that was sent before is forgotten: the keeper
 *     hands out again what it does not know as settled.
 *   - `start` is called when the target may try to come up: at the beginning,
 *     after a failure when the back-off is over, and after `configure`.  There
 *     is no last try.  It is not called while the target is paused.
 *   - Between target_host_up and the next `reset`, `send` is called with
 *     batches in record order, each once; target_host_up may call it at once.
 *     After a failure every batch that is not wholly settled is sent again,
 *     in order, after the next up.  A batch comes whole, also if a part of it
 *     is settled already.  A paused target gets no batch, but stays up.
 *   - `idle` follows when there is nothing more to send at the moment.
 *   - A batch, and the streams its ranges speak of, stay valid until all of
 *     its records are settled, or until `reset`.
 *   - `reset` comes before every `start`, before `close`, and
 *     within target_host_fail: a target that has failed touches nothing of
 *     its connection any more and returns.
 *   - `durable` is called when the keeper has made an opaque position durable,
 *     in the order in which they were given; some may be passed over.
 *
 * What a target promises
 *   - It never gives up, never blocks, and does not sleep.
 *   - It settles every record of every batch that it took (target_host_settle),
 *     in any order and in parts of batches, each once:
 *       delivered     only when the far side has taken responsibility, or as
 *                     the protocol's document says;
 *       unconfirmed   when the protocol cannot tell;
 *       filtered      at once, what its stream's `wanted` says it must not
 *                     send (a target that passes batches on as they are
 *                     refuses the setting in `prepare`).
 *     It neither sends nor settles what target_host_is_settled knows.
 *   - It tells every failure once (target_host_fail) with one verdict: RETRY
 *     (transient: back off and come again, Retry-After is honoured), HOLD (an
 *     operator must act: everything is kept, an alarm is shown, it is tried
 *     slowly) or REJECT (this record can never be taken: until there are dead
 *     letters it behaves as HOLD).  What it cannot unpack it tells by
 *     target_host_unreadable instead.
 *   - `send` may say ERR_AGAIN (not now) and takes nothing then; it calls
 *     target_host_more later, or has failed, or was refused by
 *     target_host_pace, which calls it by itself.
 *   - Its memory has a bound: what it has taken and not settled is at most the
 *     window, and what it keeps besides it limits itself.
 *   - It judges certificates by target_host_floor, makes connections with
 *     call.h, and walks records with render.h.
 *
 * One thread, the loop's.  Nothing here opens files by path after READY.
 */
#ifndef FORWARDER_TARGETS_TARGET_H
#define FORWARDER_TARGETS_TARGET_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/base/bytes.h"
#include "lib/base/clock.h"
#include "lib/codec/entry.h"
#include "lib/codec/ipc.h"
#include "lib/codec/ivset.h"
#include "lib/codec/kv.h"
#include "lib/link/address.h"
#include "lib/loop/loop.h"
#include "lib/sandbox/sandbox.h"

struct target; /* defined by each target */
struct target_host; /* the pump's side; opaque */

/* The four outcomes of an attempt (DESIGN.md 8). */
enum target_verdict {
	TARGET_OK,
	TARGET_RETRY,
	TARGET_HOLD,
	TARGET_REJECT,
};

/* A stream that ranges speak of; valid as long as the keeper's link is. */
struct target_stream {
	uint32_t id; /* as ranges name it */
	struct uuid origin, epoch;
	struct bytes name, listener, peer, identity;
	struct bytes path; /* uuids of the spools it came through */
	uint8_t id_prefix[12]; /* of its records' ids */
	bool wanted; /* by the target's `streams` setting */
};

struct target_batch {
	uint64_t first_rec;
	uint32_t records, raw_len;
	uint8_t codec, lane;
	int64_t received_first_ns, received_last_ns;
	int64_t event_min_ns, event_max_ns;
	uint8_t content_digest[BATCH_DIGEST_SIZE];
	struct bytes ranges; /* batch ranges; stream = target_stream.id */
	struct bytes payload; /* packed columns */
};

struct target_class {
	const char *protocol; /* as in spoold.yaml */
	enum sandbox_role sandbox;

	/* What the keeper may send ahead; 0: 8 MiB, 64 batches. */
	size_t window_bytes;
	uint32_t window_batches;

	/* Check a configuration; 0, or an error and a sentence. */
	int (*prepare)(const struct kv *kv, char *why, size_t why_size);

	/*
	 * Make the target from a configuration that `prepare` has accepted;
	 * dir_fd is a file target's directory, else -1.
	 */
	int (*open)(struct target_host *host, const struct kv *kv, int dir_fd,
	    struct target **out);
	void (*close)(struct target *t);

	/*
	 * Use a new configuration from now on; reset and start follow.  An
	 * error ends the process: `prepare` has accepted it.
	 */
	int (*configure)(struct target *t, const struct kv *kv);

	/*
	 * The keeper's view, before anything is sent; may be NULL.  An error
	 * puts the target on HOLD.
	 */
	int (*state)(struct target *t, const struct ipc_target_state *state);

	/* Come up: connect, or open files. */
	void (*start)(struct target *t);

	/* Drop the connection and everything in flight, silently. */
	void (*reset)(struct target *t);

	/* Take a batch: 0, or ERR_AGAIN. */
	int (*send)(struct target *t, const struct target_batch *batch);

	/*
	 * Nothing more to send at the moment: finish what is buffered; may be
	 * NULL.
	 */
	void (*idle)(struct target *t);

	/* An opaque position is durable at the keeper; may be NULL. */
	void (*durable)(
	    struct target *t, const uint8_t opaque[static ENTRY_OPAQUE_SIZE]);

	/* Answers of the keeper to target_host_query; may be NULL. */
	void (*digest)(struct target *t, const struct ipc_digest *digest);

	/*
	 * Numbers [from, to) hold no records (a chain says SKIP); may be NULL.
	 * They are settled already.  An error ends the keeper's link.
	 */
	int (*hole)(
	    struct target *t, uint64_t from, uint64_t to, uint8_t reason);
};

/* ---- what a target may ask of its host --------------------------------- */

struct loop *target_host_loop(struct target_host *h);
const char *target_host_name(const struct target_host *h);
/* What time it is at least: certificates are judged by it (RULES.md 11). */
const struct clock_floor *target_host_floor(const struct target_host *h);

/* The stream of a range; NULL if the keeper never defined it. */
const struct target_stream *target_host_stream(
    struct target_host *h, uint32_t id);

/* It is up: batches may come. */
void target_host_up(struct target_host *h);

/* There is room again after ERR_AGAIN. */
void target_host_more(struct target_host *h);

/*
 * [from, to) are settled in this term.  opaque (64 bytes or NULL) is the new
 * position, to be made durable with them.
 */
void target_host_settle(struct target_host *h, enum entry_term term,
    uint64_t from, uint64_t to, const uint8_t *opaque);

/* Has this record been settled already (sent again after a failure)? */
bool target_host_is_settled(struct target_host *h, uint64_t rec);

/*
 * It went down: verdict, a stable code ("CONNECT_REFUSED"), a sentence, and
 * how long the far side asked to be left alone (0: the back-off decides).
 * The pump calls `reset`, waits, and then `start`.
 */
void target_host_fail(struct target_host *h, enum target_verdict verdict,
    const char *code, const char *text, uint32_t retry_after_ms);

/*
 * The batch that begins at first_rec cannot be unpacked here.  Instead of
 * target_host_fail, which it is with HOLD: the keeper has the batch checked,
 * and if it is broken it is quarantined and the target begins anew without it.
 */
void target_host_unreadable(
    struct target_host *h, uint64_t first_rec, const char *why);

/* Ask which batch ends with this record; answered through `digest`. */
void target_host_query(struct target_host *h, uint64_t last_rec);

/*
 * The child must take a new incarnation; answered through `state`.  Fail with
 * RETRY then: `start` does not come before the answer.
 */
void target_host_new_incarnation(struct target_host *h, const char *why);

/*
 * Records that the parent has lost are owed again: all of them in one call,
 * at most ENTRY_INTERVALS_MAX intervals.  The answer and what to do are those
 * of target_host_new_incarnation.
 */
void target_host_pending_again(struct target_host *h, const struct ivset *lost);

/*
 * Look up a name (an address is answered at once).  on_done gets up to n
 * addresses, or none and a sentence.  One look-up at a time; a new one
 * replaces the old.
 */
void target_host_resolve(struct target_host *h, struct bytes host,
    uint16_t port,
    void (*on_done)(
	const struct address *addresses, size_t n, const char *why, void *arg),
    void *arg);

/* Forget the look-up that goes on: its on_done does not come. */
void target_host_resolve_cancel(struct target_host *h);

/* When the own certificate ends, as tls_config_expires; for the status. */
void target_host_certificate(struct target_host *h, int64_t ends_s);

/*
 * May `bytes` be sent now under the bandwidth setting?  If not,
 * target_host_more comes when they may.
 */
bool target_host_pace(struct target_host *h, size_t bytes);

#endif
