/* SPDX-License-Identifier: Apache-2.0 */
/*
 * agentlink - send records to a spool, and know when they are safe there.
 *
 * The engine is the agent's half of the protocol: it takes records as packed
 * batches, takes the bytes that came from the spool, hands out the bytes to be
 * sent, and says what has become durable.  It does no I/O and reads no clock,
 * so it fits any program; a batch never changes once it was given, and is
 * held until the spool has acknowledged it.  Around it are helpers, each of
 * use alone: the sealer makes batches from records, the outbox keeps batches
 * in a directory over a crash, the sender joins the three, and the client
 * does it all with blocking calls.  None of them prints anything.
 * An object belongs to one thread at a time.
 * The protocol is specified in doc/protocol-agentlink.md, the outbox's files
 * in doc/format-outbox.md.
 */
#ifndef AGENTLINK_H
#define AGENTLINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- results ------------------------------------------------------------ */

/* What functions return: 0, or a negative code; the usual ones are here. */
enum agentlink_result {
	AGENTLINK_RESULT_OK = 0,
	AGENTLINK_RESULT_NOMEM = -1,
	AGENTLINK_RESULT_INVAL = -2,
	AGENTLINK_RESULT_NOENT = -3,
	AGENTLINK_RESULT_LIMIT = -5, /* a record or a name is too long */
	AGENTLINK_RESULT_FULL = -6, /* held enough: wait for acknowledgements */
	AGENTLINK_RESULT_IO = -7,
	AGENTLINK_RESULT_FORMAT = -8,
	AGENTLINK_RESULT_CORRUPT = -10,
	AGENTLINK_RESULT_AUTH = -12, /* a certificate is refused */
	AGENTLINK_RESULT_AGAIN = -14,
	AGENTLINK_RESULT_CLOSED = -15,
	AGENTLINK_RESULT_TIMEOUT = -16,
	AGENTLINK_RESULT_BUSY = -17,
	AGENTLINK_RESULT_TLS = -18,
	AGENTLINK_RESULT_STATE = -23,
};

/* A sentence for a code.  Never NULL. */
const char *agentlink_result_text(int code);

/* ---- what is sent ------------------------------------------------------- */

#define AGENTLINK_BATCH_RECORD_MAX (1024u * 1024) /* bytes of a record */
#define AGENTLINK_BATCH_RECORDS_MAX 10000u
#define AGENTLINK_BATCH_NAME_MAX 255u /* bytes of a stream's name */
#define AGENTLINK_BATCH_PATH_MAX 4096u

/* A packed batch: what DATA carries.  The pointers are borrowed. */
struct agentlink_batch {
	uint32_t count; /* records, at least 1 */
	uint32_t raw_len; /* bytes of the columns unpacked */
	uint32_t bytes; /* of the records alone; for the counts */
	uint8_t codec; /* 0 raw, 1 zstd */
	uint8_t flags; /* AGENTLINK_BATCH_GAP_BEFORE ... */
	uint32_t severities; /* bit n: syslog severity n occurs; 0 unknown */
	int64_t event_min_ns, event_max_ns; /* 0 unknown */
	uint8_t digest[32]; /* of the records (doc/format-digest.md) */
	const char *path; /* file of the records; NULL none */
	const void *payload;
	size_t payload_len;
};

enum agentlink_batch_flag {
	AGENTLINK_BATCH_GAP_BEFORE = 0x04, /* records are known to be missing */
	AGENTLINK_BATCH_RESTART = 0x08, /* the source began again */
};

/* Both clocks, as the caller read them. */
struct agentlink_time {
	uint64_t mono_ms; /* never goes back */
	int64_t wall_ns; /* since 1970 UTC */
};

/* ---- engine ------------------------------------------------------------- */

struct agentlink_engine; /* opaque */

struct agentlink_settings {
	uint8_t agent[16]; /* UUID in the agent's certificate */
	const char *software, *host; /* copied; may be NULL */
	unsigned servers; /* how many there are, by preference; 0 means 1 */
	uint32_t backoff_max_ms; /* 0: 300,000 */
	uint64_t held_max; /* bytes of payload held in memory; 0: 64 MiB */
	uint32_t held_batches_max; /* 0: 65,536 */
	uint64_t keep_max; /* bytes kept after they were acknowledged, in
			      case the spool comes back without them */
	/*
	 * Batches added with agentlink_engine_add_stored: give the payload and
	 * path of one, valid until the next call.  AGENTLINK_RESULT_CORRUPT
	 * gives the batch up; other errors break the connection.
	 */
	int (*load)(void *arg, uint64_t ref, struct agentlink_batch *batch);
	/* Such a batch is not needed any more.  May be NULL. */
	void (*release)(void *arg, uint64_t ref);
	/* Random bytes; NULL: the library's own. */
	int (*random)(void *arg, void *ptr, size_t len);
	void *arg; /* of these three */
	uint8_t boot[16]; /* set by the engine: random, of this start */
};

int agentlink_engine_new(
    const struct agentlink_settings *settings, struct agentlink_engine **out);
void agentlink_engine_free(struct agentlink_engine *e);

/*
 * What the engine wants or tells.  Take all with agentlink_engine_next after
 * each call that takes the time; nothing is sent while one waits that must be
 * made durable first (EPOCH).
 */
enum agentlink_event_type {
	AGENTLINK_EVENT_CONNECT, /* connect to `server`; then on_connected */
	AGENTLINK_EVENT_CLOSE, /* send what is left, close the connection;
				  no on_disconnected is expected */
	AGENTLINK_EVENT_READY, /* `spool` has welcomed us */
	AGENTLINK_EVENT_ACKED, /* `to` and before are durable, new `records` */
	AGENTLINK_EVENT_EPOCH, /* numbering of the stream begins again with
				  `epoch`; what is held was renumbered */
	AGENTLINK_EVENT_LOST, /* `from`..`to` will not be delivered; `text` */
	AGENTLINK_EVENT_NOTE, /* something a person may want to know */
	AGENTLINK_EVENT_FAILED, /* this connection failed: `code`, `text` */
};

#define AGENTLINK_EVENT_TEXT_SIZE 200

struct agentlink_event {
	enum agentlink_event_type type;
	unsigned server;
	uint32_t stream;
	uint64_t from, to; /* sequence numbers, inclusive */
	uint64_t records;
	uint8_t head[16]; /* of the stream, at `to` */
	uint8_t epoch[16];
	uint8_t spool[16]; /* who acknowledged, who is ready */
	int code; /* enum agentlink_result */
	uint64_t retry_ms; /* FAILED: the next attempt is in this time */
	char text[AGENTLINK_EVENT_TEXT_SIZE];
};

bool agentlink_engine_next(
    struct agentlink_engine *e, struct agentlink_event *event);

/* Connections.  `code` and `text` (may be NULL) say why it failed or ended. */
void agentlink_engine_on_connected(
    struct agentlink_engine *e, struct agentlink_time now);
void agentlink_engine_on_disconnected(struct agentlink_engine *e, int code,
    const char *text, struct agentlink_time now);

/* When agentlink_engine_on_timer is due at the latest (mono_ms). */
uint64_t agentlink_engine_deadline(const struct agentlink_engine *e);
void agentlink_engine_on_timer(
    struct agentlink_engine *e, struct agentlink_time now);

/*
 * Bytes that came.  Returns how many were used: take the events, then give
 * what is left again together with what came since, until 0 is returned.
 */
size_t agentlink_engine_feed(struct agentlink_engine *e, const void *ptr,
    size_t len, struct agentlink_time now);

/*
 * Bytes to be sent, valid until the next call of the engine; *len may be 0.
 * agentlink_engine_sent says how many of them have been taken.
 */
void agentlink_engine_drain(struct agentlink_engine *e,
    struct agentlink_time now, const void **ptr, size_t *len);
void agentlink_engine_sent(struct agentlink_engine *e, size_t len);

/* Begin; until then no CONNECT comes. */
void agentlink_engine_start(
    struct agentlink_engine *e, struct agentlink_time now);
/* Say GOODBYE and CLOSE; nothing is connected afterwards. */
void agentlink_engine_stop(
    struct agentlink_engine *e, struct agentlink_time now);

/* ---- streams and batches of an engine ----------------------------------- */

/* A stream number is an index, from 0.  The epoch is 16 random bytes. */
int agentlink_engine_stream(struct agentlink_engine *e, const char *name,
    const uint8_t epoch[16], uint32_t *stream);
/* Tell the spool that nothing will follow; for good if `final`. */
int agentlink_engine_stream_close(
    struct agentlink_engine *e, uint32_t stream, bool final);

/* The next sequence number and the head before it. */
int agentlink_engine_stream_next(const struct agentlink_engine *e,
    uint32_t stream, uint64_t *seq, uint8_t head[16]);

/*
 * Add a batch that may be sent at once.  The payload is copied, unless
 * `borrow`: then it stays as it is until agentlink_engine_free.
 * AGENTLINK_RESULT_FULL: nothing was added.
 */
int agentlink_engine_add_prepared(struct agentlink_engine *e, uint32_t stream,
    const struct agentlink_batch *batch, bool borrow, uint64_t *first_seq);

/*
 * Add a batch that lies elsewhere and is loaded when it is sent: payload and
 * path are ignored.  It is sent after agentlink_engine_commit, which says
 * that everything added so far is durable.
 */
int agentlink_engine_add_stored(struct agentlink_engine *e, uint32_t stream,
    const struct agentlink_batch *batch, uint64_t ref, uint64_t *first_seq);
void agentlink_engine_commit(struct agentlink_engine *e);

/*
 * For an outbox that is read again after a start, in the order in which it
 * was written and before agentlink_engine_start: what was acknowledged, that
 * the numbering began again, and that batches up to `seq` (exclusive) are
 * missing from it (the spool is told that they are lost).
 */
int agentlink_engine_restore_acked(struct agentlink_engine *e, uint32_t stream,
    uint64_t seq, const uint8_t head[16], const uint8_t spool[16]);
int agentlink_engine_restore_epoch(
    struct agentlink_engine *e, uint32_t stream, const uint8_t epoch[16]);
int agentlink_engine_restore_next(struct agentlink_engine *e, uint32_t stream,
    uint64_t seq, const uint8_t head[16]);

/* What a stream is at: what an outbox must remember of it. */
struct agentlink_stream_info {
	const char *name;
	uint8_t epoch[16];
	uint64_t acked, next_seq;
	uint8_t next_head[16];
	unsigned marks; /* acknowledgements, ascending; the last is `acked` */
};
int agentlink_engine_stream_info(const struct agentlink_engine *e,
    uint32_t stream, struct agentlink_stream_info *info);
int agentlink_engine_stream_mark(const struct agentlink_engine *e,
    uint32_t stream, unsigned i, uint64_t *seq, uint8_t head[16],
    uint8_t spool[16]);
uint32_t agentlink_engine_streams(const struct agentlink_engine *e);

struct agentlink_counts {
	uint64_t records, bytes, batches; /* acknowledged */
	uint64_t repeats; /* records sent more than once */
	uint64_t lost; /* records given up */
	uint64_t held_records, held_batches, held_bytes; /* unacknowledged */
	uint64_t unsent_batches; /* of these, not sent on this connection */
	bool ready; /* a spool has welcomed us */
	bool has_clock;
	int64_t clock_offset_ns; /* spool's wall clock minus ours */
	int64_t clock_error_ns; /* at the most */
};
void agentlink_engine_counts(
    const struct agentlink_engine *e, struct agentlink_counts *counts);

/* Nothing is held that is not acknowledged. */
bool agentlink_engine_is_drained(const struct agentlink_engine *e);

/* ---- sealer: records become batches ------------------------------------- */

struct agentlink_sealer; /* opaque */

#define AGENTLINK_SEALER_TARGET (256u * 1024) /* bytes of records */

int agentlink_sealer_new(struct agentlink_sealer **out);
void agentlink_sealer_free(struct agentlink_sealer *s);

/*
 * Add a record.  AGENTLINK_RESULT_FULL: seal first, then add it again;
 * AGENTLINK_RESULT_LIMIT: it is longer than AGENTLINK_BATCH_RECORD_MAX.
 */
int agentlink_sealer_add(
    struct agentlink_sealer *s, const void *ptr, size_t len);
uint32_t agentlink_sealer_count(const struct agentlink_sealer *s);

/*
 * Pack what was added (at least one record).  The batch is valid until the
 * next call; it has no path and no times, which the caller may set.
 */
int agentlink_sealer_seal(
    struct agentlink_sealer *s, struct agentlink_batch *batch);

/* ---- client: everything, with blocking calls ---------------------------- */

struct agentlink_client; /* opaque */

struct agentlink_client_settings {
	const char *servers; /* HOST:PORT[,HOST:PORT], by preference */
	const char *certificate, *key, *ca; /* paths, PEM */
	const char *outbox; /* directory; NULL: in memory */
	uint64_t outbox_max; /* bytes; 0: 64 MiB in memory, 1 GiB on disk */
	uint32_t backoff_max_ms; /* 0: 300,000 */
};

/*
 * Check the settings and open the outbox; nothing is connected yet.  On
 * failure `why` (of why_size bytes; may be NULL) gets a sentence.
 */
int agentlink_client_open(const struct agentlink_client_settings *settings,
    char *why, size_t why_size, struct agentlink_client **out);

/* Close at once.  What is not acknowledged stays in a durable outbox. */
void agentlink_client_close(struct agentlink_client *c);

/* Find or make the stream of this name. */
int agentlink_client_stream(
    struct agentlink_client *c, const char *name, uint32_t *stream);

/*
 * Add a record.  Blocks while the outbox is full, at most timeout_ms (-1: for
 * ever): AGENTLINK_RESULT_TIMEOUT, and the record was not taken.
 */
int agentlink_client_send(struct agentlink_client *c, uint32_t stream,
    const void *ptr, size_t len, int timeout_ms);

/*
 * Wait until all that was sent is acknowledged, at most timeout_ms (-1: for
 * ever).
 */
int agentlink_client_flush(struct agentlink_client *c, int timeout_ms);

/*
 * Do what is due without adding; at most wait_ms.  Nothing happens outside
 * these calls: who has nothing to send calls it now and then, or records that
 * were sent wait, and so do acknowledgements.
 */
int agentlink_client_run(struct agentlink_client *c, int wait_ms);

/*
 * Records of the stream that are not acknowledged, those included that a
 * durable outbox had when the client was opened: always the newest.  So a
 * record is safe as soon as fewer wait than have been sent since, itself
 * included.  (Records that were given up do not wait either: `lost` of the
 * counts has them, agentlink_client_why says why.)
 */
int agentlink_client_waiting(
    const struct agentlink_client *c, uint32_t stream, uint64_t *waiting);

void agentlink_client_counts(
    const struct agentlink_client *c, struct agentlink_counts *counts);
/* The last failure, for a person; "" if none.  Valid until the next call. */
const char *agentlink_client_why(const struct agentlink_client *c);

#ifdef __cplusplus
}
#endif

#endif
