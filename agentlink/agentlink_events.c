/* SPDX-License-Identifier: Apache-2.0 */
/* What the user is to be told, in order. */
#include "agentlink/agentlink_state.h"

struct agentlink_event *
agentlink_events_add(struct agentlink_engine *e, enum agentlink_event_type type)
{
	/*
	 * Feeding stops when half of the queue is full, and one frame makes
	 * few events; past the end the last one is written over, which can
	 * only be a note.
	 */
	if (e->event_n == AGENTLINK_STATE_EVENTS)
		e->event_n--;
	unsigned at = (e->event_at + e->event_n++) % AGENTLINK_STATE_EVENTS;
	e->event[at] = (struct agentlink_event){.type = type};
	if (type == AGENTLINK_EVENT_EPOCH)
		e->epochs_due++;
	return &e->event[at];
}

bool
agentlink_events_is_crowded(const struct agentlink_engine *e)
{
	return e->event_n > AGENTLINK_STATE_EVENTS / 2;
}

static void
tell_acked(struct agentlink_engine *e, struct agentlink_stream *s,
    struct agentlink_event *event)
{
	s->is_dirty = false;
	e->dirty--;
	*event = (struct agentlink_event){
	    .type = AGENTLINK_EVENT_ACKED,
	    .stream = s->number,
	    .to = s->acked,
	    .records = s->fresh_records,
	};
	s->fresh_records = 0;
	memcpy(event->head, s->acked_head, sizeof(event->head));
	memcpy(event->epoch, s->epoch.byte, sizeof(event->epoch));
	memcpy(event->spool, s->fresh_spool.byte, sizeof(event->spool));
}

void
agentlink_events_tell_acked(
    struct agentlink_engine *e, struct agentlink_stream *s)
{
	if (s->is_dirty)
		tell_acked(
		    e, s, agentlink_events_add(e, AGENTLINK_EVENT_ACKED));
}

static bool
next_acked(struct agentlink_engine *e, struct agentlink_event *event)
{
	for (uint32_t i = 0; e->dirty && i < e->streams; i++)
		if (e->stream[i]->is_dirty) {
			tell_acked(e, e->stream[i], event);
			return true;
		}
	return false;
}

bool
agentlink_events_take(struct agentlink_engine *e, struct agentlink_event *event)
{
	if (next_acked(e, event))
		return true;
	if (!e->event_n)
		return false;
	*event = e->event[e->event_at];
	e->event_at = (e->event_at + 1) % AGENTLINK_STATE_EVENTS;
	e->event_n--;
	if (event->type == AGENTLINK_EVENT_EPOCH)
		e->epochs_due--;
	return true;
}
