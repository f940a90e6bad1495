/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/helpers/cmocka_all.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/base/err.h"
#include "lib/loop/loop.h"

#define DEADLINE_MS 10000

struct seen {
	struct loop *loop;
	struct loop_timer *timer;
	struct loop_poll *poll;
	int fd;
	int count;
	int stop_at;
	unsigned events;
	int rc;
	atomic_int runs;
};

static int
setup(void **state)
{
	struct seen *s = calloc(1, sizeof(*s));

	*state = s;
	return s ? loop_new(&s->loop) : -1;
}

static int
teardown(void **state)
{
	struct seen *s = *state;

	loop_free(s->loop);
	free(s);
	return 0;
}

static void
count(void *arg)
{
	struct seen *s = arg;

	if (++s->count == s->stop_at)
		loop_stop(s->loop);
}

/* Turn the loop until `count` has been called n times. */
static void
await(struct seen *s, int n)
{
	uint64_t end = loop_now_ms(s->loop) + DEADLINE_MS;

	while (s->count < n && loop_now_ms(s->loop) < end)
		loop_run_once(s->loop, 100);
	assert_int_equal(s->count, n);
}

static void
a_timer_fires_once_or_again_and_again(void **state)
{
	struct seen *s = *state;
	uint64_t begin = loop_now_ms(s->loop);

	assert_int_equal(loop_timer_new(s->loop, count, s, &s->timer), 0);
	assert_false(loop_timer_is_active(s->timer));
	loop_timer_start(s->timer, 20, 0);
	assert_true(loop_timer_is_active(s->timer));
	loop_run(s->loop); /* ends because nothing is active any more */
	assert_int_equal(s->count, 1);
	assert_true(loop_now_ms(s->loop) - begin >= 20);

	s->stop_at = 4;
	loop_timer_start(s->timer, 1, 1);
	loop_run(s->loop);
	assert_int_equal(s->count, 4);
	loop_timer_stop(s->timer);
	assert_false(loop_timer_is_active(s->timer));
	loop_timer_free(s->timer);
}

static void
a_turn_that_waits_ends_in_time_without_events(void **state)
{
	struct seen *s = *state;

	assert_int_equal(loop_timer_new(s->loop, count, s, &s->timer), 0);
	loop_timer_start(s->timer, 60000, 0);
	assert_true(loop_run_once(s->loop, 5));
	assert_true(loop_run_once(s->loop, 0));
	assert_int_equal(s->count, 0);
	loop_timer_free(s->timer);
}

static void
free_in_callback(void *arg)
{
	struct seen *s = arg;

	s->count++;
	loop_timer_free(s->timer);
}

static void
a_timer_may_be_freed_in_its_own_callback(void **state)
{
	struct seen *s = *state;

	assert_int_equal(
	    loop_timer_new(s->loop, free_in_callback, s, &s->timer), 0);
	loop_timer_start(s->timer, 1, 1);
	loop_run(s->loop);
	assert_int_equal(s->count, 1);
}

static void
read_one(unsigned events, void *arg)
{
	struct seen *s = arg;
	char c;

	s->events |= events;
	s->count++;
	s->rc = (int)read(s->fd, &c, 1);
	if (s->rc <= 0)
		loop_poll_set(s->poll, 0);
}

static void
a_poll_sees_bytes_and_the_end(void **state)
{
	struct seen *s = *state;
	int pair[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	s->fd = pair[0];
	assert_int_equal(
	    loop_poll_new(s->loop, pair[0], read_one, s, &s->poll), 0);
	assert_int_equal(loop_poll_set(s->poll, LOOP_READABLE), 0);
	loop_run_once(s->loop, 5);
	assert_int_equal(s->count, 0);
	assert_int_equal(write(pair[1], "ab", 2), 2);
	await(s, 2);
	assert_int_equal(s->events, LOOP_READABLE);
	close(pair[1]);
	await(s, 3);
	assert_int_equal(s->rc, 0);
	loop_poll_free(s->poll);
	close(pair[0]);
}

static void
note_writable(unsigned events, void *arg)
{
	struct seen *s = arg;

	s->events |= events;
	s->count++;
	loop_poll_free(s->poll);
}

static void
a_poll_may_be_freed_in_its_own_callback(void **state)
{
	struct seen *s = *state;
	int pair[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	assert_int_equal(
	    loop_poll_new(s->loop, pair[0], note_writable, s, &s->poll), 0);
	loop_poll_set(s->poll, LOOP_READABLE | LOOP_WRITABLE);
	loop_run(s->loop);
	assert_int_equal(s->count, 1);
	assert_int_equal(s->events, LOOP_WRITABLE);
	close(pair[0]);
	close(pair[1]);
}

static void
a_poll_refuses_what_cannot_be_watched(void **state)
{
	struct seen *s = *state;
	FILE *f = tmpfile();

	assert_non_null(f);
	assert_int_equal(
	    loop_poll_new(s->loop, fileno(f), read_one, s, &s->poll),
	    ERR_DENIED);
	fclose(f);
}

static void
on_signal(int signum, void *arg)
{
	struct seen *s = arg;

	s->rc = signum;
	s->count++;
}

static void
signals_arrive_on_the_loop(void **state)
{
	struct seen *s = *state;
	struct loop_signal *hup, *chld;

	assert_int_equal(
	    loop_signal_new(s->loop, SIGHUP, on_signal, s, &hup), 0);
	assert_int_equal(
	    loop_signal_new(s->loop, SIGCHLD, on_signal, s, &chld), 0);
	/* A timer, because signals alone keep nothing running. */
	assert_false(loop_run_once(s->loop, 0));
	assert_int_equal(loop_timer_new(s->loop, count, s, &s->timer), 0);
	loop_timer_start(s->timer, 60000, 0);
	raise(SIGHUP);
	await(s, 1);
	assert_int_equal(s->rc, SIGHUP);
	raise(SIGCHLD);
	await(s, 2);
	assert_int_equal(s->rc, SIGCHLD);
	loop_timer_free(s->timer);
	loop_signal_free(hup);
	loop_signal_free(chld);
}

static void *
send_wake(void *arg)
{
	loop_wake_send(arg);
	return NULL;
}

static void
another_thread_wakes_the_loop(void **state)
{
	struct seen *s = *state;
	struct loop_wake *w;
	pthread_t thread;

	assert_int_equal(loop_wake_new(s->loop, count, s, &w), 0);
	assert_int_equal(pthread_create(&thread, NULL, send_wake, w), 0);
	await(s, 1);
	pthread_join(thread, NULL);
	loop_wake_free(w);
}

static void
a_turn_calls_back_after_each_poll(void **state)
{
	struct seen *s = *state;
	struct loop_turn *t;

	assert_int_equal(loop_turn_new(s->loop, count, s, &t), 0);
	assert_int_equal(loop_timer_new(s->loop, count, s, &s->timer), 0);
	loop_timer_start(s->timer, 60000, 0);
	loop_run_once(s->loop, 0);
	loop_run_once(s->loop, 0);
	assert_int_equal(s->count, 2);
	loop_turn_free(t);
	loop_timer_free(s->timer);
}

static void
work(void *arg)
{
	struct seen *s = arg;

	atomic_fetch_add(&s->runs, 1);
}

static void
on_done(int rc, void *arg)
{
	struct seen *s = arg;

	s->rc |= rc;
	s->count++;
}

static void
work_runs_elsewhere_and_is_done_here(void **state)
{
	struct seen *s = *state;

	assert_int_equal(loop_work_threads(0), ERR_INVAL);
	assert_int_equal(loop_work_threads(65), ERR_INVAL);
	assert_int_equal(loop_work_threads(2), 0);
	for (int i = 0; i < 100; i++)
		assert_int_equal(
		    loop_work_start(s->loop, work, on_done, s, NULL), 0);
	await(s, 100);
	assert_int_equal(atomic_load(&s->runs), 100);
	assert_int_equal(s->rc, 0);
}

struct gate {
	pthread_mutex_t mutex;
	atomic_int entered;
};

static void
wait_at_gate(void *arg)
{
	struct gate *g = arg;

	atomic_fetch_add(&g->entered, 1);
	pthread_mutex_lock(&g->mutex);
	pthread_mutex_unlock(&g->mutex);
}

static void
ignore(int rc, void *arg)
{
	(void)rc;
	(void)arg;
}

static void
waiting_work_can_be_cancelled_and_running_work_cannot(void **state)
{
	struct seen *s = *state;
	struct gate g = {.mutex = PTHREAD_MUTEX_INITIALIZER};
	struct loop_work *first, *waiting;

	pthread_mutex_lock(&g.mutex);
	/* Occupy both threads, so that the third job has to wait. */
	loop_work_start(s->loop, wait_at_gate, ignore, &g, &first);
	loop_work_start(s->loop, wait_at_gate, ignore, &g, NULL);
	while (atomic_load(&g.entered) < 2)
		loop_run_once(s->loop, 1);
	assert_int_equal(
	    loop_work_start(s->loop, work, on_done, s, &waiting), 0);
	assert_int_equal(loop_work_cancel(waiting), 0);
	assert_int_equal(loop_work_cancel(first), ERR_BUSY);
	await(s, 1);
	assert_int_equal(s->rc, ERR_CLOSED);
	assert_int_equal(atomic_load(&s->runs), 0);
	pthread_mutex_unlock(&g.mutex);
	/* loop_free waits for the two others. */
	loop_free(s->loop);
	pthread_mutex_destroy(&g.mutex);
	assert_int_equal(loop_new(&s->loop), 0);
}

static void
freeing_nothing_is_allowed(void **state)
{
	(void)state;
	loop_timer_free(NULL);
	loop_poll_free(NULL);
	loop_signal_free(NULL);
	loop_wake_free(NULL);
	loop_turn_free(NULL);
	loop_free(NULL);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(a_timer_fires_once_or_again_and_again),
	    TEST(a_turn_that_waits_ends_in_time_without_events),
	    TEST(a_timer_may_be_freed_in_its_own_callback),
	    TEST(a_poll_sees_bytes_and_the_end),
	    TEST(a_poll_may_be_freed_in_its_own_callback),
	    TEST(a_poll_refuses_what_cannot_be_watched),
	    TEST(signals_arrive_on_the_loop),
	    TEST(another_thread_wakes_the_loop),
	    TEST(a_turn_calls_back_after_each_poll),
	    TEST(work_runs_elsewhere_and_is_done_here),
	    TEST(waiting_work_can_be_cancelled_and_running_work_cannot),
	    cmocka_unit_test(freeing_nothing_is_allowed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
