/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/helpers/cmocka_all.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/base/err.h"
#include "lib/link/chan.h"
#include "lib/link/rights.h"

#define WAIT_MS 10000
#define BIG ((size_t)CHAN_PAYLOAD_MAX)

struct seen {
	struct loop *loop;
	struct chan *chan;
	int peer; /* the other end, without a channel */
	int messages;
	size_t bytes;
	uint16_t type;
	struct buf last; /* the last payload */
	int fd;
	int drained;
	int closed;
	int rc;
	int pause_at; /* pause in the n-th message */
	int free_at; /* free in the n-th message */
	bool free_when_closed;
};

static void
free_now(struct seen *s)
{
	chan_free(s->chan);
	s->chan = NULL;
}

static void
on_message(uint16_t type, struct bytes payload, int fd, void *arg)
{
	struct seen *s = arg;

	s->messages++;
	s->type = type;
	s->bytes += payload.len;
	buf_clear(&s->last);
	buf_add_bytes(&s->last, payload);
	if (fd >= 0) {
		assert_int_equal(s->fd, -1);
		s->fd = fd;
	}
	if (s->messages == s->pause_at)
		chan_pause(s->chan);
	if (s->messages == s->free_at)
		free_now(s);
}

static void
on_drained(void *arg)
{
	struct seen *s = arg;

	s->drained++;
}

static void
on_closed(int rc, void *arg)
{
	struct seen *s = arg;

	s->closed++;
	s->rc = rc;
	if (s->free_when_closed)
		free_now(s);
}

static const struct chan_events events = {on_message, on_drained, on_closed};

static int
setup(void **state)
{
	struct seen *s = calloc(1, sizeof(*s));
	int pair[2];

	if (!s || loop_new(&s->loop) ||
	    socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair))
		return -1;
	*state = s;
	s->peer = pair[1];
	s->fd = -1;
	buf_init(&s->last, BIG);
	return chan_new(s->loop, pair[0], &events, s, &s->chan);
}

static int
teardown(void **state)
{
	struct seen *s = *state;

	chan_free(s->chan);
	if (s->peer >= 0)
		close(s->peer);
	if (s->fd >= 0)
		close(s->fd);
	buf_fini(&s->last);
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

/* Turns in which nothing is expected to happen. */
static void
idle(struct seen *s)
{
	for (int i = 0; i < 10; i++)
		loop_run_once(s->loop, 1);
}

static void
peer_says(struct seen *s, uint16_t type, struct bytes payload, int fd)
{
	assert_int_equal(
	    chan_blocking_send(s->peer, type, &payload, 1, fd, WAIT_MS), 0);
}

static void
peer_writes(struct seen *s, const void *ptr, size_t len)
{
	assert_int_equal(write(s->peer, ptr, len), len);
}

static void
peer_closes(struct seen *s)
{
	close(s->peer);
	s->peer = -1;
}

static size_t
open_descriptors(void)
{
	DIR *d = opendir("/proc/self/fd");
	size_t n = 0;

	assert_non_null(d);
	while (readdir(d))
		n++;
	closedir(d);
	return n;
}

static void
messages_arrive_whole_and_in_order(void **state)
{
	struct seen *s = *state;

	peer_says(s, 7, bytes_of_str("one"), -1);
	peer_says(s, 8, bytes_of_str(""), -1);
	peer_says(s, 9, bytes_of_str("three"), -1);
	await(s, &s->messages, 3);
	assert_int_equal(s->type, 9);
	assert_true(bytes_equal_str(buf_bytes(&s->last), "three"));
	assert_int_equal(s->bytes, 8);
}

static void
a_message_may_come_byte_by_byte(void **state)
{
	static const char frame[] = "\0\0\0\x9\0\x5\0\0hello";
	struct seen *s = *state;

	for (size_t i = 0; i < sizeof(frame) - 1; i++) {
		assert_int_equal(s->messages, 0);
		peer_writes(s, frame + i, 1);
		loop_run_once(s->loop, 100);
	}
	await(s, &s->messages, 1);
	assert_true(bytes_equal_str(buf_bytes(&s->last), "hello"));
}

static void
the_bytes_are_those_of_the_golden_file(void **state)
{
	struct seen *s = *state;
	uint8_t all[256], golden[512], sent[512];
	struct bytes parts[2] = {bytes_of_str("he"), bytes_of_str("llo")};
	struct bytes many = bytes_of(all, sizeof(all));
	char path[4096];
	size_t len;
	FILE *f;

	for (size_t i = 0; i < sizeof(all); i++)
		all[i] = (uint8_t)i;
	snprintf(path, sizeof(path), "%s/tests/golden/chan-stream.bin",
	    getenv("TOP_SRCDIR") ? getenv("TOP_SRCDIR") : ".");
	f = fopen(path, "rb");
	assert_non_null(f);
	len = fread(golden, 1, sizeof(golden), f);
	fclose(f);
	assert_int_equal(chan_send(s->chan, 1, NULL, 0, -1), 0);
	assert_int_equal(chan_send(s->chan, 0x0203, parts, 2, -1), 0);
	assert_int_equal(chan_send(s->chan, 0xffff, &many, 1, -1), 0);
	assert_int_equal(read(s->peer, sent, sizeof(sent)), len);
	assert_memory_equal(sent, golden, len);
	peer_writes(s, golden, len);
	await(s, &s->messages, 3);
	assert_int_equal(s->type, 0xffff);
	assert_memory_equal(buf_ptr(&s->last), all, sizeof(all));
}

/* Send from the channel, read at the peer while the loop turns. */
static void
the_longest_message_passes_and_one_byte_more_does_not(void **state)
{
	struct seen *s = *state;
	uint8_t *mem = malloc(BIG + 1);
	struct bytes parts[2] = {{mem, BIG}, {mem, 1}};
	struct buf got;
	pid_t pid;
	int status;

	assert_non_null(mem);
	memset(mem, 'x', BIG + 1);
	assert_int_equal(chan_send(s->chan, 1, parts, 2, -1), ERR_RANGE);
	assert_int_equal(chan_queued(s->chan), 0);
	assert_int_equal(
	    chan_blocking_send(s->peer, 1, parts, 2, -1, 1), ERR_RANGE);
	buf_init(&got, BIG);
	pid = fork();
	if (pid == 0) { /* the peer sends back what it gets */
		uint16_t type;
		int fd;
		struct bytes back;
		int rc = chan_blocking_recv(s->peer, WAIT_MS, &type, &got, &fd);

		back = buf_bytes(&got);
		if (!rc)
			rc = chan_blocking_send(
			    s->peer, type, &back, 1, -1, WAIT_MS);
		_exit(rc ? 1 : 0);
	}
	assert_true(pid > 0);
	assert_int_equal(chan_send(s->chan, 5, parts, 1, -1), 0);
	assert_true(chan_queued(s->chan) > 0);
	await(s, &s->messages, 1);
	assert_int_equal(s->drained, 1);
	assert_int_equal(chan_queued(s->chan), 0);
	assert_true(bytes_equal(buf_bytes(&s->last), parts[0]));
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	buf_fini(&got);
	free(mem);
}

static void
what_is_no_frame_closes_the_channel(void **state)
{
	struct seen *s = *state;

	peer_says(s, 1, bytes_of_str("good"), -1);
	peer_writes(s, "\0\0\0\3\0\1\0\0", 8);
	await(s, &s->closed, 1);
	assert_int_equal(s->messages, 1);
	assert_int_equal(s->rc, ERR_FORMAT);
	assert_int_equal(chan_send(s->chan, 1, NULL, 0, -1), ERR_CLOSED);
	idle(s);
	assert_int_equal(s->closed, 1);
}

/* RULES.md 1: its socket is read to the end, complete frames count. */
static void
what_a_dead_peer_said_is_delivered_before_the_end(void **state)
{
	struct seen *s = *state;
	struct bytes big = {calloc(1, 60000), 60000};

	assert_non_null(big.ptr);
	/* Unread bytes in its socket make the end a reset. */
	assert_int_equal(chan_send(s->chan, 1, &big, 1, -1), 0);
	peer_says(s, 1, big, -1);
	peer_says(s, 2, bytes_of_str("last"), -1);
	peer_writes(s, "\0\0\0\x9\0\x5\0\0hel", 11);
	peer_closes(s);
	/* The write fails first, and nothing may be lost by that. */
	assert_int_equal(chan_send(s->chan, 1, &big, 1, -1), ERR_CLOSED);
	await(s, &s->closed, 1);
	assert_int_equal(s->messages, 2);
	assert_true(bytes_equal_str(buf_bytes(&s->last), "last"));
	assert_int_equal(s->rc, ERR_CLOSED);
	free((void *)(uintptr_t)big.ptr);
}

static void
a_dead_peer_with_a_full_queue_is_noticed(void **state)
{
	struct seen *s = *state;
	struct bytes big = {calloc(1, BIG), BIG};

	assert_non_null(big.ptr);
	assert_int_equal(chan_send(s->chan, 1, &big, 1, -1), 0);
	assert_true(chan_queued(s->chan) > 0);
	peer_says(s, 2, bytes_of_str("last"), -1);
	peer_closes(s);
	await(s, &s->closed, 1);
	assert_int_equal(s->messages, 1);
	assert_int_equal(chan_queued(s->chan), 0);
	assert_int_equal(s->drained, 0);
	free((void *)(uintptr_t)big.ptr);
}

static void
a_paused_channel_delivers_nothing_until_it_is_resumed(void **state)
{
	struct seen *s = *state;

	s->pause_at = 2;
	for (int i = 0; i < 5; i++)
		peer_says(s, 1, bytes_of_str("x"), -1);
	peer_closes(s);
	await(s, &s->messages, 2);
	idle(s);
	assert_int_equal(s->messages, 2);
	assert_int_equal(s->closed, 0);
	chan_resume(s->chan);
	assert_int_equal(s->messages, 2); /* not from within the call */
	await(s, &s->messages, 5);
	await(s, &s->closed, 1);
}

static void
a_channel_may_be_freed_in_its_own_callbacks(void **state)
{
	struct seen *s = *state;

	s->free_at = 2;
	for (int i = 0; i < 5; i++)
		peer_says(s, 1, bytes_of_str("x"), -1);
	await(s, &s->messages, 2);
	assert_null(s->chan);
	idle(s);
	assert_int_equal(s->messages, 2);
	assert_int_equal(s->closed, 0);
}

static void
a_channel_may_be_freed_when_it_is_told_the_end(void **state)
{
	struct seen *s = *state;

	s->free_when_closed = true;
	peer_closes(s);
	await(s, &s->closed, 1);
	assert_null(s->chan);
}

static void
a_descriptor_goes_with_its_message(void **state)
{
	struct seen *s = *state;
	int pipes[2];
	char c;

	assert_int_equal(pipe(pipes), 0);
	peer_says(s, 1, bytes_of_str("before"), -1);
	peer_says(s, 2, bytes_of_str("with"), pipes[0]);
	peer_says(s, 3, bytes_of_str("after"), -1);
	close(pipes[0]);
	s->pause_at = 2;
	await(s, &s->messages, 2);
	assert_true(s->fd >= 0);
	assert_true(fcntl(s->fd, F_GETFD) & FD_CLOEXEC);
	assert_int_equal(write(pipes[1], "x", 1), 1);
	assert_int_equal(read(s->fd, &c, 1), 1);
	close(s->fd);
	s->fd = -1;
	chan_resume(s->chan);
	await(s, &s->messages, 3);
	assert_int_equal(s->fd, -1);
	close(pipes[1]);
}

static void
a_descriptor_that_has_to_wait_goes_with_its_message(void **state)
{
	struct seen *s = *state;
	struct bytes big = {calloc(1, 1 << 20), 1 << 20};
	struct buf got;
	uint16_t type = 0;
	int pipes[2], fd = -1;
	pid_t pid;
	int status;

	assert_non_null(big.ptr);
	assert_int_equal(pipe(pipes), 0);
	assert_int_equal(chan_send(s->chan, 1, &big, 1, -1), 0);
	assert_int_equal(chan_send(s->chan, 2, &big, 1, pipes[1]), 0);
	assert_int_equal(chan_send(s->chan, 3, &big, 1, -1), 0);
	close(pipes[1]); /* the queue has its own */
	buf_init(&got, BIG);
	pid = fork();
	if (pid == 0) {
		for (uint16_t i = 1; i <= 3; i++) {
			if (chan_blocking_recv(
				s->peer, WAIT_MS, &type, &got, &fd) ||
			    type != i || got.len != big.len ||
			    (fd >= 0) != (i == 2))
				_exit(1);
			if (fd >= 0 && write(fd, "x", 1) != 1)
				_exit(2);
		}
		_exit(0);
	}
	assert_true(pid > 0);
	await(s, &s->drained, 1);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	assert_int_equal(read(pipes[0], &type, 1), 1);
	close(pipes[0]);
	buf_fini(&got);
	free((void *)(uintptr_t)big.ptr);
}

static void
descriptors_that_nobody_asked_for_are_closed(void **state)
{
	static const char frame[] = "\0\0\0\x9\0\x5\0\0hello";
	struct seen *s = *state;
	size_t before = open_descriptors();

	for (int i = 0; i < 20; i++) {
		struct iovec iov = {(void *)(uintptr_t)frame, 6};
		struct iovec rest = {(void *)(uintptr_t)(frame + 6), 7};
		size_t sent;

		assert_int_equal(rights_send(s->peer, &iov, 1, 0, &sent), 0);
		assert_int_equal(rights_send(s->peer, &rest, 1, 0, &sent), 0);
		loop_run_once(s->loop, 1);
	}
	await(s, &s->messages, 20);
	assert_int_equal(s->fd, -1);
	assert_int_equal(open_descriptors(), before);
}

static void
a_message_that_lacks_its_descriptor_closes_the_channel(void **state)
{
	struct seen *s = *state;

	peer_writes(s, "\0\0\0\x4\0\x5\0\1", 8);
	await(s, &s->closed, 1);
	assert_int_equal(s->messages, 0);
	assert_int_equal(s->rc, ERR_FORMAT);
}

static void
a_full_queue_refuses_and_keeps_what_it_has(void **state)
{
	struct seen *s = *state;
	struct bytes part = {calloc(1, 100000), 100000};
	int sent = 0;

	assert_non_null(part.ptr);
	chan_set_limit(s->chan, 500000);
	while (chan_send(s->chan, 1, &part, 1, -1) == 0)
		sent++;
	assert_int_equal(chan_send(s->chan, 1, &part, 1, -1), ERR_LIMIT);
	assert_true(chan_queued(s->chan) <= 500000);
	for (int i = 0; i < sent; i++) {
		uint16_t type;
		int fd;

		idle(s);
		assert_int_equal(
		    chan_blocking_recv(s->peer, WAIT_MS, &type, &s->last, &fd),
		    0);
		assert_int_equal(s->last.len, part.len);
	}
	await(s, &s->drained, 1);
	free((void *)(uintptr_t)part.ptr);
}

static void
a_flush_waits_until_all_is_written_or_the_time_is_up(void **state)
{
	struct seen *s = *state;
	struct bytes big = {calloc(1, 1 << 20), 1 << 20};
	struct buf got;
	uint16_t type;
	int fd, status;
	pid_t pid;

	assert_non_null(big.ptr);
	assert_int_equal(chan_send(s->chan, 1, &big, 1, -1), 0);
	assert_int_equal(chan_flush(s->chan, 5), ERR_TIMEOUT);
	pid = fork();
	if (pid == 0) {
		buf_init(&got, BIG);
		_exit(chan_blocking_recv(s->peer, WAIT_MS, &type, &got, &fd) !=
		    0);
	}
	assert_true(pid > 0);
	assert_int_equal(chan_flush(s->chan, WAIT_MS), 0);
	assert_int_equal(s->drained, 0); /* nothing is called back */
	await(s, &s->drained, 1);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	peer_closes(s);
	assert_int_equal(chan_send(s->chan, 1, &big, 1, -1), ERR_CLOSED);
	assert_int_equal(chan_flush(s->chan, 5), ERR_CLOSED);
	free((void *)(uintptr_t)big.ptr);
}

static void
the_blocking_side_knows_time_and_the_end(void **state)
{
	struct seen *s = *state;
	uint16_t type;
	int fd;

	assert_int_equal(
	    chan_blocking_recv(s->peer, 5, &type, &s->last, &fd), ERR_TIMEOUT);
	free_now(s);
	assert_int_equal(
	    chan_blocking_recv(s->peer, WAIT_MS, &type, &s->last, &fd),
	    ERR_CLOSED);
	assert_int_equal(
	    chan_blocking_send(s->peer, 1, NULL, 0, -1, 5), ERR_CLOSED);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(messages_arrive_whole_and_in_order),
	    TEST(a_message_may_come_byte_by_byte),
	    TEST(the_bytes_are_those_of_the_golden_file),
	    TEST(the_longest_message_passes_and_one_byte_more_does_not),
	    TEST(what_is_no_frame_closes_the_channel),
	    TEST(what_a_dead_peer_said_is_delivered_before_the_end),
	    TEST(a_dead_peer_with_a_full_queue_is_noticed),
	    TEST(a_paused_channel_delivers_nothing_until_it_is_resumed),
	    TEST(a_channel_may_be_freed_in_its_own_callbacks),
	    TEST(a_channel_may_be_freed_when_it_is_told_the_end),
	    TEST(a_descriptor_goes_with_its_message),
	    TEST(a_descriptor_that_has_to_wait_goes_with_its_message),
	    TEST(descriptors_that_nobody_asked_for_are_closed),
	    TEST(a_message_that_lacks_its_descriptor_closes_the_channel),
	    TEST(a_full_queue_refuses_and_keeps_what_it_has),
	    TEST(a_flush_waits_until_all_is_written_or_the_time_is_up),
	    TEST(the_blocking_side_knows_time_and_the_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
