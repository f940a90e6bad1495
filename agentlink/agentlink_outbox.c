/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The usual course: a batch is appended, synced together with its neighbours,
 * then given to the engine; acknowledgements are appended as they come; when
 * the file is long enough the next one begins with a snapshot, and the oldest
 * goes when nothing in it is needed.
 * What can go wrong: a write fails half-way (the file is cut back to where it
 * was), a sync fails (nothing here can be trusted until it is read again:
 * the outbox ends), the process dies anywhere (restore reads what there is).
 */
#include "agentlink/agentlink_outbox_state.h"

#include <stdlib.h>
#include <unistd.h>

#include "lib/base/err.h"
#include "lib/base/failpoint.h"

#define BYTES_MIN (UINT64_C(1) << 20)
#define FILE_MIN (UINT64_C(256) << 10)
#define FILE_MAX (UINT64_C(64) << 20)
#define OFFSET_BITS 32

int
agentlink_outbox_open(const char *dir, uint64_t max_bytes, char *why,
    size_t why_size, struct agentlink_outbox **out)
{
	struct agentlink_outbox *o = calloc(1, sizeof(*o));
	if (!o)
		return ERR_NOMEM;
	o->dir_fd = o->lock_fd = -1;
	o->max_bytes = max_bytes ? max_bytes : AGENTLINK_OUTBOX_DEFAULT;
	if (o->max_bytes < BYTES_MIN)
		o->max_bytes = BYTES_MIN;
	o->file_max = o->max_bytes / 16;
	if (o->file_max < FILE_MIN)
		o->file_max = FILE_MIN;
	if (o->file_max > FILE_MAX)
		o->file_max = FILE_MAX;
	buf_init(&o->out, 2 * (size_t)AGENTLINK_OUTREC_BODY_MAX);
	buf_init(&o->in, 2 * (size_t)AGENTLINK_OUTREC_BODY_MAX);
	int rc = agentlink_outbox_file_open_all(o, dir, why, why_size);
	if (rc) {
		agentlink_outbox_close(o);
		return rc;
	}
	*out = o;
	return 0;
}

void
agentlink_outbox_close(struct agentlink_outbox *o)
{
	if (!o)
		return;
	for (size_t i = 0; i < o->files; i++)
		close(o->file[i].fd);
	free(o->file);
	agentlink_outbox_position_free_all(o);
	buf_fini(&o->out);
	buf_fini(&o->in);
	if (o->dir_fd >= 0)
		close(o->dir_fd);
	if (o->lock_fd >= 0)
		close(o->lock_fd);
	free(o);
}

/* ---- append
 * -------------------------------------------------------------------- */

static int
append(struct agentlink_outbox *o, const struct agentlink_outrec *r)
{
	if (o->err)
		return o->err;
	struct agentlink_outbox_file *f = &o->file[o->files - 1];
	buf_clear(&o->out);
	agentlink_outrec_encode(&o->out, f->salt, r);
	if (o->out.err)
		return o->out.err;
	int rc = agentlink_outbox_file_write(
	    f->fd, buf_ptr(&o->out), o->out.len, f->bytes);
	FAILPOINT("outbox-appended");
	if (rc) {
		if (ftruncate(f->fd, (off_t)f->bytes))
			o->err = ERR_IO;
		return rc;
	}
	f->bytes += o->out.len;
	o->bytes += o->out.len;
	o->is_dirty = true;
	return 0;
}

int
agentlink_outbox_sync(struct agentlink_outbox *o)
{
	if (o->err)
		return o->err;
	if (o->is_dirty && fdatasync(o->file[o->files - 1].fd))
		return o->err = ERR_IO;
	o->is_dirty = false;
	FAILPOINT("outbox-synced");
	agentlink_outbox_file_tidy(o);
	return 0;
}

static bool
is_over(const struct agentlink_outbox *o, uint64_t len)
{
	/* A sixteenth is left for acknowledgements and snapshots. */
	return o->bytes + len > o->max_bytes - o->max_bytes / 16;
}

/* The next file, if this one is long enough or room can be made by it. */
static int
make_room(struct agentlink_outbox *o, uint64_t len)
{
	int rc = 0;
	if (is_over(o, len))
		rc = agentlink_outbox_sync(o); /* which removes files */
	const struct agentlink_outbox_file *f = &o->file[o->files - 1];
	if (!rc &&
	    (f->bytes + len > o->file_max || (is_over(o, len) && !f->needed))) {
		rc = agentlink_outbox_file_make(o);
		if (!rc)
			agentlink_outbox_file_tidy(o);
	}
	if (rc)
		return rc;
	return is_over(o, len) && o->bytes > FILE_MIN ? ERR_FULL : 0;
}

int
agentlink_outbox_stream(struct agentlink_outbox *o, uint32_t stream)
{
	struct agentlink_stream_info info;
	int rc = agentlink_engine_stream_info(o->engine, stream, &info);
	if (rc)
		return rc;
	struct agentlink_outrec r = {
	    .type = AGENTLINK_OUTREC_STREAM,
	    .stream = stream,
	    .seq = info.next_seq,
	    .name = bytes_of_str(info.name),
	};
	memcpy(r.epoch, info.epoch, sizeof(r.epoch));
	memcpy(r.head, info.next_head, sizeof(r.head));
	return append(o, &r);
}

int
agentlink_outbox_batch(struct agentlink_outbox *o, uint32_t stream,
    const struct agentlink_batch *batch, struct bytes key, struct bytes value,
    uint64_t *ref)
{
	struct agentlink_outrec r = {
	    .type = AGENTLINK_OUTREC_BATCH,
	    .stream = stream,
	    .batch = *batch,
	    .path = bytes_of_str(batch->path),
	    .key = key,
	    .value = value,
	    .body = bytes_of(batch->payload, batch->payload_len),
	};
	int rc = o->err;
	if (!rc)
		rc = make_room(o,
		    batch->payload_len + r.path.len + key.len + value.len +
			256);
	if (!rc)
		rc = agentlink_engine_stream_next(
		    o->engine, stream, &r.seq, r.head);
	if (rc)
		return rc;
	uint64_t at = o->file[o->files - 1].bytes;
	rc = append(o, &r);
	if (!rc && key.len)
		rc = agentlink_outbox_position_set(o, key, value);
	if (rc)
		return rc;
	struct agentlink_outbox_file *f = &o->file[o->files - 1];
	f->needed++;
	*ref = f->number << OFFSET_BITS | at;
	return 0;
}

int
agentlink_outbox_acked(
    struct agentlink_outbox *o, const struct agentlink_event *event)
{
	struct agentlink_outrec r = {
	    .type = AGENTLINK_OUTREC_ACKED,
	    .stream = event->stream,
	    .seq = event->to,
	};
	memcpy(r.head, event->head, sizeof(r.head));
	memcpy(r.spool, event->spool, sizeof(r.spool));
	return append(o, &r);
}

int
agentlink_outbox_epoch(
    struct agentlink_outbox *o, const struct agentlink_event *event)
{
	struct agentlink_outrec r = {
	    .type = AGENTLINK_OUTREC_EPOCH,
	    .stream = event->stream,
	};
	memcpy(r.epoch, event->epoch, sizeof(r.epoch));
	return append(o, &r);
}

int
agentlink_outbox_position(
    struct agentlink_outbox *o, struct bytes key, struct bytes value)
{
	struct agentlink_outrec r = {
	    .type = AGENTLINK_OUTREC_POSITION,
	    .key = key,
	    .value = value,
	};
	int rc = append(o, &r);
	return rc ? rc : agentlink_outbox_position_set(o, key, value);
}

bool
agentlink_outbox_is_dirty(const struct agentlink_outbox *o)
{
	return o->is_dirty;
}

uint64_t
agentlink_outbox_bytes(const struct agentlink_outbox *o)
{
	return o->bytes;
}

/* ---- for the engine
 * -------------------------------------------------------------- */

/* Read the record at `at` into o->in. */
static int
read_record(struct agentlink_outbox *o, const struct agentlink_outbox_file *f,
    uint64_t at, struct agentlink_outrec *r)
{
	uint64_t left = f->bytes > at ? f->bytes - at : 0;
	size_t want = 128u << 10; /* most batches, packed */
	for (;;) {
		if (want > left)
			want = (size_t)left;
		buf_clear(&o->in);
		uint8_t *to = buf_reserve(&o->in, want);
		if (!to)
			return ERR_NOMEM;
		int rc = agentlink_outbox_file_read(f->fd, to, want, at);
		if (rc)
			return rc;
		size_t len;
		rc = agentlink_outrec_decode(
		    bytes_of(to, want), f->salt, r, &len);
		if (rc == 1)
			return 0;
		if (rc < 0 || want == left)
			return ERR_CORRUPT;
		want = AGENTLINK_OUTREC_HEADER + AGENTLINK_OUTREC_META_MAX +
		    AGENTLINK_OUTREC_BODY_MAX;
	}
}

int
agentlink_outbox_load(void *arg, uint64_t ref, struct agentlink_batch *batch)
{
	struct agentlink_outbox *o = arg;
	const struct agentlink_outbox_file *f =
	    agentlink_outbox_file_find(o, ref >> OFFSET_BITS);
	if (!f)
		return ERR_CORRUPT;
	struct agentlink_outrec r;
	int rc = read_record(o, f, ref & UINT32_MAX, &r);
	if (rc)
		return rc;
	if (r.type != AGENTLINK_OUTREC_BATCH ||
	    !agentlink_outrec_body_is_sound(&r))
		return ERR_CORRUPT;
	memcpy(o->path, r.path.ptr, r.path.len);
	o->path[r.path.len] = '\0';
	batch->path = r.path.len ? o->path : NULL;
	batch->payload = r.body.ptr;
	batch->payload_len = r.body.len;
	return 0;
}

void
agentlink_outbox_release(void *arg, uint64_t ref)
{
	struct agentlink_outbox *o = arg;
	struct agentlink_outbox_file *f =
	    agentlink_outbox_file_find(o, ref >> OFFSET_BITS);
	if (f && f->needed)
		f->needed--;
}
