/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads the files of an outbox into a new engine, in order.
 *
 * What does not fit together (a number that goes back, a head that is
 * another) can only be damage; the stream then gets a new epoch at the end,
 * because its old one may have been sent with other contents.
 */
#include "agentlink/agentlink_outbox_state.h"

#include <stdlib.h>
#include <unistd.h>

#include "lib/base/err.h"
#include "lib/digest/digest.h"

struct restore {
	struct agentlink_outbox *o;
	struct agentlink_engine *e;
	struct agentlink_outbox_report report;
	uint8_t *doubted; /* a flag a stream */
	uint32_t doubts;
};

static int
doubt(struct restore *x, uint32_t stream)
{
	if (stream >= x->doubts) {
		uint8_t *all = realloc(x->doubted, stream + 1);
		if (!all)
			return ERR_NOMEM;
		memset(all + x->doubts, 0, stream + 1 - x->doubts);
		x->doubted = all;
		x->doubts = stream + 1;
	}
	x->doubted[stream] = 1;
	return 0;
}

static int
apply_marks(struct restore *x, const struct agentlink_outrec *r)
{
	int rc = 0;
	for (unsigned i = 0; !rc && i < r->marks; i++)
		rc = agentlink_engine_restore_acked(x->e, r->stream,
		    r->mark[i].seq, r->mark[i].head, r->mark[i].spool);
	return rc;
}

static int
apply_stream(struct restore *x, const struct agentlink_outrec *r)
{
	uint32_t known = agentlink_engine_streams(x->e);
	if (r->stream > known)
		return 0; /* its own record is lost; so is its numbering */
	if (r->stream == known) {
		char name[AGENTLINK_BATCH_NAME_MAX + 1];
		memcpy(name, r->name.ptr, r->name.len);
		name[r->name.len] = '\0';
		uint32_t stream;
		int rc = agentlink_engine_stream(x->e, name, r->epoch, &stream);
		if (rc)
			return rc;
	}
	struct agentlink_stream_info info;
	int rc = agentlink_engine_stream_info(x->e, r->stream, &info);
	if (rc)
		return rc;
	if (memcmp(info.epoch, r->epoch, sizeof(r->epoch)) != 0) {
		rc = doubt(x, r->stream);
		if (!rc)
			rc = agentlink_engine_restore_epoch(
			    x->e, r->stream, r->epoch);
	}
	if (!rc)
		rc = apply_marks(x, r);
	if (!rc &&
	    agentlink_engine_restore_next(x->e, r->stream, r->seq, r->head))
		rc = doubt(x, r->stream);
	return rc;
}

static int
apply_batch(struct restore *x, const struct agentlink_outrec *r, uint64_t ref)
{
	uint64_t next;
	uint8_t head[16];
	if (agentlink_engine_stream_next(x->e, r->stream, &next, head))
		return 0; /* of a stream whose record is lost */
	if (r->seq > next)
		agentlink_engine_restore_next(x->e, r->stream, r->seq, r->head);
	else if (r->seq < next || memcmp(head, r->head, sizeof(head)) != 0) {
		int rc = doubt(x, r->stream);
		if (rc)
			return rc;
	}
	struct agentlink_outbox_file *f =
	    agentlink_outbox_file_find(x->o, ref >> 32);
	f->needed++;
	int rc =
	    agentlink_engine_add_stored(x->e, r->stream, &r->batch, ref, NULL);
	if (!rc && r->key.len)
		rc = agentlink_outbox_position_set(x->o, r->key, r->value);
	return rc;
}

static int
apply(struct restore *x, const struct agentlink_outrec *r, uint64_t ref)
{
	switch (r->type) {
	case AGENTLINK_OUTREC_STREAM:
		return apply_stream(x, r);
	case AGENTLINK_OUTREC_BATCH:
		return apply_batch(x, r, ref);
	case AGENTLINK_OUTREC_ACKED:
		if (r->stream < agentlink_engine_streams(x->e))
			return agentlink_engine_restore_acked(
			    x->e, r->stream, r->seq, r->head, r->spool);
		return 0;
	case AGENTLINK_OUTREC_EPOCH:
		if (r->stream < agentlink_engine_streams(x->e))
			return agentlink_engine_restore_epoch(
			    x->e, r->stream, r->epoch);
		return 0;
	default:
		return agentlink_outbox_position_set(x->o, r->key, r->value);
	}
}

static int
read_records(struct restore *x, struct agentlink_outbox_file *f,
    struct bytes in, bool is_newest)
{
	size_t at = AGENTLINK_OUTREC_FILE_HEADER, len;
	while (at < in.len) {
		struct agentlink_outrec r;
		int rc = agentlink_outrec_decode(
		    bytes_of(in.ptr + at, in.len - at), f->salt, &r, &len);
		if (rc == 1) {
			rc = apply(x, &r, f->number << 32 | at);
			if (rc)
				return rc;
			at += len;
			continue;
		}
		size_t next = agentlink_outrec_seek(in, f->salt, at + 1);
		if (next == in.len && is_newest) {
			x->report.torn_bytes += in.len - at;
			x->o->bytes -= in.len - at;
			f->bytes = at;
			return ftruncate(f->fd, (off_t)at) ? ERR_IO : 0;
		}
		x->report.damaged_bytes += next - at;
		at = next;
	}
	return 0;
}

static int
read_file(struct restore *x, size_t i)
{
	struct agentlink_outbox_file *f = &x->o->file[i];
	uint8_t *mem = malloc(f->bytes + 1);
	if (!mem)
		return ERR_NOMEM;
	struct bytes in = bytes_of(mem, (size_t)f->bytes);
	int rc = agentlink_outbox_file_read(f->fd, mem, in.len, 0);
	uint64_t number = 0;
	if (!rc)
		rc = agentlink_outrec_file_decode(in, &number, &f->salt);
	if (!rc && number != f->number)
		rc = ERR_FORMAT;
	if (rc == ERR_FORMAT) {
		/* Only damage does this: files are renamed when whole. */
		x->report.damaged_bytes += in.len;
		rc = 0;
	} else if (!rc) {
		rc = read_records(x, f, in, i + 1 == x->o->files);
	}
	free(mem);
	return rc;
}

static int
new_epochs(struct restore *x)
{
	for (uint32_t i = 0; i < x->doubts; i++) {
		if (!x->doubted[i])
			continue;
		struct agentlink_event event = {.stream = i};
		int rc = digest_random(event.epoch, sizeof(event.epoch));
		if (!rc)
			rc = agentlink_engine_restore_epoch(
			    x->e, i, event.epoch);
		if (!rc)
			rc = agentlink_outbox_epoch(x->o, &event);
		if (rc)
			return rc;
		x->report.new_epochs++;
	}
	return 0;
}

int
agentlink_outbox_restore(struct agentlink_outbox *o, struct agentlink_engine *e,
    struct agentlink_outbox_report *report)
{
	struct restore x = {.o = o, .e = e};
	o->engine = e;
	int rc = 0;
	for (size_t i = 0; !rc && i < o->files; i++)
		rc = read_file(&x, i);
	if (!rc && (!o->files || x.report.damaged_bytes || x.doubts))
		rc = agentlink_outbox_file_make(o);
	if (!rc)
		rc = new_epochs(&x);
	if (!rc)
		rc = agentlink_outbox_sync(o);
	if (!rc) {
		struct agentlink_counts counts;
		agentlink_engine_commit(e);
		agentlink_engine_counts(e, &counts);
		x.report.batches = counts.held_batches;
		x.report.records = counts.held_records;
		*report = x.report;
	}
	free(x.doubted);
	return rc;
}
