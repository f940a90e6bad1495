/* SPDX-License-Identifier: Apache-2.0 */
/*
 * client - one connection to the control socket, asked one thing at a time.
 *
 * Whatever the other side does, a call ends: with the answer, or with a fault
 * that says which of absent, refusing, broken off, silent or malformed it is.
 * Frames and verbs are specified in doc/protocol-control.md.
 */
#ifndef ADMIN_CLIENT_H
#define ADMIN_CLIENT_H

#include <jansson.h>
#include <stdint.h>

#include "admin/fault.h"
#include "lib/codec/ctl.h"

#define CLIENT_TIMEOUT_MS 30000 /* of silence, where no other is given */

struct client; /* opaque */

/* A frame before the last one; valid during the call.  Returns 0 or exits. */
typedef int client_frame_fn(
    const struct ctl_frame *frame, void *arg, struct fault *fault);

/* timeout_ms: of silence; 0 waits for ever.  Returns the exit status. */
int client_open(const char *path, uint64_t timeout_ms, struct client **out,
    struct fault *fault);
void client_close(struct client *c);

/*
 * Ask; `args` is an object and is taken over, NULL for none.  *result, the
 * caller's, is an object.  on_frame may be NULL if no frames are expected.
 * After a fault the client is only to be closed.
 */
int client_ask(struct client *c, const char *verb, json_t *args,
    client_frame_fn *on_frame, void *arg, json_t **result, struct fault *fault);

/* Does the fault mean that the keeper is away, and may come back? */
bool client_is_away(const struct fault *fault);

#endif
