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

#include "lib/base/clock.h"
#include "lib/base/err.h"
#include "lib/base/log.h"
#include "lib/base/notify.h"
#include "lib/config/change.h"
#include "spoold/material.h"
#include "spoold/supervisor.h"

#define PATIENCE_MS 5000u
#define MORE_SIZE 64u /* to say how many lines more there are */

/* Line by line to the log; for the status, as many whole lines as it takes. */
static void
say_why(struct supervisor *s, struct bytes lines)
{
	size_t shown = 0, more = 0;

	while (lines.len) {
		struct bytes line = bytes_take_line(&lines);
		int len = (int)line.len;
		const char *text = (const char *)line.ptr;

		log_error("reload: %.*s", len, text);
		if (!more &&
		    shown + line.len < SUPERVISOR_ERROR_SIZE - MORE_SIZE)
			shown += (size_t)snprintf(s->reload_error + shown,
			    SUPERVISOR_ERROR_SIZE - shown, "%s%.*s",
			    shown ? "\n" : "", len, text);
		else
			more++;
	}
	if (more)
		snprintf(s->reload_error + shown, SUPERVISOR_ERROR_SIZE - shown,
		    "%sthe log has more lines: %zu", shown ? "\n" : "", more);
	log_error("reload: the old configuration stays in use");
}

static void
give_up(struct supervisor *s, struct bytes why)
{
	say_why(s, why);
	config_free(s->next_config);
	s->next_config = NULL;
	s->next_generation = 0;
	loop_timer_stop(s->reload_timer);
	/* Roles that were only planned go again. */
	supervisor_plan(s, s->config);
	supervisor_forget_unwanted(s);
	supervisor_close_unused(s);
	notify_status("at work; the new configuration was refused: %.*s",
	    (int)strcspn(s->reload_error, "\n"), s->reload_error);
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
	supervisor_set_log(s->config);
	supervisor_set_mode(s);
	for (struct child *c = s->children; c; c = c->next) {
		if (!c->wanted) {
			child_stop(c, SUPERVISOR_DEADLINE_MS);
			continue;
		}
		if (c->state == CHILD_READY) {
			struct buf old = c->kv;

			c->kv = c->next_kv;
			c->next_kv = old;
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
prepare(struct supervisor *s, struct buf *why)
{
	int rc = 0;

	for (struct child *c = s->children; c && !rc; c = c->next) {
		if (!c->wanted || c->state != CHILD_READY)
			continue;
		rc = supervisor_kv(s, s->next_config, c, &c->next_kv, why);
		if (!rc)
			rc = child_prepare(
			    c, s->next_generation, buf_bytes(&c->next_kv));
	}
	return rc;
}

/* Read the file, and judge it before anything is done with it. */
static int
judge(struct supervisor *s, struct buf *why)
{
	struct buf warnings;
	int rc = config_load(s->options.config_path, &s->next_config);

	if (rc) {
		buf_add_str(why,
		    s->next_config ? config_why(s->next_config) : err_text(rc));
		return rc;
	}
	rc = change_check(s->config, s->next_config, why);
	if (rc && rc != ERR_INVAL)
		return rc;
	buf_init(&warnings, MATERIAL_LINES_MAX);
	rc = material_check(
	    s->next_config, clock_now().wall_ns / 1000000000, why, &warnings);
	if (!rc && why->len)
		rc = ERR_INVAL;
	if (!rc) {
		buf_clear(&s->warnings); /* what still holds is said again */
		supervisor_warn_lines(s, buf_bytes(&warnings));
	}
	buf_fini(&warnings);
	return rc;
}

static int
begin(struct supervisor *s, struct buf *why)
{
	char text[SOCKETS_WHY] = "";
	int rc = judge(s, why);

	if (rc)
		return rc;
	rc = supervisor_open(s, s->next_config, text);
	buf_add_str(why, text);
	if (!rc)
		rc = supervisor_plan(s, s->next_config);
	return rc ? rc : prepare(s, why);
}

void
supervisor_reload(struct supervisor *s)
{
	struct buf why;
	int rc;

	if (s->state == SUPERVISOR_STOPPING)
		return;
	if (s->next_generation || s->open_until_ms) {
		s->reload_again = true; /* a storm of SIGHUPs is one more */
		return;
	}
	notify_reloading();
	s->next_generation = s->generation + 1;
	buf_init(&why, MATERIAL_LINES_MAX);
	rc = begin(s, &why);
	if (rc) {
		if (!why.len)
			buf_add_str(&why, err_text(rc));
		give_up(s, buf_bytes(&why));
	} else {
		loop_timer_start(s->reload_timer, PATIENCE_MS, 0);
		if (all_answered(s))
			commit(s);
	}
	buf_fini(&why);
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
		give_up(s, bytes_of_str(text));
		return;
	}
	if (all_answered(s))
		commit(s);
}

void
supervisor_reload_timeout(struct supervisor *s)
{
	if (s->next_generation)
		give_up(s, bytes_of_str("a role did not answer within 5 s"));
}
