/* SPDX-License-Identifier: Apache-2.0 */
#include "admin/peek.h"

#include <search.h>
#include <stdlib.h>
#include <string.h>

#include "admin/base64.h"
#include "admin/json.h"
#include "lib/base/clock.h"
#include "lib/base/err.h"
#include "lib/codec/batch.h"
#include "lib/codec/ctl.h"
#include "lib/pack/pack.h"

struct stream {
	uint64_t id; /* first: compared by compare */
	json_t *json;
	uint8_t prefix[DIGEST_ORIGIN_PREFIX_SIZE];
};

struct peek {
	struct digest_sha256 *sha;
	struct pack *pack;
	void *streams; /* tree of struct stream */
	size_t stream_count;
	struct buf raw; /* unpacked columns */
};

/* A batch that is being read. */
struct reading {
	uint64_t first_rec;
	uint64_t skip, take; /* indexes of records */
	uint32_t records;
	uint32_t raw_len;
	bool is_packed;
	int64_t received_first_ns;
	uint32_t range_count;
	struct batch_range *ranges;
	const struct stream **streams; /* of each range */
	uint32_t *range_pos; /* counters of the iterator */
};

static int
compare(const void *a, const void *b)
{
	uint64_t x = ((const struct stream *)a)->id;
	uint64_t y = ((const struct stream *)b)->id;

	return x < y ? -1 : x > y;
}

static void
free_stream(void *node)
{
	struct stream *s = node;

	if (s) {
		json_decref(s->json);
		free(s);
	}
}

int
peek_new(struct peek **out)
{
	struct peek *p = calloc(1, sizeof(*p));
	int rc = p ? digest_sha256_new(&p->sha) : ERR_NOMEM;

	if (!rc)
		rc = pack_new(PACK_LEVEL_MIN, &p->pack);
	if (rc) {
		peek_free(p);
		return rc;
	}
	buf_init(&p->raw, BATCH_RAW_MAX);
	*out = p;
	return 0;
}

void
peek_free(struct peek *p)
{
	if (!p)
		return;
	tdestroy(p->streams, free_stream);
	digest_sha256_free(p->sha);
	pack_free(p->pack);
	buf_fini(&p->raw);
	free(p);
}

static int
uuid_of(const json_t *o, const char *key, struct uuid *id)
{
	struct bytes text = bytes_of_str(json_str(o, key, ""));

	if (text.len == UUID_TEXT_SIZE - 1)
		return uuid_parse(text, id);
	return uuid_hex_parse(text, id->byte, UUID_SIZE);
}

/* Check what is told of a stream, and make what its records share. */
static int
fill_stream(struct peek *p, struct stream *s)
{
	const json_t *name = json_at(s->json, "stream");
	struct uuid origin, epoch;

	s->id = json_u64(s->json, "id", UINT64_MAX);
	if (s->id > UINT32_MAX || !json_is_string(name) ||
	    uuid_of(s->json, "origin", &origin) ||
	    uuid_of(s->json, "epoch", &epoch))
		return ERR_FORMAT;
	digest_origin_prefix(p->sha, &origin,
	    bytes_of(json_string_value(name), json_string_length(name)), &epoch,
	    s->prefix);
	return 0;
}

int
peek_stream(struct peek *p, struct bytes payload)
{
	struct stream *s = calloc(1, sizeof(*s));
	void *found;
	int rc = s ? json_read(payload, &s->json, NULL) : ERR_NOMEM;

	if (!rc && p->stream_count == PEEK_STREAMS_MAX)
		rc = ERR_LIMIT;
	if (!rc)
		rc = fill_stream(p, s);
	if (!rc) {
		found = tsearch(s, &p->streams, compare);
		if (!found)
			rc = ERR_NOMEM;
		else if (*(struct stream **)found != s)
			rc = ERR_EXISTS;
	}
	if (rc)
		free_stream(s);
	else
		p->stream_count++;
	return rc;
}

static int
read_head(struct bytes text, struct reading *r)
{
	uint64_t records, raw_len;
	const char *codec;
	json_t *head;
	int rc = json_read(text, &head, NULL);

	if (rc)
		return rc;
	r->first_rec = json_u64(head, "first_rec", UINT64_MAX);
	records = json_u64(head, "records", 0);
	raw_len = json_u64(head, "raw_len", UINT64_MAX);
	r->skip = json_u64(head, "skip", 0);
	r->take = json_u64(head, "take", UINT64_MAX);
	r->received_first_ns = (int64_t)json_u64(head, "received_first_ns", 0);
	codec = json_str(head, "codec", "");
	r->is_packed = !strcmp(codec, "zstd");
	if (!r->is_packed && strcmp(codec, "raw") != 0)
		rc = ERR_UNSUPPORTED;
	else if (records > BATCH_RECORDS_MAX || raw_len > BATCH_RAW_MAX)
		rc = ERR_LIMIT;
	else if (!records || r->first_rec > INT64_MAX)
		rc = ERR_FORMAT;
	r->records = (uint32_t)records;
	r->raw_len = (uint32_t)raw_len;
	json_decref(head);
	return rc;
}

static int
read_ranges(struct peek *p, struct bytes encoded, struct reading *r)
{
	struct batch_ranges walk;
	struct batch_range range;
	int rc = batch_ranges_begin(&walk, encoded);

	if (rc)
		return rc;
	if (!walk.ranges || walk.ranges > BATCH_RANGE_COUNT_MAX)
		return ERR_FORMAT;
	r->ranges = calloc(walk.ranges, sizeof(*r->ranges));
	r->streams = calloc(walk.ranges, sizeof(*r->streams));
	r->range_pos = calloc(walk.ranges, sizeof(*r->range_pos));
	if (!r->ranges || !r->streams || !r->range_pos)
		return ERR_NOMEM;
	while ((rc = batch_ranges_next(&walk, &range)) == 1) {
		struct stream key = {.id = range.stream};
		struct stream **s = tfind(&key, &p->streams, compare);

		if (!s)
			return ERR_NOENT;
		r->streams[r->range_count] = *s;
		r->ranges[r->range_count++] = range;
	}
	if (!rc && walk.records != r->records)
		rc = ERR_FORMAT;
	return rc;
}

/* The columns, unpacked if need be; *raw is valid until the next batch. */
static int
unpack(struct peek *p, struct bytes payload, const struct reading *r,
    struct bytes *raw)
{
	int rc;

	if (!r->is_packed) {
		*raw = payload;
		return payload.len == r->raw_len ? 0 : ERR_FORMAT;
	}
	buf_clear(&p->raw);
	rc = pack_unpack(p->pack, payload, r->raw_len, BATCH_RAW_MAX, &p->raw);
	*raw = buf_bytes(&p->raw);
	return rc;
}

static int
give(const struct reading *r, const struct batch_columns_view *view,
    peek_fn *fn, void *arg)
{
	struct batch_columns_iter it;
	int rc = 0;

	batch_columns_iter_init(&it, view, r->range_pos);
	while (!rc && batch_columns_iter_next(&it)) {
		const struct stream *s = r->streams[it.range];
		struct peek_record record = {
		    .rec = r->first_rec + it.index,
		    .stream = s->json,
		    .seq = r->ranges[it.range].first_seq + it.in_range,
		    .received_ns = (int64_t)((uint64_t)r->received_first_ns +
			(uint64_t)it.received_delta_ns),
		    .bytes = it.record,
		};

		if (it.index < r->skip || it.index - r->skip >= r->take)
			continue;
		if (it.in_range >= r->ranges[it.range].count)
			return ERR_FORMAT;
		digest_origin_id(s->prefix, record.seq, record.id);
		rc = fn(&record, arg);
	}
	return rc;
}

int
peek_batch(struct peek *p, struct bytes payload, peek_fn *fn, void *arg)
{
	struct batch_columns_view view;
	struct reading r = {.records = 0};
	struct ctl_batch batch;
	struct bytes raw;
	int rc = ctl_batch_decode(payload, &batch);

	if (!rc)
		rc = read_head(batch.head, &r);
	if (!rc)
		rc = read_ranges(p, batch.ranges, &r);
	if (!rc)
		rc = unpack(p, batch.payload, &r, &raw);
	if (!rc)
		rc = batch_columns_decode(raw, r.range_count, &view);
	if (!rc && view.count != r.records)
		rc = ERR_FORMAT;
	if (!rc)
		rc = give(&r, &view, fn, arg);
	free(r.ranges);
	free(r.streams);
	free(r.range_pos);
	return rc;
}

static int
set(json_t *row, const char *key, json_t *value)
{
	return json_object_set_new(row, key, value);
}

static json_t *
copy_of(const json_t *o, const char *key)
{
	const json_t *x = json_at(o, key);

	return x ? json_deep_copy(x) : json_null();
}

json_t *
peek_row(const struct peek_record *record)
{
	const char *text = (const char *)record->bytes.ptr;
	char received[CLOCK_TEXT_SIZE];
	json_t *row = json_object();
	json_t *string = record->bytes.len
	    ? json_stringn(text, record->bytes.len)
	    : json_string("");
	int failed;

	clock_format(record->received_ns, received);
	failed = set(row, "rec", json_integer((json_int_t)record->rec)) |
	    set(row, "id", json_string(record->id)) |
	    set(row, "origin", copy_of(record->stream, "origin")) |
	    set(row, "stream", copy_of(record->stream, "stream")) |
	    set(row, "epoch", copy_of(record->stream, "epoch")) |
	    set(row, "seq", json_integer((json_int_t)record->seq)) |
	    set(row, "listener", copy_of(record->stream, "listener")) |
	    set(row, "peer", copy_of(record->stream, "peer")) |
	    set(row, "received", json_string(received)) |
	    set(row, "bytes", json_integer((json_int_t)record->bytes.len));
	if (string)
		failed |= set(row, "text", string);
	else
		failed |= set(row, "base64", base64_json(record->bytes));
	if (!failed)
		return row;
	json_decref(row);
	return NULL;
}
