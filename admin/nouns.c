/* SPDX-License-Identifier: Apache-2.0 */
#include "admin/nouns.h"

#include <string.h>

#include "admin/json.h"

#define WIDE true

static const struct writer_column roles[] = {
    {"role", "ROLE", WRITER_TEXT, !WIDE, 32},
    {"pid", "PID", WRITER_TEXT, !WIDE, 0},
    {"ready", "READY", WRITER_YES, !WIDE, 0},
    {"restarts", "RESTARTS", WRITER_COUNT, !WIDE, 0},
    {"memory_bytes", "MEMORY", WRITER_BYTES, !WIDE, 0},
    {NULL, NULL, WRITER_TEXT, false, 0},
};

static const struct writer_column listeners[] = {
    {"name", "LISTENER", WRITER_TEXT, !WIDE, 16},
    {"protocol", "PROTOCOL", WRITER_TEXT, !WIDE, 10},
    {"state", "STATE", WRITER_STATE, !WIDE, 12},
    {"connections", "CONNS", WRITER_COUNT, !WIDE, 7},
    {"rate", "RATE/s", WRITER_RATE, !WIDE, 7},
    {"stored", "STORED", WRITER_COUNT, !WIDE, 7},
    {"refused", "REFUSED", WRITER_COUNT, !WIDE, 7},
    {"received", "RECEIVED", WRITER_COUNT, WIDE, 0},
    {"acknowledged", "ACKED", WRITER_COUNT, WIDE, 0},
    {"duplicate", "DUPLICATE", WRITER_COUNT, WIDE, 0},
    {"address", "ADDRESS", WRITER_TEXT, WIDE, 0},
    {NULL, NULL, WRITER_TEXT, false, 0},
};

static const struct writer_column targets[] = {
    {"name", "TARGET", WRITER_TEXT, !WIDE, 16},
    {"state", "STATE", WRITER_STATE, !WIDE, 12},
    {"pending", "PENDING", WRITER_COUNT, !WIDE, 7},
    {"backlog_bytes", "SIZE", WRITER_BYTES, !WIDE, 8},
    {"oldest_pending_seconds", "OLDEST", WRITER_SECONDS, !WIDE, 6},
    {"rate", "RATE/s", WRITER_RATE, !WIDE, 7},
    {"drain_seconds", "DRAINS IN", WRITER_SECONDS, !WIDE, 9},
    {"protocol", "PROTOCOL", WRITER_TEXT, WIDE, 0},
    {"stored", "STORED", WRITER_COUNT, WIDE, 0},
    {"delivered", "DELIVERED", WRITER_COUNT, WIDE, 0},
    {"unconfirmed", "UNCONFIRMED", WRITER_COUNT, WIDE, 0},
    {"filtered", "FILTERED", WRITER_COUNT, WIDE, 0},
    {"dead_lettered", "DEAD", WRITER_COUNT, WIDE, 0},
    {"expired", "EXPIRED", WRITER_COUNT, WIDE, 0},
    {"shed", "SHED", WRITER_COUNT, WIDE, 0},
    {"quarantined", "QUARANTINED", WRITER_COUNT, WIDE, 0},
    {"start_rec", "START REC", WRITER_TEXT, WIDE, 0},
    {"last_success", "LAST SUCCESS", WRITER_TIME, WIDE, 0},
    {"last_error.at", "LAST ERROR", WRITER_TIME, WIDE, 0},
    {"last_error.code", "CODE", WRITER_TEXT, WIDE, 0},
    {"last_error.text", "ERROR", WRITER_TEXT, WIDE, 0},
    {NULL, NULL, WRITER_TEXT, false, 0},
};

static const struct writer_column streams[] = {
    {"stream", "STREAM", WRITER_TEXT, !WIDE, 20},
    {"origin", "ORIGIN", WRITER_TEXT, !WIDE, 12},
    {"state", "STATE", WRITER_STATE, !WIDE, 6},
    {"records", "RECORDS", WRITER_COUNT, !WIDE, 7},
    {"last_seq", "LAST SEQ", WRITER_COUNT, !WIDE, 8},
    {"last_received", "LAST RECEIVED", WRITER_TIME, !WIDE, 20},
    {"listener", "LISTENER", WRITER_TEXT, WIDE, 0},
    {"peer", "PEER", WRITER_TEXT, WIDE, 0},
    {"connections", "CONNS", WRITER_COUNT, WIDE, 0},
    {"epoch", "EPOCH", WRITER_TEXT, WIDE, 0},
    {"first_seq", "FIRST SEQ", WRITER_COUNT, WIDE, 0},
    {"received", "RECEIVED", WRITER_COUNT, WIDE, 0},
    {"duplicate", "DUPLICATE", WRITER_COUNT, WIDE, 0},
    {"refused", "REFUSED", WRITER_COUNT, WIDE, 0},
    {NULL, NULL, WRITER_TEXT, false, 0},
};

static const struct writer_column queues[] = {
    {"target", "TARGET", WRITER_TEXT, !WIDE, 24},
    {"state", "STATE", WRITER_STATE, !WIDE, 12},
    {"records", "RECORDS", WRITER_COUNT, !WIDE, 7},
    {"bytes", "SIZE", WRITER_BYTES, !WIDE, 8},
    {"oldest", "OLDEST", WRITER_TIME, !WIDE, 20},
    {"first_rec", "FIRST REC", WRITER_TEXT, WIDE, 0},
    {"last_rec", "LAST REC", WRITER_TEXT, WIDE, 0},
    {NULL, NULL, WRITER_TEXT, false, 0},
};

static const struct writer_column records[] = {
    {"rec", "REC", WRITER_TEXT, !WIDE, 0},
    {"received", "RECEIVED", WRITER_TIME, !WIDE, 0},
    {"stream", "STREAM", WRITER_TEXT, !WIDE, 12},
    {"bytes", "BYTES", WRITER_COUNT, !WIDE, 0},
    {"id", "ID", WRITER_TEXT, WIDE, 0},
    {"origin", "ORIGIN", WRITER_TEXT, WIDE, 0},
    {"epoch", "EPOCH", WRITER_TEXT, WIDE, 0},
    {"seq", "SEQ", WRITER_TEXT, WIDE, 0},
    {"listener", "LISTENER", WRITER_TEXT, WIDE, 0},
    {"peer", "PEER", WRITER_TEXT, WIDE, 0},
    {"text", "TEXT", WRITER_TEXT, !WIDE, 28},
    {"base64", "BASE64", WRITER_TEXT, WIDE, 0},
    {NULL, NULL, WRITER_TEXT, false, 0},
};

const struct view nouns_roles = {"roles", NULL, roles, NULL, NULL};
const struct view nouns_listeners = {
    "listeners", "No listeners.", listeners, NULL, NULL};
const struct view nouns_targets = {
    "targets", "No targets.", targets, NULL, NULL};
const struct view nouns_streams = {
    "streams", "No streams.", streams, NULL, NULL};
const struct view nouns_queues = {
    "queues", "No targets, so nothing is pending.", queues, NULL, NULL};
const struct view nouns_records = {
    "records", "No records.", records, NULL, NULL};

const json_t *
nouns_find(const json_t *rows, const char *name)
{
	size_t i;
	const json_t *row;

	json_array_foreach(rows, i, row)
	{
		if (!strcmp(json_str(row, "name", ""), name))
			return row;
	}
	return NULL;
}
