/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The usual course: items are queued by the loop's thread; the writing thread
 * takes all of them, writes a group (group.h), and posts back what is durable;
 * what arrives meanwhile is the next group.
 * What can go wrong: no room for data: control entries go alone, the data
 * stays in front of its queue until space is freed; an error: all of it stays
 * in front, and goes again after a moment, behind the cut that the store makes.
 */
#include "spoold/keeper/writer.h"

#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#include "lib/base/clock.h"
#include "lib/base/err.h"
#include "lib/base/failpoint.h"
#include "spoold/keeper/group.h"
#include "spoold/keeper/mem.h"

#define RETRY_FIRST_MS 10
#define RETRY_MAX_MS 5000
#define FULL_RETRY_MS 1000

struct writer {
	struct writer_events events;
	void *arg;
	struct loop_wake *wake;
	pthread_t thread;
	struct group group; /* the writing thread's */
	bool full; /* the writing thread's: data waits for room */
	unsigned retry_ms;

	pthread_mutex_t lock; /* over what follows */
	pthread_cond_t cond;
	struct item_list control, ordered; /* queued */
	struct item_list durable; /* to be handed back */
	struct committed *committed;
	uint64_t next_number, next_rec;
	bool stopping, again, full_now, full_told;
	uint64_t writing_us; /* since when a group is written; 0: none is */
	int failed;
	size_t unanswered; /* submitted and not yet handed back */
};

/* ---- the writing thread ---- */

static void
wait_ms(struct writer *w, unsigned ms)
{
	struct timespec until;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += ms / 1000;
	until.tv_nsec += (long)(ms % 1000) * 1000000;
	if (until.tv_nsec >= 1000000000) {
		until.tv_sec++;
		until.tv_nsec -= 1000000000;
	}
	pthread_cond_timedwait(&w->cond, &w->lock, &until);
}

/* Wait for something that can be written.  False: stop. */
static bool
take_queued(struct writer *w)
{
	struct group *g = &w->group;

	pthread_mutex_lock(&w->lock);
	for (;;) {
		item_list_put_behind(&g->control, &w->control);
		item_list_put_behind(&g->ordered, &w->ordered);
		if (w->again)
			w->full = w->again = false;
		if (g->control.first || (g->ordered.first && !w->full) ||
		    w->stopping)
			break;
		if (w->full) {
			wait_ms(w, FULL_RETRY_MS);
			w->full = false;
		} else {
			pthread_cond_wait(&w->cond, &w->lock);
		}
	}
	pthread_mutex_unlock(&w->lock);
	return g->control.first || (g->ordered.first && !w->full);
}

static void
put_committed_behind(struct committed **to, struct committed *from)
{
	while (*to)
		to = &(*to)->next;
	*to = from;
}

static void
post(struct writer *w, int rc)
{
	struct group *g = &w->group;

	FAILPOINT("keeper-before-post");
	pthread_mutex_lock(&w->lock);
	if (g->written.first) {
		w->next_number = g->last_number + 1;
		w->next_rec = g->ledger->next_rec;
	}
	item_list_put_behind(&w->durable, &g->written);
	put_committed_behind(&w->committed, g->committed);
	g->committed = NULL;
	w->full_now = w->full;
	if (rc && rc != ERR_FULL)
		w->failed = rc;
	pthread_mutex_unlock(&w->lock);
	loop_wake_send(w->wake);
}

static void
announce(struct group *g, void *arg)
{
	struct writer *w = arg;

	pthread_mutex_lock(&w->lock);
	put_committed_behind(&w->committed, g->committed);
	g->committed = NULL;
	pthread_mutex_unlock(&w->lock);
	loop_wake_send(w->wake);
}

/* After an error: a moment, longer each time. */
static void
back_off(struct writer *w)
{
	w->retry_ms = w->retry_ms ? w->retry_ms * 2 : RETRY_FIRST_MS;
	if (w->retry_ms > RETRY_MAX_MS)
		w->retry_ms = RETRY_MAX_MS;
	pthread_mutex_lock(&w->lock);
	if (!w->stopping)
		wait_ms(w, w->retry_ms);
	pthread_mutex_unlock(&w->lock);
}

static void
note_writing(struct writer *w, uint64_t now_us)
{
	pthread_mutex_lock(&w->lock);
	w->writing_us = now_us;
	pthread_mutex_unlock(&w->lock);
}

static void *
run(void *arg)
{
	struct writer *w = arg;
	bool stopping = false, alone;
	int rc;

	while (take_queued(w)) {
		alone = w->full;
		note_writing(w, clock_now().mono_us);
		rc = group_write(&w->group, alone);
		note_writing(w, 0);
		if (rc == ERR_FULL && !w->full)
			w->full = true;
		else if (rc)
			back_off(w);
		else
			w->retry_ms = 0;
		post(w, rc);
		pthread_mutex_lock(&w->lock);
		stopping = w->stopping;
		pthread_mutex_unlock(&w->lock);
		if (stopping && rc && (alone || rc != ERR_FULL))
			break; /* not now, and there is no later */
	}
	return NULL;
}

/* ---- the loop's thread ---- */

static void
hand_back(struct writer *w)
{
	struct writer_done done = {0};
	bool full, told;
	int failed;

	pthread_mutex_lock(&w->lock);
	done.items = w->durable.first;
	w->unanswered -= w->durable.n;
	item_list_init(&w->durable);
	done.committed = w->committed;
	w->committed = NULL;
	done.next_number = w->next_number;
	done.next_rec = w->next_rec;
	full = w->full_now;
	told = w->full_told;
	w->full_told = full;
	failed = w->failed;
	w->failed = 0;
	pthread_mutex_unlock(&w->lock);
	if (failed)
		w->events.on_failed(failed, w->arg);
	if (full != told)
		w->events.on_full(full, w->arg);
	if (done.items || done.committed)
		w->events.on_done(&done, w->arg);
}

static void
on_wake(void *arg)
{
	hand_back(arg);
}

int
writer_start(struct loop *l, struct store *s, struct ledger *ledger,
    const struct clock_rules *clock, const struct writer_events *events,
    void *arg, struct writer **out)
{
	struct writer *w = mem_new(sizeof(*w));
	pthread_condattr_t attr;
	int rc;

	w->events = *events;
	w->arg = arg;
	group_init(&w->group, s, ledger, clock);
	w->group.announce = announce;
	w->group.arg = w;
	w->group.last_number = ledger->next_number - 1;
	item_list_init(&w->control);
	item_list_init(&w->ordered);
	item_list_init(&w->durable);
	pthread_mutex_init(&w->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&w->cond, &attr);
	pthread_condattr_destroy(&attr);
	rc = loop_wake_new(l, on_wake, w, &w->wake);
	if (!rc && pthread_create(&w->thread, NULL, run, w))
		rc = ERR_SYS;
	if (rc) {
		loop_wake_free(w->wake);
		group_fini(&w->group);
		free(w);
		return rc;
	}
	*out = w;
	return 0;
}

void
writer_submit(struct writer *w, struct item *it)
{
	pthread_mutex_lock(&w->lock);
	item_list_add(it->ordered ? &w->ordered : &w->control, it);
	w->unanswered++;
	pthread_cond_signal(&w->cond);
	pthread_mutex_unlock(&w->lock);
}

void
writer_try_again(struct writer *w)
{
	pthread_mutex_lock(&w->lock);
	w->again = true;
	pthread_cond_signal(&w->cond);
	pthread_mutex_unlock(&w->lock);
}

unsigned
writer_busy_ms(struct writer *w)
{
	uint64_t since_us;

	pthread_mutex_lock(&w->lock);
	since_us = w->writing_us;
	pthread_mutex_unlock(&w->lock);
	return since_us ? (unsigned)((clock_now().mono_us - since_us) / 1000)
			: 0;
}

bool
writer_is_idle(struct writer *w)
{
	bool idle;

	pthread_mutex_lock(&w->lock);
	idle = w->unanswered == 0;
	pthread_mutex_unlock(&w->lock);
	return idle;
}

void
writer_stop(struct writer *w)
{
	struct committed *c;

	if (!w)
		return;
	pthread_mutex_lock(&w->lock);
	w->stopping = true;
	pthread_cond_signal(&w->cond);
	pthread_mutex_unlock(&w->lock);
	pthread_join(w->thread, NULL);
	hand_back(w);
	loop_wake_free(w->wake);
	while ((c = w->committed)) {
		w->committed = c->next;
		committed_free(c);
	}
	item_list_free(&w->control);
	item_list_free(&w->ordered);
	item_list_free(&w->durable);
	group_fini(&w->group);
	pthread_mutex_destroy(&w->lock);
	pthread_cond_destroy(&w->cond);
	free(w);
}
