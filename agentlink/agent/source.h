/* SPDX-License-Identifier: Apache-2.0 */
/*
 * source - one open input: a file that is followed, or a pipe.
 *
 * It reads a piece, cuts it into records and gives them to the sender; when
 * a batch is full, or nothing more can be read now, it seals with the
 * position that has been reached.  A file that became shorter is read from
 * its beginning again.  The owner decides when to read, and when a file is
 * finished (deleted, or all of it is to be sent once).
 */
#ifndef AGENTLINK_AGENT_SOURCE_H
#define AGENTLINK_AGENT_SOURCE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

#include "agentlink/agent/framing.h"
#include "agentlink/agentlink_sender.h"

struct source;

/* A record that is longer than the limit, told before it is left out. */
struct source_events {
	void (*on_too_long)(
	    const char *path, uint64_t line, uint64_t offset, void *arg);
	/* The file is shorter than what was read of it. */
	void (*on_truncated)(const char *path, void *arg);
	void *arg;
};

struct source_settings {
	struct agentlink_sender *sender;
	uint32_t stream;
	const char *stream_name;
	enum framing_kind framing;
	bool stops_at_too_long; /* else the record is left out */
	struct source_events events;
};

/*
 * A file that is open (fd belongs to the source on success).  Goes on where
 * the outbox says, if it knows the file; else at the beginning, or at the
 * end if `from_end`.
 */
int source_open(const struct source_settings *settings, int fd,
    const char *path, bool from_end, struct source **out);
/* A pipe, terminal or socket; the descriptor stays the caller's. */
int source_open_pipe(
    const struct source_settings *settings, int fd, struct source **out);
void source_close(struct source *s);
/* A pipe goes on with another sender, and keeps what has begun. */
void source_move(struct source *s, const struct source_settings *settings);

/*
 * Read at most max_records.  1: something was read, there may be more; 0:
 * nothing more now; ERR_FULL: what may be held is held, come again after
 * acknowledgements; ERR_CLOSED: a pipe's end; ERR_LIMIT: a record is too long
 * (only if stops_at_too_long); ERR_FORMAT: a length-framed input ends within
 * a record (only with source_finish); ERR_SYS: it cannot be read (now); others
 * are of the outbox.  Records are sealed when it returns 0 (a pipe's: see
 * flush).
 */
int source_read(struct source *s, uint64_t max_records);

/* Seal what was gathered: of a pipe, after a small delay.  0, ERR_FULL. */
int source_flush(struct source *s);

/* No more will come: a last line without end is a record.  Then flush. */
void source_finish(struct source *s);

/* The outbox knew the file when it was opened. */
bool source_is_known(const struct source *s);

/* The file's name is known to be another now. */
void source_rename(struct source *s, const char *path);
const char *source_path(const struct source *s);
int source_fd(const struct source *s);
/* Records and their bytes, taken since it was opened. */
uint64_t source_records(const struct source *s);
/* Bytes of the file that were not read. */
uint64_t source_behind(const struct source *s);
/* Does it look as if nothing was written between the two? */
bool source_is_same(const struct stat *a, const struct stat *b);
/* All of the file was read, and it has not changed since: it is *st. */
bool source_is_at_rest(const struct source *s, struct stat *st);
/* Forget in the outbox that there was such a file. */
int source_forget(struct source *s);

#endif
