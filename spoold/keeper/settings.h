/* SPDX-License-Identifier: Apache-2.0 */
/*
 * settings - what the keeper was told of the configuration, taken apart.
 *
 * From the kv of lib/config/roleconf.h and what the supervisor adds to it.
 * One set is in use, another may be prepared for a reload.
 */
#ifndef SPOOLD_KEEPER_SETTINGS_H
#define SPOOLD_KEEPER_SETTINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "lib/base/log.h"
#include "lib/codec/entry.h"
#include "lib/codec/kv.h"

struct settings_listener {
	char name[ENTRY_NAME_MAX + 1];
	char protocol[33];
	char address[128];
	uint64_t max_connections, max_per_source;
};

struct settings_target {
	char name[ENTRY_NAME_MAX + 1];
	char protocol[33];
	char address[128]; /* or the directory of a file target */
	bool start_oldest;
};

enum settings_encryption {
	SETTINGS_KEY,
	SETTINGS_KEY_BESIDE_DATA,
	SETTINGS_KEY_OFF,
};

/* Groups of the control socket, by what their members may do. */
enum settings_group {
	SETTINGS_VIEWERS,
	SETTINGS_OPERATORS,
	SETTINGS_ADMINS,
	SETTINGS_READERS,
	SETTINGS_GROUPS,
};

struct settings {
	char *directory;
	uint64_t quota_bytes, quota_percent;
	enum settings_encryption encryption;
	uint8_t key[32];
	bool allow_any_filesystem;
	uint64_t memory, connections;
	uid_t starter;
	gid_t *group[SETTINGS_GROUPS];
	size_t groups[SETTINGS_GROUPS];
	struct settings_listener *listener;
	size_t listeners;
	struct settings_target *target;
	size_t targets;
	uint64_t *bad_segment;
	size_t bad_segments;
	bool bad_meta;
	enum log_level log_level;
	bool log_json;
};

/* ERR_INVAL and a sentence.  Looks up groups by name. */
int settings_new(
    const struct kv *kv, char *why, size_t why_size, struct settings **out);
void settings_free(struct settings *s);

#endif
