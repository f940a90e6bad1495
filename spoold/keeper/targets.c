/* SPDX-License-Identifier: Apache-2.0 */
#include "spoold/keeper/targets.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/err.h"
#include "lib/base/log.h"
#include "spoold/keeper/dispatch.h"
#include "spoold/keeper/mem.h"
#include "spoold/keeper/upkeep.h"

/* A change on its way into the log. */
struct change {
	struct keeper *k;
	uint8_t action;
	char name[ENTRY_NAME_MAX + 1], new_name[ENTRY_NAME_MAX + 1];
	targets_done done;
	void *arg;
};

static struct change *
change_new(struct keeper *k, uint8_t action, const char *name,
    targets_done done, void *arg)
{
	struct change *c = mem_new(sizeof(*c));

	c->k = k;
	c->action = action;
	snprintf(c->name, sizeof(c->name), "%s", name);
	c->done = done;
	c->arg = arg;
	return c;
}

static void
change_end(struct change *c)
{
	if (c->done)
		c->done(c->arg);
	free(c);
}

/* ---- following the configuration ---- */

static bool
is_configured(const struct keeper *k, const char *name)
{
	size_t i;

	for (i = 0; i < k->settings->targets; i++)
		if (!strcmp(k->settings->target[i].name, name))
			return true;
	return false;
}

static void
on_added(struct item *it, void *arg)
{
	struct keeper *k = arg;
	struct cursors_target *t;

	k->adding--;
	if (!cursors_add(&k->cursors, bytes_of_str(it->name),
		bytes_of_str(it->protocol), it->first_rec, &t)) {
		t->configured = is_configured(k, it->name);
		log_info("target %s begins at record %llu", t->name,
		    (unsigned long long)t->start_rec);
	}
	dispatch_on_target(k->dispatch, it->name);
}

static void
add(struct keeper *k, const struct settings_target *s)
{
	struct item *it = item_new(ITEM_TARGET);

	it->target.action = ENTRY_TARGET_ADDED;
	if (s->start_oldest || k->next_rec <= 1)
		it->target.start_rec = upkeep_oldest_rec(k->upkeep);
	snprintf(it->name, sizeof(it->name), "%s", s->name);
	snprintf(it->protocol, sizeof(it->protocol), "%s", s->protocol);
	it->on_durable = on_added;
	it->arg = k;
	k->adding++;
	keeper_submit(k, it);
}

/* Another protocol makes nothing of the opaque bytes. */
static void
set_protocol(struct keeper *k, struct cursors_target *t, const char *protocol)
{
	struct entry e = {.type = ENTRY_TARGET};

	if (!strcmp(t->protocol, protocol))
		return;
	keeper_log_positions(k);
	cursors_set_protocol(t, bytes_of_str(protocol));
	e.u.target = (struct entry_target){.action = ENTRY_TARGET_PROTOCOL,
	    .name = bytes_of_str(t->name),
	    .protocol = bytes_of_str(protocol)};
	keeper_entry(k, &e, NULL, NULL);
}

static void
note_configured(struct keeper *k, const struct cursors_target *t)
{
	if (!t->configured)
		keeper_note_certificate(k, "target", t->name, 0);
	if (t->configured)
		keeper_alarm_ends(k, t->name, "TARGET_ORPHANED");
	else
		keeper_alarm_stands(k, t->name,
		    "TARGET_ORPHANED: target %s is not in the configuration: "
		    "it keeps its backlog until it is put back, or removed "
		    "(spoolctl target remove)",
		    t->name);
}

void
targets_apply(struct keeper *k)
{
	struct cursors_target *t;
	size_t i;

	for (i = 0; i < k->cursors.n; i++)
		k->cursors.target[i]->configured = false;
	for (i = 0; i < k->settings->targets; i++) {
		const struct settings_target *s = &k->settings->target[i];

		t = cursors_find(&k->cursors, bytes_of_str(s->name));
		if (!t) {
			add(k, s);
			continue;
		}
		t->configured = true;
		set_protocol(k, t, s->protocol);
	}
	for (i = 0; i < k->cursors.n; i++)
		note_configured(k, k->cursors.target[i]);
}

bool
targets_are_known(const struct keeper *k)
{
	return k->adding == 0;
}

/* ---- changes by an administrator ---- */

static void
put_admin(struct buf *b, struct keeper *k, const struct targets_actor *by,
    const char *action, const char *name)
{
	struct entry e = {.type = ENTRY_ADMIN};
	char text[128];

	snprintf(text, sizeof(text), "%s%s%s", action, *name ? " " : "", name);
	e.u.admin = (struct entry_admin){.wall_ns = keeper_now(k).wall_ns,
	    .actor = bytes_of_str(by->actor),
	    .action = bytes_of_str(text),
	    .reason = bytes_of_str(by->reason)};
	entry_encode(b, &e);
	log_info("%s by %s%s%s", text, by->actor, *by->reason ? ": " : "",
	    by->reason);
}

static void
on_audited(struct item *it, void *arg)
{
	(void)it;
	change_end(arg);
}

void
targets_audit(struct keeper *k, const char *action, const char *name,
    const struct targets_actor *by, targets_done done, void *arg)
{
	struct change *c = change_new(k, 0, name, done, arg);
	struct buf b;

	buf_init(&b, 8192);
	put_admin(&b, k, by, action, name);
	keeper_entries(k, &b, on_audited, c);
	buf_fini(&b);
}

static void
put_target(struct buf *b, const struct change *c)
{
	struct entry e = {.type = ENTRY_TARGET};

	e.u.target = (struct entry_target){.action = c->action,
	    .name = bytes_of_str(c->name),
	    .new_name = bytes_of_str(c->new_name)};
	entry_encode(b, &e);
}

static void
on_paused(struct item *it, void *arg)
{
	struct change *c = arg;
	struct cursors_target *t =
	    cursors_find(&c->k->cursors, bytes_of_str(c->name));
	bool pause = c->action == ENTRY_TARGET_PAUSED;

	(void)it;
	if (t) {
		t->paused = pause;
		t->serial++;
		dispatch_control(c->k->dispatch, c->name,
		    pause ? IPC_CONTROL_PAUSE : IPC_CONTROL_RESUME);
	}
	change_end(c);
}

int
targets_pause(struct keeper *k, const char *name, bool pause,
    const struct targets_actor *by, targets_done done, void *arg)
{
	struct cursors_target *t =
	    cursors_find(&k->cursors, bytes_of_str(name));
	struct change *c;
	struct buf b;

	if (!t)
		return ERR_NOENT;
	if (t->paused == pause)
		return ERR_STATE;
	c = change_new(k, pause ? ENTRY_TARGET_PAUSED : ENTRY_TARGET_RESUMED,
	    name, done, arg);
	buf_init(&b, 8192);
	put_admin(&b, k, by, pause ? "target pause" : "target resume", name);
	put_target(&b, c);
	keeper_entries(k, &b, on_paused, c);
	buf_fini(&b);
	return 0;
}

static void
on_removed(struct item *it, void *arg)
{
	struct change *c = arg;
	struct cursors_target *t =
	    cursors_find(&c->k->cursors, bytes_of_str(c->name));

	(void)it;
	if (t) {
		dispatch_on_renamed(c->k->dispatch, c->name);
		keeper_alarm_ends(c->k, c->name, "TARGET_ORPHANED");
		cursors_remove(&c->k->cursors, t);
	}
	change_end(c);
}

int
targets_remove(struct keeper *k, const char *name,
    const struct targets_actor *by, targets_done done, void *arg)
{
	struct cursors_target *t =
	    cursors_find(&k->cursors, bytes_of_str(name));
	struct entry e = {.type = ENTRY_GIVE_UP};
	struct change *c;
	struct buf b;

	if (!t)
		return ERR_NOENT;
	if (t->configured || t->held)
		return ERR_STATE;
	keeper_log_positions(k);
	c = change_new(k, ENTRY_TARGET_REMOVED, name, done, arg);
	buf_init(&b, 8192);
	put_admin(&b, k, by, "target remove", name);
	e.u.give_up = (struct entry_give_up){.target = bytes_of_str(name),
	    .term = ENTRY_TERM_SHED,
	    .from = t->start_rec,
	    .to = k->next_rec,
	    .count = cursors_pending_in(t, t->start_rec, k->next_rec),
	    .policy = bytes_of_str("target remove")};
	if (e.u.give_up.from < e.u.give_up.to)
		entry_encode(&b, &e);
	put_target(&b, c);
	t->held = true;
	keeper_entries(k, &b, on_removed, c);
	buf_fini(&b);
	return 0;
}

static void
on_renamed(struct item *it, void *arg)
{
	struct change *c = arg;
	struct cursors_target *t =
	    cursors_find(&c->k->cursors, bytes_of_str(c->name));

	(void)it;
	if (t)
		t->held = false;
	if (t &&
	    !cursors_rename(&c->k->cursors, t, bytes_of_str(c->new_name))) {
		dispatch_on_renamed(c->k->dispatch, c->name);
		t->configured = is_configured(c->k, t->name);
		keeper_alarm_ends(c->k, c->name, "TARGET_ORPHANED");
		note_configured(c->k, t);
		dispatch_on_target(c->k->dispatch, t->name);
	}
	change_end(c);
}

static bool
is_name(const char *name)
{
	size_t n = strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-");

	return n && n <= ENTRY_NAME_MAX && !name[n];
}

int
targets_rename(struct keeper *k, const char *name, const char *new_name,
    const struct targets_actor *by, targets_done done, void *arg)
{
	struct cursors_target *t =
	    cursors_find(&k->cursors, bytes_of_str(name));
	char names[2 * ENTRY_NAME_MAX + 2];
	struct change *c;
	struct buf b;

	if (!t)
		return ERR_NOENT;
	if (t->held)
		return ERR_STATE;
	if (!is_name(new_name))
		return ERR_INVAL;
	if (cursors_find(&k->cursors, bytes_of_str(new_name)))
		return ERR_EXISTS;
	keeper_log_positions(k);
	c = change_new(k, ENTRY_TARGET_RENAMED, name, done, arg);
	snprintf(c->new_name, sizeof(c->new_name), "%s", new_name);
	buf_init(&b, 8192);
	snprintf(names, sizeof(names), "%s %s", name, new_name);
	put_admin(&b, k, by, "target rename", names);
	put_target(&b, c);
	t->held = true;
	keeper_entries(k, &b, on_renamed, c);
	buf_fini(&b);
	return 0;
}
