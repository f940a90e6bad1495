/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The usual course: the engine says CONNECT; socket and TLS are made, the
 * engine is told; from then on bytes go both ways, and ACKED events take
 * batches out of the ring of those that were added.
 * What can go wrong: any of it; the engine says CONNECT again by itself.
 */
#include "tests/bench/load_conn.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "lib/base/err.h"
#include "lib/digest/digest.h"
#include "tests/bench/feed.h"

#define QUEUE_MAX (1u << 20) /* bytes given to the link at a time */
#define LINK_LIMIT (8u << 20)
#define HELD_MAX (UINT64_C(1) << 40) /* borrowed: costs nothing */
#define HELD_BATCHES_MAX (1u << 20)
#define BACKOFF_MAX_MS 200u
#define FIRST_CAP 64u

/* A batch that was added and is not acknowledged. */
struct added {
	uint64_t last_seq, due_us;
	uint32_t records, bytes;
};

struct load_conn {
	struct load_conn_settings settings;
	struct agentlink_engine *engine;
	struct uuid epoch;
	uint32_t stream;
	struct link *link;
	struct loop_timer *timer;
	bool is_ready, is_pumping, is_again;
	struct added *ring;
	uint32_t at, n, cap;
	uint64_t acked, failures;
};

static struct agentlink_time
time_now(void)
{
	struct now now = clock_now();

	return (struct agentlink_time){now.mono_us / 1000, now.wall_ns};
}

static void
hang_up(struct load_conn *c)
{
	link_free(c->link);
	c->link = NULL;
	c->is_ready = false;
}

static void
failed(struct load_conn *c, int rc, const char *why)
{
	char text[AGENTLINK_EVENT_TEXT_SIZE];

	snprintf(text, sizeof(text), "%s", why);
	hang_up(c);
	agentlink_engine_on_disconnected(
	    c->engine, rc ? rc : ERR_CLOSED, text, time_now());
	load_conn_pump(c);
}

/* ---- the link ------------------------------------------------------------ */

static void take_events(struct load_conn *c);

static void
on_ready(void *arg)
{
	struct load_conn *c = arg;

	c->is_ready = true;
	agentlink_engine_on_connected(c->engine, time_now());
	load_conn_pump(c);
}

static size_t
on_data(struct bytes data, void *arg)
{
	struct load_conn *c = arg;
	struct link *link = c->link;
	size_t used = 0, n = 1;

	while (n && c->link == link) {
		n = agentlink_engine_feed(
		    c->engine, data.ptr + used, data.len - used, time_now());
		used += n;
		take_events(c);
	}
	if (c->link != link)
		used = data.len;
	if (c->settings.events.on_turn)
		c->settings.events.on_turn(c, c->settings.arg);
	load_conn_pump(c);
	return used;
}

static void
on_drained(void *arg)
{
	load_conn_pump(arg);
}

static void
on_closed(int rc, const char *why, void *arg)
{
	failed(arg, rc, rc ? why : "the spool closed the connection");
}

/*
 * Each agent has an address of its own, as agents have: 127.1.x.y.  Over the
 * loopback a connection is made, or refused, at once.
 */
static int
connect_from(unsigned agent, uint16_t port, int *out)
{
	struct sockaddr_in own = {
	    .sin_family = AF_INET,
	    .sin_addr.s_addr = htonl(0x7f010001 + agent),
	};
	struct sockaddr_in spool = {
	    .sin_family = AF_INET,
	    .sin_port = htons(port),
	    .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	const void *from = &own, *to = &spool;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return err_of_errno(errno);
	if (bind(fd, from, sizeof(own)) || connect(fd, to, sizeof(spool))) {
		int rc = err_of_errno(errno);

		close(fd);
		return rc;
	}
	*out = fd;
	return 0;
}

static void
connect_to_spool(struct load_conn *c)
{
	static const struct link_events events = {
	    .on_ready = on_ready,
	    .on_data = on_data,
	    .on_drained = on_drained,
	    .on_closed = on_closed,
	};
	struct tls *tls = NULL;
	int fd = -1;
	int rc = connect_from(c->settings.agent, c->settings.port, &fd);

	if (!rc)
		rc = tls_new(c->settings.identity->tls, "127.0.0.1", &tls);
	if (!rc)
		rc = link_new(c->settings.pool, fd, tls, &events, c, &c->link);
	if (!rc) {
		link_set_limit(c->link, LINK_LIMIT);
		return;
	}
	if (fd >= 0)
		close(fd);
	tls_free(tls);
	failed(c, rc, err_text(rc));
}

/* ---- events -------------------------------------------------------------- */

static void
acked(struct load_conn *c, uint64_t to)
{
	c->acked = to;
	while (c->n && c->ring[c->at].last_seq <= to) {
		struct added *a = &c->ring[c->at];

		c->at = (c->at + 1) % c->cap;
		c->n--;
		c->settings.events.on_acked(
		    c, a->records, a->bytes, a->due_us, c->settings.arg);
	}
}

static void
take_events(struct load_conn *c)
{
	struct agentlink_event event;

	while (agentlink_engine_next(c->engine, &event)) {
		switch (event.type) {
		case AGENTLINK_EVENT_CONNECT:
			connect_to_spool(c);
			break;
		case AGENTLINK_EVENT_CLOSE:
			hang_up(c);
			break;
		case AGENTLINK_EVENT_READY:
			c->settings.events.on_ready(c, c->settings.arg);
			break;
		case AGENTLINK_EVENT_ACKED:
			acked(c, event.to);
			break;
		default:
			c->failures += event.type == AGENTLINK_EVENT_FAILED ||
			    event.type == AGENTLINK_EVENT_LOST ||
			    event.type == AGENTLINK_EVENT_EPOCH;
			fprintf(stderr, "load: lane %u: %s\n", c->settings.lane,
			    event.text);
		}
	}
}

static void
send_some(struct load_conn *c)
{
	struct link *link = c->link;
	struct agentlink_time now = time_now();
	size_t len = 1;

	while (len && c->is_ready && c->link == link &&
	    link_queued(link) < QUEUE_MAX) {
		const void *ptr;

		agentlink_engine_drain(c->engine, now, &ptr, &len);
		struct bytes part = bytes_of(ptr, len);

		if (len && link_write(link, &part, 1))
			return;
		agentlink_engine_sent(c->engine, len);
		take_events(c);
	}
}

static void
set_timer(struct load_conn *c)
{
	uint64_t now_ms = time_now().mono_ms;
	uint64_t at = agentlink_engine_deadline(c->engine);

	if (at == UINT64_MAX)
		loop_timer_stop(c->timer);
	else
		loop_timer_start(c->timer, at > now_ms ? at - now_ms : 0, 0);
}

void
load_conn_pump(struct load_conn *c)
{
	c->is_again = true;
	if (c->is_pumping)
		return;
	c->is_pumping = true;
	while (c->is_again) {
		c->is_again = false;
		take_events(c);
		send_some(c);
	}
	c->is_pumping = false;
	set_timer(c);
}

static void
on_timer(void *arg)
{
	struct load_conn *c = arg;

	agentlink_engine_on_timer(c->engine, time_now());
	load_conn_pump(c);
}

/* ---- life ---------------------------------------------------------------- */

static int
make_engine(struct load_conn *c)
{
	struct agentlink_settings s = {
	    .software = "spoold bench load",
	    .host = "bench",
	    .backoff_max_ms = BACKOFF_MAX_MS,
	    .held_max = HELD_MAX,
	    .held_batches_max = HELD_BATCHES_MAX,
	};
	char name[FEED_NAME_SIZE];
	int rc;

	memcpy(s.agent, c->settings.identity->id.byte, sizeof(s.agent));
	rc = agentlink_engine_new(&s, &c->engine);
	if (!rc)
		rc = digest_uuid(&c->epoch);
	if (!rc)
		rc = agentlink_engine_stream(c->engine,
		    feed_lane_name(c->settings.lane, name), c->epoch.byte,
		    &c->stream);
	return rc;
}

int
load_conn_new(const struct load_conn_settings *settings, struct load_conn **out)
{
	struct load_conn *c = calloc(1, sizeof(*c));
	int rc;

	if (!c)
		return ERR_NOMEM;
	c->settings = *settings;
	rc = make_engine(c);
	if (!rc)
		rc = loop_timer_new(settings->loop, on_timer, c, &c->timer);
	if (rc) {
		load_conn_free(c);
		return rc;
	}
	*out = c;
	return 0;
}

void
load_conn_free(struct load_conn *c)
{
	if (!c)
		return;
	hang_up(c);
	loop_timer_free(c->timer);
	agentlink_engine_free(c->engine);
	free(c->ring);
	free(c);
}

void
load_conn_start(struct load_conn *c)
{
	agentlink_engine_start(c->engine, time_now());
	load_conn_pump(c);
}

static int
grow(struct load_conn *c)
{
	uint32_t cap = c->cap ? 2 * c->cap : FIRST_CAP;
	struct added *ring;

	if (c->n < c->cap)
		return 0;
	ring = calloc(cap, sizeof(*ring));
	if (!ring)
		return ERR_NOMEM;
	for (uint32_t i = 0; i < c->n; i++)
		ring[i] = c->ring[(c->at + i) % c->cap];
	free(c->ring);
	c->ring = ring;
	c->cap = cap;
	c->at = 0;
	return 0;
}

int
load_conn_add(struct load_conn *c, const struct agentlink_batch *batch,
    bool borrow, uint64_t due_us)
{
	uint64_t seq;
	int rc = grow(c);

	if (!rc)
		rc = agentlink_engine_add_prepared(
		    c->engine, c->stream, batch, borrow, &seq);
	if (rc)
		return rc;
	c->ring[(c->at + c->n++) % c->cap] = (struct added){
	    .last_seq = seq + batch->count - 1,
	    .due_us = due_us,
	    .records = batch->count,
	    .bytes = batch->bytes,
	};
	return 0;
}

unsigned
load_conn_lane(const struct load_conn *c)
{
	return c->settings.lane;
}

uint32_t
load_conn_held(const struct load_conn *c)
{
	return c->n;
}

uint64_t
load_conn_acked(const struct load_conn *c)
{
	return c->acked;
}

const struct uuid *
load_conn_epoch(const struct load_conn *c)
{
	return &c->epoch;
}

void
load_conn_troubles(
    const struct load_conn *c, uint64_t *failures, uint64_t *repeats)
{
	struct agentlink_counts counts;

	agentlink_engine_counts(c->engine, &counts);
	*failures = c->failures;
	*repeats = counts.repeats;
}
