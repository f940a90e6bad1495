/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sources - how many connections each address has, and how fast they come.
 *
 * Rules only; the time is an argument.  A token bucket per source address
 * bounds new connections; an address that has none for a while is forgotten.
 * The table has a limit: beyond it unknown sources are refused.
 */
#ifndef AGENTLINK_RECEIVER_SOURCES_H
#define AGENTLINK_RECEIVER_SOURCES_H

#include <stdint.h>

#define SOURCES_MAX 65536

struct sources; /* opaque */

int sources_new(struct sources **out);
void sources_free(struct sources *s);

/*
 * A connection from `host` (text of the address): 0, ERR_LIMIT when it has
 * max_open already or came faster than `rate` a second; ERR_NOMEM.  If the
 * rate is shared by several processes, each allows as many at once, and then
 * its part.
 */
int sources_open(struct sources *s, const char *host, uint32_t max_open,
    uint32_t rate, uint32_t sharers, uint64_t now_ms);

/* A connection that sources_open let in has ended. */
void sources_close(struct sources *s, const char *host);

/* Forget who has none and has been quiet. */
void sources_tidy(struct sources *s, uint64_t now_ms);

#endif
