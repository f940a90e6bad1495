/* SPDX-License-Identifier: Apache-2.0 */
/*
 * load - the load generator: many agents in one process, one thread.
 *
 * The usual course: all connections are made; when every one has been
 * welcomed, sending begins.  Closed loop: each connection always has some
 * batches that wait.  Open loop (--rate): a batch is given to the next
 * connection at the time when it is due, whatever became of those before, and
 * its latency counts from then.  After the warm-up comes the window.  Closed
 * loop: records acknowledged within it count, and it ends at once.  Open loop:
 * what is due within it counts, and all of that is waited for, or the slowest
 * would be left out.  Lines of JSON on
 * standard output tell where it is, the last one is the result.
 * What can go wrong: a connection fails (it is made again, and counted), the
 * feed ends before the window does (told in the result, the window ends there),
 * nothing is acknowledged for half a minute (exit 1).
 */
#include "tests/bench/load.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "lib/base/err.h"
#include "lib/codec/agentlink_msg.h"
#include "tests/bench/pem.h"

#define TICK_MS 1u
#define STALL_US 30000000u /* without an acknowledgement: something hangs */
#define EXIT_USAGE 2
#define FIRST_CONNECTIONS 32u /* that are made at the same time */

static uint64_t
now_us(void)
{
	return clock_now().mono_us;
}

static bool
is_open_loop(const struct load *l)
{
	return l->options.rate > 0;
}

static void
end(struct load *l)
{
	if (!l->window.end_us)
		l->window.end_us = now_us();
	load_report_event("end");
	loop_stop(l->loop);
}

static void
fail(struct load *l, int rc)
{
	l->rc = rc;
	loop_stop(l->loop);
}

/* ---- sending ------------------------------------------------------------- */

/* Give a connection its next batch; false at the end of its lane. */
static bool
give(struct load *l, struct load_conn *c, uint64_t due_us, uint32_t *records)
{
	struct agentlink_batch batch;
	int rc = feed_next(l->feed, load_conn_lane(c), &batch);

	if (!rc)
		rc = load_conn_add(c, &batch, feed_is_stable(l->feed), due_us);
	if (rc == ERR_NOENT) {
		if (!l->feed_ended_us)
			l->feed_ended_us = now_us();
		return false;
	}
	if (rc) {
		fail(l, rc);
		return false;
	}
	l->sent += batch.count;
	*records = batch.count;
	return true;
}

static bool
is_enough(const struct load *l)
{
	return l->options.records && l->sent >= l->options.records;
}

/* Closed loop: as many wait as may. */
static void
fill(struct load *l, struct load_conn *c)
{
	uint32_t records;
	bool is_any = false;

	while (!is_enough(l) && load_conn_held(c) < l->options.held &&
	    give(l, c, now_us(), &records))
		is_any = true;
	if (is_any)
		load_conn_pump(c);
}

/* Open loop: what is due by now. */
static void
give_due(struct load *l, uint64_t now)
{
	double due = (double)(now - l->start_us) * l->options.rate / 1e6;
	uint32_t records = 0;

	while ((double)l->sent < due) {
		struct load_conn *c = l->conn[l->turn];
		uint64_t due_us = l->start_us +
		    (uint64_t)((double)l->sent * 1e6 / l->options.rate);

		if (!give(l, c, due_us, &records))
			return;
		l->turn = (l->turn + 1) % l->options.connections;
		load_conn_pump(c);
	}
}

/* ---- the window ---------------------------------------------------------- */

static void
open_window(struct load *l, uint64_t now)
{
	l->window.begin_us = now;
	load_report_event("begin");
}

/* The window is over: end, or wait for what was due in it. */
static void
close_window(struct load *l, uint64_t now)
{
	if (!l->window.end_us)
		l->window.end_us = now;
	if (!is_open_loop(l) || l->acked == l->sent)
		end(l);
}

static bool
is_in_window(const struct load_window *w, uint64_t at_us)
{
	return w->begin_us && at_us >= w->begin_us &&
	    (!w->end_us || at_us < w->end_us);
}

static void
on_tick(void *arg)
{
	struct load *l = arg;
	uint64_t now = now_us();
	double since = (double)(now - l->start_us) / 1e6;

	if (now - l->progress_us > STALL_US) {
		fail(l, ERR_TIMEOUT);
		return;
	}
	if (!l->start_us)
		return;
	if (!l->window.begin_us && since >= l->options.warm_s)
		open_window(l, now);
	if (is_open_loop(l) && !l->window.end_us)
		give_due(l, now);
	if (l->options.records && l->acked >= l->options.records) {
		end(l);
		return;
	}
	if (l->feed_ended_us && l->acked == l->sent) {
		end(l);
		return;
	}
	if (!l->options.records && l->window.begin_us &&
	    now - l->window.begin_us >= (uint64_t)(l->options.seconds * 1e6))
		close_window(l, now);
}

static void
begin(struct load *l)
{
	load_report_event("ready");
	if (l->options.idle) {
		loop_timer_stop(l->tick);
		return;
	}
	l->start_us = l->progress_us = now_us();
	if (!is_open_loop(l))
		for (unsigned i = 0; i < l->options.connections; i++)
			fill(l, l->conn[i]);
}

/* ---- connections --------------------------------------------------------- */

static void
on_conn_ready(struct load_conn *c, void *arg)
{
	struct load *l = arg;
	unsigned next = l->conns_ready + FIRST_CONNECTIONS;

	(void)c;
	if (l->start_us)
		return; /* it was lost and came back */
	l->conns_ready++;
	if (next < l->options.connections)
		load_conn_start(l->conn[next]);
	if (l->conns_ready == l->options.connections)
		begin(l);
}

static void
on_conn_acked(struct load_conn *c, uint32_t records, uint32_t bytes,
    uint64_t due_us, void *arg)
{
	struct load *l = arg;
	struct load_window *w = &l->window;
	uint64_t now;

	(void)c;
	l->acked += records;
	l->progress_us = now = now_us();
	if (!is_in_window(w, is_open_loop(l) ? due_us : now))
		return;
	w->records += records;
	w->bytes += bytes;
	w->batches++;
	if (latency_add(&w->latency, now > due_us ? now - due_us : 0, records))
		fail(l, ERR_NOMEM);
}

static void
on_conn_turn(struct load_conn *c, void *arg)
{
	struct load *l = arg;

	if (l->start_us && !is_open_loop(l))
		fill(l, c);
}

static int
make_conn(struct load *l, unsigned i)
{
	struct load_conn_settings s = {
	    .loop = l->loop,
	    .pool = l->pool,
	    .identity = &l->identity[i % l->options.identities],
	    .port = l->options.port,
	    .agent = i % l->options.identities,
	    .lane = i,
	    .events = {on_conn_ready, on_conn_acked, on_conn_turn},
	    .arg = l,
	};

	return load_conn_new(&s, &l->conn[i]);
}

static int
read_identities(struct load *l)
{
	unsigned n = l->options.identities;
	int rc = 0;

	l->identity = calloc(n, sizeof(*l->identity));
	if (!l->identity)
		return ERR_NOMEM;
	for (unsigned i = 0; !rc && i < n; i++) {
		struct load_identity *id = &l->identity[i];
		enum tls_identity kind;
		char name[32];

		snprintf(name, sizeof(name), "agent-%u", i);
		rc = pem_load(l->options.certs, name, TLS_CONFIG_CLIENT,
		    AGENTLINK_ALPN, &id->tls);
		if (!rc)
			rc = tls_own_identity(id->tls, &kind, &id->id);
	}
	return rc;
}

static int
open_feed(struct load *l)
{
	const struct load_options *o = &l->options;

	if (o->idle)
		return 0;
	if (o->live_raw)
		return feed_open_live(
		    o->live_raw, o->run, o->connections, &l->feed);
	return feed_open(o->feed, o->feeds, o->connections, &l->feed);
}

static int
build(struct load *l)
{
	int rc = open_feed(l);

	if (!rc)
		rc = read_identities(l);
	if (!rc)
		rc = loop_new(&l->loop);
	if (!rc)
		rc = link_pool_new(l->loop, &l->pool);
	if (!rc)
		rc = loop_timer_new(l->loop, on_tick, l, &l->tick);
	l->conn = calloc(l->options.connections, sizeof(struct load_conn *));
	if (!l->conn)
		return ERR_NOMEM;
	for (unsigned i = 0; !rc && i < l->options.connections; i++)
		rc = make_conn(l, i);
	return rc;
}

static void
tear_down(struct load *l)
{
	for (unsigned i = 0; l->conn && i < l->options.connections; i++)
		load_conn_free(l->conn[i]);
	free(l->conn);
	loop_timer_free(l->tick);
	link_pool_free(l->pool);
	loop_free(l->loop);
	for (unsigned i = 0; l->identity && i < l->options.identities; i++)
		tls_config_free(l->identity[i].tls);
	free(l->identity);
	feed_free(l->feed);
	latency_fini(&l->window.latency);
}

static void
on_input(unsigned events, void *arg)
{
	struct load *l = arg;
	char byte[64];

	(void)events;
	if (read(STDIN_FILENO, byte, sizeof(byte)) <= 0)
		loop_stop(l->loop);
}

static int
run(struct load *l)
{
	struct loop_poll *input = NULL;
	int rc = 0;

	if (l->options.idle)
		rc = loop_poll_new(l->loop, STDIN_FILENO, on_input, l, &input);
	if (!rc && input)
		rc = loop_poll_set(input, LOOP_READABLE);
	l->progress_us = now_us();
	loop_timer_start(l->tick, TICK_MS, TICK_MS);
	for (unsigned i = 0; !rc && i < l->options.connections; i++)
		if (i < FIRST_CONNECTIONS)
			load_conn_start(l->conn[i]);
	if (!rc)
		loop_run(l->loop);
	loop_poll_free(input);
	latency_sort(&l->window.latency);
	if (!rc && !l->rc)
		load_report_print(l, stdout);
	if (!rc && l->options.acked)
		rc = load_report_acked(l, l->options.acked);
	return rc ? rc : l->rc;
}

int
main(int argc, char **argv)
{
	struct load l = {0};
	int rc;

	if (!load_options_parse(argc, argv, &l.options))
		return EXIT_USAGE;
	signal(SIGPIPE, SIG_IGN);
	rc = build(&l);
	if (!rc)
		rc = run(&l);
	if (rc)
		fprintf(stderr, "load: %s\n", err_text(rc));
	tear_down(&l);
	return rc ? EXIT_FAILURE : EXIT_SUCCESS;
}
