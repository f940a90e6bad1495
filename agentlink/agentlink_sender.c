/* SPDX-License-Identifier: Apache-2.0 */
#include "agentlink/agentlink_sender.h"

#include <stdio.h>
#include <stdlib.h>

#include "agentlink/agentlink_outrec.h"
#include "lib/base/buf.h"
#include "lib/base/err.h"
#include "lib/digest/digest.h"

struct agentlink_sender {
	struct agentlink_engine *engine;
	struct agentlink_outbox *outbox;
	struct agentlink_outbox_report report;
	struct agentlink_sealer *sealer;
	uint32_t held_batches_max;
	uint32_t stream; /* whose records are gathered */
	/* A batch that was sealed and could not be held yet. */
	bool is_waiting;
	struct agentlink_batch batch;
	char path[AGENTLINK_BATCH_PATH_MAX + 1];
	struct buf key, value;
	bool is_uncommitted;
	int err;
};

static int
open_outbox(struct agentlink_sender *s, struct agentlink_settings *settings,
    const char *dir, uint64_t max, char *why, size_t why_size)
{
	int rc = agentlink_outbox_open(dir, max, why, why_size, &s->outbox);
	/* What is kept for a forgetful spool must not fill the outbox. */
	uint64_t most = (max ? max : AGENTLINK_OUTBOX_DEFAULT) / 8;
	if (settings->keep_max > most)
		settings->keep_max = most;
	settings->load = agentlink_outbox_load;
	settings->release = agentlink_outbox_release;
	settings->arg = s->outbox;
	return rc;
}

static int
open_parts(struct agentlink_sender *s, const struct agentlink_settings *given,
    const char *outbox, uint64_t outbox_max, char *why, size_t why_size)
{
	struct agentlink_settings settings = *given;
	int rc = agentlink_sealer_new(&s->sealer);
	if (!rc && outbox)
		rc = open_outbox(
		    s, &settings, outbox, outbox_max, why, why_size);
	if (!rc)
		rc = agentlink_engine_new(&settings, &s->engine);
	if (!rc && outbox)
		rc = agentlink_outbox_restore(s->outbox, s->engine, &s->report);
	return rc;
}

int
agentlink_sender_open(const struct agentlink_settings *settings,
    const char *outbox, uint64_t outbox_max, char *why, size_t why_size,
    struct agentlink_sender **out)
{
	struct agentlink_sender *s = calloc(1, sizeof(*s));
	if (!s)
		return ERR_NOMEM;
	buf_init(&s->key, AGENTLINK_OUTREC_KEY_MAX);
	buf_init(&s->value, AGENTLINK_OUTREC_VALUE_MAX);
	s->held_batches_max =
	    settings->held_batches_max ? settings->held_batches_max : 65536;
	if (why_size)
		why[0] = '\0';
	int rc = open_parts(s, settings, outbox, outbox_max, why, why_size);
	if (rc) {
		if (why_size && !why[0])
			snprintf(why, why_size, "%s%s%s", outbox ? outbox : "",
			    outbox ? ": " : "", err_text(rc));
		agentlink_sender_close(s);
		return rc;
	}
	*out = s;
	return 0;
}

void
agentlink_sender_close(struct agentlink_sender *s)
{
	if (!s)
		return;
	agentlink_engine_free(s->engine);
	agentlink_outbox_close(s->outbox);
	agentlink_sealer_free(s->sealer);
	buf_fini(&s->key);
	buf_fini(&s->value);
	free(s);
}

struct agentlink_engine *
agentlink_sender_engine(struct agentlink_sender *s)
{
	return s->engine;
}

struct agentlink_outbox *
agentlink_sender_outbox(struct agentlink_sender *s)
{
	return s->outbox;
}

const struct agentlink_outbox_report *
agentlink_sender_report(const struct agentlink_sender *s)
{
	return &s->report;
}

int
agentlink_sender_err(const struct agentlink_sender *s)
{
	return s->err;
}

int
agentlink_sender_stream(
    struct agentlink_sender *s, const char *name, uint32_t *stream)
{
	struct agentlink_stream_info info;
	uint32_t n = agentlink_engine_streams(s->engine);
	for (uint32_t i = 0; i < n; i++) {
		agentlink_engine_stream_info(s->engine, i, &info);
		if (strcmp(info.name, name) != 0)
			continue;
		*stream = i;
		return 0;
	}
	struct uuid epoch;
	int rc = digest_uuid(&epoch);
	if (!rc)
		rc = agentlink_engine_stream(
		    s->engine, name, epoch.byte, stream);
	if (!rc && s->outbox)
		rc = agentlink_outbox_stream(s->outbox, *stream);
	return rc;
}

/* ---- records
 * ----------------------------------------------------------------- */

uint32_t
agentlink_sender_gathered(const struct agentlink_sender *s)
{
	return s->is_waiting ? s->batch.count
			     : agentlink_sealer_count(s->sealer);
}

uint32_t
agentlink_sender_gathered_of(const struct agentlink_sender *s, uint32_t stream)
{
	return stream == s->stream ? agentlink_sender_gathered(s) : 0;
}

int
agentlink_sender_add(
    struct agentlink_sender *s, uint32_t stream, const void *ptr, size_t len)
{
	if (len > AGENTLINK_BATCH_RECORD_MAX)
		return ERR_LIMIT;
	if (s->is_waiting ||
	    (agentlink_sealer_count(s->sealer) && stream != s->stream))
		return ERR_FULL;
	s->stream = stream;
	return agentlink_sealer_add(s->sealer, ptr, len);
}

/* Give the sealed batch to the outbox and the engine. */
static int
hold(struct agentlink_sender *s)
{
	if (!s->outbox)
		return agentlink_engine_add_prepared(
		    s->engine, s->stream, &s->batch, false, NULL);
	struct agentlink_counts counts;
	agentlink_engine_counts(s->engine, &counts);
	if (counts.held_batches >= s->held_batches_max)
		return ERR_FULL;
	uint64_t ref;
	int rc = agentlink_outbox_batch(s->outbox, s->stream, &s->batch,
	    buf_bytes(&s->key), buf_bytes(&s->value), &ref);
	if (!rc)
		rc = agentlink_engine_add_stored(
		    s->engine, s->stream, &s->batch, ref, NULL);
	return rc;
}

static int
make_batch(struct agentlink_sender *s, const char *path, uint8_t flags,
    struct bytes key, struct bytes value)
{
	size_t path_len = path ? strlen(path) : 0;
	if (path_len > AGENTLINK_BATCH_PATH_MAX)
		path_len = 0; /* names that long do not open either */
	buf_clear(&s->key);
	buf_clear(&s->value);
	buf_add_bytes(&s->key, key);
	buf_add_bytes(&s->value, value);
	if (s->key.err || s->value.err)
		return ERR_LIMIT;
	int rc = agentlink_sealer_seal(s->sealer, &s->batch);
	if (rc)
		return rc;
	memcpy(s->path, path_len ? path : "", path_len);
	s->path[path_len] = '\0';
	s->batch.path = path_len ? s->path : NULL;
	s->batch.flags = flags;
	return 0;
}

int
agentlink_sender_seal(struct agentlink_sender *s, const char *path,
    uint8_t flags, struct bytes key, struct bytes value)
{
	if (!agentlink_sender_gathered(s))
		return 0;
	if (!s->is_waiting) {
		int rc = make_batch(s, path, flags, key, value);
		if (rc)
			return rc;
	}
	int rc = hold(s);
	s->is_waiting = rc != 0;
	if (!rc)
		s->is_uncommitted = true;
	return rc;
}

int
agentlink_sender_commit(struct agentlink_sender *s)
{
	if (s->err)
		return s->err;
	if (s->outbox && agentlink_outbox_is_dirty(s->outbox) &&
	    s->is_uncommitted) {
		int rc = agentlink_outbox_sync(s->outbox);
		if (rc)
			return s->err = rc;
	}
	if (s->is_uncommitted)
		agentlink_engine_commit(s->engine);
	s->is_uncommitted = false;
	return 0;
}

/* ---- events
 * ------------------------------------------------------------------- */

bool
agentlink_sender_next(struct agentlink_sender *s, struct agentlink_event *event)
{
	if (!agentlink_engine_next(s->engine, event))
		return false;
	if (!s->outbox)
		return true;
	int rc = 0;
	if (event->type == AGENTLINK_EVENT_ACKED) {
		/* Not remembered is no harm: the spool tells it again. */
		(void)agentlink_outbox_acked(s->outbox, event);
	} else if (event->type == AGENTLINK_EVENT_EPOCH) {
		rc = agentlink_outbox_epoch(s->outbox, event);
		if (!rc)
			rc = agentlink_outbox_sync(s->outbox);
	}
	if (rc)
		s->err = rc;
	return true;
}
