/* SPDX-License-Identifier: Apache-2.0 */
/*
 * roleconf - what one role is told of the configuration, as a kv.
 *
 * The supervisor makes these and sends them; a role never reads YAML, nor a
 * certificate, key, revocation or deny list from a file: their contents are
 * in the kv.  Keys are those of spoold.yaml.  Values: kv_get_u64 for bool,
 * integer, size (bytes), rate (bit/s), duration (ms), mode; kv_get_str for
 * words, names, paths and HOST:PORT; kv_get_bytes for contents of files; a
 * list is its key repeated, an empty list and what is not set are absent.
 * Equal kv bytes mean that a reload changes nothing for that role.
 */
#ifndef LIB_CONFIG_ROLECONF_H
#define LIB_CONFIG_ROLECONF_H

#include <stddef.h>

#include "lib/base/buf.h"
#include "lib/codec/kv.h"
#include "lib/config/config.h"

#define ROLECONF_ALL ((size_t)-1)

/* Longest certificate, key, list; the kv's own limit holds for all. */
#define ROLECONF_FILE_MAX ((size_t)512 << 10) /* bytes */

/*
 * All of these add to kv and return 0; ERR_INVAL with lines as those of
 * config_why appended to why (a file that cannot be read, a limit), or
 * ERR_NOMEM.  On failure what kv holds is of no use.
 *
 * The keeper: spool.*, run_directory, log.*, control.*, limits.*;
 * "spool.encryption.mode" is "key", "key-beside-data" or "off", and with
 * "key" "spool.encryption.key" holds the bytes of the key's file;
 * spool.quota (bytes) or "spool.quota_percent"; "listener_count" and
 * "listeners.N.name", ".protocol", ".address" ...; "target_count" and
 * "targets.N.name", ".protocol" and the rest; no contents of files there.
 */
int roleconf_keeper(const struct config *c, struct kv *kv, struct buf *why);

/* Any other role: log.*. */
int roleconf_other(const struct config *c, struct kv *kv, struct buf *why);

/*
 * A receiver: log.*, limits.*, "receivers" (how many there are),
 * "listener_count" and "listeners.N.name",
 * "listeners.N.protocol", "listeners.N.certificate" (its own or identity's) and
 * the rest; of one listener (N is 0) or of ROLECONF_ALL.
 */
int roleconf_receiver(
    const struct config *c, size_t listener, struct kv *kv, struct buf *why);

/*
 * A forwarder: log.*, limits.*, and its target's "name", "protocol",
 * "address", "certificate" (its own or identity's; chain and syslog over
 * TLS) and the rest, without a prefix.
 */
int roleconf_forwarder(
    const struct config *c, size_t target, struct kv *kv, struct buf *why);

#endif
