/* SPDX-License-Identifier: Apache-2.0 */
/* The messages to a spool that are not about a batch. */
#include "agentlink/agentlink_state.h"

void
agentlink_say_hello(struct agentlink_engine *e)
{
	struct agentlink_msg m = {.type = AGENTLINK_HELLO};
	struct agentlink_hello *h = &m.u.hello;
	h->min_version = h->max_version = AGENTLINK_VERSION;
	h->capabilities = AGENTLINK_CAP_ADVANCE;
	memcpy(h->agent.byte, e->settings.agent, UUID_SIZE);
	memcpy(h->boot.byte, e->settings.boot, UUID_SIZE);
	h->max_frame = AGENTLINK_FRAME_MAX;
	h->software = bytes_of_str(e->software);
	h->host = bytes_of_str(e->host);
	agentlink_msg_encode(&e->out, &m);
}

void
agentlink_say_ping(struct agentlink_engine *e, int64_t wall_ns)
{
	struct agentlink_msg m = {.type = AGENTLINK_PING};
	m.u.ping.t1 = wall_ns;
	agentlink_msg_encode(&e->out, &m);
	e->pinged_ms = e->now_ms;
}

void
agentlink_say_goodbye(struct agentlink_engine *e)
{
	struct agentlink_msg m = {.type = AGENTLINK_GOODBYE};
	m.u.goodbye.code = AGENTLINK_CODE_OK;
	agentlink_msg_encode(&e->out, &m);
}

void
agentlink_say_error(struct agentlink_engine *e, uint16_t code, const char *text)
{
	struct agentlink_msg m = {.type = AGENTLINK_ERROR};
	m.u.error.code = code;
	m.u.error.fatal = true;
	m.u.error.text = bytes_of_str(text);
	agentlink_msg_encode(&e->out, &m);
}

void
agentlink_say_stream_close(
    struct agentlink_engine *e, struct agentlink_stream *s)
{
	if (!s->is_open || e->phase != AGENTLINK_PHASE_READY)
		return;
	struct agentlink_msg m = {
	    .type = AGENTLINK_STREAM_CLOSE,
	    .stream = s->number + 1,
	};
	if (s->close_wanted && s->close_final)
		m.u.stream_close.flags = AGENTLINK_STREAM_FINAL;
	agentlink_msg_encode(&e->out, &m);
	s->is_open = false;
}
