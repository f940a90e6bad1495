/* SPDX-License-Identifier: Apache-2.0 */
#include "spoold/keeper/status.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "config.h"
#include "lib/base/err.h"
#include "lib/base/log.h"
#include "lib/codec/kv.h"
#include "spoold/keeper/backlog.h"
#include "spoold/keeper/dispatch.h"
#include "spoold/keeper/jsonput.h"
#include "spoold/keeper/mem.h"
#include "spoold/keeper/receivers.h"
#include "spoold/keeper/targets.h"

#define FILE_EVERY_MS 2000
#define RATE_EVERY_MS 1000
#define RATE_WEIGHT 0.2

struct rate {
	char name[ENTRY_NAME_MAX + 1];
	uint64_t before;
	double rate;
};

struct status {
	struct keeper *k;
	struct loop_timer *file_timer, *rate_timer;
	struct rate *rate; /* of the listeners */
	size_t rates;
	bool complete; /* every role runs, says the supervisor */
	char *roles, *reload, *warnings, *addresses, *since;
	bool file_failed;
};

/* ---- rates ---- */

static struct rate *
rate_of(struct status *s, const char *name)
{
	size_t i;

	for (i = 0; i < s->rates; i++)
		if (!strcmp(s->rate[i].name, name))
			return &s->rate[i];
	s->rate = mem_grow(s->rate, s->rates + 1, sizeof(*s->rate));
	s->rate[s->rates] = (struct rate){0};
	snprintf(s->rate[s->rates].name, sizeof(s->rate[0].name), "%s", name);
	return &s->rate[s->rates++];
}

static void
take_rates(void *arg)
{
	struct status *s = arg;
	size_t i;

	for (i = 0; i < s->k->counters.n; i++) {
		const struct counters_row *row = &s->k->counters.row[i];
		struct rate *r = rate_of(s, row->name);
		double now = (double)(row->received - r->before) *
		    (1000.0 / RATE_EVERY_MS);

		r->rate += RATE_WEIGHT * (now - r->rate);
		r->before = row->received;
	}
}

static void
put_certificate(json_t *o, uint64_t ends_s)
{
	jsonput_time(o, "certificate_expires", (int64_t)ends_s * 1000000000);
}

/* ---- the parts ---- */

static void
put_autonomy(struct status *s, json_t *o, const struct store_info *info)
{
	uint64_t limit = info->quota_bytes - info->reserve_bytes;
	uint64_t sum, left;
	uint64_t window =
	    history_window(&s->k->history, keeper_now(s->k).spool_us, &sum);
	double a_second;

	left = limit > info->used_bytes ? limit - info->used_bytes : 0;
	a_second = window ? (double)sum / (double)window : 0;
	if (a_second > 0)
		jsonput_u64(
		    o, "autonomy_seconds", (uint64_t)((double)left / a_second));
	else
		json_object_set_new(o, "autonomy_seconds", json_null());
	jsonput_u64(o, "autonomy_window_seconds", window);
}

static uint64_t
records_held(const struct keeper *k)
{
	struct store_segment oldest;

	return store_segments(k->store, &oldest, 1)
	    ? k->next_rec - oldest.first_rec
	    : 0;
}

static json_t *
make_spool(struct status *s)
{
	static const char *const encrypted[] = {
	    [SETTINGS_KEY] = "key",
	    [SETTINGS_KEY_BESIDE_DATA] = "key-beside-data",
	    [SETTINGS_KEY_OFF] = "off",
	};
	const struct history *past = &s->k->history;
	json_t *o = json_object();
	struct store_info info;

	store_info(s->k->store, &info);
	jsonput_text(o, "directory", s->k->settings->directory);
	jsonput_text(o, "filesystem", info.filesystem ? info.filesystem : "?");
	jsonput_u64(o, "used_bytes", info.used_bytes);
	jsonput_u64(o, "quota_bytes", info.quota_bytes);
	jsonput_u64(o, "reserve_bytes", info.reserve_bytes);
	jsonput_u64(o, "segments", info.segments);
	jsonput_u64(o, "spare_bytes", info.spare_bytes);
	jsonput_text(o, "encrypted", encrypted[s->k->settings->encryption]);
	jsonput_u64(o, "records", records_held(s->k));
	put_autonomy(s, o, &info);
	jsonput_real(o, "ratio",
	    past->stored ? (double)past->raw / (double)past->stored : 0.0);
	jsonput_u64(o, "next_rec", s->k->next_rec);
	jsonput_u64(o, "quarantined_segments", info.quarantined);
	json_object_set_new(o, "full", json_boolean(s->k->full));
	json_object_set_new(o, "any_filesystem",
	    json_boolean(s->k->settings->allow_any_filesystem));
	return o;
}

static json_t *
parsed(const char *text, json_t *otherwise)
{
	json_t *j = text ? json_loads(text, JSON_DECODE_ANY, NULL) : NULL;

	if (!j)
		return otherwise;
	json_decref(otherwise);
	return j;
}

/* Where it listens in fact: the configuration may leave the port open. */
static void
put_address(struct status *s, json_t *o, const struct settings_listener *l)
{
	json_t *all = parsed(s->addresses, json_object());
	const char *bound = json_string_value(json_object_get(all, l->name));

	jsonput_text(o, "address", bound ? bound : l->address);
	json_decref(all);
}

static json_t *
make_listener(struct status *s, const struct settings_listener *l)
{
	struct counters_row *row =
	    counters_of(&s->k->counters, bytes_of_str(l->name));
	json_t *o = json_object();

	jsonput_text(o, "name", l->name);
	jsonput_text(o, "protocol", l->protocol);
	put_address(s, o, l);
	jsonput_text(o, "state", s->k->full ? "full" : "ok");
	jsonput_u64(
	    o, "connections", receivers_connections(s->k->receivers, l->name));
	put_certificate(o, receivers_certificate(s->k->receivers, l->name));
	jsonput_u64(o, "received", row->received);
	jsonput_u64(o, "acknowledged", row->acknowledged);
	jsonput_u64(o, "stored", row->stored);
	jsonput_u64(o, "duplicate", row->duplicate);
	jsonput_u64(o, "refused", row->refused);
	jsonput_real(o, "rate", rate_of(s, l->name)->rate);
	return o;
}

/* Also those that are counted but no longer configured. */
static json_t *
make_listeners(struct status *s)
{
	const struct settings *set = s->k->settings;
	json_t *a = json_array();
	size_t i, j;

	for (i = 0; i < set->listeners; i++)
		json_array_append_new(a, make_listener(s, &set->listener[i]));
	for (i = 0; i < s->k->counters.n; i++) {
		struct settings_listener gone = {.protocol = "", .address = ""};
		const char *name = s->k->counters.row[i].name;
		json_t *o;

		for (j = 0; j < set->listeners; j++)
			if (!strcmp(set->listener[j].name, name))
				break;
		if (j < set->listeners)
			continue;
		memcpy(gone.name, name, sizeof(gone.name));
		o = make_listener(s, &gone);
		jsonput_text(o, "state", "absent");
		json_array_append_new(a, o);
	}
	return a;
}

static const char *
state_of(const struct cursors_target *t, const struct dispatch_state *d)
{
	if (!t->configured)
		return "orphaned";
	if (t->paused)
		return "paused";
	return d->connected ? d->state : "disconnected";
}

static void
put_terms(json_t *o, const struct cursors_target *t, uint64_t pending)
{
	uint64_t stored = pending;
	size_t i;

	for (i = 0; i < ENTRY_TERMS; i++)
		stored += t->term[i];
	jsonput_u64(o, "stored", stored);
	jsonput_u64(o, "delivered", t->term[ENTRY_TERM_DELIVERED]);
	jsonput_u64(o, "unconfirmed", t->term[ENTRY_TERM_UNCONFIRMED]);
	jsonput_u64(o, "filtered", t->term[ENTRY_TERM_FILTERED]);
	jsonput_u64(o, "pending", pending);
	jsonput_u64(o, "dead_lettered", t->term[ENTRY_TERM_DEAD_LETTERED]);
	jsonput_u64(o, "expired", t->term[ENTRY_TERM_EXPIRED]);
	jsonput_u64(o, "shed", t->term[ENTRY_TERM_SHED]);
	jsonput_u64(o, "quarantined", t->term[ENTRY_TERM_QUARANTINED]);
}

static void
put_error(json_t *o, const struct dispatch_state *d)
{
	json_t *e;

	if (!*d->error_code) {
		json_object_set_new(o, "last_error", json_null());
		return;
	}
	e = json_object();
	jsonput_text(e, "code", d->error_code);
	jsonput_text(e, "text", d->error_text);
	jsonput_text_or_null(e, "at", d->error_at);
	json_object_set_new(o, "last_error", e);
}

static const char *
address_of(const struct settings *s, const char *target)
{
	size_t i;

	for (i = 0; i < s->targets; i++)
		if (!strcmp(s->target[i].name, target))
			return s->target[i].address;
	return "";
}

static json_t *
make_target(struct status *s, const struct cursors_target *t)
{
	struct dispatch_state d;
	uint64_t pending = cursors_pending_in(t, t->start_rec, s->k->next_rec);
	int64_t now_ns = keeper_now(s->k).wall_ns;
	int64_t oldest_ns = pending ? backlog_oldest(s->k->backlog, t) : 0;
	json_t *o = json_object();
	uint64_t bytes;

	dispatch_state(s->k->dispatch, t->name, &d);
	jsonput_text(o, "name", t->name);
	jsonput_text(o, "protocol", t->protocol);
	jsonput_text(o, "address", address_of(s->k->settings, t->name));
	jsonput_text(o, "state", state_of(t, &d));
	jsonput_u64(o, "start_rec", t->start_rec);
	put_terms(o, t, pending);
	if (backlog_bytes(s->k->backlog, t, &bytes))
		jsonput_u64(o, "backlog_bytes", bytes);
	else
		json_object_set_new(o, "backlog_bytes", json_null());
	jsonput_real(o, "oldest_pending_seconds",
	    oldest_ns && now_ns > oldest_ns ? (double)(now_ns - oldest_ns) / 1e9
					    : 0.0);
	jsonput_time(o, "oldest_pending", oldest_ns);
	jsonput_real(o, "rate", d.rate);
	if (pending && d.rate <= 0)
		json_object_set_new(o, "drain_seconds", json_null());
	else
		jsonput_real(o, "drain_seconds",
		    pending ? (double)pending / d.rate : 0.0);
	jsonput_text_or_null(o, "last_success", d.success_at);
	put_error(o, &d);
	put_certificate(o, d.certificate_ends);
	jsonput_u64(o, "first_pending_rec", cursors_first_pending(t, 1));
	jsonput_u64(o, "next_rec", s->k->next_rec);
	jsonput_u64(o, "intervals", t->settled.n);
	json_object_set_new(o, "durable",
	    json_boolean(t->serial == t->saved_serial && !d.looks));
	return o;
}

json_t *
status_target(struct status *s, const char *name)
{
	struct cursors_target *t =
	    cursors_find(&s->k->cursors, bytes_of_str(name));

	return t ? make_target(s, t) : NULL;
}

/* ---- what the supervisor says ---- */

static void
keep(char **to, const struct kv *kv, const char *key)
{
	const char *text;

	if (kv_get_str(kv, key, &text))
		return;
	free(*to);
	*to = mem_dup(bytes_of_str(text));
}

void
status_on_supervisor(struct status *s, const struct kv *kv)
{
	uint64_t ready;

	if (!kv_get_u64(kv, "ready", &ready))
		s->complete = ready != 0;
	keep(&s->roles, kv, "roles");
	keep(&s->reload, kv, "reload");
	keep(&s->warnings, kv, "warnings");
	keep(&s->addresses, kv, "addresses");
	keep(&s->since, kv, "since");
}

static json_t *
make_warnings(struct status *s)
{
	json_t *a = parsed(s->warnings, json_array());
	const struct keeper *k = s->k;
	char line[ALARMS_LINE];
	size_t i;

	if (!json_is_array(a)) {
		json_decref(a);
		a = json_array();
	}
	for (i = 0; i < k->alarms.n; i++)
		json_array_append_new(
		    a, json_string(alarms_line(&k->alarms.row[i], line)));
	return a;
}

json_t *
status_make(struct status *s)
{
	struct keeper *k = s->k;
	json_t *o = json_object(), *targets = json_array();
	char id[UUID_TEXT_SIZE];
	size_t i;

	jsonput_text(o, "schema", "spoold.status");
	jsonput_u64(o, "schema_version", 1);
	jsonput_text(o, "version", PACKAGE_VERSION);
	jsonput_text(o, "spool_id",
	    uuid_format(
		uuid_is_zero(&k->known_as) ? &k->identity.spool : &k->known_as,
		id));
	json_object_set_new(o, "ready",
	    json_boolean(k->running && s->complete &&
		intake_is_open(k->intake) && targets_are_known(k)));
	json_object_set_new(
	    o, "since", s->since ? json_string(s->since) : json_null());
	json_object_set_new(o, "spool", make_spool(s));
	json_object_set_new(o, "roles", parsed(s->roles, json_array()));
	json_object_set_new(o, "listeners", make_listeners(s));
	for (i = 0; i < k->cursors.n; i++)
		json_array_append_new(
		    targets, make_target(s, k->cursors.target[i]));
	json_object_set_new(o, "targets", targets);
	json_object_set_new(o, "reload", parsed(s->reload, json_object()));
	json_object_set_new(o, "warnings", make_warnings(s));
	return o;
}

/* ---- the file ---- */

static int
write_file(int dir, const char *text, size_t len)
{
	int fd = openat(dir, "status.json.new",
	    O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0644);
	int rc = fd < 0 ? err_of_errno(errno) : 0;

	if (!rc && write(fd, text, len) != (ssize_t)len)
		rc = ERR_IO;
	if (fd >= 0)
		close(fd);
	if (!rc && renameat(dir, "status.json.new", dir, "status.json"))
		rc = err_of_errno(errno);
	return rc;
}

static void
on_file_timer(void *arg)
{
	struct status *s = arg;
	json_t *o = status_make(s);
	char *text = json_dumps(o, JSON_COMPACT);
	int rc =
	    text ? write_file(s->k->run_fd, text, strlen(text)) : ERR_NOMEM;

	if (rc && !s->file_failed)
		log_warn("status.json cannot be written: %s", err_text(rc));
	s->file_failed = rc != 0;
	free(text);
	json_decref(o);
}

struct status *
status_new(struct keeper *k)
{
	struct status *s = mem_new(sizeof(*s));

	s->k = k;
	if (loop_timer_new(k->loop, on_file_timer, s, &s->file_timer) ||
	    loop_timer_new(k->loop, take_rates, s, &s->rate_timer))
		abort();
	loop_timer_start(s->rate_timer, RATE_EVERY_MS, RATE_EVERY_MS);
	if (k->run_fd >= 0)
		loop_timer_start(s->file_timer, 100, FILE_EVERY_MS);
	return s;
}
