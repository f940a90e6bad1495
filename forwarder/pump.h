/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pump - moves batches from the keeper to one target, and verdicts back.
 *
 * Glue between the keeper's link, the back-off, the pace and the target.  It
 * holds the batches that the keeper has sent and that are not settled, within
 * a window; it knows streams by the keeper's definitions; it tells the keeper
 * what is settled, and how the target is.  forwarder/targets/target.h is the
 * contract with the target.
 */
#ifndef FORWARDER_PUMP_H
#define FORWARDER_PUMP_H

#include <stdbool.h>
#include <stdint.h>

#include "forwarder/targets/target.h"

#define PUMP_WINDOW_BYTES (8u * 1024 * 1024)
#define PUMP_WINDOW_BATCHES 64u

struct pump; /* opaque; it is the struct target_host of its target */

/* `protocol` picks the class: NULL if there is none. */
const struct target_class *pump_class(const char *protocol);

/*
 * Make the pump and its target; kv as for the class.  dir_fd is the target's
 * from then on.  ERR_NOENT: unknown protocol.
 */
int pump_new(struct loop *loop, const char *name, const struct kv *kv,
    int dir_fd, struct pump **out);
/* The same with this class, for tests. */
int pump_new_of(const struct target_class *class, struct loop *loop,
    const char *name, const struct kv *kv, int dir_fd, struct pump **out);
void pump_free(struct pump *p);

/*
 * Use another configuration.  If it differs in anything but logging the target
 * comes up anew.
 */
int pump_configure(struct pump *p, const struct kv *kv);

/* A socket to the keeper, or to the resolver; fd is taken over. */
void pump_connect(struct pump *p, int fd);
void pump_connect_resolver(struct pump *p, int fd);

#endif
