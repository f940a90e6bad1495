/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/helpers/cmocka_all.h"

#include "tests/unit/lib/tls/pair.h"

struct tls_config *
pair_config(const struct tls_config_settings *settings)
{
	struct tls_config *c;

	assert_int_equal(tls_config_new(&c), 0);
	if (tls_config_load(c, settings))
		fail_msg("%s", tls_config_why(c));
	return c;
}

struct pair
pair_new(struct tls_config *client, struct tls_config *server, const char *name)
{
	struct pair p;

	assert_int_equal(tls_new(client, name, &p.client), 0);
	assert_int_equal(tls_new(server, NULL, &p.server), 0);
	return p;
}

void
pair_free(struct pair *p)
{
	tls_free(p->client);
	tls_free(p->server);
}

int
pair_carry(struct tls *from, struct tls *to)
{
	struct buf b;
	int rc;

	buf_init(&b, TLS_FEED_MAX);
	tls_drain(from, &b);
	rc = tls_feed(to, buf_bytes(&b));
	buf_fini(&b);
	return rc;
}

void
pair_settle(struct pair *p)
{
	while (tls_pending(p->client) || tls_pending(p->server)) {
		pair_carry(p->client, p->server);
		pair_carry(p->server, p->client);
	}
}
