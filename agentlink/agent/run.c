/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The usual course: when inotify tells a change, else once a second, every
 * file is read as far as it has grown; what was read is made durable in the
 * outbox together with the positions, and sent.
 * What can go wrong: the outbox is full (reading waits; files keep what they
 * have), the spool is away (for ever), the outbox cannot be written (the
 * program ends with 1, and goes on from the disk when it is started again).
 * SIGHUP: if the file is good, everything is closed in order and opened again
 * by the new one; only standard input, which has no position, is carried over.
 */
#include "agentlink/agent/run.h"

#include <getopt.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agentlink/agent/courier.h"
#include "agentlink/agent/inputs.h"
#include "agentlink/agent/report.h"
#include "agentlink/agent/report_file.h"
#include "agentlink/agentlink_material.h"
#include "agentlink/agent/options.h"
#include "lib/base/clock.h"
#include "lib/base/err.h"
#include "lib/base/log.h"
#include "lib/base/notify.h"
#include "lib/config/agentconfig.h"
#include "lib/loop/loop.h"

#define READ_MS 1000u
#define POLL_MS 250u /* if changes may come that nobody tells */
#define GAP_MS 50u /* between two readings, however much is told */
#define SLOW_MS 2000u /* between readings while much waits to be sent */
#define MUCH_UNSENT 1000u /* batches */
#define REPORT_MS 2000u
#define PATH_SIZE 4096
#define EXIT_RELOAD (-1) /* of one life, not of the program */

/* The loop and the signals live as long as the program. */
struct program {
	const char *path; /* of the configuration */
	struct loop *loop;
	struct loop_signal *term, *interrupt, *hangup;
	struct source *pipe; /* standard input, between two lives */
	struct run *run; /* the present life */
	bool is_ending;
};

/* From one configuration to the next. */
struct run {
	struct agentconfig *config;
	struct tls_config *tls;
	struct agentlink_sender *sender;
	struct loop *loop;
	struct courier *courier;
	struct inputs *inputs;
	struct loop_timer *work_timer, *report_timer, *watchdog;
	uint64_t worked_ms;
	bool is_full, is_slow, is_stopping;
	bool is_reloading; /* as soon as the pipe's records are sealed */
	int exit_code;
	int64_t since_ns;
	const char *server; /* that is connected */
	char last_error[AGENTLINK_EVENT_TEXT_SIZE + 300];
	int64_t last_error_ns;
	struct report_file *report_file;
};

static void stop(struct run *r, int exit_code);

static uint64_t
now_ms(void)
{
	return clock_now().mono_us / 1000;
}

/* ---- the report
 * ------------------------------------------------------------- */

static void
fill_report(const struct run *r, struct report *report)
{
	*report = (struct report){
	    .pid = (long)getpid(),
	    .since_ns = r->since_ns,
	    .server = r->server,
	    .last_error = r->last_error[0] ? r->last_error : NULL,
	    .last_error_ns = r->last_error_ns,
	    .outbox_bytes =
		agentlink_outbox_bytes(agentlink_sender_outbox(r->sender)),
	    .outbox_max = r->config->outbox,
	    .is_full = r->is_full,
	    .inputs = r->inputs,
	};
	agentlink_engine_counts(
	    agentlink_sender_engine(r->sender), &report->counts);
}

static void
on_report(void *arg)
{
	struct run *r = arg;
	struct report report;
	fill_report(r, &report);
	report_file_write(r->report_file, &report);
}

static void
on_watchdog(void *arg)
{
	(void)arg;
	notify_watchdog();
}

/* ---- work
 * ------------------------------------------------------------------------ */

static unsigned
pause_ms(struct run *r)
{
	struct agentlink_counts c;
	agentlink_engine_counts(agentlink_sender_engine(r->sender), &c);
	r->is_slow = c.unsent_batches > MUCH_UNSENT;
	if (r->is_slow)
		return SLOW_MS;
	return inputs_need_polling(r->inputs) ? POLL_MS : READ_MS;
}

/* Only standard input was asked for, and it is over. */
static void
finish_if_done(struct run *r)
{
	if (!inputs_are_over(r->inputs) ||
	    agentlink_sender_gathered(r->sender) ||
	    !agentlink_engine_is_drained(agentlink_sender_engine(r->sender)))
		return;
	log_info("all of standard input is acknowledged");
	stop(r, EXIT_OK);
}

static void
reload_if_due(struct run *r)
{
	if (r->is_reloading && !r->is_stopping && !inputs_flush(r->inputs))
		stop(r, EXIT_RELOAD);
}

static void
on_work(void *arg)
{
	struct run *r = arg;
	if (r->is_stopping)
		return;
	r->worked_ms = now_ms();
	int rc = inputs_read(r->inputs, r->worked_ms);
	r->is_full = rc == ERR_FULL;
	int committed = agentlink_sender_commit(r->sender);
	if (committed || (rc < 0 && rc != ERR_FULL)) {
		log_error("the outbox cannot be written: %s",
		    err_text(committed ? committed : rc));
		stop(r, EXIT_FAILED);
		return;
	}
	courier_pump(r->courier);
	unsigned pause = pause_ms(r);
	loop_timer_start(r->work_timer, rc == 1 ? 0 : pause, 0);
	finish_if_done(r);
	reload_if_due(r);
}

/* Work at once, but not all the time, and not while much is held. */
static void
on_due(void *arg)
{
	struct run *r = arg;
	uint64_t since = now_ms() - r->worked_ms;
	if (r->is_stopping || r->is_slow || r->is_full)
		return; /* it comes by itself */
	loop_timer_start(r->work_timer, since < GAP_MS ? GAP_MS - since : 0, 0);
}

/* ---- events
 * ------------------------------------------------------------------------ */

static void
log_failed(struct run *r, const struct agentlink_event *event)
{
	const char *server = r->config->servers.item[event->server];
	r->server = NULL;
	r->last_error_ns = clock_now().wall_ns;
	snprintf(r->last_error, sizeof(r->last_error), "%.280s: %s", server,
	    event->text);
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
		r->server = r->config->servers.item[event->server];
		log_info("connected to %s", r->server);
		break;
	case AGENTLINK_EVENT_ACKED:
		if (r->is_full || inputs_pipe_is_over(r->inputs))
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
	if (r->is_stopping) {
		if (r->exit_code == EXIT_RELOAD)
			r->exit_code = exit_code;
		return;
	}
	r->is_stopping = true;
	r->exit_code = exit_code;
	if (inputs_flush(r->inputs))
		log_warn("records of standard input did not fit the outbox");
	agentlink_sender_commit(r->sender);
	courier_stop(r->courier, on_stopped);
}

static void
on_signal(int signum, void *arg)
{
	struct program *p = arg;
	(void)signum;
	p->is_ending = true;
	notify_stopping();
	log_info("stopping; what is not acknowledged stays in the outbox");
	if (p->run)
		stop(p->run, EXIT_OK);
}

/* Can this configuration be used?  Says why not. */
static bool
is_usable(const char *path)
{
	struct agentconfig *c = NULL;
	struct agentlink_settings settings;
	struct tls_config *tls = NULL;
	char why[PATH_SIZE + 128] = "";
	int rc = agentconfig_load(path, &c);
	if (rc == ERR_INVAL)
		fputs(agentconfig_why(c), stderr);
	if (!rc)
		rc = agentlink_material_load(c->certificate, c->key, c->ca,
		    &settings, why, sizeof(why), &tls);
	if (why[0])
		log_error("%s", why);
	tls_config_free(tls);
	agentconfig_free(c);
	return !rc;
}

static void
on_hangup(int signum, void *arg)
{
	struct program *p = arg;
	(void)signum;
	if (!p->run || p->run->is_stopping)
		return;
	notify_reloading();
	p->run->is_reloading = is_usable(p->path);
	if (p->run->is_reloading) {
		log_info("SIGHUP: the configuration is read again");
		loop_timer_start(p->run->work_timer, 0, 0);
		return;
	}
	log_error("SIGHUP: the configuration is wrong; the old one stays");
	notify_ready();
}

/* ---- beginning
 * ---------------------------------------------------------------------- */

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
	int rc = report_file_new(r->config->state, &r->report_file);
	if (!rc)
		rc = courier_new(&settings, &r->courier);
	if (!rc)
		rc = loop_timer_new(r->loop, on_work, r, &r->work_timer);
	if (!rc)
		rc = loop_timer_new(r->loop, on_report, r, &r->report_timer);
	if (!rc)
		rc = loop_timer_new(r->loop, on_watchdog, r, &r->watchdog);
	return rc;
}

static int
build_inputs(struct run *r, struct source *pipe)
{
	const struct inputs_settings settings = {
	    .config = r->config,
	    .sender = r->sender,
	    .loop = r->loop,
	    .on_due = on_due,
	    .arg = r,
	};
	return inputs_new(&settings, pipe, &r->inputs);
}

static void
close_parts(struct run *r)
{
	courier_free(r->courier);
	inputs_free(r->inputs);
	loop_timer_free(r->work_timer);
	loop_timer_free(r->report_timer);
	loop_timer_free(r->watchdog);
	agentlink_sender_close(r->sender);
	tls_config_free(r->tls);
	agentconfig_free(r->config);
	report_file_free(r->report_file);
}

static int
run_parts(struct run *r, struct program *p)
{
	uint64_t watchdog_ms = notify_watchdog_ms();
	struct source *pipe = p->pipe;
	p->pipe = NULL;
	if (build_parts(r) || build_inputs(r, pipe))
		return EXIT_FAILED;
	loop_timer_start(r->work_timer, 0, 0);
	loop_timer_start(r->report_timer, 0, REPORT_MS);
	if (watchdog_ms)
		loop_timer_start(r->watchdog, watchdog_ms, watchdog_ms);
	courier_start(r->courier);
	notify_ready();
	p->run = r;
	loop_run(r->loop);
	p->run = NULL;
	on_report(r);
	if (r->exit_code == EXIT_RELOAD)
		p->pipe = inputs_take_pipe(r->inputs);
	return r->exit_code;
}

static int
live_once(struct program *p)
{
	struct run r = {.loop = p->loop, .since_ns = clock_now().wall_ns};
	int rc = agentconfig_load(p->path, &r.config);
	if (rc == ERR_INVAL)
		fputs(agentconfig_why(r.config), stderr);
	if (rc) {
		rc = rc == ERR_INVAL ? EXIT_INVALID : EXIT_FAILED;
	} else {
		enum log_level level;
		if (!log_level_parse(word_text(r.config->log_level), &level))
			log_set_level(level);
		rc = open_sender(&r);
	}
	if (!rc)
		rc = run_parts(&r, p);
	close_parts(&r);
	return rc;
}

static int
live(struct program *p)
{
	int rc = loop_new(&p->loop);
	if (!rc)
		rc = loop_signal_new(p->loop, SIGTERM, on_signal, p, &p->term);
	if (!rc)
		rc = loop_signal_new(
		    p->loop, SIGINT, on_signal, p, &p->interrupt);
	if (!rc)
		rc = loop_signal_new(p->loop, SIGHUP, on_hangup, p, &p->hangup);
	if (rc) {
		log_error("%s", err_text(rc));
		return EXIT_FAILED;
	}
	do
		rc = live_once(p);
	while (rc == EXIT_RELOAD && !p->is_ending);
	return rc == EXIT_RELOAD ? EXIT_OK : rc;
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
	struct program p = {.path = path};
	int rc = live(&p);
	source_close(p.pipe);
	loop_signal_free(p.term);
	loop_signal_free(p.interrupt);
	loop_signal_free(p.hangup);
	loop_free(p.loop);
	return rc;
}
