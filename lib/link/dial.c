/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The usual course: connect to the first address, TLS on a link of our own,
 * on_ready: the link is given to the owner with the owner's callbacks.
 * What can go wrong: an address refuses, is silent, or TLS fails: the next.
 */
#include "lib/link/dial.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/err.h"
#include "lib/loop/tcp.h"

struct dial {
	struct loop *loop;
	struct link_pool *pool;
	struct dial_settings settings; /* with copies of what it points to */
	struct dial_events events;
	void *arg;
	struct tcp_connect *connect;
	struct link *link; /* whose TLS goes on */
	struct loop_timer *timer;
	char *name;
	struct address address[DIAL_ADDRESSES_MAX];
	struct clock_floor floor;
	size_t count, at;
	struct dial_failure failure; /* the one that counts */
	char why[400];
};

/* ---- one address fails
 * ----------------------------------------------------- */

static bool
is_refusal(int rc)
{
	return rc == ERR_AUTH;
}

/* An address that may come back counts more than a certificate that will not.
 */
static void
note_failure(struct dial *d, int rc, enum tls_failure tls, const char *why)
{
	char name[ADDRESS_TEXT_SIZE];

	if (d->failure.rc && !is_refusal(d->failure.rc) && is_refusal(rc))
		return;
	address_format((const struct sockaddr *)&d->address[d->at].sa,
	    d->address[d->at].len, name);
	snprintf(d->why, sizeof(d->why), "%s: %s", name, why);
	d->failure = (struct dial_failure){.rc = rc, .tls = tls, .why = d->why};
}

static void try_address(struct dial *d);

static void
next_address(struct dial *d, int rc, enum tls_failure tls, const char *why)
{
	loop_timer_stop(d->timer);
	note_failure(d, rc, tls, why);
	tcp_connect_free(d->connect);
	link_free(d->link);
	d->connect = NULL;
	d->link = NULL;
	d->at++;
	if (d->at < d->count)
		try_address(d);
	else
		d->events.on_failed(&d->failure, d->arg);
}

/* ---- TLS
 * ------------------------------------------------------------------- */

static void
on_ready(void *arg)
{
	struct dial *d = arg;
	struct link *link = d->link;

	d->link = NULL;
	link_set_events(link, d->settings.events, d->settings.link_arg);
	d->events.on_link(link, d->arg);
}

static size_t
on_data(struct bytes data, void *arg)
{
	(void)arg;
	return data.len; /* never before on_ready */
}

static void
on_closed(int rc, const char *why, void *arg)
{
	struct dial *d = arg;
	const struct tls *tls = link_tls(d->link);

	next_address(d, rc ? rc : ERR_CLOSED,
	    tls ? tls_failure(tls) : TLS_FAILURE_NONE,
	    rc ? why : "closed while connecting");
}

static const struct link_events link_events = {
    .on_ready = on_ready,
    .on_data = on_data,
    .on_closed = on_closed,
};

static int
make_link(struct dial *d, int fd)
{
	struct tls *tls = NULL;
	int rc = 0;

	if (d->settings.tls)
		rc = tls_new(d->settings.tls, d->name, &tls);
	if (tls)
		tls_set_time(tls, clock_judge_ns(&d->floor, clock_now()));
	if (!rc)
		rc = link_new(d->pool, fd, tls, &link_events, d, &d->link);
	if (rc) {
		tls_free(tls);
		close(fd);
		return rc;
	}
	return link_set_handshake(d->link, d->settings.handshake_ms);
}

/* ---- connecting
 * ------------------------------------------------------------ */

static void
on_connected(int rc, int fd, const char *why, void *arg)
{
	struct dial *d = arg;

	loop_timer_stop(d->timer);
	if (!rc) {
		rc = make_link(d, fd);
		why = err_text(rc);
	}
	if (rc)
		next_address(d, rc, TLS_FAILURE_NONE, why);
}

/* No answer, or the address could not even be tried. */
static void
on_timer(void *arg)
{
	struct dial *d = arg;

	if (d->connect)
		next_address(
		    d, ERR_TIMEOUT, TLS_FAILURE_NONE, "no answer in time");
	else
		next_address(d, ERR_SYS, TLS_FAILURE_NONE,
		    "cannot be connected to from here");
}

static void
try_address(struct dial *d)
{
	const struct address *a = &d->address[d->at];
	int rc = tcp_connect_new(d->loop, (const struct sockaddr *)&a->sa,
	    a->len, on_connected, d, &d->connect);

	loop_timer_start(d->timer, rc ? 0 : d->settings.connect_ms, 0);
}

/* ---- life cycle
 * ------------------------------------------------------------ */

static int
keep_settings(struct dial *d, const struct dial_settings *settings)
{
	d->settings = *settings;
	d->settings.tls = NULL;
	d->count = settings->count < DIAL_ADDRESSES_MAX ? settings->count
							: DIAL_ADDRESSES_MAX;
	d->at = settings->first < d->count ? settings->first : 0;
	memcpy(d->address, settings->addresses,
	    d->count * sizeof(*settings->addresses));
	d->settings.addresses = NULL;
	if (settings->floor)
		d->floor = *settings->floor;
	if (settings->name && !(d->name = strdup(settings->name)))
		return ERR_NOMEM;
	if (settings->tls)
		d->settings.tls = tls_config_ref(settings->tls);
	return d->count ? 0 : ERR_INVAL;
}

int
dial_start(struct loop *loop, struct link_pool *pool,
    const struct dial_settings *settings, const struct dial_events *events,
    void *arg, struct dial **out)
{
	struct dial *d = calloc(1, sizeof(*d));
	int rc;

	if (!d)
		return ERR_NOMEM;
	d->loop = loop;
	d->pool = pool;
	d->events = *events;
	d->arg = arg;
	rc = keep_settings(d, settings);
	if (!rc)
		rc = loop_timer_new(loop, on_timer, d, &d->timer);
	if (rc) {
		dial_free(d);
		return rc;
	}
	try_address(d);
	*out = d;
	return 0;
}

void
dial_free(struct dial *d)
{
	if (!d)
		return;
	tcp_connect_free(d->connect);
	link_free(d->link);
	loop_timer_free(d->timer);
	tls_config_free(d->settings.tls);
	free(d->name);
	free(d);
}

size_t
dial_at(const struct dial *d)
{
	return d->at;
}

bool
dial_is_last(const struct dial *d)
{
	return d->at + 1 >= d->count;
}
