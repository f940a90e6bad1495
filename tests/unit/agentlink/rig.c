/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/agentlink/rig.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#include "lib/base/err.h"

struct agentlink_time
rig_now(const struct rig *r)
{
	return (struct agentlink_time){r->now_ms, (int64_t)r->now_ms * 1000000};
}

void
rig_init(struct rig *r, const char *outbox, unsigned servers)
{
	memset(r, 0, sizeof(*r));
	r->outbox = outbox;
	r->outbox_max = 8u << 20;
	r->settings.servers = servers;
	r->settings.keep_max = 1u << 20;
	r->now_ms = 1000;
	buf_init(&r->wire, 64u << 20);
	r->stored = calloc(1, SPOOLSIM_RECORDS);
	assert(r->stored);
	for (unsigned i = 0; i < servers; i++) {
		r->spool[i] = calloc(1, sizeof(*r->spool[i]));
		assert(r->spool[i]);
		spoolsim_init(r->spool[i], (uint8_t)(0xa0 + i), r->stored);
	}
	rig_open(r);
}

void
rig_fini(struct rig *r)
{
	rig_kill(r);
	buf_fini(&r->wire);
	for (unsigned i = 0; i < 2; i++) {
		if (r->spool[i])
			spoolsim_fini(r->spool[i]);
		free(r->spool[i]);
	}
	free(r->stored);
}

void
rig_open(struct rig *r)
{
	char why[300];
	int rc = agentlink_sender_open(&r->settings, r->outbox, r->outbox_max,
	    why, sizeof(why), &r->sender);
	if (rc)
		fprintf(stderr, "rig: %s\n", why);
	assert(!rc);
	r->engine = agentlink_sender_engine(r->sender);
	assert(!agentlink_sender_stream(r->sender, "s", &r->stream));
	agentlink_engine_start(r->engine, rig_now(r));
	rig_events(r);
}

void
rig_kill(struct rig *r)
{
	if (r->is_connected)
		spoolsim_conn_fini(&r->conn);
	r->is_connected = false;
	agentlink_sender_close(r->sender);
	r->sender = NULL;
}

static void
connect_to(struct rig *r, unsigned server)
{
	r->server = server;
	r->connects++;
	if (!r->spool[server])
		return;
	spoolsim_conn_init(&r->conn, r->spool[server]);
	buf_clear(&r->wire);
	r->is_connected = true;
}

void
rig_events(struct rig *r)
{
	struct agentlink_event ev;
	while (agentlink_sender_next(r->sender, &ev)) {
		switch (ev.type) {
		case AGENTLINK_EVENT_CONNECT:
			connect_to(r, ev.server);
			agentlink_engine_on_connected(r->engine, rig_now(r));
			break;
		case AGENTLINK_EVENT_CLOSE:
			if (r->is_connected)
				spoolsim_conn_fini(&r->conn);
			r->is_connected = false;
			break;
		case AGENTLINK_EVENT_ACKED:
			r->acked += ev.records;
			break;
		case AGENTLINK_EVENT_EPOCH:
			r->epochs++;
			break;
		case AGENTLINK_EVENT_LOST:
			r->lost += ev.records;
			break;
		case AGENTLINK_EVENT_NOTE:
			r->notes++;
			break;
		case AGENTLINK_EVENT_FAILED:
			r->failures++;
			r->last_code = ev.code;
			r->last_retry_ms = ev.retry_ms;
			memcpy(r->last_text, ev.text, sizeof(ev.text));
			break;
		default:
			break;
		}
	}
}

void
rig_disconnect(struct rig *r)
{
	if (!r->is_connected)
		return;
	spoolsim_conn_fini(&r->conn);
	r->is_connected = false;
	agentlink_engine_on_disconnected(
	    r->engine, ERR_CLOSED, "cut", rig_now(r));
	rig_events(r);
}

void
rig_add(struct rig *r, unsigned records)
{
	for (unsigned i = 0; i < records; i++) {
		char text[64];
		uint32_t noise = r->next_record * 2654435761u;
		int n = snprintf(text, sizeof(text), "a record %08x #%u",
		    noise ^ noise >> 15, r->next_record);
		r->next_record++;
		assert(!agentlink_sender_add(
		    r->sender, r->stream, text, (size_t)n));
	}
}

void
rig_batch(struct rig *r, unsigned records)
{
	rig_add(r, records);
	struct bytes none = bytes_of(NULL, 0);
	assert(!agentlink_sender_seal(r->sender, "/var/log/x", 0, none, none));
	assert(!agentlink_sender_commit(r->sender));
}

/* Give the engine what is on the wire. */
static bool
feed(struct rig *r)
{
	bool any = false;
	for (size_t used = 1; used && r->is_connected;) {
		used = agentlink_engine_feed(
		    r->engine, buf_ptr(&r->wire), r->wire.len, rig_now(r));
		buf_consume(&r->wire, used);
		rig_events(r);
		any |= used != 0;
	}
	return any;
}

bool
rig_carry(struct rig *r, size_t most, bool with_acks)
{
	if (!r->is_connected)
		return false;
	const void *ptr;
	size_t len;
	agentlink_engine_drain(r->engine, rig_now(r), &ptr, &len);
	rig_events(r);
	if (!r->is_connected)
		return true;
	agentlink_engine_drain(r->engine, rig_now(r), &ptr, &len);
	size_t n = len < most ? len : most;
	if (n)
		spoolsim_conn_feed(&r->conn, bytes_of(ptr, n));
	agentlink_engine_sent(r->engine, n);
	if (with_acks)
		spoolsim_conn_ack(&r->conn);
	struct bytes back = buf_bytes(&r->conn.out);
	if (back.len > most)
		back.len = most;
	buf_add_bytes(&r->wire, back);
	buf_consume(&r->conn.out, back.len);
	return feed(r) || n || back.len;
}

void
rig_settle(struct rig *r)
{
	uint64_t until = r->now_ms + 3600000;
	while (!agentlink_engine_is_drained(r->engine) && r->now_ms < until) {
		bool moved = rig_carry(r, SIZE_MAX, true);
		uint64_t at = agentlink_engine_deadline(r->engine);
		r->now_ms += 10;
		if (!moved && at != UINT64_MAX && at > r->now_ms)
			r->now_ms = at;
		agentlink_engine_on_timer(r->engine, rig_now(r));
		rig_events(r);
	}
}

uint32_t
rig_wrong(const struct rig *r, uint32_t upto)
{
	uint32_t wrong = 0;
	for (uint32_t i = 0; i < upto; i++)
		wrong += r->stored[i] != 1;
	return wrong;
}
