/* SPDX-License-Identifier: Apache-2.0 */
/*
 * receivers - the links to the receivers: frames in, intake's answers out.
 */
#ifndef SPOOLD_KEEPER_RECEIVERS_H
#define SPOOLD_KEEPER_RECEIVERS_H

#include <stdbool.h>
#include <stdint.h>

#include "spoold/keeper/keeper.h"

struct receivers *receivers_new(struct keeper *k);

/* A socket to the receiver of a slot; it is ours. */
void receivers_on_link(struct receivers *r, uint32_t slot, int fd);

/* Do what intake wants done; after each event that was fed to it. */
void receivers_act(struct receivers *r);

/* Send what a commit has proven. */
void receivers_send_committed(struct receivers *r, struct committed *list);

/* Write out what is queued, within this time. */
void receivers_flush(struct receivers *r, unsigned wait_ms);

/* Connections of a listener, as the receivers report them. */
uint64_t receivers_connections(const struct receivers *r, const char *listener);
/* When the certificate of a listener ends, in seconds since 1970; 0: unknown.
 */
uint64_t receivers_certificate(const struct receivers *r, const char *listener);

#endif
