/* SPDX-License-Identifier: Apache-2.0 */
#include "admin/statusview.h"

#include <stdio.h>
#include <string.h>

#include "admin/human.h"
#include "admin/json.h"
#include "admin/nouns.h"
#include "admin/when.h"

#define LINE_MAX 8192
#define DAY 86400.0
#define WINDOW_SHORT (DAY) /* less than this says little about a week */

/* Say what a buf holds, and empty it. */
static void
say(struct writer *w, enum writer_tone tone, struct buf *line)
{
	buf_add_u8(line, '\0');
	if (!line->err)
		writer_note(w, tone, (const char *)buf_ptr(line));
	buf_clear(line);
}

static void
add_unit(double n, const char *unit, struct buf *line)
{
	int digits = n < 9.95 && n != (double)(int)n;

	buf_add_fmt(line, "%.*f %s", digits, n, unit);
}

/* "41 days of autonomy" */
static void
add_autonomy(const json_t *status, struct buf *line)
{
	double s = json_num(status, "spool.autonomy_seconds", -1);

	if (s < 0) {
		buf_add_str(line, "autonomy not known yet");
		return;
	}
	if (s >= 1000 * DAY)
		buf_add_str(line, "over 1,000 days");
	else if (s >= 2 * DAY)
		add_unit(s / DAY, "days", line);
	else if (s >= 7200)
		add_unit(s / 3600, "hours", line);
	else
		add_unit(s / 60, "minutes", line);
	buf_add_str(line, " of autonomy");
}

static bool
is_well(const json_t *target)
{
	return !strcmp(json_str(target, "state", ""), "ok");
}

/* "READY" is what was, if nobody answers now. */
static const char *
readiness(const json_t *status)
{
	bool is_ready = json_flag(status, "ready", false);

	if (json_at(status, "stale_seconds"))
		return is_ready ? "was READY" : "was NOT READY";
	return is_ready ? "READY" : "NOT READY";
}

static void
say_stale(struct writer *w, const json_t *status, struct buf *line)
{
	double age = json_num(status, "stale_seconds", -1);

	if (age < 0)
		return;
	buf_add_str(line, "OLD: the daemon does not answer; written ");
	human_seconds(age, line);
	buf_add_str(line, " ago");
	say(w, WRITER_BAD, line);
}

static void
headline(struct writer *w, const json_t *status, struct buf *line)
{
	const json_t *targets = json_at(status, "targets");
	bool is_ready = json_flag(status, "ready", false);
	size_t count = json_array_size(targets), well = 0, i;
	const json_t *t;

	json_array_foreach(targets, i, t) well += is_well(t);
	add_autonomy(status, line);
	buf_add_fmt(line, ", %s", readiness(status));
	if (count && well == count)
		buf_add_fmt(line, ", all %zu targets ok", count);
	else if (count)
		buf_add_fmt(
		    line, ", %zu of %zu targets not ok", count - well, count);
	say(w,
	    !is_ready	       ? WRITER_BAD
		: well < count ? WRITER_WARN
			       : WRITER_GOOD,
	    line);
}

static void
add_percent(uint64_t used, uint64_t quota, struct buf *line)
{
	double percent = quota ? 100.0 * (double)used / (double)quota : 0;

	buf_add_fmt(line, " (%.*f %%)", percent < 9.95 && used, percent);
}

/* "spool  12.3 GiB of 200 GiB (6 %), 1,204,332 records in 45 segments" */
static void
say_spool(struct writer *w, const json_t *status, struct buf *line)
{
	uint64_t used = json_u64(status, "spool.used_bytes", 0);
	uint64_t quota = json_u64(status, "spool.quota_bytes", 0);
	uint64_t segments = json_u64(status, "spool.segments", 0);
	double ratio = json_num(status, "spool.ratio", 0);

	buf_add_str(line, "spool   ");
	human_bytes(used, line);
	buf_add_str(line, " of ");
	human_bytes(quota, line);
	add_percent(used, quota, line);
	buf_add_str(line, ", ");
	human_count(json_u64(status, "spool.records", 0), line);
	buf_add_str(line, " records in ");
	human_count(segments, line);
	buf_add_str(line, segments == 1 ? " segment" : " segments");
	if (ratio > 0)
		buf_add_fmt(line, ", %.1f:1", ratio);
	say(w, WRITER_PLAIN, line);
}

static void
say_daemon(
    struct writer *w, const json_t *status, int64_t now_s, struct buf *line)
{
	double window = json_num(status, "spool.autonomy_window_seconds", 0);
	int64_t since;

	buf_add_fmt(line, "daemon  spoold %s",
	    json_str(status, "version", "of unknown version"));
	if (!when_parse(json_str(status, "since", NULL), &since) &&
	    since <= now_s) {
		buf_add_str(line, ", up ");
		human_seconds((double)(now_s - since), line);
	}
	if (json_num(status, "spool.autonomy_seconds", -1) >= 0) {
		buf_add_str(line, "; autonomy measured over ");
		human_seconds(window, line);
		if (window < WINDOW_SHORT)
			buf_add_str(line, " only");
	}
	say(w, WRITER_PLAIN, line);
}

/* What only the wide form has room for. */
static void
say_more(struct writer *w, const json_t *status, struct buf *line)
{
	buf_add_fmt(line, "where   %s on %s, ",
	    json_str(status, "spool.directory", "?"),
	    json_str(status, "spool.filesystem", "?"));
	human_bytes(json_u64(status, "spool.reserve_bytes", 0), line);
	buf_add_str(line, " reserve, ");
	human_bytes(json_u64(status, "spool.spare_bytes", 0), line);
	buf_add_str(line, " spare");
	say(w, WRITER_PLAIN, line);
	buf_add_fmt(line, "id      %s, encryption %s",
	    json_str(status, "spool_id", "?"),
	    json_str(status, "spool.encrypted", "?"));
	say(w, WRITER_PLAIN, line);
}

static void
warn(struct writer *w, const char *text, struct buf *line)
{
	buf_add_fmt(line, "! %s", text);
	say(w, WRITER_WARN, line);
}

static void
say_roles(struct writer *w, const json_t *status, struct buf *line)
{
	const json_t *role;
	size_t i;

	json_array_foreach(json_at(status, "roles"), i, role)
	{
		const char *name = json_str(role, "role", "?");
		uint64_t restarts = json_u64(role, "restarts", 0);
		char text[128];

		if (!json_flag(role, "ready", true)) {
			snprintf(
			    text, sizeof(text), "%.64s is not ready", name);
			warn(w, text, line);
		}
		if (restarts) {
			snprintf(text, sizeof(text),
			    "%.64s was started again, %llu time%s", name,
			    (unsigned long long)restarts,
			    restarts == 1 ? "" : "s");
			warn(w, text, line);
		}
	}
}

static void
say_warnings(struct writer *w, const json_t *status, struct buf *line)
{
	const char *encrypted = json_str(status, "spool.encrypted", "");
	const char *reload = json_str(status, "reload.last_error", "");
	const json_t *text;
	size_t i;

	if (!strcmp(encrypted, "off"))
		warn(w, "records are stored without encryption", line);
	if (!strcmp(encrypted, "key-beside-data"))
		warn(w,
		    "the key lies beside the data: see "
		    "spool.encryption.key",
		    line);
	if (json_flag(status, "spool.any_filesystem", false))
		warn(w, "any file system is taken: only for trials", line);
	if (*reload) {
		buf_add_fmt(line, "! the last reload was refused: %s", reload);
		say(w, WRITER_WARN, line);
	}
	say_roles(w, status, line);
	json_array_foreach(json_at(status, "warnings"), i, text)
	{
		if (json_is_string(text))
			warn(w, json_string_value(text), line);
	}
}

/* An error still matters if nothing was delivered since. */
static bool
is_error_current(const json_t *target)
{
	int64_t error_s, success_s;

	if (!is_well(target))
		return true;
	return !when_parse(json_str(target, "last_error.at", NULL), &error_s) &&
	    !when_parse(json_str(target, "last_success", NULL), &success_s) &&
	    error_s > success_s;
}

void
statusview_target(struct writer *w, const json_t *target, int64_t now_s)
{
	const char *code = json_str(target, "last_error.code", "");
	const char *text = json_str(target, "last_error.text", "");
	int64_t at;
	struct buf line;

	if ((!*code && !*text) || !is_error_current(target))
		return;
	buf_init(&line, LINE_MAX);
	buf_add_str(&line, "    ");
	if (!when_parse(json_str(target, "last_error.at", NULL), &at) &&
	    at <= now_s) {
		human_seconds((double)(now_s - at), &line);
		buf_add_str(&line, " ago: ");
	}
	buf_add_str(&line, text);
	if (*code)
		buf_add_fmt(&line, "%s(%s)", *text ? " " : "", code);
	say(w, is_well(target) ? WRITER_WARN : WRITER_BAD, &line);
	buf_fini(&line);
}

json_t *
statusview_plain_target(const json_t *target)
{
	json_t *row = json_deep_copy(target);
	double pending = json_num(row, "pending", 0);
	double drain = json_num(row, "drain_seconds", -1);

	if (pending <= 0) {
		json_object_set_new(row, "oldest_pending_seconds", json_null());
		json_object_set_new(row, "drain_seconds", json_null());
	} else if (drain < 0 || (drain <= 0 && json_num(row, "rate", 0) <= 0)) {
		json_object_set_new(
		    row, "drain_seconds", json_string("stalled"));
	}
	return row;
}

static int
write_targets(struct writer *w, const json_t *status, const struct args *args,
    int64_t now_s, struct fault *fault)
{
	struct view_choice choice;
	const json_t *target;
	size_t i;
	int rc = view_choose(&nouns_targets, args, &choice, fault);

	if (rc)
		return rc;
	view_list_start(w, &nouns_targets, &choice);
	json_array_foreach(json_at(status, "targets"), i, target)
	{
		json_t *row = writer_is_prose(w)
		    ? statusview_plain_target(target)
		    : json_deep_copy(target);

		view_row(w, &nouns_targets, &choice, row);
		if (writer_form(w) == WRITER_TABLE)
			statusview_target(w, target, now_s);
		json_decref(row);
	}
	writer_end(w);
	if (!i)
		writer_data(w, WRITER_PLAIN, nouns_targets.none);
	return FAULT_OK;
}

static void
write_list(struct writer *w, const struct view *v, const json_t *rows,
    const struct args *args)
{
	struct args plain = *args; /* --columns is for the targets */
	struct view_choice choice;
	struct fault none;

	plain.text[ARGS_COLUMNS] = NULL;
	if (view_choose(v, &plain, &choice, &none))
		return;
	view_list(w, v, &choice, rows, SIZE_MAX);
	writer_data(w, WRITER_PLAIN, "");
}

static int
write_prose(struct writer *w, const json_t *status, const struct args *args,
    int64_t now_s, struct fault *fault)
{
	bool is_wide = writer_form(w) == WRITER_WIDE;
	struct buf line;
	int rc;

	buf_init(&line, LINE_MAX);
	say_stale(w, status, &line);
	headline(w, status, &line);
	say_spool(w, status, &line);
	say_daemon(w, status, now_s, &line);
	if (is_wide)
		say_more(w, status, &line);
	say_warnings(w, status, &line);
	writer_data(w, WRITER_PLAIN, "");
	if (is_wide)
		write_list(w, &nouns_roles, json_at(status, "roles"), args);
	write_list(w, &nouns_listeners, json_at(status, "listeners"), args);
	rc = write_targets(w, status, args, now_s, fault);
	buf_fini(&line);
	return rc;
}

int
statusview_write(struct writer *w, const json_t *status,
    const struct args *args, int64_t now_s, struct fault *fault)
{
	if (writer_is_prose(w))
		return write_prose(w, status, args, now_s, fault);
	if (writer_form(w) == WRITER_CSV || args->text[ARGS_COLUMNS])
		return write_targets(w, status, args, now_s, fault);
	view_object(w, status);
	return FAULT_OK;
}
