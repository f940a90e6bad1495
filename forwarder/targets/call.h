/* SPDX-License-Identifier: Apache-2.0 */
/*
 * call - the connection of a target that has an address.
 *
 * All that such targets have in common: the settings of the connection, the
 * look-up, every address in turn with TLS (lib/link/dial), and telling the
 * pump how it failed.  A target calls call_start in its `start`, call_reset in
 * its `reset`, and writes to call_link between on_up and the next reset.
 */
#ifndef FORWARDER_TARGETS_CALL_H
#define FORWARDER_TARGETS_CALL_H

#include "forwarder/targets/target.h"
#include "lib/link/link.h"
#include "lib/tls/tls.h"

struct call; /* opaque */

/* From a target's configuration: address, server_name, timeout, and TLS. */
struct call_settings {
	char host[256], server_name[256];
	uint16_t port;
	uint32_t timeout_ms; /* for each address, and for its TLS */
	struct tls_config *tls; /* NULL: in the clear */
};

/*
 * Read and check them; `alpn` may be NULL.  The result is ended by
 * call_settings_fini, or by call_use.  An error and a sentence.
 */
int call_settings_load(const struct kv *kv, bool with_tls, const char *alpn,
    struct call_settings *out, char *why, size_t why_size);
void call_settings_fini(struct call_settings *s);

struct call_events {
	void (*on_up)(struct link *link, void *arg);
	/* As of a link (lib/link/link.h). */
	size_t (*on_data)(struct bytes data, void *arg);
	void (*on_drained)(void *arg);
};

int call_new(struct target_host *host, const struct call_events *events,
    void *arg, struct call **out);
void call_free(struct call *c);

/* Take these from the next call_start on; they are the call's then. */
void call_use(struct call *c, struct call_settings *settings);
uint32_t call_timeout_ms(const struct call *c);

/* Every failure from here on is told to the pump (target_host_fail). */
void call_start(struct call *c);

/* Drop the connection, or the attempt, silently. */
void call_reset(struct call *c);

/* The link while it is up, else NULL. */
struct link *call_link(const struct call *c);

#endif
