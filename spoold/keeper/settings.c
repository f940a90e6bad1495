/* SPDX-License-Identifier: Apache-2.0 */
#include "spoold/keeper/settings.h"

#include <grp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/err.h"
#include "lib/base/uuid.h"
#include "lib/digest/digest.h"
#include "spoold/keeper/mem.h"

static const char *
text_of(const struct kv *kv, const char *key)
{
	const char *text;

	return kv_get_str(kv, key, &text) ? "" : text;
}

static uint64_t
number_of(const struct kv *kv, const char *key, uint64_t otherwise)
{
	uint64_t x;

	return kv_get_u64(kv, key, &x) ? otherwise : x;
}

static const char *
item_of(const struct kv *kv, const char *list, size_t i, const char *field)
{
	char key[96];

	snprintf(key, sizeof(key), "%s.%zu.%s", list, i, field);
	return text_of(kv, key);
}

static void
read_listeners(const struct kv *kv, struct settings *s)
{
	size_t i;

	s->listeners = number_of(kv, "listener_count", 0);
	s->listener = mem_new(s->listeners * sizeof(*s->listener));
	for (i = 0; i < s->listeners; i++) {
		struct settings_listener *l = &s->listener[i];

		snprintf(l->name, sizeof(l->name), "%s",
		    item_of(kv, "listeners", i, "name"));
		snprintf(l->protocol, sizeof(l->protocol), "%s",
		    item_of(kv, "listeners", i, "protocol"));
		snprintf(l->address, sizeof(l->address), "%s",
		    item_of(kv, "listeners", i, "address"));
		l->max_connections = strtoull(
		    item_of(kv, "listeners", i, "max_connections"), NULL, 10);
		l->max_per_source = strtoull(
		    item_of(kv, "listeners", i, "max_per_source"), NULL, 10);
	}
}

static void
read_targets(const struct kv *kv, struct settings *s)
{
	size_t i;

	s->targets = number_of(kv, "target_count", 0);
	s->target = mem_new(s->targets * sizeof(*s->target));
	for (i = 0; i < s->targets; i++) {
		struct settings_target *t = &s->target[i];

		snprintf(t->name, sizeof(t->name), "%s",
		    item_of(kv, "targets", i, "name"));
		snprintf(t->protocol, sizeof(t->protocol), "%s",
		    item_of(kv, "targets", i, "protocol"));
		snprintf(t->address, sizeof(t->address), "%s%s",
		    item_of(kv, "targets", i, "address"),
		    item_of(kv, "targets", i, "directory"));
		t->start_oldest =
		    !strcmp(item_of(kv, "targets", i, "start"), "oldest");
	}
}

static int
read_groups(const struct kv *kv, struct settings *s, char *why, size_t size)
{
	static const char *const key[SETTINGS_GROUPS] = {
	    [SETTINGS_VIEWERS] = "control.viewers",
	    [SETTINGS_OPERATORS] = "control.operators",
	    [SETTINGS_ADMINS] = "control.admins",
	    [SETTINGS_READERS] = "control.readers",
	};
	const char *name;
	struct group *g;
	size_t i, n;

	for (i = 0; i < SETTINGS_GROUPS; i++)
		for (n = 0; !kv_get_nth(kv, key[i], n, &name); n++) {
			g = getgrnam(name);
			if (!g) {
				snprintf(why, size, "%s: there is no group %s",
				    key[i], name);
				return ERR_INVAL;
			}
			s->group[i] =
			    mem_grow(s->group[i], n + 1, sizeof(gid_t));
			s->group[i][s->groups[i]++] = g->gr_gid;
		}
	return 0;
}

/* 32 bytes, or 64 hexadecimal digits and perhaps a line end. */
static int
read_key(const struct kv *kv, struct settings *s, char *why, size_t size)
{
	struct bytes key = {0};
	int rc = kv_get_bytes(kv, "spool.encryption.key", &key);

	if (!rc && key.len == sizeof(s->key)) {
		memcpy(s->key, key.ptr, sizeof(s->key));
		return 0;
	}
	while (!rc && key.len > 64 &&
	    (key.ptr[key.len - 1] == '\n' || key.ptr[key.len - 1] == '\r'))
		key.len--;
	if (!rc && key.len == 64)
		rc = uuid_hex_parse(key, s->key, sizeof(s->key));
	else
		rc = ERR_INVAL;
	if (rc)
		snprintf(why, size,
		    "spool.encryption.key: a key is 32 bytes, or 64 "
		    "hexadecimal digits");
	return rc;
}

static int
read_encryption(const struct kv *kv, struct settings *s, char *why, size_t size)
{
	const char *mode = text_of(kv, "spool.encryption.mode");

	if (!strcmp(mode, "off"))
		s->encryption = SETTINGS_KEY_OFF;
	else if (!strcmp(mode, "key"))
		s->encryption = SETTINGS_KEY;
	else
		s->encryption = SETTINGS_KEY_BESIDE_DATA;
	return s->encryption == SETTINGS_KEY ? read_key(kv, s, why, size) : 0;
}

static void
read_bad_segments(const struct kv *kv, struct settings *s)
{
	size_t i;
	struct bytes v;
	char text[32];

	for (i = 0; i < kv_count(kv); i++) {
		if (strcmp(kv_key_at(kv, i), "spool.bad_segment"))
			continue;
		v = kv_value_at(kv, i);
		snprintf(text, sizeof(text), "%.*s", (int)v.len,
		    (const char *)v.ptr);
		s->bad_segment = mem_grow(
		    s->bad_segment, s->bad_segments + 1, sizeof(uint64_t));
		s->bad_segment[s->bad_segments++] = strtoull(text, NULL, 10);
	}
}

int
settings_new(
    const struct kv *kv, char *why, size_t why_size, struct settings **out)
{
	struct settings *s = mem_new(sizeof(*s));
	int rc;

	s->directory = mem_dup(bytes_of_str(text_of(kv, "spool.directory")));
	s->quota_bytes = number_of(kv, "spool.quota", 0);
	s->quota_percent = number_of(kv, "spool.quota_percent", 0);
	s->allow_any_filesystem = *text_of(kv, "spool.allow_filesystem");
	s->connections = number_of(kv, "limits.connections", 10000);
	s->memory = number_of(kv, "limits.memory", 64u << 20);
	s->starter = (uid_t)number_of(kv, "starter.uid", 0);
	s->log_json = !strcmp(text_of(kv, "log.format"), "json");
	if (log_level_parse(text_of(kv, "log.level"), &s->log_level))
		s->log_level = LOG_LEVEL_INFO;
	read_listeners(kv, s);
	read_targets(kv, s);
	read_bad_segments(kv, s);
	s->bad_meta = number_of(kv, "spool.bad_meta", 0);
	rc = read_encryption(kv, s, why, why_size);
	if (!rc)
		rc = read_groups(kv, s, why, why_size);
	if (!rc && !*s->directory) {
		snprintf(why, why_size, "spool.directory is not set");
		rc = ERR_INVAL;
	}
	if (rc) {
		settings_free(s);
		return rc;
	}
	*out = s;
	return 0;
}

void
settings_free(struct settings *s)
{
	size_t i;

	if (!s)
		return;
	for (i = 0; i < SETTINGS_GROUPS; i++)
		free(s->group[i]);
	digest_wipe(s->key, sizeof(s->key));
	free(s->directory);
	free(s->listener);
	free(s->target);
	free(s->bad_segment);
	free(s);
}
