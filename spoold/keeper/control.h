/* SPDX-License-Identifier: Apache-2.0 */
/*
 * control - the control socket of spoolctl.
 *
 * At most 16 connections (then one that has asked nothing for 5 s makes room),
 * requests of at most 64 KiB, one answered after the other.  Who asks is known
 * from the kernel; what a verb needs is in the table of verbs.c.  An answer may
 * come later, from a job or a commit.  The bytes are specified in
 * doc/protocol-control.md.
 */
#ifndef SPOOLD_KEEPER_CONTROL_H
#define SPOOLD_KEEPER_CONTROL_H

#include <stdbool.h>
#include <stdint.h>

#include <jansson.h>

#include "lib/codec/ctl.h"
#include "spoold/keeper/keeper.h"
#include "spoold/keeper/refusal.h"

#define CONTROL_CLIENTS_MAX 16
#define CONTROL_ANSWER_MAX ((size_t)64 << 20) /* waiting for one caller */

/* What a caller may do; each includes what is before it, but READER. */
enum control_may {
	CONTROL_VIEW = 1,
	CONTROL_OPERATE = 2,
	CONTROL_ADMIN = 4,
	CONTROL_READ = 8, /* see the content of records */
};

struct control;
struct control_call; /* one request; ends with an answer or a failure */

/* Takes connections from `fd` (-1: there is no socket). */
int control_new(struct keeper *k, int fd, struct control **out);

struct keeper *control_keeper(const struct control_call *call);
unsigned control_rights(const struct control_call *call);
/* "uid 1000, pid 4711" */
const char *control_actor(const struct control_call *call);
/* The caller has hung up: answers go nowhere. */
bool control_is_gone(const struct control_call *call);

/* Frames before the answer. */
void control_send_stream(struct control_call *call, json_t *stream);
void control_send_batch(
    struct control_call *call, const struct ctl_batch *batch);
/* Bytes that wait for the caller to read them. */
size_t control_queued(const struct control_call *call);

/* Answer, and the call has ended.  `result` is taken over. */
void control_answer(struct control_call *call, json_t *result);

/*
 * Refuse, and the call has ended: `about` (a name) goes behind the message,
 * and `cause` beside it; both may be NULL.
 */
void control_refuse(struct control_call *call, enum refusal what,
    const char *about, const char *cause);

#endif
