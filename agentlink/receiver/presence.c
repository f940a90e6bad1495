/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who is connected, as the keeper is told: it counts over all receivers, and
 * says who has to go.
 */
#include "agentlink/receiver/receiver.h"
#include "agentlink/receiver/session.h"
#include "lib/base/log.h"

void
presence_came(struct session *s)
{
	struct ipc_msg m = {.type = IPC_CONNECTED};
	struct ipc_connected *c = &m.u.connected;

	if (!s->number) {
		s->number = ++s->receiver->last_connection;
		s->since_us = receiver_now(s->receiver).mono_us;
	}
	c->connection = s->number;
	c->is_spool = s->spool;
	c->id = s->id;
	c->since_us = s->since_us;
	c->listener = bytes_of_str(s->listener->name);
	c->host = bytes_of_str(s->host);
	receiver_tell(s->receiver, &m); /* or when it is back */
}

void
presence_left(struct session *s)
{
	struct ipc_msg m = {.type = IPC_DISCONNECTED};

	m.u.disconnected.connection = s->number;
	if (s->number)
		receiver_tell(s->receiver, &m);
}

void
presence_all(struct receiver *r)
{
	for (struct session *s = r->sessions; s; s = s->next)
		if (s->number && s->state == SESSION_OPEN)
			presence_came(s);
}

int
presence_displaced(struct receiver *r, struct bytes payload)
{
	struct ipc_msg m;
	int rc = ipc_decode(IPC_DISPLACED, payload, &m);
	bool taken = !rc && m.u.displaced.code == AGENTLINK_CODE_TAKEN_OVER;
	struct session *s = r->sessions;

	while (!rc && s && s->number != m.u.displaced.connection)
		s = s->next;
	if (rc || !s)
		return rc;
	session_fail(s, (enum agentlink_code)m.u.displaced.code,
	    taken ? "a newer connection of this identity has come"
		  : "too many connections");
	return 0;
}
