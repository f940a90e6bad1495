/* SPDX-License-Identifier: Apache-2.0 */
/* Which roles there are to be, and what each is told. */
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/err.h"
#include "lib/config/roleconf.h"
#include "spoold/material.h"
#include "spoold/supervisor.h"

struct child *
supervisor_find(
    struct supervisor *s, enum ipc_role role, uint32_t slot, const char *target)
{
	struct child *c = s->children;

	while (c &&
	    (c->role != role || c->slot != slot || strcmp(c->target, target)))
		c = c->next;
	return c;
}

static const struct child_events events;

static int
want(
    struct supervisor *s, enum ipc_role role, uint32_t slot, const char *target)
{
	struct child *c = supervisor_find(s, role, slot, target);
	int rc;

	if (!c) {
		rc = child_new(s->loop, role, slot, target, &events, s, &c);
		if (rc)
			return rc;
		c->next = s->children;
		s->children = c;
	}
	c->wanted = true;
	return 0;
}

static uint32_t
receiver_count(const struct config *config)
{
	uint32_t n = 0;

	for (size_t i = 0; i < config->listener_count; i++)
		if (config->listeners[i].receivers > n)
			n = (uint32_t)config->listeners[i].receivers;
	return n;
}

static bool
needs_names(const struct config *config)
{
	for (size_t i = 0; i < config->target_count; i++)
		if (config->targets[i].protocol != WORD_FILE)
			return true;
	return false;
}

int
supervisor_plan(struct supervisor *s, const struct config *config)
{
	int rc = want(s, IPC_ROLE_KEEPER, 0, "");

	for (struct child *c = s->children; c; c = c->next)
		c->wanted = c->role == IPC_ROLE_KEEPER;
	if (!rc)
		rc = want(s, IPC_ROLE_WORKER, 0, "");
	for (uint32_t i = 0; i < receiver_count(config) && !rc; i++)
		rc = want(s, IPC_ROLE_RECEIVER, i, "");
	for (size_t i = 0; i < config->target_count && !rc; i++)
		rc = want(
		    s, IPC_ROLE_FORWARDER, 0, config->targets[i].item.name);
	if (!rc && needs_names(config))
		rc = want(s, IPC_ROLE_RESOLVER, 0, "");
	return rc;
}

const char *
supervisor_user(
    struct supervisor *s, const struct config *config, const struct child *c)
{
	const char *user = c->role == IPC_ROLE_KEEPER ? config->users_keeper
	    : c->role == IPC_ROLE_RECEIVER	      ? config->users_receiver
						      : config->users_forwarder;

	if (getuid() != 0 || !user)
		return "";
	if (getpwnam(user))
		return user;
	supervisor_warn(s,
	    "user %s does not exist: what should run as it runs as root", user);
	return "";
}

static size_t
target_index(const struct config *config, const char *name)
{
	size_t i = 0;

	while (i < config->target_count &&
	    strcmp(config->targets[i].item.name, name))
		i++;
	return i;
}

static int
add_role_part(struct supervisor *s, const struct config *config,
    const struct child *c, struct kv *kv, struct buf *why)
{
	size_t i;
	int rc;

	switch (c->role) {
	case IPC_ROLE_KEEPER:
		rc = roleconf_keeper(config, kv, why);
		for (i = 0; i < s->n_bad && !rc; i++)
			rc = kv_add_u64(kv, "spool.bad_segment", s->bad[i]);
		if (!rc && s->meta_is_bad)
			rc = kv_add_u64(kv, "spool.bad_meta", 1);
		return rc;
	case IPC_ROLE_RECEIVER:
		return roleconf_receiver(config, ROLECONF_ALL, kv, why);
	case IPC_ROLE_FORWARDER:
		i = target_index(config, c->target);
		return i == config->target_count
		    ? ERR_NOENT
		    : roleconf_forwarder(config, i, kv, why);
	default:
		return roleconf_other(config, kv, why);
	}
}

int
supervisor_kv(struct supervisor *s, const struct config *config,
    const struct child *c, struct buf *out, struct buf *why)
{
	struct kv *kv = NULL;
	int rc = kv_new(&kv);

	if (!rc)
		rc = add_role_part(s, config, c, kv, why);
	if (!rc)
		rc = kv_add_str(kv, "user", supervisor_user(s, config, c));
	if (!rc)
		rc = kv_add_str(
		    kv, "sandbox", s->options.sandbox_off ? "off" : "on");
	if (!rc)
		rc = kv_add_u64(kv, "supervisor.pid", (uint64_t)getpid());
	if (!rc)
		rc = kv_add_u64(kv, "starter.uid", getuid());
	if (!rc) {
		buf_clear(out);
		kv_encode(kv, out);
		rc = out->err;
	}
	kv_free(kv);
	return rc;
}

/* ---- what children tell us
 * ----------------------------------------------------- */

/* A keeper that died left its spool as it was: looked at first, as always. */
static void
on_due(struct child *c, void *arg)
{
	if (c->role == IPC_ROLE_KEEPER)
		supervisor_inspect(arg);
	else
		child_start(c);
}

/*
 * What it was told before is what is in use: files that have changed since,
 * or are gone, are for the next reload.
 */
static int
make_kv(struct supervisor *s, struct child *c)
{
	struct buf why;
	int rc;

	buf_init(&why, MATERIAL_LINES_MAX);
	rc = supervisor_kv(s, s->config, c, &c->kv, &why);
	if (rc && !why.len)
		buf_add_str(&why, err_text(rc));
	if (rc)
		supervisor_warn_lines(s, buf_bytes(&why));
	if (rc && c->kv.len)
		supervisor_warn(
		    s, "%s starts with what it had before", c->name);
	buf_fini(&why);
	return c->kv.len ? 0 : rc;
}

static void
on_hello(struct child *c, void *arg)
{
	struct supervisor *s = arg;

	if (make_kv(s, c)) {
		child_kill(c);
		return;
	}
	supervisor_wire(s, c);
	child_prepare(c, s->generation, buf_bytes(&c->kv));
}

static void
on_config(struct child *c, uint32_t generation, bool ready, struct bytes why,
    void *arg)
{
	struct supervisor *s = arg;

	if (c->state != CHILD_STARTING) {
		supervisor_reload_answer(s, c, generation, ready, why);
		return;
	}
	if (ready) {
		child_switch(c, generation);
		return;
	}
	supervisor_warn(s, "%s refuses its configuration: %.*s", c->name,
	    (int)why.len, (const char *)why.ptr);
	child_kill(c);
}

static void
on_ready(struct child *c, void *arg)
{
	struct supervisor *s = arg;

	if (c->role == IPC_ROLE_KEEPER)
		s->keeper_was_ready = true;
	supervisor_check_ready(s);
	supervisor_report(s); /* the keeper shows the roles in its status */
}

static void
on_status(struct child *c, struct bytes kv, void *arg)
{
	(void)c;
	(void)kv;
	(void)arg;
}

static void
on_death(struct child *c, int status, void *arg)
{
	supervisor_on_death(arg, c, status);
}

static const struct child_events events = {
    .on_due = on_due,
    .on_hello = on_hello,
    .on_ready = on_ready,
    .on_config = on_config,
    .on_status = on_status,
    .on_death = on_death,
};
