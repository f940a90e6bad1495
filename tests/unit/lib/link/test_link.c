/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/helpers/cmocka_all.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/base/buf.h"
#include "lib/base/err.h"
#include "lib/link/link.h"

#define WAIT_MS 10000

struct seen {
	struct loop *loop;
	struct link_pool *pool;
	struct link *link;
	int peer; /* a plain socket at the other end */
	int ready, drained, ended, closed;
	int calls; /* of on_data */
	size_t shown; /* length of the last data */
	size_t used; /* in all */
	struct buf all; /* what was used, in order */
	size_t use; /* use so many bytes a call; SIZE_MAX: all */
	size_t need; /* use nothing below this length */
	int pause_at, free_at; /* in the n-th on_data */
	bool close_when_ended;
	int rc;
	char why[128];
};

static void
on_ready(void *arg)
{
	struct seen *s = arg;

	s->ready++;
}

static size_t
on_data(struct bytes data, void *arg)
{
	struct seen *s = arg;
	size_t use = data.len < s->use ? data.len : s->use;

	s->calls++;
	s->shown = data.len;
	if (s->calls == s->pause_at)
		link_pause(s->link);
	if (s->calls == s->free_at) {
		link_free(s->link);
		s->link = NULL;
	}
	if (data.len < s->need)
		return 0;
	buf_add(&s->all, data.ptr, use);
	s->used += use;
	return use;
}

static void
on_drained(void *arg)
{
	struct seen *s = arg;

	s->drained++;
}

static void
on_end(void *arg)
{
	struct seen *s = arg;

	s->ended++;
	if (s->close_when_ended)
		link_close(s->link, WAIT_MS);
}

static void
on_closed(int rc, const char *why, void *arg)
{
	struct seen *s = arg;

	s->closed++;
	s->rc = rc;
	strncpy(s->why, why, sizeof(s->why) - 1);
}

static const struct link_events events = {
    on_ready, on_data, on_drained, NULL, on_closed};
static const struct link_events events_with_end = {
    on_ready, on_data, on_drained, on_end, on_closed};

/* A connected TCP pair over loopback. */
static void
tcp_pair(int pair[2])
{
	struct sockaddr_in addr = {
	    .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(addr);
	int listener = socket(AF_INET, SOCK_STREAM, 0);

	assert_int_equal(bind(listener, (struct sockaddr *)&addr, len), 0);
	assert_int_equal(listen(listener, 1), 0);
	getsockname(listener, (struct sockaddr *)&addr, &len);
	pair[1] = socket(AF_INET, SOCK_STREAM, 0);
	assert_int_equal(connect(pair[1], (struct sockaddr *)&addr, len), 0);
	pair[0] = accept(listener, NULL, NULL);
	assert_true(pair[0] >= 0);
	close(listener);
}

static int
start(void **state, const struct link_events *e)
{
	struct seen *s = calloc(1, sizeof(*s));
	int pair[2];

	if (!s || loop_new(&s->loop) || link_pool_new(s->loop, &s->pool))
		return -1;
	*state = s;
	tcp_pair(pair);
	s->peer = pair[1];
	s->use = SIZE_MAX;
	buf_init(&s->all, SIZE_MAX);
	return link_new(s->pool, pair[0], NULL, e, s, &s->link);
}

static int
setup(void **state)
{
	return start(state, &events);
}

static int
setup_with_end(void **state)
{
	return start(state, &events_with_end);
}

static int
teardown(void **state)
{
	struct seen *s = *state;

	link_free(s->link);
	if (s->peer >= 0)
		close(s->peer);
	buf_fini(&s->all);
	link_pool_free(s->pool);
	loop_free(s->loop);
	free(s);
	return 0;
}

static void
await(struct seen *s, const int *value, int n)
{
	uint64_t end = loop_now_ms(s->loop) + WAIT_MS;

	while (*value < n && loop_now_ms(s->loop) < end)
		loop_run_once(s->loop, 100);
	assert_int_equal(*value, n);
}

static void
await_used(struct seen *s, size_t n)
{
	uint64_t end = loop_now_ms(s->loop) + WAIT_MS;

	while (s->used < n && loop_now_ms(s->loop) < end)
		loop_run_once(s->loop, 100);
	assert_int_equal(s->used, n);
}

static void
idle(struct seen *s)
{
	for (int i = 0; i < 10; i++)
		loop_run_once(s->loop, 1);
}

static void
peer_says(struct seen *s, const char *text)
{
	size_t len = strlen(text);

	assert_int_equal(send(s->peer, text, len, MSG_NOSIGNAL), len);
}

static void
peer_closes(struct seen *s)
{
	close(s->peer);
	s->peer = -1;
}

static void
peer_resets(struct seen *s)
{
	struct linger now = {.l_onoff = 1};

	setsockopt(s->peer, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
	peer_closes(s);
}

static int
say(struct seen *s, const void *ptr, size_t len)
{
	struct bytes part = bytes_of(ptr, len);

	return link_write(s->link, &part, 1);
}

static void
a_plain_link_is_ready_and_carries_bytes_both_ways(void **state)
{
	struct seen *s = *state;
	struct bytes parts[2] = {bytes_of_str("he"), bytes_of_str("llo")};
	struct link_counts n;
	char got[8];

	assert_int_equal(s->ready, 0); /* not from within link_new */
	assert_int_equal(say(s, "x", 1), ERR_STATE);
	await(s, &s->ready, 1);
	assert_true(link_is_ready(s->link));
	assert_int_equal(strncmp(link_peer(s->link), "127.0.0.1:", 10), 0);
	peer_says(s, "bytes");
	await_used(s, 5);
	assert_true(bytes_equal_str(buf_bytes(&s->all), "bytes"));
	assert_int_equal(link_write(s->link, parts, 2), 0);
	assert_int_equal(recv(s->peer, got, sizeof(got), 0), 5);
	assert_memory_equal(got, "hello", 5);
	link_counts(s->link, &n);
	assert_int_equal(n.plain_in, 5);
	assert_int_equal(n.wire_in, 5);
	assert_int_equal(n.plain_out, 5);
	assert_int_equal(n.wire_out, 5);
}

static void
a_rest_that_is_not_used_is_shown_again_with_what_follows(void **state)
{
	struct seen *s = *state;

	s->need = 10;
	peer_says(s, "01234");
	await(s, &s->calls, 1);
	assert_int_equal(s->shown, 5);
	peer_says(s, "56789ab");
	await_used(s, 12);
	assert_int_equal(s->shown, 12);
	assert_true(bytes_equal_str(buf_bytes(&s->all), "0123456789ab"));
	/* Used in part: the rest waits for more. */
	s->need = 0;
	s->use = 2;
	peer_says(s, "cde");
	await_used(s, 14);
	assert_int_equal(s->shown, 3);
	s->use = SIZE_MAX;
	peer_says(s, "f");
	await_used(s, 16);
	assert_int_equal(s->shown, 2);
}

static void
a_rest_beyond_its_limit_ends_the_link(void **state)
{
	struct seen *s = *state;

	link_set_keep(s->link, 100);
	s->need = SIZE_MAX;
	for (int i = 0; i < 9; i++)
		peer_says(s, "0123456789");
	peer_says(s, "012345678");
	while (s->shown < 99)
		loop_run_once(s->loop, 100);
	idle(s);
	assert_int_equal(s->closed, 0); /* one byte less than the limit */
	peer_says(s, "9");
	await(s, &s->closed, 1);
	assert_int_equal(s->rc, ERR_LIMIT);
	assert_string_equal(s->why, "more than 100 bytes in one piece");
}

static void
a_paused_link_shows_nothing_until_it_is_resumed(void **state)
{
	struct seen *s = *state;

	s->pause_at = 1;
	s->use = 3;
	peer_says(s, "012345");
	await_used(s, 3);
	peer_says(s, "678");
	peer_closes(s);
	idle(s);
	assert_int_equal(s->calls, 1);
	assert_int_equal(s->closed, 0);
	s->use = SIZE_MAX;
	link_resume(s->link);
	assert_int_equal(s->calls, 1); /* not from within the call */
	await_used(s, 9);
	await(s, &s->closed, 1);
	assert_int_equal(s->rc, 0);
	assert_true(bytes_equal_str(buf_bytes(&s->all), "012345678"));
}

static void
a_link_may_be_freed_in_its_own_callback(void **state)
{
	struct seen *s = *state;

	s->free_at = 1;
	peer_says(s, "0");
	await(s, &s->calls, 1);
	idle(s);
	assert_int_equal(s->closed, 0);
}

static void
an_end_in_order_and_a_reset_are_told_apart(void **state)
{
	struct seen *s = *state;

	peer_says(s, "last words");
	peer_resets(s);
	await(s, &s->closed, 1);
	assert_int_equal(s->rc, ERR_CLOSED);
	assert_string_equal(s->why, "Connection reset by peer");
	assert_true(bytes_equal_str(buf_bytes(&s->all), "last words"));
	assert_int_equal(say(s, "x", 1), ERR_CLOSED);
}

static void
what_a_dead_peer_said_is_delivered_before_the_end(void **state)
{
	struct seen *s = *state;

	await(s, &s->ready, 1);
	peer_says(s, "last words");
	peer_resets(s);
	while (say(s, "x", 1) == 0) /* the write fails first */
		;
	await(s, &s->closed, 1);
	assert_int_equal(s->rc, ERR_CLOSED);
	assert_true(bytes_equal_str(buf_bytes(&s->all), "last words"));
}

static void
after_the_peers_end_writing_is_still_possible(void **state)
{
	struct seen *s = *state;
	char got[8];

	await(s, &s->ready, 1);
	peer_says(s, "request");
	assert_int_equal(shutdown(s->peer, SHUT_WR), 0);
	await(s, &s->ended, 1);
	assert_int_equal(s->closed, 0);
	assert_int_equal(say(s, "reply", 5), 0);
	link_close(s->link, WAIT_MS);
	await(s, &s->closed, 1);
	assert_int_equal(s->rc, 0);
	assert_int_equal(recv(s->peer, got, sizeof(got), MSG_WAITALL), 5);
}

static void
closing_in_on_end_is_a_clean_end(void **state)
{
	struct seen *s = *state;
	char got;

	s->close_when_ended = true;
	assert_int_equal(shutdown(s->peer, SHUT_WR), 0);
	await(s, &s->closed, 1);
	assert_int_equal(s->rc, 0);
	assert_int_equal(recv(s->peer, &got, 1, 0), 0);
}

static size_t
fill(struct seen *s)
{
	static const char part[65536];
	size_t sent = 0;

	while (!link_queued(s->link)) {
		assert_int_equal(say(s, part, sizeof(part)), 0);
		sent += sizeof(part);
	}
	return sent;
}

static void
read_at_peer(struct seen *s, size_t len)
{
	static char part[65536];

	while (len) {
		ssize_t n = recv(s->peer, part,
		    len < sizeof(part) ? len : sizeof(part), MSG_DONTWAIT);

		if (n < 0) {
			assert_int_equal(errno, EAGAIN);
			loop_run_once(s->loop, 10);
			continue;
		}
		assert_true(n > 0);
		len -= (size_t)n;
	}
}

static void
positions_tell_what_the_peer_has_confirmed(void **state)
{
	struct seen *s = *state;
	size_t sent;

	await(s, &s->ready, 1);
	sent = fill(s);
	assert_int_equal(link_end(s->link), sent);
	assert_true(link_taken(s->link) < sent);
	assert_true(link_unsent(s->link) > 0);
	read_at_peer(s, sent);
	while (link_taken(s->link) < sent)
		loop_run_once(s->loop, 1);
	assert_int_equal(link_taken(s->link), sent);
	assert_int_equal(link_unsent(s->link), 0);
	await(s, &s->drained, 1);
}

static void
a_full_queue_refuses_and_keeps_what_it_has(void **state)
{
	struct seen *s = *state;
	size_t sent, queued;

	await(s, &s->ready, 1);
	sent = fill(s);
	queued = link_queued(s->link);
	link_set_limit(s->link, queued + 10);
	assert_int_equal(say(s, "0123456789a", 11), ERR_LIMIT);
	assert_int_equal(link_queued(s->link), queued);
	assert_int_equal(say(s, "0123456789", 10), 0);
	assert_int_equal(say(s, "0", 1), ERR_LIMIT);
	read_at_peer(s, sent + 10);
	await(s, &s->drained, 1);
	assert_int_equal(link_queued(s->link), 0);
}

static void
closing_writes_what_is_queued_and_then_says_the_end(void **state)
{
	struct seen *s = *state;
	size_t sent;
	char c;

	await(s, &s->ready, 1);
	sent = fill(s);
	link_close(s->link, WAIT_MS);
	assert_int_equal(say(s, "x", 1), ERR_STATE);
	peer_says(s, "nobody looks at this");
	read_at_peer(s, sent);
	while (recv(s->peer, &c, 1, MSG_DONTWAIT) < 0)
		loop_run_once(s->loop, 10);
	assert_int_equal(s->closed, 0); /* the peer has not ended yet */
	peer_closes(s);
	await(s, &s->closed, 1);
	assert_int_equal(s->rc, 0);
	assert_int_equal(s->calls, 0);
}

static void
closing_does_not_wait_longer_than_it_was_told(void **state)
{
	struct seen *s = *state;

	await(s, &s->ready, 1);
	fill(s);
	link_close(s->link, 20);
	await(s, &s->closed, 1);
	assert_int_equal(s->rc, ERR_TIMEOUT);
}

/* FAULTS.md row 48. */
static void
a_peer_without_progress_in_a_frame_is_cut_off(void **state)
{
	struct seen *s = *state;
	uint64_t end;

	await(s, &s->ready, 1);
	assert_int_equal(link_progress_start(s->link, 10, 400), 0);
	/* A slow peer that does what is demanded is left alone. */
	end = loop_now_ms(s->loop) + 1000;
	while (loop_now_ms(s->loop) < end) {
		peer_says(s, "0123456789");
		loop_run_once(s->loop, 10);
	}
	assert_int_equal(s->closed, 0);
	link_progress_stop(s->link);
	loop_run_once(s->loop, 10);
	assert_int_equal(link_progress_start(s->link, 10, 400), 0);
	peer_says(s, "012345678"); /* one too few */
	await(s, &s->closed, 1);
	assert_int_equal(s->rc, ERR_TIMEOUT);
	assert_string_equal(
	    s->why, "9 bytes in 400 ms in the middle of a frame");
}

static void
our_own_pause_is_not_the_peers_fault(void **state)
{
	struct seen *s = *state;
	uint64_t end;

	await(s, &s->ready, 1);
	link_pause(s->link);
	assert_int_equal(link_progress_start(s->link, 10, 10), 0);
	end = loop_now_ms(s->loop) + 50;
	while (loop_now_ms(s->loop) < end)
		loop_run_once(s->loop, 10);
	assert_int_equal(s->closed, 0);
	link_progress_stop(s->link);
	link_resume(s->link);
	end = loop_now_ms(s->loop) + 30;
	while (loop_now_ms(s->loop) < end)
		loop_run_once(s->loop, 10);
	assert_int_equal(s->closed, 0); /* no frame is open */
}

static void
half_open_connections_are_found_by_the_kernel(void **state)
{
	int listener[2], value = 0;
	socklen_t len = sizeof(value);
	struct seen *s = *state;
	struct link *k;
	int keep;

	tcp_pair(listener);
	keep = dup(listener[0]);
	assert_int_equal(
	    link_new(s->pool, listener[0], NULL, &events, s, &k), 0);
	getsockopt(keep, IPPROTO_TCP, TCP_USER_TIMEOUT, &value, &len);
	assert_int_equal(value, 60000);
	getsockopt(keep, IPPROTO_TCP, TCP_NODELAY, &value, &len);
	assert_int_not_equal(value, 0);
	getsockopt(keep, SOL_SOCKET, SO_KEEPALIVE, &value, &len);
	assert_int_not_equal(value, 0);
	link_free(k);
	close(keep);
	close(listener[1]);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
#define TEST_END(name) \
	cmocka_unit_test_setup_teardown(name, setup_with_end, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(a_plain_link_is_ready_and_carries_bytes_both_ways),
	    TEST(a_rest_that_is_not_used_is_shown_again_with_what_follows),
	    TEST(a_rest_beyond_its_limit_ends_the_link),
	    TEST(a_paused_link_shows_nothing_until_it_is_resumed),
	    TEST(a_link_may_be_freed_in_its_own_callback),
	    TEST(an_end_in_order_and_a_reset_are_told_apart),
	    TEST(what_a_dead_peer_said_is_delivered_before_the_end),
	    TEST_END(after_the_peers_end_writing_is_still_possible),
	    TEST_END(closing_in_on_end_is_a_clean_end),
	    TEST(positions_tell_what_the_peer_has_confirmed),
	    TEST(a_full_queue_refuses_and_keeps_what_it_has),
	    TEST(closing_writes_what_is_queued_and_then_says_the_end),
	    TEST(closing_does_not_wait_longer_than_it_was_told),
	    TEST(a_peer_without_progress_in_a_frame_is_cut_off),
	    TEST(our_own_pause_is_not_the_peers_fault),
	    TEST(half_open_connections_are_found_by_the_kernel),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
