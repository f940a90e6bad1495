/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The usual course: the engine says CONNECT; the name is resolved in a
 * thread, its addresses are dialled (lib/link/dial), and the engine is told.
 * From then on bytes go both ways until CLOSE, or until the link ends. What can
 * go wrong: each of these steps; the engine is told with a sentence and says
 * CONNECT again when it is time.
 */
#include "agentlink/agent/courier.h"

#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/clock.h"
#include "lib/base/err.h"
#include "lib/codec/agentlink_msg.h"
#include "lib/link/address.h"
#include "lib/link/dial.h"
#include "lib/link/link.h"
#include "lib/tls/tls.h"

#define QUEUE_MAX (1u << 20) /* bytes given to a link at a time */
#define CONNECT_MS 15000u /* of one address */
#define HANDSHAKE_MS 20000u
#define LINGER_MS 2000u
#define HOST_MAX 256

/* One attempt to reach one server, and the link that came of it. */
struct trip {
	struct courier *courier; /* NULL: nobody waits for it any more */
	unsigned server;
	char host[HOST_MAX];
	char port[8];
	int lookup_rc;
	struct addrinfo *addresses;
	bool is_looking; /* the thread has it */
	struct dial *dial;
	struct link *link; /* once it is ready */
};

struct courier {
	struct courier_settings settings;
	struct agentlink_engine *engine;
	char **servers;
	struct link_pool *pool;
	struct loop_timer *timer;
	struct trip *trip; /* the present one, or NULL */
	struct trip *leaving; /* one that says its last words */
	uint64_t allowed; /* bytes that bandwidth allows now */
	uint64_t allowed_ms; /* when that was counted */
	void (*on_stopped)(void *arg);
	/* By server: the address that the next trip begins with. */
	size_t *first;
	bool is_pumping, is_again;
};

static struct agentlink_time
time_now(void)
{
	struct now now = clock_now();
	return (struct agentlink_time){now.mono_us / 1000, now.wall_ns};
}

/* ---- a trip's end
 * ------------------------------------------------------------ */

static void
free_trip(struct trip *t)
{
	if (!t)
		return;
	t->courier = NULL;
	dial_free(t->dial);
	link_free(t->link);
	t->dial = NULL;
	t->link = NULL;
	if (t->is_looking)
		return; /* on_looked_up frees it */
	if (t->addresses)
		freeaddrinfo(t->addresses);
	free(t);
}

static void
left(struct courier *c)
{
	free_trip(c->leaving);
	c->leaving = NULL;
	if (c->on_stopped) {
		void (*on_stopped)(void *arg) = c->on_stopped;
		c->on_stopped = NULL;
		on_stopped(c->settings.arg);
	}
}

/* The present trip has failed: the engine decides what comes next. */
static void
fail(struct courier *c, int code, const char *why)
{
	char text[AGENTLINK_EVENT_TEXT_SIZE];
	snprintf(text, sizeof(text), "%s", why);
	free_trip(c->trip);
	c->trip = NULL;
	agentlink_engine_on_disconnected(c->engine, code, text, time_now());
	courier_pump(c);
}

/* ---- link
 * --------------------------------------------------------------------- */

static void take_events(struct courier *c);

static size_t
on_data(struct bytes data, void *arg)
{
	struct trip *t = arg;
	struct courier *c = t->courier;
	size_t used = 0;
	while (c->trip == t) {
		size_t n = agentlink_engine_feed(
		    c->engine, data.ptr + used, data.len - used, time_now());
		used += n;
		take_events(c);
		if (!n)
			break;
	}
	if (c->trip != t)
		used = data.len;
	courier_pump(c);
	return used;
}

static void
on_drained(void *arg)
{
	struct trip *t = arg;
	if (t->courier->trip == t)
		courier_pump(t->courier);
}

static void
on_closed(int rc, const char *why, void *arg)
{
	struct trip *t = arg;
	struct courier *c = t->courier;
	if (c->leaving == t) {
		left(c);
		return;
	}
	/*
	 * A server that refuses our certificate says so when the link is ready
	 * already; only when all its addresses did, it is a refusal.
	 */
	c->first[t->server] = 0;
	if (rc == ERR_AUTH && !dial_is_last(t->dial)) {
		c->first[t->server] = dial_at(t->dial) + 1;
		rc = ERR_CLOSED;
	}
	fail(c, rc ? rc : ERR_CLOSED,
	    rc ? why : "the server closed the connection");
}

static const struct link_events link_callbacks = {
    .on_data = on_data,
    .on_drained = on_drained,
    .on_closed = on_closed,
};

/* ---- connecting
 * ---------------------------------------------------------------- */

static void
on_link(struct link *link, void *arg)
{
	struct trip *t = arg;
	struct courier *c = t->courier;
	t->link = link;
	link_set_limit(link, 4 * (size_t)AGENTLINK_FRAME_MAX);
	agentlink_engine_on_connected(c->engine, time_now());
	courier_pump(c);
}

static void
on_dial_failed(const struct dial_failure *failure, void *arg)
{
	struct trip *t = arg;
	t->courier->first[t->server] = 0;
	fail(t->courier, failure->rc, failure->why);
}

static const struct dial_events dial_events = {
    .on_link = on_link,
    .on_failed = on_dial_failed,
};

static int
dial(struct trip *t)
{
	struct courier *c = t->courier;
	struct address addresses[DIAL_ADDRESSES_MAX];
	struct dial_settings settings = {
	    .addresses = addresses,
	    .first = c->first[t->server],
	    .tls = c->settings.tls,
	    .name = t->host,
	    .connect_ms = CONNECT_MS,
	    .handshake_ms = HANDSHAKE_MS,
	    .events = &link_callbacks,
	    .link_arg = t,
	};
	for (struct addrinfo *a = t->addresses;
	     a && settings.count < DIAL_ADDRESSES_MAX; a = a->ai_next) {
		struct address *to = &addresses[settings.count];
		if (a->ai_addrlen > sizeof(to->sa))
			continue;
		memcpy(&to->sa, a->ai_addr, a->ai_addrlen);
		to->len = a->ai_addrlen;
		settings.count++;
	}
	return dial_start(
	    c->settings.loop, c->pool, &settings, &dial_events, t, &t->dial);
}

static void
look_up(void *arg)
{
	struct trip *t = arg;
	const struct addrinfo hints = {
	    .ai_family = AF_UNSPEC,
	    .ai_socktype = SOCK_STREAM,
	    .ai_flags = AI_ADDRCONFIG | AI_NUMERICSERV,
	};
	t->lookup_rc = getaddrinfo(t->host, t->port, &hints, &t->addresses);
}

static void
on_looked_up(int rc, void *arg)
{
	struct trip *t = arg;
	t->is_looking = false;
	if (!t->courier) {
		free_trip(t);
		return;
	}
	if (rc || t->lookup_rc) {
		char why[AGENTLINK_EVENT_TEXT_SIZE];
		snprintf(why, sizeof(why), "%.100s: %s", t->host,
		    rc ? err_text(rc) : gai_strerror(t->lookup_rc));
		fail(t->courier, ERR_CLOSED, why);
		return;
	}
	rc = dial(t);
	if (rc)
		fail(t->courier, rc, err_text(rc));
}

static void
connect_to(struct courier *c, unsigned server)
{
	struct bytes host;
	uint16_t port;
	struct trip *t = calloc(1, sizeof(*t));
	int rc = t
	    ? address_split(bytes_of_str(c->servers[server]), &host, &port)
	    : ERR_NOMEM;
	if (!rc && host.len >= HOST_MAX)
		rc = ERR_LIMIT;
	c->trip = t;
	if (!rc) {
		t->courier = c;
		t->server = server;
		memcpy(t->host, host.ptr, host.len);
		snprintf(t->port, sizeof(t->port), "%u", port);
		t->is_looking = true;
		rc = loop_work_start(
		    c->settings.loop, look_up, on_looked_up, t, NULL);
		if (rc)
			t->is_looking = false;
	}
	if (rc)
		fail(c, rc, err_text(rc));
}

/* ---- events
 * ---------------------------------------------------------------------- */

/* Last words, then the end; a new trip may begin meanwhile. */
static void
close_trip(struct courier *c)
{
	struct trip *t = c->trip;
	c->trip = NULL;
	if (!t || !t->link) {
		free_trip(t);
		if (c->on_stopped && !c->leaving)
			left(c);
		return;
	}
	const void *ptr;
	size_t len;
	agentlink_engine_drain(c->engine, time_now(), &ptr, &len);
	struct bytes last = bytes_of(ptr, len);
	if (len && !link_write(t->link, &last, 1))
		agentlink_engine_sent(c->engine, len);
	free_trip(c->leaving);
	c->leaving = t;
	link_close(t->link, LINGER_MS);
}

static void
take_events(struct courier *c)
{
	struct agentlink_event event;
	while (agentlink_sender_next(c->settings.sender, &event)) {
		if (event.type == AGENTLINK_EVENT_CLOSE)
			close_trip(c);
		else if (event.type == AGENTLINK_EVENT_CONNECT)
			connect_to(c, event.server);
		c->settings.on_event(&event, c->settings.arg);
	}
}

/* ---- bytes out
 * -------------------------------------------------------------------- */

/* What bandwidth allows now; a tenth of a second may be saved up. */
static size_t
allowance(struct courier *c, uint64_t now_ms)
{
	uint64_t rate = c->settings.bandwidth;
	if (!rate)
		return SIZE_MAX;
	uint64_t most = rate / 10 > 16384 ? rate / 10 : 16384;
	uint64_t gained = (now_ms - c->allowed_ms) * rate / 1000;
	if (gained) {
		c->allowed += gained;
		c->allowed_ms = now_ms;
	}
	if (c->allowed > most)
		c->allowed = most;
	return (size_t)c->allowed;
}

static void
send_some(struct courier *c)
{
	struct agentlink_time now = time_now();
	struct trip *t = c->trip;
	while (t && t->link && link_queued(t->link) < QUEUE_MAX) {
		size_t most = allowance(c, now.mono_ms);
		const void *ptr;
		size_t len;
		agentlink_engine_drain(c->engine, now, &ptr, &len);
		take_events(c);
		if (c->trip != t)
			return;
		agentlink_engine_drain(c->engine, now, &ptr, &len);
		if (len > QUEUE_MAX)
			len = QUEUE_MAX;
		if (len > most)
			len = most;
		struct bytes part = bytes_of(ptr, len);
		if (!len || link_write(t->link, &part, 1))
			return;
		agentlink_engine_sent(c->engine, len);
		if (c->settings.bandwidth)
			c->allowed -= len;
	}
}

static void
set_timer(struct courier *c)
{
	uint64_t now_ms = time_now().mono_ms;
	uint64_t at = agentlink_engine_deadline(c->engine);
	const void *ptr;
	size_t len = 0;
	if (c->settings.bandwidth && c->trip && c->trip->link)
		agentlink_engine_drain(c->engine, time_now(), &ptr, &len);
	if (len && at > now_ms + 50)
		at = now_ms + 50; /* bandwidth holds bytes back */
	if (at == UINT64_MAX)
		loop_timer_stop(c->timer);
	else
		loop_timer_start(c->timer, at > now_ms ? at - now_ms : 0, 0);
}

void
courier_pump(struct courier *c)
{
	c->is_again = true;
	if (c->is_pumping)
		return; /* the one that runs sees to it */
	c->is_pumping = true;
	while (c->is_again) {
		c->is_again = false;
		take_events(c);
		send_some(c);
		take_events(c);
	}
	c->is_pumping = false;
	set_timer(c);
}

static void
on_timer(void *arg)
{
	struct courier *c = arg;
	agentlink_engine_on_timer(c->engine, time_now());
	courier_pump(c);
}

/* ---- life
 * -------------------------------------------------------------------------- */

static int
copy_servers(struct courier *c)
{
	c->servers = calloc(c->settings.server_count, sizeof(char *));
	c->first = calloc(c->settings.server_count, sizeof(*c->first));
	if (!c->servers || !c->first)
		return ERR_NOMEM;
	for (size_t i = 0; i < c->settings.server_count; i++) {
		c->servers[i] = strdup(c->settings.servers[i]);
		if (!c->servers[i])
			return ERR_NOMEM;
	}
	return 0;
}

int
courier_new(const struct courier_settings *settings, struct courier **out)
{
	struct courier *c = calloc(1, sizeof(*c));
	if (!c)
		return ERR_NOMEM;
	c->settings = *settings;
	c->settings.tls = tls_config_ref(settings->tls);
	c->engine = agentlink_sender_engine(settings->sender);
	int rc = copy_servers(c);
	if (!rc)
		rc = link_pool_new(settings->loop, &c->pool);
	if (!rc)
		rc = loop_timer_new(settings->loop, on_timer, c, &c->timer);
	if (rc) {
		courier_free(c);
		return rc;
	}
	*out = c;
	return 0;
}

void
courier_free(struct courier *c)
{
	if (!c)
		return;
	free_trip(c->trip);
	free_trip(c->leaving);
	loop_timer_free(c->timer);
	link_pool_free(c->pool);
	for (size_t i = 0; c->servers && i < c->settings.server_count; i++)
		free(c->servers[i]);
	free(c->servers);
	free(c->first);
	tls_config_free(c->settings.tls);
	free(c);
}

void
courier_start(struct courier *c)
{
	agentlink_engine_start(c->engine, time_now());
	courier_pump(c);
}

void
courier_stop(struct courier *c, void (*on_stopped)(void *arg))
{
	bool is_connected = c->trip != NULL;
	c->on_stopped = on_stopped;
	agentlink_engine_stop(c->engine, time_now());
	take_events(c);
	if (!is_connected && c->on_stopped)
		left(c);
}
