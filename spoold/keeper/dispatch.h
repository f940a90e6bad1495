/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dispatch - the links to the forwarders: work out, verdicts in.
 *
 * For each target that is connected: read ahead in a thread of the pool, hand
 * out what its window allows, settle what it reports.  A target that takes
 * nothing costs its window and nothing else.  Targets are known by name; a
 * forwarder whose target is not in the log yet is answered when it is.
 */
#ifndef SPOOLD_KEEPER_DISPATCH_H
#define SPOOLD_KEEPER_DISPATCH_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/base/bytes.h"
#include "lib/base/clock.h"
#include "lib/codec/ipc.h"
#include "spoold/keeper/keeper.h"

struct dispatch *dispatch_new(struct keeper *k);

/* A socket to the forwarder of a target; it is ours. */
void dispatch_on_link(struct dispatch *d, struct bytes name, int fd);

/* More is durable. */
void dispatch_on_durable(struct dispatch *d);
/* The target is known now, or has changed otherwise than by its verdicts. */
void dispatch_on_target(struct dispatch *d, const char *name);
/* Its state, up to these opaque bytes, survives us. */
void dispatch_on_saved(struct dispatch *d, const char *name,
    const uint8_t opaque[ENTRY_OPAQUE_SIZE]);
/* The target has another name, or is gone (NULL): its link ends. */
void dispatch_on_renamed(struct dispatch *d, const char *name);

/* Tell the forwarder; ERR_NOENT if none is connected. */
int dispatch_control(
    struct dispatch *d, const char *name, enum ipc_control_what what);

/* Readers that have nothing to do let go of their segments. */
void dispatch_release(struct dispatch *d);
/* No job is begun any more. */
void dispatch_stop(struct dispatch *d);

/* For the status. */
struct dispatch_state {
	bool connected; /* the forwarder, to us */
	bool up; /* the target, to the forwarder */
	char state[16]; /* "ok", "retry", "hold" as the forwarder says */
	char error_code[64], error_text[256];
	char error_at[CLOCK_TEXT_SIZE], success_at[CLOCK_TEXT_SIZE]; /* or "" */
	double rate; /* records settled a second */
	uint64_t certificate_ends; /* our own; seconds since 1970, 0: none */
	uint64_t window_bytes, sent_bytes;
	bool looks; /* what the far side lacks is not owed again yet */
};

void dispatch_state(
    struct dispatch *d, const char *name, struct dispatch_state *state);

#endif
