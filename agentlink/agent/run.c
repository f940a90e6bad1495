/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The usual course: four times a second every file is read as far as it has
 * grown, once a second the patterns are looked at again; what was read is
 * made durable in the outbox together with the positions, and sent.
 * What can go wrong: the outbox is full (reading waits; files keep what they
 * have), the spool is away (for ever), the outbox cannot be written (the
 * program ends with 1, and goes on from the disk when it is started again).
 */
#include "agentlink/agent/run.h"

#include <getopt.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agentlink/agent/courier.h"
#include "agentlink/agent/follow.h"
#include "agentlink/agentlink_material.h"
#include "agentlink/agent/options.h"
#include "lib/base/clock.h"
#include "lib/base/err.h"
#include "lib/base/log.h"
#include "lib/config/agentconfig.h"
#include "lib/loop/loop.h"

#define READ_MS 250u
#define SCAN_MS 1000u
#define SLOW_MS 2000u /* between readings while much waits to be sent */
#define MUCH_UNSENT 1000u /* batches */
#define PIPE_DELAY_MS 50u
#define PIPE_RECORDS 20000u
#define PATH_SIZE 4096

struct run {
	struct agentconfig *config;
	struct tls_config *tls;
	struct agentlink_sender *sender;
	struct loop *loop;
	struct courier *courier;
	struct loop_timer *work_timer, *flush_timer;
	struct loop_signal *term, *interrupt;
	struct follow **follows;
	struct source *pipe; /* standard input, or NULL */
	struct loop_poll *pipe_poll; /* NULL: it is a file */
	bool pipe_has_more, is_pipe_over;
	size_t follow_count;
	uint64_t scanned_ms;
	bool is_full, is_stopping;
	int exit_code;
};

static void stop(struct run *r, int exit_code);

static uint64_t
now_ms(void)
{
	return clock_now().mono_us / 1000;
}

/* ---- what inputs say
 * ----------------------------------------------------------- */

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

/* ---- work
 * ------------------------------------------------------------------------ */

static int
read_pipe(struct run *r)
{
	if (!r->pipe || !r->pipe_has_more)
		return 0;
	int rc = source_read(r->pipe, PIPE_RECORDS);
	if (rc == 1 || rc == ERR_FULL)
		return rc;
	if (rc == 0 && r->pipe_poll) {
		r->pipe_has_more = false;
		loop_poll_set(r->pipe_poll, LOOP_READABLE);
		loop_timer_start(r->flush_timer, PIPE_DELAY_MS, 0);
		return 0;
	}
	if (rc && rc != ERR_CLOSED)
		log_error("standard input: %s", err_text(rc));
	loop_poll_free(r->pipe_poll);
	r->pipe_poll = NULL;
	source_close(r->pipe);
	r->pipe = NULL;
	r->is_pipe_over = true;
	log_info("standard input has ended");
	return 0;
}

/* Every input once.  1: there is more to be read. */
static int
read_inputs(struct run *r)
{
	uint64_t now = now_ms();
	bool is_scan_due = now - r->scanned_ms >= SCAN_MS || !r->scanned_ms;
	bool is_more = false;
	int rc = read_pipe(r);
	if (is_scan_due)
		r->scanned_ms = now;
	for (size_t i = 0; rc >= 0 && i < r->follow_count; i++) {
		is_more |= rc == 1;
		if (is_scan_due)
			follow_scan(r->follows[i], now);
		rc = follow_read(r->follows[i], now);
	}
	return rc < 0 ? rc : rc == 1 || is_more;
}

static unsigned
pause_ms(const struct run *r)
{
	struct agentlink_counts c;
	agentlink_engine_counts(agentlink_sender_engine(r->sender), &c);
	return c.unsent_batches > MUCH_UNSENT ? SLOW_MS : READ_MS;
}

/* Only standard input was asked for, and it is over. */
static void
finish_if_done(struct run *r)
{
	if (r->follow_count || !r->is_pipe_over ||
	    agentlink_sender_gathered(r->sender) ||
	    !agentlink_engine_is_drained(agentlink_sender_engine(r->sender)))
		return;
	log_info("all of standard input is acknowledged");
	stop(r, EXIT_OK);
}

static void
on_work(void *arg)
{
	struct run *r = arg;
	if (r->is_stopping)
		return;
	r->is_full = false;
	int rc = read_inputs(r);
	if (rc == ERR_FULL)
		r->is_full = true;
	int committed = agentlink_sender_commit(r->sender);
	if (committed || (rc < 0 && rc != ERR_FULL)) {
		log_error("the outbox cannot be written: %s",
		    err_text(committed ? committed : rc));
		stop(r, EXIT_FAILED);
		return;
	}
	courier_pump(r->courier);
	loop_timer_start(r->work_timer, rc == 1 ? 0 : pause_ms(r), 0);
	finish_if_done(r);
}

static void
on_pipe(unsigned events, void *arg)
{
	struct run *r = arg;
	(void)events;
	r->pipe_has_more = true;
	loop_poll_set(r->pipe_poll, 0);
	loop_timer_start(r->work_timer, 0, 0);
}

static void
on_flush(void *arg)
{
	struct run *r = arg;
	if (r->pipe && !r->is_stopping)
		source_flush(r->pipe);
	loop_timer_start(r->work_timer, 0, 0);
}

/* ---- events
 * ------------------------------------------------------------------------ */

static void
log_failed(struct run *r, const struct agentlink_event *event)
{
	const char *server = r->config->servers.item[event->server];
	if (event->retry_ms)
		log_warn("%s: %s; next attempt in %.1f s", server, event->text,
		    (double)event->retry_ms / 1000);
	else
		log_warn("%s: %s", server, event->text);
}

static void
on_event(const struct agentlink_event *event, void *arg)
{
	struct run *r = arg;
	switch (event->type) {
	case AGENTLINK_EVENT_READY:
		log_info(
		    "connected to %s", r->config->servers.item[event->server]);
		break;
	case AGENTLINK_EVENT_ACKED:
		if (r->is_full || r->is_pipe_over)
			loop_timer_start(r->work_timer, 0, 0);
		break;
	case AGENTLINK_EVENT_LOST:
		log_error("%" PRIu64 " records are lost: %s", event->records,
		    event->text);
		break;
	case AGENTLINK_EVENT_NOTE:
		log_warn("%s", event->text);
		break;
	case AGENTLINK_EVENT_FAILED:
		log_failed(r, event);
		break;
	default:
		break;
	}
	if (agentlink_sender_err(r->sender)) {
		log_error("the outbox cannot be written");
		stop(r, EXIT_FAILED);
	}
}

static void
on_stopped(void *arg)
{
	struct run *r = arg;
	loop_stop(r->loop);
}

static void
stop(struct run *r, int exit_code)
{
	if (r->is_stopping)
		return;
	r->is_stopping = true;
	r->exit_code = exit_code;
	if (r->pipe && source_flush(r->pipe))
		log_warn("records of standard input did not fit the outbox");
	agentlink_sender_commit(r->sender);
	courier_stop(r->courier, on_stopped);
}

static void
on_signal(int signum, void *arg)
{
	(void)signum;
	log_info("stopping; what is not acknowledged stays in the outbox");
	stop(arg, EXIT_OK);
}

/* ---- beginning
 * ---------------------------------------------------------------------- */

static enum framing_kind
framing_of(enum word w)
{
	return w == WORD_INPUT_NUL   ? FRAMING_NUL
	    : w == WORD_INPUT_LENGTH ? FRAMING_LENGTH
				     : FRAMING_LF;
}

static int
open_input(struct run *r, const struct agentconfig_input *in, bool is_first)
{
	struct follow_settings settings = {
	    .source = {.sender = r->sender,
		.stream_name = in->stream ? in->stream : in->item.name,
		.framing = framing_of(in->framing),
		.events = {on_too_long, on_truncated, r}},
	    .patterns = (const char *const *)in->files.item,
	    .pattern_count = in->files.count,
	    .starts_at_end = is_first && in->start == WORD_END,
	    .on_note = on_note,
	    .arg = r,
	};
	int rc = agentlink_sender_stream(
	    r->sender, settings.source.stream_name, &settings.source.stream);
	if (!rc && in->is_stdin)
		return source_open_pipe(
		    &settings.source, STDIN_FILENO, &r->pipe);
	if (!rc)
		rc = follow_new(&settings, &r->follows[r->follow_count]);
	if (!rc)
		r->follow_count++;
	return rc;
}

static int
open_inputs(struct run *r, bool is_first)
{
	r->follows = calloc(r->config->input_count + 1, sizeof(*r->follows));
	int rc = r->follows ? 0 : ERR_NOMEM;
	for (size_t i = 0; !rc && i < r->config->input_count; i++)
		rc = open_input(r, &r->config->inputs[i], is_first);
	if (!rc && r->pipe) {
		r->pipe_has_more = true;
		if (loop_poll_new(
			r->loop, STDIN_FILENO, on_pipe, r, &r->pipe_poll))
			r->pipe_poll = NULL; /* a file: always readable */
	}
	if (rc)
		log_error("inputs: %s", err_text(rc));
	return rc;
}

static int
open_sender(struct run *r)
{
	const struct agentconfig *c = r->config;
	struct agentlink_settings settings = {
	    .servers = (unsigned)c->servers.count,
	    .keep_max = 4u << 20,
	};
	char why[PATH_SIZE + 128], outbox[PATH_SIZE];
	int rc = agentlink_material_load(c->certificate, c->key, c->ca,
	    &settings, why, sizeof(why), &r->tls);
	if (rc) {
		log_error("%s", why);
		return EXIT_INVALID;
	}
	mkdir(c->state, 0700);
	snprintf(outbox, sizeof(outbox), "%s/outbox", c->state);
	rc = agentlink_sender_open(
	    &settings, outbox, c->outbox, why, sizeof(why), &r->sender);
	if (rc) {
		log_error("%s", why);
		return rc == ERR_BUSY ? EXIT_CONFLICT : EXIT_FAILED;
	}
	const struct agentlink_outbox_report *found =
	    agentlink_sender_report(r->sender);
	log_info("outbox: %" PRIu64 " records wait to be acknowledged",
	    found->records);
	if (found->torn_bytes)
		log_info("outbox: a write that was cut short was removed");
	if (found->damaged_bytes)
		log_error("outbox: %" PRIu64 " bytes are damaged; %" PRIu32
			  " streams begin a new epoch",
		    found->damaged_bytes, found->new_epochs);
	return 0;
}

static int
build_parts(struct run *r)
{
	const struct courier_settings settings = {
	    .loop = r->loop,
	    .sender = r->sender,
	    .tls = r->tls,
	    .servers = (const char *const *)r->config->servers.item,
	    .server_count = r->config->servers.count,
	    .on_event = on_event,
	    .arg = r,
	};
	int rc = courier_new(&settings, &r->courier);
	if (!rc)
		rc = loop_timer_new(r->loop, on_work, r, &r->work_timer);
	if (!rc)
		rc = loop_timer_new(r->loop, on_flush, r, &r->flush_timer);
	if (!rc)
		rc = loop_signal_new(r->loop, SIGTERM, on_signal, r, &r->term);
	if (!rc)
		rc = loop_signal_new(
		    r->loop, SIGINT, on_signal, r, &r->interrupt);
	return rc;
}

static void
close_parts(struct run *r)
{
	courier_free(r->courier);
	for (size_t i = 0; i < r->follow_count; i++)
		follow_free(r->follows[i]);
	free(r->follows);
	loop_poll_free(r->pipe_poll);
	source_close(r->pipe);
	loop_timer_free(r->work_timer);
	loop_timer_free(r->flush_timer);
	loop_signal_free(r->term);
	loop_signal_free(r->interrupt);
	agentlink_sender_close(r->sender);
	tls_config_free(r->tls);
	loop_free(r->loop);
	agentconfig_free(r->config);
}

static int
run_parts(struct run *r)
{
	struct rlimit files;
	if (!getrlimit(RLIMIT_NOFILE, &files)) {
		files.rlim_cur = files.rlim_max;
		setrlimit(RLIMIT_NOFILE, &files);
	}
	bool is_first =
	    !agentlink_engine_streams(agentlink_sender_engine(r->sender));
	if (loop_new(&r->loop) || build_parts(r) || open_inputs(r, is_first))
		return EXIT_FAILED;
	loop_timer_start(r->work_timer, 0, 0);
	courier_start(r->courier);
	loop_run(r->loop);
	return r->exit_code;
}

static const char *
config_option(int argc, char **argv)
{
	static const struct option longs[] = {
	    {"config", required_argument, NULL, 'c'},
	    {0},
	};
	const char *path = SYSCONFDIR "/agentlink/agentlink.yaml";
	optind = 1;
	for (int c; (c = getopt_long(argc, argv, "", longs, NULL)) != -1;) {
		if (c != 'c')
			return NULL;
		path = optarg;
	}
	return optind == argc ? path : NULL;
}

int
run_main(int argc, char **argv)
{
	const char *path = config_option(argc, argv);
	if (!path) {
		fputs("usage: agentlink run [--config FILE]\n", stderr);
		return EXIT_USAGE;
	}
	struct run r = {0};
	int rc = agentconfig_load(path, &r.config);
	if (rc == ERR_INVAL)
		fputs(agentconfig_why(r.config), stderr);
	if (rc) {
		agentconfig_free(r.config);
		return rc == ERR_INVAL ? EXIT_INVALID : EXIT_FAILED;
	}
	enum log_level level;
	if (!log_level_parse(word_text(r.config->log_level), &level))
		log_set_level(level);
	rc = open_sender(&r);
	if (!rc)
		rc = run_parts(&r);
	close_parts(&r);
	return rc;
}
