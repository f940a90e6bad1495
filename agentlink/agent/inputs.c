/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The usual course: a change is told by inotify or by the pipe, or the owner
 * comes by itself; patterns are looked at when names have changed, and once a
 * second; then each file is read as far as it has grown.
 * What can go wrong: there is no inotify, or files are on a network (the owner
 * is told to come more often), the outbox is full (reading waits, what is
 * there stays in the files and in the pipe).
 */
#include "agentlink/agent/inputs.h"

#include <inttypes.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "agentlink/agent/watch.h"
#include "lib/base/err.h"
#include "lib/base/log.h"

#define SCAN_MS 1000u
#define PIPE_DELAY_MS 50u /* a batch of a pipe waits for more */
#define PIPE_RECORDS 20000u

struct inputs {
	struct inputs_settings settings;
	struct follow **follow; /* by input; NULL: it is the pipe */
	size_t follows; /* that are not NULL */
	struct watch *watch; /* NULL: there is no inotify */
	struct source *pipe; /* standard input, or NULL */
	struct loop_poll *poll; /* of it; NULL: a file, always readable */
	struct loop_timer *flush_timer;
	bool pipe_has_more, is_pipe_over, is_polling;
	uint64_t pipe_records; /* of a pipe that is over */
	uint64_t scanned_ms;
	bool is_scanned;
};

/* ---- what inputs say
 * ------------------------------------------------------- */

static void
on_too_long(const char *path, uint64_t line, uint64_t offset, void *arg)
{
	(void)arg;
	log_error("%s:%" PRIu64 ": the record at byte %" PRIu64
		  " is longer than the limit of %u bytes; it is left out",
	    path, line, offset, AGENTLINK_BATCH_RECORD_MAX);
}

static void
on_truncated(const char *path, void *arg)
{
	(void)arg;
	log_info(
	    "%s: was truncated or replaced; reading from its beginning", path);
}

static void
on_note(bool is_error, const char *path, const char *text, void *arg)
{
	(void)arg;
	if (is_error)
		log_warn("%s: %s", path, text);
	else
		log_info("%s: %s", path, text);
}

static void
on_directory(const char *path, void *arg)
{
	struct inputs *in = arg;
	if (!watch_add(in->watch, path))
		in->is_polling = true;
}

/* ---- reading
 * --------------------------------------------------------------- */

static void
close_pipe(struct inputs *in)
{
	loop_poll_free(in->poll);
	in->poll = NULL;
	if (in->pipe)
		in->pipe_records += source_records(in->pipe);
	source_close(in->pipe);
	in->pipe = NULL;
}

static int
read_pipe(struct inputs *in)
{
	if (!in->pipe || !in->pipe_has_more)
		return 0;
	int rc = source_read(in->pipe, PIPE_RECORDS);
	if (rc == 1 || rc == ERR_FULL)
		return rc;
	if (rc == 0 && in->poll) {
		in->pipe_has_more = false;
		loop_poll_set(in->poll, LOOP_READABLE);
		loop_timer_start(in->flush_timer, PIPE_DELAY_MS, 0);
		return 0;
	}
	if (rc && rc != ERR_CLOSED)
		log_error("standard input: %s", err_text(rc));
	close_pipe(in);
	in->is_pipe_over = true;
	log_info("standard input has ended");
	return 0;
}

int
inputs_read(struct inputs *in, uint64_t now_ms)
{
	bool is_scan_due = watch_take(in->watch);
	if (!in->is_scanned || now_ms - in->scanned_ms >= SCAN_MS)
		is_scan_due = true;
	if (is_scan_due) {
		in->scanned_ms = now_ms;
		in->is_scanned = true;
	}
	int rc = read_pipe(in);
	bool is_more = rc == 1;
	for (size_t i = 0; rc >= 0 && i < in->settings.config->input_count;
	     i++) {
		if (!in->follow[i])
			continue;
		if (is_scan_due)
			follow_scan(in->follow[i], now_ms);
		rc = follow_read(in->follow[i], now_ms);
		is_more |= rc == 1;
	}
	return rc < 0 ? rc : is_more;
}

int
inputs_flush(struct inputs *in)
{
	return in->pipe ? source_flush(in->pipe) : 0;
}

static void
on_pipe(unsigned events, void *arg)
{
	struct inputs *in = arg;
	(void)events;
	in->pipe_has_more = true;
	loop_poll_set(in->poll, 0);
	in->settings.on_due(in->settings.arg);
}

static void
on_flush(void *arg)
{
	struct inputs *in = arg;
	inputs_flush(in); /* full: it is tried again by the next reading */
	in->settings.on_due(in->settings.arg);
}

static void
on_change(void *arg)
{
	struct inputs *in = arg;
	in->settings.on_due(in->settings.arg);
}

/* ---- life
 * ------------------------------------------------------------------ */

static enum framing_kind
framing_of(enum word w)
{
	return w == WORD_INPUT_NUL   ? FRAMING_NUL
	    : w == WORD_INPUT_LENGTH ? FRAMING_LENGTH
				     : FRAMING_LF;
}

static int
open_pipe(struct inputs *in, const struct source_settings *settings)
{
	int rc = 0;
	if (in->pipe)
		source_move(in->pipe, settings);
	else
		rc = source_open_pipe(settings, STDIN_FILENO, &in->pipe);
	in->pipe_has_more = true;
	if (!rc &&
	    loop_poll_new(
		in->settings.loop, STDIN_FILENO, on_pipe, in, &in->poll))
		in->poll = NULL; /* a file: always readable */
	return rc;
}

static int
open_one(struct inputs *in, size_t i, bool *has_pipe)
{
	const struct agentconfig_input *input = &in->settings.config->inputs[i];
	struct agentlink_sender *sender = in->settings.sender;
	struct agentlink_engine *engine = agentlink_sender_engine(sender);
	struct follow_settings settings = {
	    .source = {.sender = sender,
		.stream_name = input->stream,
		.framing = framing_of(input->framing),
		.events = {on_too_long, on_truncated, in}},
	    .patterns = (const char *const *)input->files.item,
	    .pattern_count = input->files.count,
	    .on_note = on_note,
	    .on_directory = on_directory,
	    .arg = in,
	};
	uint32_t streams = agentlink_engine_streams(engine);
	int rc = agentlink_sender_stream(
	    sender, input->stream, &settings.source.stream);
	bool is_first = agentlink_engine_streams(engine) != streams;
	settings.starts_at_end = is_first && input->start == WORD_END;
	if (!rc && input->is_stdin) {
		*has_pipe = true;
		return open_pipe(in, &settings.source);
	}
	if (!rc)
		rc = follow_new(&settings, &in->follow[i]);
	if (!rc)
		in->follows++;
	return rc;
}

static void
allow_many_files(void)
{
	struct rlimit files;
	if (getrlimit(RLIMIT_NOFILE, &files))
		return;
	files.rlim_cur = files.rlim_max;
	setrlimit(RLIMIT_NOFILE, &files);
}

static int
open_all(struct inputs *in)
{
	const struct agentconfig *c = in->settings.config;
	bool has_pipe = false;
	int rc = 0;
	in->follow = calloc(c->input_count + 1, sizeof(*in->follow));
	if (!in->follow)
		rc = ERR_NOMEM;
	if (!rc)
		rc = loop_timer_new(
		    in->settings.loop, on_flush, in, &in->flush_timer);
	if (!rc && watch_new(in->settings.loop, on_change, in, &in->watch))
		in->is_polling = true;
	if (!rc && in->is_polling)
		log_warn("inotify: not available; files are looked at by time");
	for (size_t i = 0; !rc && i < c->input_count; i++)
		rc = open_one(in, i, &has_pipe);
	if (!has_pipe)
		close_pipe(in);
	return rc;
}

int
inputs_new(const struct inputs_settings *settings, struct source *pipe,
    struct inputs **out)
{
	struct inputs *in = calloc(1, sizeof(*in));
	int rc = ERR_NOMEM;
	if (in) {
		in->settings = *settings;
		in->pipe = pipe;
		allow_many_files();
		rc = open_all(in);
	} else {
		source_close(pipe);
	}
	if (rc) {
		log_error("inputs: %s", err_text(rc));
		inputs_free(in);
		return rc;
	}
	*out = in;
	return 0;
}

void
inputs_free(struct inputs *in)
{
	if (!in)
		return;
	for (size_t i = 0; in->follow && i < in->settings.config->input_count;
	     i++)
		follow_free(in->follow[i]);
	free(in->follow);
	close_pipe(in);
	watch_free(in->watch);
	loop_timer_free(in->flush_timer);
	free(in);
}

struct source *
inputs_take_pipe(struct inputs *in)
{
	struct source *pipe = in->pipe;
	in->pipe = NULL;
	close_pipe(in);
	return pipe;
}

/* ---- about them
 * ------------------------------------------------------------ */

bool
inputs_are_over(const struct inputs *in)
{
	return in->is_pipe_over && !in->follows;
}

bool
inputs_pipe_is_over(const struct inputs *in)
{
	return in->is_pipe_over;
}

bool
inputs_need_polling(const struct inputs *in)
{
	return in->is_polling;
}

bool
inputs_counts(const struct inputs *in, size_t i, struct inputs_counts *counts)
{
	const struct agentconfig *c = in->settings.config;
	if (i >= c->input_count)
		return false;
	*counts = (struct inputs_counts){
	    .name = c->inputs[i].item.name,
	    .stream = c->inputs[i].stream,
	    .is_stdin = c->inputs[i].is_stdin,
	};
	if (in->follow[i])
		follow_counts(in->follow[i], &counts->counts);
	else
		counts->counts.records = in->pipe_records +
		    (in->pipe ? source_records(in->pipe) : 0);
	return true;
}
