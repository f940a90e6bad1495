/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/config/roleconf.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

#include "lib/base/err.h"
#include "lib/config/load.h"

#define SCALAR_MAX ((size_t)8192)
#define PREFIX_MAX 48
#define KEY_TEXT_MAX 160

/* One kv while it is made. */
struct maker {
	const struct config *c;
	const struct schema *schema;
	struct kv *kv;
	struct buf *why;
	bool has_contents; /* of certificates, keys and lists */
	int rc; /* ERR_NOMEM at once; ERR_INVAL: go on, to say all */
};

/* Where a value comes from: a row of an item, and what keys begin with. */
struct source {
	const struct schema_group *group;
	const struct schema_item *item;
	const char *prefix;
};

/* One line about a key that cannot be sent. */
static void
complain(struct maker *m, const struct source *s, const char *key,
    const char *path, const char *reason)
{
	struct schema_place at = schema_place_of(s->group, s->item, key);

	buf_add_fmt(m->why, "%s:%u:%u: ", m->c->file, at.line, at.column);
	if (s->item->name)
		buf_add_fmt(m->why, "%s.%s.", s->group->key, s->item->name);
	buf_add_fmt(m->why, "%s: %s%s%s\n", key, path ? path : "",
	    path ? ": " : "", reason);
	if (m->rc != ERR_NOMEM)
		m->rc = m->why->err ? m->why->err : ERR_INVAL;
}

/* What adding a pair said. */
static void
note(struct maker *m, const struct source *s, const char *key, int rc)
{
	if (rc == ERR_LIMIT)
		complain(m, s, key, NULL,
		    "too much for one role; allowed: 1MiB in all");
	else if (rc)
		m->rc = rc;
}

static void
name_key(const char *prefix, const char *key, char out[static KEY_TEXT_MAX])
{
	snprintf(out, KEY_TEXT_MAX, "%s%s", prefix, key);
}

static void
add_str(
    struct maker *m, const struct source *s, const char *key, const char *value)
{
	char name[KEY_TEXT_MAX];

	name_key(s->prefix, key, name);
	note(m, s, key, kv_add_str(m->kv, name, value));
}

static void
add_u64(
    struct maker *m, const struct source *s, const char *key, uint64_t value)
{
	char name[KEY_TEXT_MAX];

	name_key(s->prefix, key, name);
	note(m, s, key, kv_add_u64(m->kv, name, value));
}

/* The contents of a file, under `key`; `row_key` is where the path is from. */
static void
add_contents(struct maker *m, const struct source *s, const char *row_key,
    const char *key, const char *path)
{
	char name[KEY_TEXT_MAX];
	struct buf b;
	int rc;

	name_key(s->prefix, key, name);
	buf_init(&b, ROLECONF_FILE_MAX);
	rc = load_file(path, &b);
	if (rc == ERR_NOMEM)
		m->rc = rc;
	else if (rc == ERR_LIMIT)
		complain(m, s, row_key, path,
		    "too long; allowed: a file of at most 512KiB");
	else if (rc)
		complain(m, s, row_key, path, strerror(errno));
	else
		note(m, s, row_key, kv_add_bytes(m->kv, name, buf_bytes(&b)));
	if (b.mem)
		explicit_bzero(b.mem, b.cap);
	buf_fini(&b);
}

static void
add_text(struct maker *m, const struct source *s, const struct schema_row *row)
{
	struct buf b;

	buf_init(&b, SCALAR_MAX);
	value_format(row->type.kind, schema_value_of(row, s->item), &b);
	buf_add_u8(&b, '\0');
	if (b.err)
		m->rc = b.err;
	else
		add_str(m, s, row->key, (const char *)buf_ptr(&b));
	buf_fini(&b);
}

static void
add_list(struct maker *m, const struct source *s, const struct schema_row *row)
{
	const struct value_strings *list = schema_value_of(row, s->item);

	for (size_t i = 0; i < list->count; i++)
		add_str(m, s, row->key, list->item[i]);
}

static void
add_quota(struct maker *m, const struct source *s)
{
	const struct value_quota *quota = &m->c->spool_quota;

	if (quota->percent)
		add_u64(m, s, "spool.quota_percent", quota->percent);
	else
		add_u64(m, s, "spool.quota", quota->bytes);
}

/* credential:NAME is a file of the directory systemd has made. */
static void
add_credential(
    struct maker *m, const struct source *s, const char *key, const char *name)
{
	const char *directory = getenv("CREDENTIALS_DIRECTORY");
	char path[PATH_MAX];
	int n;

	if (!directory || !*directory) {
		complain(m, s, key, NULL,
		    "CREDENTIALS_DIRECTORY is not set; allowed: credential: "
		    "only in a unit with LoadCredential=");
		return;
	}
	n = snprintf(path, sizeof(path), "%s/%s", directory, name);
	if (n < 0 || (size_t)n >= sizeof(path))
		complain(m, s, key, NULL, "the path is too long");
	else
		add_contents(m, s, key, key, path);
}

static void
add_key(struct maker *m, const struct source *s, const struct schema_row *row)
{
	static const char *const modes[] = {
	    [VALUE_KEY_BESIDE] = "key-beside-data",
	    [VALUE_KEY_CREDENTIAL] = "key",
	    [VALUE_KEY_FILE] = "key",
	    [VALUE_KEY_OFF] = "off",
	};
	const struct value_key *key = schema_value_of(row, s->item);

	add_str(m, s, "spool.encryption.mode", modes[key->form]);
	if (key->form == VALUE_KEY_CREDENTIAL)
		add_credential(m, s, row->key, key->text);
	else if (key->form == VALUE_KEY_FILE)
		add_contents(m, s, row->key, row->key, key->text);
}

static void
add_row(struct maker *m, const struct source *s, const struct schema_row *row)
{
	const void *value = schema_value_of(row, s->item);

	switch (row->type.kind) {
	case VALUE_KEY:
		add_key(m, s, row);
		return;
	case VALUE_QUOTA:
		add_quota(m, s);
		return;
	case VALUE_MATERIAL:
		if (m->has_contents && value_is_set(VALUE_MATERIAL, value))
			add_contents(
			    m, s, row->key, row->key, *(char *const *)value);
		return;
	case VALUE_BOOL:
		add_u64(m, s, row->key, *(const bool *)value);
		return;
	default:
		break;
	}
	if (!value_is_set(row->type.kind, value))
		return;
	if (value_is_list(row->type.kind))
		add_list(m, s, row);
	else if (row->type.kind <= VALUE_MODE)
		add_u64(m, s, row->key, *(const uint64_t *)value);
	else
		add_text(m, s, row);
}

/* All rows of an item that begin with `section`, "" for all. */
static void
add_rows(struct maker *m, const struct source *s, const char *section)
{
	uint32_t protocol = schema_protocol(s->group, s->item);

	for (size_t i = 0; i < s->group->row_count && m->rc != ERR_NOMEM; i++) {
		const struct schema_row *row = &s->group->rows[i];

		if ((row->protocols & protocol) &&
		    !strncmp(row->key, section, strlen(section)))
			add_row(m, s, row);
	}
}

static void
add_top(struct maker *m, const char *section)
{
	struct source s = {m->schema->top, &m->c->item, ""};

	add_rows(m, &s, section);
}

/* Who has no certificate of its own shows that of the spool. */
static void
add_identity(struct maker *m, const struct source *s, const char *own)
{
	struct source top = {m->schema->top, &m->c->item, s->prefix};

	if (own || !m->has_contents || !m->c->identity_certificate ||
	    !m->c->identity_key)
		return;
	add_contents(m, &top, "identity.certificate", "certificate",
	    m->c->identity_certificate);
	add_contents(m, &top, "identity.key", "key", m->c->identity_key);
}

static void
add_listener(struct maker *m, size_t index, size_t number)
{
	const struct config_listener *l = &m->c->listeners[index];
	char prefix[PREFIX_MAX];
	struct source s = {&m->schema->maps[0], &l->item, prefix};

	snprintf(prefix, sizeof(prefix), "listeners.%zu.", number);
	add_str(m, &s, "name", l->item.name);
	add_rows(m, &s, "");
	add_identity(m, &s, l->certificate);
}

static void
add_target(struct maker *m, const struct config_target *t, const char *prefix)
{
	struct source s = {&m->schema->maps[1], &t->item, prefix};

	add_str(m, &s, "name", t->item.name);
	add_rows(m, &s, "");
	if (t->protocol == WORD_CHAIN ||
	    (t->protocol == WORD_SYSLOG && t->transport == WORD_TLS))
		add_identity(m, &s, t->certificate);
}

static void
add_count(struct maker *m, const char *key, size_t count)
{
	struct source s = {m->schema->top, &m->c->item, ""};

	add_u64(m, &s, key, count);
}

int
roleconf_other(const struct config *c, struct kv *kv, struct buf *why)
{
	struct maker m = {
	    .c = c, .schema = config_schema(), .kv = kv, .why = why};

	add_top(&m, "log.");
	return m.rc;
}

int
roleconf_keeper(const struct config *c, struct kv *kv, struct buf *why)
{
	struct maker m = {
	    .c = c, .schema = config_schema(), .kv = kv, .why = why};
	char prefix[PREFIX_MAX];

	add_top(&m, "spool.");
	add_top(&m, "run_directory");
	add_top(&m, "log.");
	add_top(&m, "control.");
	add_top(&m, "limits.");
	add_count(&m, "listener_count", c->listener_count);
	for (size_t i = 0; i < c->listener_count; i++)
		add_listener(&m, i, i);
	add_count(&m, "target_count", c->target_count);
	for (size_t i = 0; i < c->target_count; i++) {
		snprintf(prefix, sizeof(prefix), "targets.%zu.", i);
		add_target(&m, &c->targets[i], prefix);
	}
	return m.rc;
}

/* How many receivers there are: each has its part of what is limited. */
static uint64_t
receivers_of(const struct config *c)
{
	uint64_t n = 1;

	for (size_t i = 0; i < c->listener_count; i++)
		if (c->listeners[i].receivers > n)
			n = c->listeners[i].receivers;
	return n;
}

int
roleconf_receiver(
    const struct config *c, size_t listener, struct kv *kv, struct buf *why)
{
	struct maker m = {.c = c,
	    .schema = config_schema(),
	    .kv = kv,
	    .why = why,
	    .has_contents = true};
	bool is_all = listener == ROLECONF_ALL;

	if (!is_all && listener >= c->listener_count)
		return ERR_INVAL;
	add_top(&m, "log.");
	add_top(&m, "limits.");
	add_count(&m, "receivers", receivers_of(c));
	add_count(&m, "listener_count", is_all ? c->listener_count : 1);
	if (!is_all)
		add_listener(&m, listener, 0);
	for (size_t i = 0; is_all && i < c->listener_count; i++)
		add_listener(&m, i, i);
	return m.rc;
}

int
roleconf_forwarder(
    const struct config *c, size_t target, struct kv *kv, struct buf *why)
{
	struct maker m = {.c = c,
	    .schema = config_schema(),
	    .kv = kv,
	    .why = why,
	    .has_contents = true};

	if (target >= c->target_count)
		return ERR_INVAL;
	add_top(&m, "log.");
	add_top(&m, "limits.");
	add_target(&m, &c->targets[target], "");
	return m.rc;
}
