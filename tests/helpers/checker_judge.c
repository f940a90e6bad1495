/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is missing once all that arrived has its place, and the report.
 */
#include <inttypes.h>
#include <stdlib.h>

#include "lib/base/err.h"
#include "tests/helpers/checker_impl.h"

/* A run of positions first..last (from 0) of a stream that did not arrive. */
struct gap {
	uint32_t stream;
	uint32_t first, last;
	uint32_t after, before; /* 1 + arrivals around it; 0, NONE: none */
};

/* How many strangers before arrival number `limit` (1 + its number). */
static size_t
strangers_before(const struct checker *c, uint32_t limit)
{
	size_t low = 0, high = c->strangers_len;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (c->strangers[middle] + 1 < limit)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/*
 * Strangers that came when the gap was due are its records, altered; what is
 * left of the gap is lost.  A taken stranger is marked so.
 */
static void
take_strangers(struct checker *c, struct gap *gap, bool *taken)
{
	size_t from = strangers_before(c, gap->after);
	size_t to = strangers_before(c, gap->before);

	for (size_t i = from; i < to && gap->first <= gap->last; i++) {
		if (taken[i])
			continue;
		taken[i] = true;
		checker_note(c, CHECKER_ALTERED, 1,
		    (struct checker_example){gap->stream, gap->first + 1ull,
			gap->first + 1ull, c->strangers[i] + 1ull});
		gap->first++;
	}
}

static void
note_lost(struct checker *c, enum checker_fault fault, const struct gap *gap,
    uint64_t first, uint64_t last)
{
	if (first <= last)
		checker_note(c, fault, last - first + 1,
		    (struct checker_example){gap->stream, first, last, 0});
}

/* The declared part of it is no fault; the parts around it are. */
static void
lose(struct checker *c, const struct gap *gap)
{
	const struct checker_stream *s = &c->streams[gap->stream];
	uint64_t first = gap->first + 1ull, last = gap->last + 1ull;
	uint64_t low = s->allow_first > first ? s->allow_first : first;
	uint64_t high = s->allow_last < last ? s->allow_last : last;
	enum checker_fault fault = gap->before == CHECKER_NONE
	    ? CHECKER_LOST_SUFFIX
	    : gap->after == 0 ? CHECKER_LOST_PREFIX
			      : CHECKER_LOST_MIDDLE;

	if (s->allow_first == 0 || low > high) {
		note_lost(c, fault, gap, first, last);
		return;
	}
	note_lost(c, fault, gap, first, low - 1);
	note_lost(c, CHECKER_LOST_DECLARED, gap, low, high);
	note_lost(c, fault, gap, high + 1, last);
}

/*
 * The first arrival that stands after a gap; altered ones have no place in the
 * order.  Which one it is matters only to strangers.
 */
static uint32_t
arrival_after(
    const struct checker *c, const struct checker_stream *s, uint32_t pos)
{
	if (pos >= s->next)
		return CHECKER_NONE;
	if (c->strangers_len == 0)
		return 1;
	for (; pos < s->count; pos++) {
		uint32_t a = c->items[s->first + pos].arrival;

		if (a != 0 && a != CHECKER_NONE)
			return a;
	}
	return CHECKER_NONE;
}

static void
judge_stream(struct checker *c, uint32_t number, bool *taken)
{
	const struct checker_stream *s = &c->streams[number];
	const struct checker_item *item = c->items + s->first;
	uint32_t after = 0;

	for (uint32_t pos = 0; pos < s->count; pos++) {
		struct gap gap = {number, pos, pos, after, 0};

		if (item[pos].arrival) {
			if (item[pos].arrival != CHECKER_NONE)
				after = item[pos].arrival;
			continue;
		}
		while (pos + 1 < s->count && item[pos + 1].arrival == 0)
			pos++;
		gap.last = pos;
		gap.before = arrival_after(c, s, pos + 1);
		if (after != 0 || gap.before != CHECKER_NONE)
			take_strangers(c, &gap, taken);
		if (gap.first <= gap.last)
			lose(c, &gap);
	}
}

static void
fill_counts(const struct checker *c, struct checker_counts *counts)
{
	*counts = (struct checker_counts){
	    .sent = c->items_len,
	    .arrived = c->arrivals_len,
	    .matched = c->matched,
	    .lost_prefix = c->counts[CHECKER_LOST_PREFIX],
	    .lost_middle = c->counts[CHECKER_LOST_MIDDLE],
	    .lost_suffix = c->counts[CHECKER_LOST_SUFFIX],
	    .lost_declared = c->counts[CHECKER_LOST_DECLARED],
	    .repeats = c->counts[CHECKER_REPEAT],
	    .phantoms = c->counts[CHECKER_PHANTOM],
	    .altered = c->counts[CHECKER_ALTERED],
	    .disorder = c->counts[CHECKER_DISORDER],
	};
}

static bool
is_fault(const struct checker *c, size_t fault)
{
	return fault != CHECKER_LOST_DECLARED &&
	    !(fault == CHECKER_REPEAT && c->allow_repeats);
}

int
checker_judge(struct checker *c, struct checker_counts *counts, bool *perfect)
{
	int rc = checker_match(c);
	bool *taken;
	bool good = true;

	if (rc)
		return rc;
	taken = calloc(c->strangers_len + 1, sizeof(*taken));
	if (!taken)
		return ERR_NOMEM;
	for (uint32_t i = 0; i < c->streams_len; i++) {
		if (c->streams[i].count > 0)
			judge_stream(c, i, taken);
	}
	for (size_t i = 0; i < c->strangers_len; i++) {
		if (!taken[i])
			checker_note(c, CHECKER_PHANTOM, 1,
			    (struct checker_example){
				CHECKER_NONE, 0, 0, c->strangers[i] + 1ull});
	}
	free(taken);
	for (size_t i = 0; i < CHECKER_FAULTS; i++)
		good = good && (c->counts[i] == 0 || !is_fault(c, i));
	fill_counts(c, counts);
	*perfect = good;
	return 0;
}

static const char *const fault_names[CHECKER_FAULTS] = {
    [CHECKER_LOST_PREFIX] = "lost prefix",
    [CHECKER_LOST_MIDDLE] = "lost middle",
    [CHECKER_LOST_SUFFIX] = "lost suffix",
    [CHECKER_LOST_DECLARED] = "lost as declared",
    [CHECKER_REPEAT] = "repeats",
    [CHECKER_PHANTOM] = "phantoms",
    [CHECKER_ALTERED] = "altered",
    [CHECKER_DISORDER] = "out of order",
};

static void
report_example(
    const struct checker *c, const struct checker_example *e, FILE *to)
{
	fputs("   ", to);
	if (e->stream != CHECKER_NONE)
		fprintf(to, " stream %s record %" PRIu64,
		    c->streams[e->stream].name, e->first);
	if (e->last > e->first)
		fprintf(to, " to %" PRIu64, e->last);
	if (e->arrival)
		fprintf(to, " arrival %" PRIu64, e->arrival);
	fputc('\n', to);
}

void
checker_report(const struct checker *c, FILE *to)
{
	fprintf(to,
	    "sent %zu in %zu streams, arrived %zu, matched %" PRIu64 "\n",
	    c->items_len, c->streams_len, c->arrivals_len, c->matched);
	for (size_t i = 0; i < CHECKER_FAULTS; i++) {
		if (c->counts[i] == 0)
			continue;
		fprintf(to, "%s %" PRIu64 "%s\n", fault_names[i], c->counts[i],
		    is_fault(c, i) ? "" : " (allowed)");
		for (uint32_t k = 0; k < c->examples_len[i]; k++)
			report_example(c, &c->examples[i][k], to);
	}
}
