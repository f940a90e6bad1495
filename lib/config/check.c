/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/config/check.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/un.h>

#include "lib/base/err.h"

#define KEY_TEXT_MAX 160
#define SOCKET_PATH_MAX (sizeof(((struct sockaddr_un *)0)->sun_path) - 1)

struct checker {
	struct config *c;
	struct problem_list *problems;
	const struct schema *schema;
	const struct schema_group *listeners, *targets;
};

static void
complain_top(
    struct checker *k, const char *key, const char *wrong, const char *allowed)
{
	problem_add(k->problems,
	    schema_place_of(k->schema->top, &k->c->item, key), key, wrong,
	    allowed, NULL);
}

/* A problem with one key of a listener or target. */
static void
complain(struct checker *k, const struct schema_group *group,
    const struct schema_item *item, const char *key, const char *wrong,
    const char *allowed)
{
	char path[KEY_TEXT_MAX];

	snprintf(path, sizeof(path), "%s.%s.%s", group->key, item->name, key);
	problem_add(k->problems, schema_place_of(group, item, key), path, wrong,
	    allowed, NULL);
}

/* Was the key written, well or badly?  A bad value has its line already. */
static bool
is_written(const struct schema_group *group, const struct schema_item *item,
    const char *key)
{
	return schema_is_in_file(group, item, key);
}

static bool
is_top_written(const struct checker *k, const char *key)
{
	return is_written(k->schema->top, &k->c->item, key);
}

static bool
has_identity(const struct checker *k)
{
	return is_top_written(k, "identity.certificate") &&
	    is_top_written(k, "identity.key");
}

/* A certificate without its key, or a key alone, is of no use. */
static void
check_pair(struct checker *k, const struct schema_group *group,
    const struct schema_item *item)
{
	bool certificate = is_written(group, item, "certificate");
	bool key = is_written(group, item, "key");

	if (certificate && !key)
		complain(k, group, item, "certificate", "set without its key",
		    "certificate and key together");
	if (key && !certificate)
		complain(k, group, item, "key", "set without its certificate",
		    "certificate and key together");
}

static void
check_identity(struct checker *k)
{
	bool certificate = is_top_written(k, "identity.certificate");
	bool key = is_top_written(k, "identity.key");

	if (certificate && !key)
		complain_top(k, "identity.certificate", "set without its key",
		    "identity.certificate and identity.key together");
	if (key && !certificate)
		complain_top(k, "identity.key", "set without its certificate",
		    "identity.certificate and identity.key together");
}

/* agentlink and chain show a certificate: their own or identity's. */
static void
check_shown(struct checker *k, const struct schema_group *group,
    const struct schema_item *item, const char *wrong)
{
	if (!has_identity(k) && !is_written(group, item, "certificate") &&
	    !is_written(group, item, "key"))
		complain(k, group, item, "certificate", wrong,
		    "identity.certificate and identity.key, or certificate "
		    "and key here");
}

static bool
same_address(const struct value_address *a, const struct value_address *b)
{
	return a->is_ipv6 == b->is_ipv6 && !strcmp(a->host, b->host);
}

/* Every address of its family; [::] takes those of IPv4 as well. */
static bool
is_any_of(const struct value_address *any, const struct value_address *a)
{
	if (any->is_ipv6)
		return !strcmp(any->host, "::");
	return !strcmp(any->host, "0.0.0.0") && !a->is_ipv6;
}

/* What is wrong with having both; NULL if nothing.  Port 0 is another one. */
static const char *
address_clash(const struct value_address *a, const struct value_address *b)
{
	if (!a->host || !b->host || a->port != b->port || a->port == 0)
		return NULL;
	if (same_address(a, b))
		return "the address of listener";
	return is_any_of(a, b) || is_any_of(b, a)
	    ? "takes in, or is in, the address of listener"
	    : NULL;
}

static void
check_listener_address(struct checker *k, size_t index)
{
	const struct config_listener *l = &k->c->listeners[index];
	char wrong[KEY_TEXT_MAX];

	for (size_t i = 0; i < index; i++) {
		const struct config_listener *other = &k->c->listeners[i];
		const char *clash = address_clash(&l->address, &other->address);

		if (!clash)
			continue;
		snprintf(
		    wrong, sizeof(wrong), "%s %s", clash, other->item.name);
		complain(k, k->listeners, &l->item, "address", wrong,
		    "an address of its own");
		return;
	}
}

static void
check_listener(struct checker *k, size_t index)
{
	struct config_listener *l = &k->c->listeners[index];

	check_listener_address(k, index);
	check_pair(k, k->listeners, &l->item);
	if (l->protocol == WORD_AGENTLINK)
		check_shown(k, k->listeners, &l->item,
		    "no certificate to show to agents");
	if (!is_written(k->listeners, &l->item, "max_connections"))
		l->max_connections = k->c->limits_connections;
}

/* Without TLS nobody looks at certificates: say so instead of ignoring. */
static void
check_clear(struct checker *k, const struct schema_item *item)
{
	static const char *const keys[] = {
	    "ca", "server_name", "certificate", "key"};

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		if (is_written(k->targets, item, keys[i]))
			complain(k, k->targets, item, keys[i],
			    "of no use with transport tcp", "transport tls");
	}
}

/* The next name of a path, without slashes; "." is none. */
static struct bytes
next_name(const char **path)
{
	struct bytes name;

	do {
		*path += strspn(*path, "/");
		name = bytes_of(*path, strcspn(*path, "/"));
		*path += name.len;
	} while (bytes_equal_str(name, "."));
	return name;
}

/* By its text: where symbolic links lead is not looked at. */
static bool
is_inside(const char *path, const char *directory)
{
	struct bytes name;

	for (;;) {
		name = next_name(&directory);
		if (name.len == 0)
			return true;
		if (!bytes_equal(next_name(&path), name))
			return false;
	}
}

/* "..": what it leads to depends on links, and on when one looks. */
static bool
has_parent(const char *path)
{
	struct bytes name;

	do {
		name = next_name(&path);
		if (bytes_equal_str(name, ".."))
			return true;
	} while (name.len);
	return false;
}

/* A file target owns its directory and deletes in it (RULES.md 7). */
static void
check_directory(struct checker *k, size_t index)
{
	const struct config_target *t = &k->c->targets[index];
	const char *spool = k->c->spool_directory;
	char wrong[KEY_TEXT_MAX];

	if (!t->directory)
		return;
	if (has_parent(t->directory))
		complain(k, k->targets, &t->item, "directory", "has a .. in it",
		    "an absolute path without ..");
	if (spool &&
	    (is_inside(t->directory, spool) || is_inside(spool, t->directory)))
		complain(k, k->targets, &t->item, "directory",
		    "inside spool.directory, or around it",
		    "a directory of its own");
	for (size_t i = 0; i < index; i++) {
		const struct config_target *other = &k->c->targets[i];

		if (!other->directory ||
		    (!is_inside(t->directory, other->directory) &&
			!is_inside(other->directory, t->directory)))
			continue;
		snprintf(wrong, sizeof(wrong),
		    "the directory of target %s, inside or around it",
		    other->item.name);
		complain(k, k->targets, &t->item, "directory", wrong,
		    "a directory of its own");
		return;
	}
}

static void
check_target(struct checker *k, size_t index)
{
	const struct config_target *t = &k->c->targets[index];
	bool is_tls = t->protocol == WORD_CHAIN ||
	    (t->protocol == WORD_SYSLOG && t->transport == WORD_TLS);

	check_pair(k, k->targets, &t->item);
	check_directory(k, index);
	if (t->protocol == WORD_CHAIN)
		check_shown(k, k->targets, &t->item,
		    "no certificate to show to the parent");
	if (is_tls && !is_written(k->targets, &t->item, "ca"))
		complain(k, k->targets, &t->item, "ca",
		    "not set, so nobody can be trusted", "an absolute path");
	if (t->protocol == WORD_SYSLOG && t->transport == WORD_TCP)
		check_clear(k, &t->item);
	if (is_written(k->targets, &t->item, "max_backlog") &&
	    t->full_policy == WORD_BLOCK)
		complain(k, k->targets, &t->item, "max_backlog",
		    "of no use with full_policy block",
		    "max_backlog only with another full_policy, which this "
		    "version does not have");
}

/* A path in a directory, the caller's; NULL without memory. */
static char *
join(const char *directory, const char *name)
{
	size_t size = strlen(directory) + 1 + strlen(name) + 1;
	char *path = malloc(size);

	if (path)
		snprintf(path, size, "%s/%s", directory, name);
	return path;
}

static int
check_control(struct checker *k)
{
	struct config *c = k->c;

	if (!is_top_written(k, "control.socket") && c->run_directory) {
		c->control_socket = join(c->run_directory, "control.sock");
		if (!c->control_socket)
			return ERR_NOMEM;
	}
	if (c->control_socket && strlen(c->control_socket) > SOCKET_PATH_MAX)
		complain_top(k, "control.socket",
		    "too long for the path of a socket", "at most 107 bytes");
	return 0;
}

static void
check_directories(struct checker *k)
{
	const struct config *c = k->c;

	if (c->spool_directory && has_parent(c->spool_directory))
		complain_top(k, "spool.directory", "has a .. in it",
		    "an absolute path without ..");
	if (c->run_directory && has_parent(c->run_directory))
		complain_top(k, "run_directory", "has a .. in it",
		    "an absolute path without ..");
	if (c->run_directory && c->spool_directory &&
	    is_inside(c->run_directory, c->spool_directory))
		complain_top(k, "run_directory", "inside spool.directory",
		    "a directory of its own");
}

int
check_config(struct config *c, struct problem_list *problems)
{
	const struct schema *schema = config_schema();
	struct checker k = {
	    c, problems, schema, &schema->maps[0], &schema->maps[1]};
	int rc = check_control(&k);

	if (rc)
		return rc;
	check_identity(&k);
	check_directories(&k);
	for (size_t i = 0; i < c->listener_count; i++)
		check_listener(&k, i);
	for (size_t i = 0; i < c->target_count; i++)
		check_target(&k, i);
	return problems->err;
}
