/* SPDX-License-Identifier: Apache-2.0 */
/*
 * resolver - answers the forwarders' questions for names.
 *
 * Each forwarder has a link of its own.  Of one link one name is looked up at
 * a time and a few may wait, so no forwarder, however many questions it has,
 * keeps another from its answer for longer than the threads are all stuck.
 */
#ifndef FORWARDER_RESOLVER_RESOLVER_H
#define FORWARDER_RESOLVER_RESOLVER_H

#include "forwarder/resolver/lookup.h"
#include "lib/loop/loop.h"

#define RESOLVER_WAITING 8 /* questions of a link */
#define RESOLVER_LINKS 1024
#define RESOLVER_THREADS 16

struct resolver; /* opaque */

/* `run` looks up, in a thread: lookup_run, or a test's. */
int resolver_new(
    struct loop *loop, void (*run)(struct lookup *l), struct resolver **out);

/* A socket to a forwarder, taken over. */
int resolver_connect(struct resolver *r, int fd);

/*
 * Ends all links.  Look-ups that run are waited for by loop_free, which is to
 * come after it.
 */
void resolver_free(struct resolver *r);

#endif
