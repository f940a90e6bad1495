/* SPDX-License-Identifier: Apache-2.0 */
/*
 * loop - the event loop of a program: timers, descriptors, signals, threads.
 *
 * A program has one loop, and everything here but loop_wake_send is called
 * from the thread that runs it.  The parts (timer, poll, signal, wake, turn)
 * are made with _new and ended with _free.  A _free may be called at any
 * time, also from the part's own callback: no callback comes after it, and
 * the memory goes back in a later turn by itself.  All parts are to be freed
 * before loop_free.  Listening and connecting are in lib/loop/tcp.h.
 */
#ifndef LIB_LOOP_LOOP_H
#define LIB_LOOP_LOOP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct loop;
struct loop_timer;
struct loop_poll;
struct loop_signal;
struct loop_wake;
struct loop_turn;
struct loop_work;

int loop_new(struct loop **out);

/*
 * Work that still runs in the pool is waited for and its on_done called.
 * NULL is allowed.
 */
void loop_free(struct loop *l);

/* Run until loop_stop, or until no part is active. */
void loop_run(struct loop *l);

/*
 * One turn: wait for at most `wait_ms` (0: do not wait), then call back what
 * is due.  False when no part is active.
 */
bool loop_run_once(struct loop *l, uint64_t wait_ms);

/* Make loop_run return after the present callback. */
void loop_stop(struct loop *l);

/* Milliseconds, monotonic, as of the beginning of this turn. */
uint64_t loop_now_ms(const struct loop *l);

/*
 * Timers, in milliseconds from now.  loop_timer_start starts again a timer
 * that runs; with `repeat_ms` 0 it fires once.  A timer that does not
 * run keeps nothing alive.
 */
int loop_timer_new(struct loop *l, void (*on_timer)(void *arg), void *arg,
    struct loop_timer **out);
void loop_timer_start(
    struct loop_timer *t, uint64_t after_ms, uint64_t repeat_ms);
void loop_timer_stop(struct loop_timer *t);
bool loop_timer_is_active(const struct loop_timer *t);
void loop_timer_free(struct loop_timer *t);

/*
 * Watch a descriptor (socket, pipe, eventfd; not a file).  It is made
 * non-blocking and stays the caller's, who may close it right after
 * loop_poll_free.  An error or hang-up is reported as everything that is
 * watched for: the read or write will tell.
 */
enum loop_events {
	LOOP_READABLE = 1,
	LOOP_WRITABLE = 2,
};

int loop_poll_new(struct loop *l, int fd,
    void (*on_events)(unsigned events, void *arg), void *arg,
    struct loop_poll **out);
/* Watch for these events from now on; 0 stops. */
int loop_poll_set(struct loop_poll *p, unsigned events);
void loop_poll_free(struct loop_poll *p);

/* Signals, one part each.  A signal does not keep loop_run running. */
int loop_signal_new(struct loop *l, int signum,
    void (*on_signal)(int signum, void *arg), void *arg,
    struct loop_signal **out);
void loop_signal_free(struct loop_signal *s);

/*
 * Wake the loop from another thread or a signal handler; wakes that come
 * together may be one on_wake.  The caller sees to it that nobody sends
 * after the free.
 */
int loop_wake_new(struct loop *l, void (*on_wake)(void *arg), void *arg,
    struct loop_wake **out);
void loop_wake_send(struct loop_wake *w);
void loop_wake_free(struct loop_wake *w);

/* Called once in each turn, after the descriptors of that turn. */
int loop_turn_new(struct loop *l, void (*on_turn)(void *arg), void *arg,
    struct loop_turn **out);
void loop_turn_free(struct loop_turn *t);

/*
 * Run `run` in a thread of the pool, then on_done on the loop.  The code is
 * 0, or ERR_CLOSED when it was cancelled before it began.  `arg` is to stay
 * until on_done.  `out` may be NULL; *out is valid until on_done.
 */
int loop_work_start(struct loop *l, void (*run)(void *arg),
    void (*on_done)(int rc, void *arg), void *arg, struct loop_work **out);
/* ERR_BUSY when it runs already; on_done comes in both cases. */
int loop_work_cancel(struct loop_work *w);
/* Threads of the pool, 1 to 64; before the first loop_work_start. */
int loop_work_threads(unsigned threads);

#endif
