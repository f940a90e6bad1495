/* SPDX-License-Identifier: Apache-2.0 */
/*
 * session - one connection: TLS, HELLO, then the agent's or the child's half.
 *
 * The usual course: accepted, TLS within 10 s, identity and deny list, HELLO
 * within 10 s, HELLO_OK, messages.  Frames are taken in place from the link's
 * buffer.  What can go wrong: anything malformed is answered by ERROR with a
 * code and the connection ends; a newer connection of the same identity takes
 * over (the older is told); silence for two minutes ends it.
 */
#ifndef AGENTLINK_RECEIVER_SESSION_H
#define AGENTLINK_RECEIVER_SESSION_H

#include "agentlink/receiver/agent_window.h"
#include "agentlink/receiver/receiver.h"
#include "lib/codec/agentlink_msg.h"
#include "lib/codec/proof.h"
#include "lib/link/address.h"

enum session_state {
	SESSION_TLS,
	SESSION_HELLO,
	SESSION_OPEN,
	SESSION_CLOSING,
};

/* A stream of an agent's connection. */
struct session_stream {
	struct session *session;
	struct session_stream *next_dirty;
	bool dirty;
	uint32_t number; /* the agent's, on this connection */
	struct uuid epoch; /* as it was opened; STREAM_STATE says it back */
	struct flow_stream *flow;
	bool answered; /* STREAM_STATE has been sent */
	uint64_t acked_ms; /* when ACK was last sent */
	struct agent_window window;
};

struct session {
	struct receiver *receiver;
	struct listener *listener;
	struct session *next, *prev;
	struct session *next_dirty;
	bool dirty;
	struct session_stream *dirty_streams;
	struct link *link;
	enum session_state state;
	bool spool; /* another spool: speaks the chain half */
	bool counted_auth;
	uint64_t number, since_us; /* of presence.c; 0 before HELLO */
	bool greeted; /* HELLO_OK was sent */
	struct uuid id;
	uint8_t print[TLS_FINGERPRINT_SIZE];
	char identity[64]; /* "spool:agent:<uuid>" */
	char host[ADDRESS_TEXT_SIZE];
	uint64_t seen_ms; /* last frame */
	uint64_t opened_ms; /* TLS done */
	uint32_t credit_bytes, credit_batches; /* last told */
	struct agent_window_use unacked;
	struct session_stream **streams; /* by number - 1 */
	uint32_t streams_cap;
	uint32_t streams_open;
	struct chain_state *chain; /* chain.c */
};

/* A connection was accepted; fd is taken over. */
void session_accept(struct listener *l, int fd,
    const struct sockaddr_storage *peer, socklen_t peer_len);

/* Send a message. */
void session_send(struct session *s, const struct agentlink_msg *m);

/* Say ERROR and end the connection. */
void session_fail(
    struct session *s, enum agentlink_code code, const char *text);

/* End it in order (link_close) after GOODBYE. */
void session_goodbye(
    struct session *s, enum agentlink_code code, uint32_t retry_ms);

/* Close at once and free. */
void session_free(struct session *s);

/* Something is to be acknowledged at the end of this turn. */
void session_mark_dirty(struct session *s);

/* Send what is to be acknowledged; tell credit if it has changed. */
void session_flush(struct session *s);
void session_tell_credit(struct session *s);

/* Once a second: deadlines, repeated acknowledgements. */
void session_tick(struct session *s, uint64_t now_ms);

/* Its window is full or closed: it waits for us. */
bool session_is_waiting(const struct session *s);

/* False: far more came than the credit allows; it has been told and goes. */
bool session_within_credit(struct session *s);

/* ---- presence.c: what the keeper is told of connections ---- */

/* It has said HELLO; the keeper may answer that somebody has to go. */
void presence_came(struct session *s);
void presence_left(struct session *s);

/* A keeper that was restarted is told of all. */
void presence_all(struct receiver *r);
int presence_displaced(struct receiver *r, struct bytes payload);

/* ---- agent.c: the agent's half ----------------------------------------------
 */

void agent_message(struct session *s, const struct agentlink_msg *m);
void agent_close_streams(struct session *s);
void agent_flush(struct session *s, uint64_t now_ms, bool repeat);

/* Callbacks of the flow; owner is a struct session_stream. */
void agent_on_stream_state(void *owner, const struct proof *proof);
void agent_on_durable(void *owner, uint64_t seq, const struct proof *proof);
void agent_on_refused(void *owner, const struct ipc_range *range,
    const struct ipc_range_verdict *verdict);

/* ---- chain.c: the child spool's half
 * ------------------------------------------ */

void chain_message(struct session *s, const struct agentlink_msg *m);
void chain_close(struct session *s);
void chain_flush(struct session *s);
void chain_on_state(void *owner, const struct proof *proof);
void chain_on_durable(void *owner, uint64_t from, uint64_t to, uint32_t bytes,
    const struct proof *proof);
void chain_on_refused(
    void *owner, uint64_t first_rec, uint32_t bytes, enum agentlink_code code);

#endif
