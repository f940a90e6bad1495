/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The usual course: every file is looked for, the outbox (with --state) is
 * opened, the courier connects while the first file is read; files are read
 * to their ends in order; when all is acknowledged, the summary is printed.
 * What can go wrong: the outbox is full (reading waits for ACKED), the server
 * is away (for ever, or until --timeout), a certificate is refused (exit 4).
 */
#include "agentlink/agent/send.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agentlink/agent/courier.h"
#include "agentlink/agentlink_material.h"
#include "agentlink/agent/options.h"
#include "agentlink/agent/source.h"
#include "lib/base/clock.h"
#include "lib/base/err.h"
#include "lib/base/log.h"
#include "lib/loop/loop.h"
#include "lib/tls/tls.h"

#define BACKOFF_MAX_MS 10000u
#define TURN_RECORDS 20000u /* read before the loop runs again */
#define OUTBOX_FILES (UINT64_C(64) << 20)
#define OUTBOX_STDIN (UINT64_C(1) << 30)
#define PIPE_DELAY_MS 50u /* a batch of a pipe waits for more */
#define PATH_SIZE 4096

struct send {
	struct options options;
	struct loop *loop;
	struct tls_config *tls;
	struct agentlink_sender *sender;
	struct courier *courier;
	struct loop_timer *work_timer, *flush_timer, *timeout_timer;
	struct loop_signal *term, *interrupt;
	struct loop_poll *poll; /* standard input, if it can be polled */
	struct source *source; /* the present one */
	size_t next_file;
	bool is_all_read, is_full, is_failed, is_stopping, is_durable;
	uint32_t refusing; /* servers whose last word was a refusal */
	uint64_t rate_tokens, rate_ms;
	uint64_t began_us;
	int exit_code;
};

static void stop(struct send *s, int exit_code);

/* ---- inputs
 * --------------------------------------------------------------------- */

static const char *
base_name(const char *path)
{
	const char *slash = strrchr(path, '/');
	return slash ? slash + 1 : path;
}

static const char *
stream_name(const struct send *s, size_t file)
{
	return s->options.stream ? s->options.stream
				 : base_name(s->options.files[file]);
}

static bool
is_stdin(const struct send *s)
{
	return !strcmp(s->options.files[0], "-");
}

static void
on_too_long(const char *path, uint64_t line, uint64_t offset, void *arg)
{
	struct send *s = arg;
	log_error("%s:%" PRIu64 ": the record at byte %" PRIu64
		  " is longer than the limit of %u bytes; nothing from there "
		  "on is sent",
	    path, line, offset, AGENTLINK_BATCH_RECORD_MAX);
	s->is_failed = true;
}

static void
on_truncated(const char *path, void *arg)
{
	(void)arg;
	log_warn("%s: another content than was read of it; reading from its "
		 "beginning",
	    path);
}

static int
open_next(struct send *s)
{
	const char *path = s->options.files[s->next_file];
	const char *name = stream_name(s, s->next_file);
	struct source_settings settings = {
	    .sender = s->sender,
	    .stream_name = name,
	    .framing = s->options.framing,
	    .stops_at_too_long = true,
	    .events = {on_too_long, on_truncated, s},
	};
	int rc = agentlink_sender_stream(s->sender, name, &settings.stream);
	if (rc) {
		log_error("%s: %s", name, err_text(rc));
		return rc;
	}
	s->next_file++;
	if (is_stdin(s))
		return source_open_pipe(&settings, STDIN_FILENO, &s->source);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0) {
		log_error("%s: %s", path, strerror(errno));
		return err_of_errno(errno);
	}
	rc = source_open(&settings, fd, path, false, &s->source);
	if (rc)
		close(fd);
	else
		source_finish(s->source);
	return rc;
}

/* How many records --rate allows now. */
static uint64_t
allowance(struct send *s)
{
	uint64_t rate = s->options.rate;
	if (!rate)
		return TURN_RECORDS;
	uint64_t now_ms = clock_now().mono_us / 1000;
	uint64_t gained = (now_ms - s->rate_ms) * rate / 1000;
	if (gained) {
		s->rate_tokens += gained;
		s->rate_ms = now_ms;
	}
	uint64_t most = rate / 10 + 1;
	if (s->rate_tokens > most)
		s->rate_tokens = most;
	return s->rate_tokens < TURN_RECORDS ? s->rate_tokens : TURN_RECORDS;
}

static void
close_source(struct send *s)
{
	loop_poll_free(s->poll);
	s->poll = NULL;
	source_close(s->source);
	s->source = NULL;
	if (s->is_failed || s->next_file == s->options.file_count)
		s->is_all_read = true;
}

/* One piece of the present source; true: come again at once. */
static bool
read_piece(struct send *s)
{
	uint64_t allowed = allowance(s);
	if (!allowed) {
		loop_timer_start(s->work_timer, 20, 0);
		return false;
	}
	uint64_t before = source_records(s->source);
	int rc = source_read(s->source, allowed);
	if (s->options.rate)
		s->rate_tokens -= source_records(s->source) - before;
	if (rc == 1)
		return true;
	if (rc == ERR_FULL) {
		s->is_full = true;
		return false;
	}
	if (rc == 0 && s->poll) {
		loop_poll_set(s->poll, LOOP_READABLE);
		if (agentlink_sender_gathered(s->sender) &&
		    !loop_timer_is_active(s->flush_timer))
			loop_timer_start(s->flush_timer, PIPE_DELAY_MS, 0);
		return false;
	}
	if (rc == ERR_FORMAT)
		log_error("%s: the input ends within a record",
		    source_path(s->source));
	else if (rc && rc != ERR_CLOSED && rc != ERR_LIMIT)
		log_error("%s: %s", source_path(s->source), err_text(rc));
	if (rc && rc != ERR_CLOSED)
		s->is_failed = true;
	close_source(s);
	return true;
}

static void
on_stdin(unsigned events, void *arg)
{
	struct send *s = arg;
	(void)events;
	loop_poll_set(s->poll, 0);
	loop_timer_start(s->work_timer, 0, 0);
}

static bool
open_source(struct send *s)
{
	int rc = open_next(s);
	if (rc) {
		s->is_failed = s->is_all_read = true;
		if (rc == ERR_NOENT)
			s->exit_code = EXIT_NOT_FOUND;
		return false;
	}
	if (is_stdin(s) &&
	    loop_poll_new(s->loop, STDIN_FILENO, on_stdin, s, &s->poll))
		s->poll = NULL; /* a file: always readable */
	return true;
}

static void
finish_if_done(struct send *s)
{
	struct agentlink_engine *e = agentlink_sender_engine(s->sender);
	if (s->is_all_read && !s->is_stopping &&
	    !agentlink_sender_gathered(s->sender) &&
	    agentlink_engine_is_drained(e))
		stop(s, s->is_failed ? EXIT_FAILED : EXIT_OK);
}

static void
on_work(void *arg)
{
	struct send *s = arg;
	if (s->is_stopping)
		return;
	s->is_full = false;
	bool is_again = false;
	if (!s->source && !s->is_all_read)
		open_source(s);
	if (s->source)
		is_again = read_piece(s);
	int rc = agentlink_sender_commit(s->sender);
	if (rc) {
		log_error(
		    "%s: the outbox cannot be made durable", s->options.state);
		stop(s, EXIT_FAILED);
		return;
	}
	courier_pump(s->courier);
	if (is_again && !loop_timer_is_active(s->work_timer))
		loop_timer_start(s->work_timer, 0, 0);
	finish_if_done(s);
}

/* A pipe's records have waited long enough for more. */
static void
on_flush(void *arg)
{
	struct send *s = arg;
	if (!s->source || s->is_stopping)
		return;
	if (source_flush(s->source) == ERR_FULL)
		s->is_full = true;
	loop_timer_start(s->work_timer, 0, 0);
}

/* ---- events
 * --------------------------------------------------------------------- */

/* One server may be set up wrongly; if all refuse us, it is we. */
static void
on_failed(struct send *s, const struct agentlink_event *event)
{
	uint32_t bit = UINT32_C(1) << event->server;
	uint32_t all = (uint32_t)((UINT64_C(1) << s->options.server_count) - 1);
	log_warn("%s: %s", s->options.servers[event->server], event->text);
	if (event->code == AGENTLINK_RESULT_AUTH)
		s->refusing |= bit;
	else
		s->refusing &= ~bit;
	if (s->refusing == all)
		stop(s, EXIT_DENIED);
}

static void
on_event(const struct agentlink_event *event, void *arg)
{
	struct send *s = arg;
	switch (event->type) {
	case AGENTLINK_EVENT_READY:
		log_info("connected to %s", s->options.servers[event->server]);
		s->refusing = 0;
		break;
	case AGENTLINK_EVENT_ACKED:
		if (s->is_full || s->is_all_read)
			loop_timer_start(s->work_timer, 0, 0);
		break;
	case AGENTLINK_EVENT_LOST:
		log_error("%" PRIu64 " records are lost: %s", event->records,
		    event->text);
		s->is_failed = true;
		break;
	case AGENTLINK_EVENT_NOTE:
		log_info("%s", event->text);
		break;
	case AGENTLINK_EVENT_FAILED:
		on_failed(s, event);
		break;
	default:
		break;
	}
	if (agentlink_sender_err(s->sender))
		stop(s, EXIT_FAILED);
}

static void
on_timeout(void *arg)
{
	struct send *s = arg;
	log_error("not everything was acknowledged in time");
	stop(s, EXIT_TIMEOUT);
}

static void
on_signal(int signum, void *arg)
{
	(void)signum;
	stop(arg, EXIT_CANCELLED);
}

static void
on_stopped(void *arg)
{
	struct send *s = arg;
	loop_stop(s->loop);
}

static void
stop(struct send *s, int exit_code)
{
	if (s->is_stopping)
		return;
	s->is_stopping = true;
	if (!s->exit_code)
		s->exit_code = exit_code;
	courier_stop(s->courier, on_stopped);
}

/* ---- beginning and end
 * ------------------------------------------------------------ */

/* Every file is there, or nothing begins. */
static int
look_for_files(const struct send *s)
{
	for (size_t i = 0; !is_stdin(s) && i < s->options.file_count; i++) {
		const char *path = s->options.files[i];
		struct stat st;
		int rc = stat(path, &st) || access(path, R_OK) ? errno : 0;
		if (!rc && S_ISDIR(st.st_mode))
			rc = EISDIR;
		if (!rc)
			continue;
		log_error("%s: %s", path, strerror(rc));
		return rc == ENOENT ? EXIT_NOT_FOUND
		    : rc == EACCES  ? EXIT_DENIED
				    : EXIT_FAILED;
	}
	return EXIT_OK;
}

static int
open_sender(struct send *s)
{
	const struct options *o = &s->options;
	struct agentlink_settings settings = {
	    .servers = (unsigned)o->server_count,
	    .backoff_max_ms = BACKOFF_MAX_MS,
	    .keep_max = 4u << 20,
	};
	char why[PATH_SIZE + 128], outbox[PATH_SIZE];
	int rc = agentlink_material_load(o->certificate, o->key, o->ca,
	    &settings, why, sizeof(why), &s->tls);
	if (rc) {
		log_error("%s", why);
		return rc == ERR_NOENT ? EXIT_NOT_FOUND : EXIT_DENIED;
	}
	if (o->state) {
		mkdir(o->state, 0700);
		snprintf(outbox, sizeof(outbox), "%s/outbox", o->state);
	}
	rc = agentlink_sender_open(&settings, o->state ? outbox : NULL,
	    is_stdin(s) ? OUTBOX_STDIN : OUTBOX_FILES, why, sizeof(why),
	    &s->sender);
	if (rc)
		log_error("%s", why);
	return rc == ERR_BUSY ? EXIT_CONFLICT : rc ? EXIT_FAILED : EXIT_OK;
}

static int
build_parts(struct send *s)
{
	const struct courier_settings settings = {
	    .loop = s->loop,
	    .sender = s->sender,
	    .tls = s->tls,
	    .servers = s->options.servers,
	    .server_count = s->options.server_count,
	    .bandwidth = s->options.bandwidth,
	    .on_event = on_event,
	    .arg = s,
	};
	int rc = courier_new(&settings, &s->courier);
	if (!rc)
		rc = loop_timer_new(s->loop, on_work, s, &s->work_timer);
	if (!rc)
		rc = loop_timer_new(s->loop, on_flush, s, &s->flush_timer);
	if (!rc)
		rc = loop_timer_new(s->loop, on_timeout, s, &s->timeout_timer);
	if (!rc)
		rc = loop_signal_new(s->loop, SIGTERM, on_signal, s, &s->term);
	if (!rc)
		rc = loop_signal_new(
		    s->loop, SIGINT, on_signal, s, &s->interrupt);
	return rc;
}

static void
close_parts(struct send *s)
{
	courier_free(s->courier);
	loop_poll_free(s->poll);
	loop_timer_free(s->work_timer);
	loop_timer_free(s->flush_timer);
	loop_timer_free(s->timeout_timer);
	loop_signal_free(s->term);
	loop_signal_free(s->interrupt);
	source_close(s->source);
	agentlink_sender_close(s->sender);
	tls_config_free(s->tls);
	loop_free(s->loop);
	options_fini(&s->options);
}

static void
print_summary(const struct send *s)
{
	struct agentlink_counts c;
	agentlink_engine_counts(agentlink_sender_engine(s->sender), &c);
	double seconds = (double)(clock_now().mono_us - s->began_us) / 1e6;
	printf("records=%" PRIu64 " bytes=%" PRIu64 " batches=%" PRIu64
	       " repeats=%" PRIu64 " seconds=%.3f\n",
	    c.records, c.bytes, c.batches, c.repeats, seconds);
}

static int
run_parts(struct send *s)
{
	if (build_parts(s)) {
		log_error("out of memory");
		return EXIT_FAILED;
	}
	s->rate_ms = clock_now().mono_us / 1000;
	if (s->options.timeout_ms)
		loop_timer_start(s->timeout_timer, s->options.timeout_ms, 0);
	loop_timer_start(s->work_timer, 0, 0);
	courier_start(s->courier);
	loop_run(s->loop);
	print_summary(s);
	return s->exit_code;
}

int
send_main(int argc, char **argv)
{
	struct send s = {.began_us = clock_now().mono_us};
	int rc = EXIT_USAGE;
	if (options_parse(argc, argv, &s.options)) {
		if (s.options.is_verbose)
			log_set_level(LOG_LEVEL_INFO);
		rc = look_for_files(&s);
		if (!rc)
			rc = open_sender(&s);
		if (!rc && loop_new(&s.loop))
			rc = EXIT_FAILED;
		if (!rc)
			rc = run_parts(&s);
	}
	close_parts(&s);
	return rc;
}
