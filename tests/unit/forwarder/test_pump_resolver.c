/* SPDX-License-Identifier: Apache-2.0 */
/* What a target asks of the resolver goes through its pump. */
#include <stdio.h>
#include <string.h>

#include "lib/base/log.h"
#include "tests/helpers/cmocka_all.h"
#include "tests/unit/forwarder/pump_rig.h"

struct answer {
	int calls;
	size_t n;
	char why[128], first[ADDRESS_TEXT_SIZE];
};

static void
on_answer(const struct address *a, size_t n, const char *why, void *arg)
{
	struct answer *to = arg;

	to->calls++;
	to->n = n;
	snprintf(to->why, sizeof(to->why), "%s", why ? why : "");
	if (n)
		address_format(
		    (const struct sockaddr *)&a->sa, a->len, to->first);
}

static void
connect_resolver(struct pump_rig *f, struct peer *resolver)
{
	int fd;

	if (!resolver->loop)
		peer_init(resolver, f->loop, &fd);
	else
		peer_again(resolver, &fd);
	pump_connect_resolver(f->pump, fd);
}

static void
names_are_asked_of_the_resolver(void **state)
{
	static const uint8_t address[] = {4, 2, 2, 192, 0, 2, 9};
	struct ipc_msg m = {.type = IPC_ADDRESSES};
	struct answer a = {0}, b = {0};
	struct peer resolver = {0};
	struct pump_rig f;

	(void)state;
	pump_rig_begin(&f);
	target_host_resolve(
	    f.t->host, bytes_of_str("192.0.2.1"), 514, on_answer, &a);
	assert_string_equal(a.first, "192.0.2.1:514");
	target_host_resolve(
	    f.t->host, bytes_of_str("siem.example"), 514, on_answer, &a);
	assert_int_equal(a.calls, 2);
	assert_int_equal(a.n, 0);
	assert_true(strlen(a.why) > 0);
	connect_resolver(&f, &resolver);
	target_host_resolve(
	    f.t->host, bytes_of_str("siem.example"), 514, on_answer, &a);
	while (peer_turn(&resolver, PEER_WAIT_MS) != IPC_RESOLVE)
		;
	m.u.addresses.n = 1;
	m.u.addresses.addresses = bytes_of(address, sizeof(address));
	peer_send(&resolver, &m); /* of another question */
	m.u.addresses.id = 1;
	peer_send(&resolver, &m);
	while (a.calls < 3)
		loop_run_once(f.loop, 10);
	assert_string_equal(a.first, "192.0.2.9:514");
	/* A resolver that goes, or is replaced, leaves nobody waiting. */
	target_host_resolve(
	    f.t->host, bytes_of_str("siem.example"), 514, on_answer, &b);
	connect_resolver(&f, &resolver);
	while (b.calls < 1)
		loop_run_once(f.loop, 10);
	assert_int_equal(b.n, 0);
	target_host_resolve(
	    f.t->host, bytes_of_str("siem.example"), 514, on_answer, &b);
	target_host_resolve_cancel(f.t->host);
	peer_fini(&resolver);
	for (int i = 0; i < 5; i++)
		loop_run_once(f.loop, 5);
	assert_int_equal(b.calls, 1);
	pump_rig_end(&f);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(names_are_asked_of_the_resolver),
	};

	log_setup("test", LOG_LEVEL_ERROR, false);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
