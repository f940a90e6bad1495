/* SPDX-License-Identifier: Apache-2.0 */
/* pair - a client and a server session that talk in memory, for tests. */
#ifndef TESTS_UNIT_LIB_TLS_PAIR_H
#define TESTS_UNIT_LIB_TLS_PAIR_H

#include "lib/tls/tls.h"
#include "tests/helpers/pki.h"

struct pair {
	struct tls *client, *server;
};

#define PAIR_AGENT "spool:agent:0189af00-ffee-4abc-8def-0123456789ab"
#define PAIR_SPOOL "spool:spool:1189af00-ffee-4abc-8def-0123456789ab"

/* An agent and a spool that believe each other. */
struct pair_world {
	struct pki *ca, *agent, *spool;
	struct tls_config *client, *server;
};

void pair_world_init(struct pair_world *w);
void pair_world_fini(struct pair_world *w);

/* A loaded configuration; a failure to load ends the test. */
struct tls_config *pair_config(const struct tls_config_settings *settings);

/* Both sessions, not yet shaken hands. */
struct pair pair_new(
    struct tls_config *client, struct tls_config *server, const char *name);
void pair_free(struct pair *p);

/* Carry what one side made to the other; returns what tls_feed said. */
int pair_carry(struct tls *from, struct tls *to);

/* Carry both ways until both are silent. */
void pair_settle(struct pair *p);

#endif
