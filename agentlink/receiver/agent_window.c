/* SPDX-License-Identifier: Apache-2.0 */
#include "agentlink/receiver/agent_window.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/err.h"

void
agent_window_begin(struct agent_window *w, uint64_t last,
    const uint8_t head[static BATCH_HEAD_SIZE])
{
	w->durable = last;
	w->next_seq = last + 1;
	memcpy(w->head, head, BATCH_HEAD_SIZE);
	memcpy(w->durable_head, head, BATCH_HEAD_SIZE);
}

enum agent_window_what
agent_window_judge(const struct agent_window *w, uint64_t first, uint64_t last)
{
	if (first == w->next_seq)
		return AGENT_WINDOW_TAKE;
	if (w->nacked)
		return AGENT_WINDOW_IGNORE;
	if (first > w->next_seq)
		return AGENT_WINDOW_GAP;
	return last < w->next_seq ? AGENT_WINDOW_REPEAT : AGENT_WINDOW_PARTIAL;
}

enum agent_window_what
agent_window_judge_advance(
    const struct agent_window *w, uint64_t from, uint64_t to)
{
	if (from > w->next_seq)
		return w->nacked ? AGENT_WINDOW_IGNORE : AGENT_WINDOW_GAP;
	return to < w->next_seq ? AGENT_WINDOW_REPEAT : AGENT_WINDOW_TAKE;
}

static struct agent_window_batch *
batch_at(const struct agent_window *w, uint32_t i)
{
	return &w->batch[(w->at + i) % w->cap];
}

static int
grow(struct agent_window *w)
{
	uint32_t cap = w->cap ? w->cap * 2 : 4;
	struct agent_window_batch *ring = calloc(cap, sizeof(*ring));

	if (!ring)
		return ERR_NOMEM;
	for (uint32_t i = 0; i < w->n; i++)
		ring[i] = *batch_at(w, i);
	free(w->batch);
	w->batch = ring;
	w->cap = cap;
	w->at = 0;
	return 0;
}

/* The chain ends at last_seq. */
static int
extend(struct agent_window *w, uint64_t last_seq,
    const uint8_t head[static BATCH_HEAD_SIZE], struct agent_window_batch **out)
{
	if (w->n == w->cap && grow(w))
		return ERR_NOMEM;
	*out = batch_at(w, w->n++);
	**out = (struct agent_window_batch){.last_seq = last_seq};
	memcpy((*out)->head, head, BATCH_HEAD_SIZE);
	w->next_seq = last_seq + 1;
	memcpy(w->head, head, BATCH_HEAD_SIZE);
	return 0;
}

int
agent_window_push(struct agent_window *w, uint64_t last_seq, uint32_t bytes,
    const uint8_t head[static BATCH_HEAD_SIZE])
{
	struct agent_window_batch *b;

	if (extend(w, last_seq, head, &b))
		return ERR_NOMEM;
	w->nacked = false;
	b->bytes = bytes;
	b->counted = true;
	w->use->bytes += bytes;
	w->use->batches++;
	return 0;
}

static void
uncount(struct agent_window *w, const struct agent_window_batch *b)
{
	if (!b->counted)
		return;
	w->use->bytes -= b->bytes;
	w->use->batches--;
}

void
agent_window_acknowledge(
    struct agent_window *w, uint64_t seq, const struct proof *proof)
{
	(void)proof;
	while (w->n && batch_at(w, 0)->last_seq <= seq) {
		const struct agent_window_batch *b = batch_at(w, 0);

		uncount(w, b);
		w->durable = b->last_seq;
		memcpy(w->durable_head, b->head, BATCH_HEAD_SIZE);
		w->at = (w->at + 1) % w->cap;
		w->n--;
	}
}

/* Is this a place of the chain? */
static bool
has_place(const struct agent_window *w, uint64_t last, const uint8_t *head)
{
	if (last == w->durable)
		return !memcmp(head, w->durable_head, BATCH_HEAD_SIZE);
	for (uint32_t i = 0; i < w->n; i++)
		if (batch_at(w, i)->last_seq == last)
			return !memcmp(
			    head, batch_at(w, i)->head, BATCH_HEAD_SIZE);
	return false;
}

/* Whatever ends at `seq` or behind is withdrawn. */
static void
withdraw(struct agent_window *w, uint64_t seq)
{
	while (w->n && batch_at(w, w->n - 1)->last_seq >= seq)
		uncount(w, batch_at(w, --w->n));
}

enum agent_window_answer
agent_window_answer(struct agent_window *w, uint64_t last,
    const uint8_t head[static BATCH_HEAD_SIZE], const struct proof *proof)
{
	bool less = last < w->durable;

	if (has_place(w, last, head)) {
		agent_window_acknowledge(w, last, proof);
		return AGENT_WINDOW_SAME;
	}
	if (less && w->n)
		return AGENT_WINDOW_SAME;
	withdraw(w, 0);
	agent_window_begin(w, last, head);
	return less ? AGENT_WINDOW_LESS : AGENT_WINDOW_OTHER;
}

bool
agent_window_refused(struct agent_window *w, uint64_t first, uint64_t last,
    const uint8_t head[static BATCH_HEAD_SIZE])
{
	struct agent_window_batch *rest;
	uint64_t end;

	withdraw(w, first <= last ? first : last + 1);
	/* It has forgotten what it had: a disk that lied, a tail set aside. */
	if (last < w->durable) {
		w->durable = last;
		memcpy(w->durable_head, head, BATCH_HEAD_SIZE);
	}
	end = w->n ? batch_at(w, w->n - 1)->last_seq : w->durable;
	w->next_seq = last + 1;
	memcpy(w->head, head, BATCH_HEAD_SIZE);
	/* Without memory it is acknowledged with what comes behind it. */
	return last > end && !extend(w, last, head, &rest);
}

void
agent_window_lost(struct agent_window *w, uint64_t first)
{
	const struct agent_window_batch *end;

	withdraw(w, first);
	end = w->n ? batch_at(w, w->n - 1) : NULL;
	w->next_seq = (end ? end->last_seq : w->durable) + 1;
	memcpy(w->head, end ? end->head : w->durable_head, BATCH_HEAD_SIZE);
}

void
agent_window_fini(struct agent_window *w)
{
	withdraw(w, 0);
	free(w->batch);
	w->batch = NULL;
	w->cap = 0;
}
