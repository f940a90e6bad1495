/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ipc - the messages between spoold's own processes, version 1.
 *
 * They travel in frames of lib/link/chan (u32 length, u16 type, u16 flags)
 * over AF_UNIX stream sockets, big-endian.  A neighbour that was broken into
 * is hostile input: every decoder checks everything.  The bytes are specified
 * in doc/protocol-ipc.md.
 *
 * Who talks to whom:
 *   supervisor <-> every role     HELLO CONFIG* LINK FD READY STOP PING STATUS
 *   receiver   <-> keeper         RECEIVER STREAM* BATCH ADVANCE ... COMMITTED
 *   forwarder  <-> keeper         TARGET* WORK STORED VERDICTS DURABLE ...
 *   forwarder  <-> resolver       RESOLVE ADDRESSES
 *   keeper     <-> worker         INSPECT INSPECTED
 */
#ifndef LIB_CODEC_IPC_H
#define LIB_CODEC_IPC_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/base/buf.h"
#include "lib/base/bytes.h"
#include "lib/base/uuid.h"
#include "lib/codec/batch.h"
#include "lib/codec/entry.h"

#define IPC_VERSION 1
#define IPC_MESSAGE_MAX (4u * 1024 * 1024 + 64 * 1024)
#define IPC_TEXT_MAX 4096
#define IPC_RANGES_MAX BATCH_RANGE_COUNT_MAX
#define IPC_ADDRESSES_MAX 16
#define IPC_RECEIVERS_MAX 64
#define IPC_HOST_MAX 64
#define IPC_INSPECT_TEXT_MAX 128

#define IPC_TYPE_LIST(X)                                                  \
	/* supervisor and roles */                                        \
	X(HELLO, 1) /* role -> supervisor, first */                       \
	X(CONFIG_PREPARE, 2) /* generation, kv */                         \
	X(CONFIG_READY, 3) /* role: could switch to it */                 \
	X(CONFIG_REFUSED, 4) /* role: why not */                          \
	X(CONFIG_SWITCH, 5) /* do it */                                   \
	X(LINK, 6) /* + descriptor: socket to another role */             \
	X(FD, 7) /* + descriptor: listener, directory ... */              \
	X(READY, 8) /* role: sandboxed and at work */                     \
	X(STOP, 9) /* finish within deadline_ms and exit */               \
	X(PING, 10)                                                       \
	X(PONG, 11)                                                       \
	X(STATUS, 12) /* kv of counters and states */                     \
	X(RECEIVERS, 13) /* to keeper: slots that live */                 \
	/* receiver -> keeper */                                          \
	X(RECEIVER, 32) /* slot, receiver epoch: first message */         \
	X(STREAM_OPEN, 33)                                                \
	X(STREAM_CLOSE, 34)                                               \
	X(BATCH, 35)                                                      \
	X(ADVANCE, 36) /* numbered like a batch */                        \
	X(VOID, 37) /* this number will not come */                       \
	X(REPLAYED, 38) /* all that was unanswered is sent again */       \
	X(CHAIN_OPEN, 39)                                                 \
	X(SKIP, 40) /* numbered like a batch */                           \
	X(CHAIN_CLOSE, 41)                                                \
	X(REPORT, 42) /* counters; digest alarms */                       \
	X(CONNECTED, 43) /* somebody who has shown who he is */           \
	X(DISCONNECTED, 44)                                               \
	/* keeper -> receiver; see proof.h for the first three */         \
	X(STREAM_STATE, 48)                                               \
	X(COMMITTED, 49)                                                  \
	X(ALREADY, 50)                                                    \
	X(REFUSED, 51)                                                    \
	X(LATER, 52)                                                      \
	X(CHAIN_STATE, 53)                                                \
	X(CREDIT, 54) /* how much may be unanswered */                    \
	X(SPOOL, 55) /* first, in answer to RECEIVER: who the spool is */ \
	X(DISPLACED, 56) /* this connection has to go */                  \
	/* forwarder -> keeper */                                         \
	X(TARGET, 64) /* name, protocol: first message */                 \
	X(WORK, 65) /* window in bytes and batches */                     \
	X(VERDICTS, 66)                                                   \
	X(DIGEST_QUERY, 67)                                               \
	X(NEW_INCARNATION, 68)                                            \
	X(PENDING_AGAIN, 69)                                              \
	X(TARGET_STATUS, 70) /* state, last error, rate */                \
	X(UNREADABLE, 71) /* a batch that it cannot unpack */             \
	/* keeper -> forwarder */                                         \
	X(TARGET_STATE, 80) /* start rec, settled, opaque, incarnation */ \
	X(STREAM_DEF, 81)                                                 \
	X(STORED, 82) /* one batch of work */                             \
	X(DURABLE, 83) /* opaque position now durable */                  \
	X(DIGEST, 84)                                                     \
	X(CONTROL, 85) /* paused, resumed, retry now */                   \
	X(HOLE, 86) /* numbers that hold no records */                    \
	X(JUDGED, 87) /* a batch that was said to be unreadable */        \
	/* forwarder <-> resolver */                                      \
	X(RESOLVE, 96)                                                    \
	X(ADDRESSES, 97)                                                  \
	/* keeper <-> worker */                                           \
	X(INSPECT, 112) /* is this stored batch what it says? */          \
	X(INSPECTED, 113)

enum ipc_type {
#define X(name, value) IPC_##name = (value),
	IPC_TYPE_LIST(X)
#undef X
};

enum ipc_role {
	IPC_ROLE_SUPERVISOR = 0,
	IPC_ROLE_RECEIVER = 1,
	IPC_ROLE_KEEPER = 2,
	IPC_ROLE_FORWARDER = 3,
	IPC_ROLE_RESOLVER = 4,
	IPC_ROLE_INSPECTOR = 5,
	IPC_ROLE_WORKER = 6,
	IPC_ROLES,
};

const char *ipc_role_name(enum ipc_role role);

struct ipc_hello {
	uint8_t role;
	uint16_t version;
	struct bytes name; /* target or receiver slot, as text */
	struct bytes build; /* version of the package */
};

/* PREPARE, READY, REFUSED, SWITCH.  kv: lib/codec/kv; text: REFUSED only. */
struct ipc_config {
	uint32_t generation;
	struct bytes kv;
	struct bytes text;
};

/* With one descriptor.  A new LINK for the same peer replaces the old one. */
struct ipc_link {
	uint8_t role; /* of the peer at the other end */
	uint32_t slot; /* receiver slot; 0 else */
	struct bytes name; /* target name; empty else */
};

enum ipc_fd_kind {
	IPC_FD_LISTENER = 1, /* name: the listener's */
	IPC_FD_CONTROL = 2, /* the control socket, listening */
	IPC_FD_DIRECTORY = 3, /* a file target's directory */
	IPC_FD_SPOOL = 4, /* the spool directory */
	IPC_FD_RUN = 5, /* the run directory */
	IPC_FD_BLAME = 6, /* keeper: shared memory page, RULES.md 3 */
};

struct ipc_fd {
	uint8_t kind;
	struct bytes name;
};

struct ipc_stop {
	uint32_t deadline_ms;
};

struct ipc_kv { /* STATUS, REPORT, TARGET_STATUS */
	struct bytes kv;
};

struct ipc_receivers {
	uint32_t n;
	struct bytes slots; /* be32 each */
};

/* ---- receiver and keeper ------------------------------------------------ */

struct ipc_receiver {
	uint32_t slot;
	struct uuid epoch; /* random, of this receiver process */
};

/*
 * sid is the receiver's number for (connection, stream) on this link; answered
 * by STREAM_STATE when nothing of that stream is queued.
 */
struct ipc_stream_open {
	uint32_t sid;
	struct entry_stream_key key;
	struct bytes listener, peer, identity;
	struct bytes
	    path; /* chained: uuids of the spools on the way, 16 each */
	uint64_t next_seq, acked;
	uint8_t head[BATCH_HEAD_SIZE];
};

struct ipc_stream_state {
	uint32_t sid;
	uint16_t code; /* enum agentlink_code */
	bool is_new;
	uint64_t last;
	uint8_t head[BATCH_HEAD_SIZE];
};

struct ipc_stream_close {
	uint32_t sid;
	bool final; /* the agent says that nothing will follow, ever */
};

/* One range of a BATCH.  For a chain batch sid is the CHAIN's stream's. */
struct ipc_range {
	uint32_t sid;
	uint64_t first_seq;
	uint32_t count;
	uint32_t flags; /* enum batch_range_flag */
	uint32_t severities;
	uint8_t prev_head[BATCH_HEAD_SIZE];
	uint8_t head[BATCH_HEAD_SIZE]; /* after it */
	struct bytes path;
};

/*
 * Chain batches: chain_id is not 0, and the ranges speak of streams that were
 * opened with STREAM_OPEN under flag CHAINED sids (never judged, only stored).
 */
struct ipc_batch {
	uint64_t number;
	uint8_t lane, codec;
	uint32_t records, raw_len;
	int64_t received_first_ns, received_last_ns;
	int64_t event_min_ns, event_max_ns;
	uint8_t content_digest[BATCH_DIGEST_SIZE];
	uint32_t chain_id; /* 0: direct agents */
	uint64_t chain_first_rec;
	uint32_t n;
	struct bytes ranges; /* encoded; ipc_range_next */
	struct bytes payload;
};

int ipc_range_next(struct cursor *c, struct ipc_range *out);
void ipc_range_encode(struct buf *b, const struct ipc_range *in);

/* Everything of BATCH up to the payload; send the payload behind it. */
void ipc_batch_encode_head(struct buf *b, const struct ipc_batch *m);

struct ipc_advance {
	uint64_t number;
	uint32_t sid;
	uint64_t from, to;
	uint8_t reason;
	struct uuid spool;
	uint8_t head[BATCH_HEAD_SIZE];
};

struct ipc_void {
	uint64_t number;
};

/*
 * chain_id is the receiver's number for this connection on this link.  A
 * chain's streams are defined by STREAM_OPEN with `chained` sids: see
 * IPC_SID_CHAINED.
 */
struct ipc_chain_open {
	uint32_t chain_id;
	struct uuid child;
	struct uuid incarnation;
	uint64_t next_rec, start_rec;
	struct bytes listener, peer;
};

/* A sid with this bit defines a chained stream: stored, never judged, no
 * answer; `identity` may hold the original agent's, `path` the spools. */
#define IPC_SID_CHAINED 0x80000000u
#define IPC_SIDS_MAX 131072u /* open on one link */
#define IPC_CHAINS_MAX 4096u

struct ipc_chain_state {
	uint32_t chain_id;
	uint16_t code;
	uint32_t n;
	struct bytes intervals; /* as in entry_child_state */
};

struct ipc_chain_close {
	uint32_t chain_id;
};

struct ipc_skip {
	uint64_t number;
	uint32_t chain_id;
	uint64_t from, count;
	uint8_t reason;
};

/*
 * COMMITTED: every number up to `number` is durable or void.
 * ALREADY: this number was durable before; it settles this number only.
 * LATER: nothing was taken; send this number again when credit comes.
 */
struct ipc_number {
	uint64_t number;
};

struct ipc_range_verdict {
	uint16_t
	    code; /* OK: new; PARTIAL or OK with `durable`; GAP; FORK ... */
	bool durable; /* wholly stored before */
	uint64_t last; /* durable seq of that stream now */
	uint8_t head[BATCH_HEAD_SIZE];
};

struct ipc_refused {
	uint64_t number;
	uint32_t n; /* as many as the batch had ranges */
	struct bytes verdicts; /* encoded; ipc_range_verdict_next */
};

int ipc_range_verdict_next(struct cursor *c, struct ipc_range_verdict *out);
void ipc_range_verdict_encode(
    struct buf *b, const struct ipc_range_verdict *in);

/* The answer to RECEIVER: what HELLO_OK tells agents. */
struct ipc_spool {
	struct uuid spool, incarnation;
	int64_t floor_ns; /* it is at least this time (clock_judge_ns) */
};

/* A connection that has said HELLO. */
struct ipc_connected {
	uint64_t connection; /* the receiver's number for it, never 0 */
	bool is_spool;
	struct uuid id; /* of its certificate */
	uint64_t since_us; /* CLOCK_MONOTONIC, one clock for all receivers */
	struct bytes listener;
	struct bytes host; /* its address, without a port */
};

struct ipc_disconnected {
	uint64_t connection;
};

struct ipc_displaced {
	uint64_t connection;
	uint16_t code; /* agentlink's: TAKEN_OVER, LIMIT */
};

struct ipc_credit {
	uint64_t bytes; /* payload that may be unanswered on this link */
	uint32_t batches;
};

/* ---- forwarder and keeper ------------------------------------------------ */

struct ipc_target {
	struct bytes name, protocol;
};

struct ipc_work { /* may be unanswered by verdicts, in all */
	uint64_t bytes;
	uint32_t batches;
};

struct ipc_verdicts {
	uint8_t opaque[ENTRY_OPAQUE_SIZE];
	bool has_opaque;
	uint32_t n;
	struct bytes settled; /* entry_settled, encoded */
};

struct ipc_target_state {
	struct uuid spool, incarnation;
	uint64_t start_rec, next_rec;
	bool paused;
	int64_t floor_ns; /* as in SPOOL */
	uint8_t opaque[ENTRY_OPAQUE_SIZE];
	struct bytes settled; /* ivset, encoded */
};

struct ipc_stream_def {
	uint32_t id; /* of this link, never 0 */
	struct uuid origin, epoch;
	struct bytes name, listener, peer, identity, path;
};

/* A stored batch; range streams are ids of STREAM_DEFs sent before. */
struct ipc_stored {
	uint64_t first_rec;
	uint32_t records, raw_len;
	uint8_t codec, lane;
	int64_t received_first_ns, received_last_ns;
	int64_t event_min_ns, event_max_ns;
	uint8_t content_digest[BATCH_DIGEST_SIZE];
	struct bytes ranges; /* batch ranges, re-encoded */
	struct bytes payload; /* still packed, decrypted */
};

void ipc_stored_encode_head(struct buf *b, const struct ipc_stored *m);

struct ipc_durable {
	uint8_t opaque[ENTRY_OPAQUE_SIZE];
};

struct ipc_digest { /* QUERY: last_rec; DIGEST: the batch ending there */
	uint64_t last_rec; /* number of the last record in the batch */
	bool found;
	uint64_t first_rec;
	uint8_t digest[BATCH_DIGEST_SIZE];
};

struct ipc_incarnation { /* NEW_INCARNATION: why; the answer: TARGET_STATE */
	struct bytes why;
};

/*
 * All that the far side lacks, in one message: it is owed again as one, and
 * answered by one TARGET_STATE.
 */
struct ipc_pending_again {
	struct bytes lost; /* ivset, encoded; not empty */
};

struct ipc_interval { /* HOLE */
	uint64_t from, to;
	uint8_t reason;
	uint64_t count;
};

/* Not believed: the worker is asked. */
struct ipc_unreadable {
	uint64_t from, to; /* of the batch */
	struct bytes why;
};

/* It stays owed, and why; what is broken is told by HOLE and TARGET_STATE. */
struct ipc_judged {
	uint64_t from, to; /* as in UNREADABLE */
	uint8_t code; /* IPC_INSPECT_HOLDS or IPC_INSPECT_CANNOT_TELL */
};

enum ipc_control_what {
	IPC_CONTROL_PAUSE = 1,
	IPC_CONTROL_RESUME = 2,
	IPC_CONTROL_RETRY = 3, /* forget the back-off, try at once */
};

struct ipc_control {
	uint8_t what;
};

/* ---- resolver ------------------------------------------------------------ */

struct ipc_resolve {
	uint32_t id;
	struct bytes host; /* name or address */
	uint16_t port;
};

struct ipc_addresses {
	uint32_t id;
	uint16_t code; /* 0 or 1 (not found), 2 (try again) */
	uint32_t n;
	struct bytes addresses; /* each: u8 family 4|6, u16 port, 4|16 bytes */
	struct bytes text;
};

/* ---- worker -------------------------------------------------------------- */

/* A stored batch, decrypted and still packed, and what its header says. */
struct ipc_inspect {
	uint64_t id; /* the keeper's, comes back */
	uint8_t codec;
	uint32_t records, raw_len;
	uint32_t stored_len; /* bytes of the payload */
	uint8_t content_digest[BATCH_DIGEST_SIZE];
	struct bytes ranges; /* batch ranges, as stored */
	struct bytes payload;
};

void ipc_inspect_encode_head(struct buf *b, const struct ipc_inspect *m);

enum ipc_inspect_code {
	IPC_INSPECT_HOLDS = 0,
	IPC_INSPECT_BROKEN = 1,
	IPC_INSPECT_CANNOT_TELL = 2, /* no memory */
};

/* In the order in which they were asked. */
struct ipc_inspected {
	uint64_t id;
	uint8_t code;
	struct bytes text; /* why it does not hold; else empty */
};

struct ipc_msg {
	uint16_t type;
	union {
		struct ipc_hello hello;
		struct ipc_config config;
		struct ipc_link link;
		struct ipc_fd fd;
		struct ipc_stop stop;
		struct ipc_kv kv;
		struct ipc_receivers receivers;
		struct ipc_receiver receiver;
		struct ipc_stream_open stream_open;
		struct ipc_stream_state stream_state;
		struct ipc_stream_close stream_close;
		struct ipc_batch batch;
		struct ipc_advance advance;
		struct ipc_void void_;
		struct ipc_chain_open chain_open;
		struct ipc_chain_state chain_state;
		struct ipc_chain_close chain_close;
		struct ipc_skip skip;
		struct ipc_number number; /* COMMITTED ALREADY LATER */
		struct ipc_refused refused;
		struct ipc_credit credit;
		struct ipc_spool spool;
		struct ipc_connected connected;
		struct ipc_disconnected disconnected;
		struct ipc_displaced displaced;
		struct ipc_target target;
		struct ipc_work work;
		struct ipc_verdicts verdicts;
		struct ipc_target_state target_state;
		struct ipc_stream_def stream_def;
		struct ipc_stored stored;
		struct ipc_durable durable;
		struct ipc_digest digest;
		struct ipc_incarnation incarnation;
		struct ipc_pending_again pending_again;
		struct ipc_interval interval;
		struct ipc_unreadable unreadable;
		struct ipc_judged judged;
		struct ipc_control control;
		struct ipc_resolve resolve;
		struct ipc_addresses addresses;
		struct ipc_inspect inspect;
		struct ipc_inspected inspected;
	} u;
};

/*
 * Decode the payload of a frame of `type`; everything borrowed from it.
 * ERR_FORMAT; ERR_UNSUPPORTED for an unknown type (the link is then closed:
 * both ends are of one build).
 */
int ipc_decode(uint16_t type, struct bytes payload, struct ipc_msg *m);

/*
 * Append the payload (no frame header) of m to b.  b->err ERR_INVAL for an
 * unknown type, or a string that is longer than the other end would take.
 */
void ipc_encode(struct buf *b, const struct ipc_msg *m);

const char *ipc_type_name(uint16_t type);

#endif
