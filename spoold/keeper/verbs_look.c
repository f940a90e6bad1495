/* SPDX-License-Identifier: Apache-2.0 */
#include "spoold/keeper/verbs_look.h"

#include <stdlib.h>
#include <string.h>

#include "spoold/keeper/jsonput.h"
#include "spoold/keeper/segments.h"
#include "spoold/keeper/status.h"

void
verbs_look_status(struct control_call *call, json_t *args)
{
	(void)args;
	control_answer(call, status_make(control_keeper(call)->status));
}

void
verbs_look_target(struct control_call *call, json_t *args)
{
	const char *name = verbs_text(args, "name");
	json_t *o =
	    name ? status_target(control_keeper(call)->status, name) : NULL;

	if (!o)
		verbs_fail_target(call, name);
	else
		control_answer(call, json_pack("{s:o}", "target", o));
}

static const char *
stream_state(const struct stream *st)
{
	return st->opens ? "open" : st->closed ? "closed" : "idle";
}

/* `records` are those that this spool has stored of it. */
static void
put_counts(json_t *o, const struct entry_stream_counts *c)
{
	jsonput_u64(o, "records", c->stored);
	jsonput_u64(o, "received", c->received);
	jsonput_u64(o, "duplicate", c->duplicate);
	jsonput_u64(o, "refused", c->refused);
}

static json_t *
stream_json(const struct stream *st, size_t id)
{
	char head[2 * BATCH_HEAD_SIZE + 1];
	json_t *o = jsonput_stream(&st->key, id, st->listener, st->peer);

	jsonput_u64(o, "first_seq", st->start_seq);
	jsonput_u64(o, "last_seq", st->durable.seq);
	put_counts(o, &st->counts);
	jsonput_text(o, "head",
	    uuid_hex_format(st->durable.head, BATCH_HEAD_SIZE, head));
	jsonput_text(o, "state", stream_state(st));
	jsonput_u64(o, "connections", st->opens);
	return o;
}

/* RFC 3339, from the spool time when it was seen. */
static void
put_last_received(json_t *o, const struct stream *st, struct intake_now now)
{
	int64_t ago_ns = now.spool_us > st->seen_us
	    ? (int64_t)(now.spool_us - st->seen_us) * 1000
	    : 0;

	jsonput_time(o, "last_received", now.wall_ns - ago_ns);
}

static bool
stream_fits(const struct stream *st, json_t *args)
{
	const char *listener = verbs_text(args, "listener");
	const char *origin = verbs_text(args, "origin");
	const char *name = verbs_text(args, "name");
	struct uuid id;

	if (listener && strcmp(listener, st->listener))
		return false;
	if (origin &&
	    (uuid_parse(bytes_of_str(origin), &id) ||
		!uuid_equal(&id, &st->key.origin)))
		return false;
	return !name || bytes_equal_str(st->key.name, name);
}

static size_t
send_streams(struct control_call *call, json_t *args)
{
	struct keeper *k = control_keeper(call);
	struct intake_now now = keeper_now(k);
	struct stream *st = NULL;
	size_t n = 0;
	json_t *o;

	while ((st = streams_next(intake_streams(k->intake), st))) {
		if (!stream_fits(st, args))
			continue;
		o = stream_json(st, ++n);
		put_last_received(o, st, now);
		control_send_stream(call, o);
	}
	return n;
}

void
verbs_look_streams(struct control_call *call, json_t *args)
{
	size_t n = send_streams(call, args);

	control_answer(call, json_pack("{s:I}", "streams", (json_int_t)n));
}

void
verbs_look_stream(struct control_call *call, json_t *args)
{
	size_t n = send_streams(call, args);

	if (n)
		control_answer(
		    call, json_pack("{s:I}", "streams", (json_int_t)n));
	else
		control_refuse(call, REFUSAL_STREAM_UNKNOWN,
		    verbs_text(args, "name"), NULL);
}

static json_t *
segment_json(const struct store_segment *s)
{
	char uuid[UUID_TEXT_SIZE];

	return json_pack("{s:I, s:s, s:I, s:I, s:I, s:I, s:I, s:b, s:b, s:I}",
	    "id", (json_int_t)s->id, "uuid", uuid_format(&s->uuid, uuid),
	    "first_rec", (json_int_t)s->first_rec, "next_rec",
	    (json_int_t)s->next_rec, "first_number",
	    (json_int_t)s->first_number, "next_number",
	    (json_int_t)s->next_number, "bytes", (json_int_t)s->bytes, "sealed",
	    s->sealed ? 1 : 0, "quarantined", s->quarantined ? 1 : 0, "readers",
	    (json_int_t)s->readers);
}

static json_t *
segments_json(struct keeper *k)
{
	size_t n, i;
	struct store_segment *row = segments_list(k->store, &n);
	json_t *a = json_array();

	for (i = 0; i < n; i++)
		json_array_append_new(a, segment_json(&row[i]));
	free(row);
	return a;
}

void
verbs_look_store(struct control_call *call, json_t *args)
{
	(void)args;
	control_answer(call,
	    json_pack(
		"{s:o}", "segments", segments_json(control_keeper(call))));
}

static json_t *
queue_json(struct keeper *k, const struct cursors_target *t)
{
	json_t *row = status_target(k->status, t->name);
	json_t *o = json_pack("{s:s, s:O, s:O, s:O, s:O}", "target", t->name,
	    "state", json_object_get(row, "state"), "records",
	    json_object_get(row, "pending"), "bytes",
	    json_object_get(row, "backlog_bytes"), "oldest",
	    json_object_get(row, "oldest_pending"));
	bool empty = !json_integer_value(json_object_get(row, "pending"));

	json_object_set_new(o, "first_rec",
	    empty ? json_null()
		  : json_integer((json_int_t)cursors_first_pending(t, 1)));
	json_object_set_new(o, "last_rec",
	    empty ? json_null() : json_integer((json_int_t)k->next_rec - 1));
	json_decref(row);
	return o;
}

void
verbs_look_queue_ls(struct control_call *call, json_t *args)
{
	struct keeper *k = control_keeper(call);
	json_t *a = json_array();
	size_t i;

	(void)args;
	for (i = 0; i < k->cursors.n; i++)
		json_array_append_new(a, queue_json(k, k->cursors.target[i]));
	control_answer(call, json_pack("{s:o}", "queues", a));
}
