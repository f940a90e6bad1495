/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reload in two phases.
 *
 * The usual course: the file is parsed and checked, new sockets are bound,
 * every role that goes on is told PREPARE; when all have said READY they are
 * told SWITCH, new roles are started and those no longer wanted stopped.
 * What can go wrong at any step before SWITCH: the old configuration stays in
 * use everywhere, and status and the log say why.
 */
#include <stdio.h>
#include <string.h>

#include "lib/base/err.h"
#include "lib/base/log.h"
#include "lib/base/notify.h"
#include "spoold/supervisor.h"

#define PATIENCE_MS 5000u

static void
give_up(struct supervisor *s, const char *why)
{
	log_error("reload: %s; the old configuration stays in use", why);
	snprintf(s->reload_error, sizeof(s->reload_error), "%s", why);
	config_free(s->next_config);
	s->next_config = NULL;
	s->next_generation = 0;
	loop_timer_stop(s->reload_timer);
	/* Roles that were only planned go again. */
	supervisor_plan(s, s->config);
	supervisor_forget_unwanted(s);
	supervisor_close_unused(s);
	notify_status("at work; the new configuration was refused: %s", why);
	notify_ready();
	if (s->reload_again) {
		s->reload_again = false;
		supervisor_reload(s);
	}
}

static bool
all_answered(const struct supervisor *s)
{
	for (const struct child *c = s->children; c; c = c->next)
		if (c->wanted && c->state == CHILD_READY &&
		    c->prepared != s->next_generation)
			return false;
	return true;
}

static void
commit(struct supervisor *s)
{
	loop_timer_stop(s->reload_timer);
	config_free(s->config);
	s->config = s->next_config;
	s->next_config = NULL;
	s->generation = s->next_generation;
	s->next_generation = 0;
	*s->reload_error = '\0';
	for (struct child *c = s->children; c; c = c->next) {
		if (!c->wanted) {
			child_stop(c, SUPERVISOR_DEADLINE_MS);
			continue;
		}
		if (c->state == CHILD_READY) {
			supervisor_give_new(s, c);
			child_switch(c, s->generation);
		} else if (!c->pid) {
			c->events->on_due(c, c->arg);
		}
	}
	supervisor_forget_unwanted(s);
	supervisor_close_unused(s);
	log_info("configuration %u is in use", s->generation);
	notify_status("at work");
	notify_ready();
	supervisor_report(s);
	if (s->reload_again) {
		s->reload_again = false;
		supervisor_reload(s);
	}
}

static int
prepare(struct supervisor *s, char *why)
{
	struct buf lines;
	int rc = 0;

	buf_clear(&s->warnings); /* what still holds is said again below */
	buf_init(&lines, 65536);
	for (struct child *c = s->children; c && !rc; c = c->next) {
		if (!c->wanted || c->state != CHILD_READY)
			continue;
		rc = supervisor_kv(s, s->next_config, c, &c->next_kv, &lines);
		if (!rc)
			rc = child_prepare(
			    c, s->next_generation, buf_bytes(&c->next_kv));
	}
	if (rc) {
		if (!lines.len)
			buf_add_str(&lines, err_text(rc));
		snprintf(why, SOCKETS_WHY, "%.*s", (int)lines.len,
		    (const char *)buf_ptr(&lines));
	}
	buf_fini(&lines);
	return rc;
}

/* All that is wrong goes to the log; the reason is the first line. */
static void
say_what_is_wrong(const struct config *config, char *why)
{
	const char *line = config_why(config);
	size_t len = strcspn(line, "\n");

	snprintf(why, SOCKETS_WHY, "%.*s", (int)len, line);
	for (; *line; line += len + (line[len] == '\n')) {
		len = strcspn(line, "\n");
		log_error("%.*s", (int)len, line);
	}
}

static int
begin(struct supervisor *s, char *why)
{
	int rc = config_load(s->options.config_path, &s->next_config);

	if (rc && s->next_config)
		say_what_is_wrong(s->next_config, why);
	if (rc)
		return rc;
	if (strcmp(
		s->next_config->spool_directory, s->config->spool_directory)) {
		snprintf(why, SOCKETS_WHY,
		    "spool.directory cannot change while spoold runs; "
		    "restart it");
		return ERR_INVAL;
	}
	rc = supervisor_open(s, s->next_config, why);
	if (!rc)
		rc = supervisor_plan(s, s->next_config);
	return rc ? rc : prepare(s, why);
}

void
supervisor_reload(struct supervisor *s)
{
	char why[SOCKETS_WHY] = "";
	int rc;

	if (s->state == SUPERVISOR_STOPPING)
		return;
	if (s->next_generation) {
		s->reload_again = true; /* a storm of SIGHUPs is one more */
		return;
	}
	notify_reloading();
	s->next_generation = s->generation + 1;
	rc = begin(s, why);
	if (rc) {
		give_up(s, *why ? why : err_text(rc));
		return;
	}
	loop_timer_start(s->reload_timer, PATIENCE_MS, 0);
	if (all_answered(s))
		commit(s);
}

void
supervisor_reload_answer(struct supervisor *s, struct child *c,
    uint32_t generation, bool ready, struct bytes why)
{
	char text[SOCKETS_WHY];

	if (!s->next_generation || generation != s->next_generation)
		return;
	if (!ready) {
		snprintf(text, sizeof(text), "%s: %.*s", c->name, (int)why.len,
		    (const char *)why.ptr);
		give_up(s, text);
		return;
	}
	if (all_answered(s))
		commit(s);
}

void
supervisor_reload_timeout(struct supervisor *s)
{
	if (s->next_generation)
		give_up(s, "a role did not answer within 5 s");
}
