/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tlsspool - a spoolsim behind TLS on a loopback port, in a thread, for tests
 * of the program.  One connection at a time.
 */
#ifndef TESTS_UNIT_AGENTLINK_AGENT_TLSSPOOL_H
#define TESTS_UNIT_AGENTLINK_AGENT_TLSSPOOL_H

#include <pthread.h>
#include <stdatomic.h>

#include "tests/unit/agentlink/spoolsim.h"

struct pki;
struct tls_config;

struct tlsspool {
	char dir[64]; /* agent.pem, agent.key, ca.pem, other.pem, other.key */
	struct pki *ca, *spool_cert;
	struct tls_config *config;
	int listener;
	uint16_t port;
	char address[32]; /* 127.0.0.1:PORT */
	pthread_t thread;
	atomic_bool is_stopping;
	atomic_bool is_silent; /* acknowledge nothing */
	atomic_uint cut_after; /* connection is reset after this many DATA */
	atomic_ulong connections, stored, seen_data;
	struct spoolsim sim; /* of the thread; read it after tlsspool_stop */
	uint8_t *counts;
};

/* Makes the directory and its certificates, and listens. */
void tlsspool_start(struct tlsspool *t);
void tlsspool_stop(struct tlsspool *t);
/* Records below upto that are not stored exactly once; after stop. */
uint32_t tlsspool_wrong(const struct tlsspool *t, uint32_t upto);
void tlsspool_free(struct tlsspool *t);

#endif
