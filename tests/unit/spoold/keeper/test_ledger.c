/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The fold of the log, RULES.md 4: a property over random histories.  Whatever
 * happens, a full checkpoint taken anywhere, and the batches after it, give
 * the state that all batches give.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/err.h"
#include "spoold/keeper/ledger.h"
#include "tests/helpers/cmocka_all.h"

#define STEPS 400
#define HISTORIES 60
#define STREAMS 12
#define TARGETS 4

/* One batch of the log, as it lies there. */
struct logged {
	bool control;
	struct batch_header header;
	struct buf bytes; /* entries, or ranges */
	bool opens; /* a segment */
};

struct history {
	struct logged *batch;
	size_t n;
	uint64_t rng, number, rec;
	uint64_t seq[STREAMS], child_rec;
	bool defined[STREAMS]; /* in this segment */
	struct ledger *ledger; /* fed with everything */
};

static uint64_t
rnd(struct history *h, uint64_t below)
{
	h->rng ^= h->rng << 13;
	h->rng ^= h->rng >> 7;
	h->rng ^= h->rng << 17;
	return h->rng % below;
}

static void
feed(struct ledger *l, const struct logged *b)
{
	const struct uuid segment = {{1}};
	int rc;

	if (b->opens)
		ledger_on_segment(l, &segment);
	rc = b->control
	    ? ledger_on_control(l, b->header.number, buf_bytes(&b->bytes))
	    : ledger_on_data(l, &b->header, buf_bytes(&b->bytes));
	assert_int_equal(rc, 0);
}

static struct logged *
append(struct history *h, bool control)
{
	struct logged *b;

	h->batch = realloc(h->batch, (h->n + 1) * sizeof(*h->batch));
	b = &h->batch[h->n++];
	*b = (struct logged){.control = control};
	b->header.number = h->number++;
	buf_init(&b->bytes, SIZE_MAX);
	return b;
}

static struct entry_stream_key
key_of(size_t i)
{
	static const char *const name[] = {"a", "bb", "ccc"};
	struct entry_stream_key k = {.name = bytes_of_str(name[i % 3])};

	k.origin.byte[0] = (uint8_t)(i / 6 + 1);
	k.epoch.byte[0] = (uint8_t)(i + 1);
	return k;
}

static void
put(struct history *h, const struct entry *e)
{
	struct logged *b = append(h, true);

	entry_encode(&b->bytes, e);
	assert_int_equal(b->bytes.err, 0);
	feed(h->ledger, b);
}

static void
define(struct history *h, size_t i)
{
	struct entry e = {.type = ENTRY_STREAM_DEF};

	if (h->defined[i])
		return;
	h->defined[i] = true;
	e.u.stream_def = (struct entry_stream_def){.ref = (uint32_t)i + 1,
	    .key = key_of(i),
	    .listener = bytes_of_str(i % 2 ? "one" : "two"),
	    .peer = bytes_of_str(rnd(h, 2) ? "192.0.2.1:5000" : "[::1]:9")};
	put(h, &e);
}

static void
do_data(struct history *h)
{
	struct batch_chain chain = {.count = 0};
	bool chained = rnd(h, 4) == 0;
	struct batch_range r = {0};
	size_t i = rnd(h, STREAMS);
	struct logged *b;

	define(h, i);
	b = append(h, false);
	r.stream = (uint32_t)i + 1;
	r.count = 1 + (uint32_t)rnd(h, 20);
	r.first_seq = h->seq[i] + 1;
	r.flags = chained ? BATCH_RANGE_CHAINED : BATCH_RANGE_HEAD;
	memset(r.head, (int)rnd(h, 256), BATCH_HEAD_SIZE);
	if (!chained)
		h->seq[i] += r.count;
	chain.child.byte[0] = 3;
	chain.incarnation.byte[0] = 4;
	chain.first_rec = h->child_rec + rnd(h, 3);
	chain.count = r.count;
	if (chained)
		h->child_rec = chain.first_rec + r.count;
	batch_ranges_encode_begin(&b->bytes, chained ? &chain : NULL, 1);
	batch_range_encode(&b->bytes, &r);
	b->header.first_rec = h->rec;
	b->header.records = r.count;
	memset(b->header.content_digest, (int)rnd(h, 256), BATCH_DIGEST_SIZE);
	h->rec += r.count;
	feed(h->ledger, b);
}

static void
do_advance(struct history *h)
{
	struct entry e = {.type = ENTRY_ADVANCE};
	size_t i = rnd(h, STREAMS);

	e.u.advance = (struct entry_advance){.key = key_of(i),
	    .listener = bytes_of_str(i % 2 ? "one" : "two"),
	    .from = h->seq[i] + 1,
	    .reason = ENTRY_ADVANCE_LOST};
	h->seq[i] += 1 + rnd(h, 9);
	e.u.advance.to = h->seq[i];
	memset(e.u.advance.head, (int)rnd(h, 256), BATCH_HEAD_SIZE);
	put(h, &e);
}

static void
target_name(struct history *h, char name[8])
{
	snprintf(name, 8, "t%u", (unsigned)rnd(h, TARGETS));
}

static void
do_target(struct history *h)
{
	static const uint8_t action[] = {ENTRY_TARGET_ADDED, ENTRY_TARGET_ADDED,
	    ENTRY_TARGET_ADDED, ENTRY_TARGET_PAUSED, ENTRY_TARGET_RESUMED,
	    ENTRY_TARGET_REMOVED, ENTRY_TARGET_RENAMED, ENTRY_TARGET_PROTOCOL};
	struct entry e = {.type = ENTRY_TARGET};
	char name[8], other[8];

	target_name(h, name);
	target_name(h, other);
	e.u.target = (struct entry_target){.action = action[rnd(h, 8)],
	    .name = bytes_of_str(name),
	    .protocol = bytes_of_str(rnd(h, 2) ? "file" : "chain"),
	    .start_rec = h->rec};
	if (e.u.target.action == ENTRY_TARGET_RENAMED) {
		if (cursors_find(&h->ledger->cursors, bytes_of_str(other)))
			return;
		e.u.target.new_name = bytes_of_str(other);
	}
	put(h, &e);
}

static void
do_delivered(struct history *h)
{
	struct entry e = {.type = ENTRY_DELIVERED};
	uint64_t from = 1 + rnd(h, h->rec);
	struct entry_settled s = {.term = (uint8_t)rnd(h, 3),
	    .from = from,
	    .to = from + 1 + rnd(h, 40)};
	char name[8];
	struct buf b;

	target_name(h, name);
	buf_init(&b, 4096);
	entry_settled_encode(&b, &s);
	e.u.delivered.target = bytes_of_str(name);
	e.u.delivered.n = 1;
	e.u.delivered.settled = buf_bytes(&b);
	e.u.delivered.opaque[0] = (uint8_t)rnd(h, 256);
	put(h, &e);
	buf_fini(&b);
}

static void
do_loss(struct history *h)
{
	struct entry e = {.type = ENTRY_QUARANTINE};
	char name[8];
	uint64_t x = rnd(h, 3);

	target_name(h, name);
	if (x == 0) {
		e.u.quarantine = (struct entry_quarantine){
		    .from = h->rec, .to = h->rec + 1000, .count = 0};
		h->rec += 1000;
	} else if (x == 1) {
		e.type = ENTRY_GIVE_UP;
		e.u.give_up =
		    (struct entry_give_up){.target = bytes_of_str(name),
			.term = ENTRY_TERM_SHED,
			.from = 1,
			.to = 1 + rnd(h, h->rec) + 1};
	} else {
		e.type = ENTRY_PENDING_AGAIN;
		e.u.pending_again.target = bytes_of_str(name);
		e.u.pending_again.from = 1 + rnd(h, h->rec);
		e.u.pending_again.to = e.u.pending_again.from + 5;
		e.u.pending_again.count[0] = rnd(h, 3);
	}
	put(h, &e);
}

static void
do_rest(struct history *h)
{
	struct entry e = {.type = ENTRY_SKIP};

	switch (rnd(h, 4)) {
	case 0:
		e.u.skip.child.byte[0] = 3;
		e.u.skip.incarnation.byte[0] = 4;
		e.u.skip.from = h->child_rec;
		e.u.skip.count = 1 + rnd(h, 10);
		e.u.skip.reason = ENTRY_SKIP_HOLE;
		h->child_rec += e.u.skip.count;
		break;
	case 1:
		e.type = ENTRY_INCARNATION;
		e.u.incarnation.incarnation.byte[0] = (uint8_t)rnd(h, 256);
		break;
	case 2:
		e.type = ENTRY_STREAM_CLOSED;
		e.u.stream_closed.key = key_of(rnd(h, STREAMS));
		break;
	default:
		e.type = ENTRY_CLOCK;
		e.u.clock.spool_time_us =
		    h->ledger->identity.spool_time_us + rnd(h, 1000000);
		e.u.clock.wall_ns = 77;
		break;
	}
	put(h, &e);
}

/* A delta: counters that the batches do not tell. */
static void
do_delta(struct history *h)
{
	struct logged *b = append(h, true);
	struct entry e = {.type = ENTRY_CHECKPOINT_BEGIN};

	entry_encode(&b->bytes, &e);
	e = (struct entry){.type = ENTRY_COUNTERS};
	e.u.counters = (struct entry_counters){.listener = bytes_of_str("one"),
	    .received = 1000 + h->n,
	    .stored = 1000,
	    .duplicate = h->n / 2,
	    .refused = h->n - h->n / 2};
	entry_encode(&b->bytes, &e);
	e = (struct entry){.type = ENTRY_STREAM_COUNTERS};
	e.u.stream_counters.key = key_of(rnd(h, STREAMS));
	e.u.stream_counters.counts =
	    (struct entry_stream_counts){.received = 50 + h->n,
		.stored = 50,
		.duplicate = h->n - h->n / 3,
		.refused = h->n / 3};
	entry_encode(&b->bytes, &e);
	e = (struct entry){.type = ENTRY_CHECKPOINT_END};
	entry_encode(&b->bytes, &e);
	feed(h->ledger, b);
}

/* Numbers of a receiver are told by the writer, and saved at segments. */
static void
do_receiver(struct history *h)
{
	struct entry e = {.type = ENTRY_RECEIVER_STATE};

	e.u.receiver_state.slot = (uint32_t)rnd(h, 3);
	e.u.receiver_state.epoch.byte[0] = (uint8_t)rnd(h, 9);
	e.u.receiver_state.last_number = h->n;
	put(h, &e);
}

static int
emit(void *arg, struct bytes entries)
{
	struct history *h = arg;

	buf_add_bytes(&append(h, true)->bytes, entries);
	return 0;
}

/* A fresh segment: a full checkpoint, and references begin anew. */
static void
do_segment(struct history *h)
{
	size_t at = h->n, i;

	memset(h->defined, 0, sizeof(h->defined));
	assert_int_equal(
	    ledger_checkpoint(h->ledger, h->ledger->identity.spool_time_us,
		h->ledger->identity.wall_ns, emit, h),
	    0);
	h->batch[at].opens = true;
	for (i = at; i < h->n; i++)
		feed(h->ledger, &h->batch[i]);
}

/* ---- two ledgers compared, without the code that makes checkpoints ---- */

static void
same_streams(const struct ledger *a, const struct ledger *b)
{
	struct stream *st = NULL, *other;

	assert_int_equal(
	    streams_count(&a->streams), streams_count(&b->streams));
	while ((st = streams_next(&a->streams, st))) {
		other = streams_find(&b->streams, &st->key);
		assert_non_null(other);
		assert_int_equal(st->durable.seq, other->durable.seq);
		assert_memory_equal(
		    st->durable.head, other->durable.head, BATCH_HEAD_SIZE);
		assert_int_equal(st->start_seq, other->start_seq);
		assert_int_equal(st->seen_us, other->seen_us);
		assert_int_equal(st->closed, other->closed);
		assert_string_equal(st->listener, other->listener);
		assert_string_equal(st->peer, other->peer);
		assert_memory_equal(
		    &st->counts, &other->counts, sizeof(st->counts));
	}
}

static void
same_children(const struct ledger *a, const struct ledger *b)
{
	struct child *ch = NULL, *other;
	size_t i;

	assert_int_equal(a->children.table.n, b->children.table.n);
	while ((ch = children_next(&a->children, ch))) {
		other =
		    children_find(&b->children, &ch->child, &ch->incarnation);
		assert_non_null(other);
		assert_int_equal(ch->durable.n, other->durable.n);
		for (i = 0; i < ch->durable.n; i++)
			assert_memory_equal(&ch->durable.iv[i],
			    &other->durable.iv[i], sizeof(ch->durable.iv[i]));
	}
}

static void
same_cursors(const struct ledger *a, const struct ledger *b)
{
	const struct cursors_target *t, *other;
	size_t i;

	assert_int_equal(a->cursors.n, b->cursors.n);
	for (i = 0; i < a->cursors.n; i++) {
		t = a->cursors.target[i];
		other = cursors_find(&b->cursors, bytes_of_str(t->name));
		assert_non_null(other);
		assert_true(ivset_equal(&t->settled, &other->settled));
		assert_memory_equal(t->term, other->term, sizeof(t->term));
		assert_memory_equal(
		    t->opaque, other->opaque, sizeof(t->opaque));
		assert_int_equal(t->start_rec, other->start_rec);
		assert_int_equal(t->paused, other->paused);
		assert_string_equal(t->protocol, other->protocol);
	}
}

static void
same_rest(const struct ledger *a, struct ledger *b)
{
	const struct counters_row *r, *other;
	size_t i;

	assert_int_equal(a->counters.n, b->counters.n);
	for (i = 0; i < a->counters.n; i++) {
		r = &a->counters.row[i];
		other = counters_of(&b->counters, bytes_of_str(r->name));
		assert_int_equal(r->received, other->received);
		assert_int_equal(r->stored, other->stored);
		assert_int_equal(r->duplicate, other->duplicate);
		assert_int_equal(r->refused, other->refused);
	}
	assert_int_equal(a->receivers, b->receivers);
	for (i = 0; i < a->receivers; i++)
		assert_memory_equal(
		    &a->receiver[i], &b->receiver[i], sizeof(a->receiver[i]));
	assert_memory_equal(&a->identity, &b->identity, sizeof(a->identity));
	assert_int_equal(a->next_rec, b->next_rec);
	assert_int_equal(a->next_number, b->next_number);
}

static void
step(struct history *h)
{
	uint64_t x = rnd(h, 100);

	if (x < 40)
		do_data(h);
	else if (x < 50)
		do_advance(h);
	else if (x < 65)
		do_target(h);
	else if (x < 83)
		do_delivered(h);
	else if (x < 89)
		do_loss(h);
	else if (x < 94)
		do_rest(h);
	else if (x < 96)
		do_delta(h);
	else if (x < 97)
		do_receiver(h);
	else
		do_segment(h);
}

/* From each opening checkpoint on, the same state. */
static void
check_replays(struct history *h)
{
	struct ledger l;
	size_t from, i;

	for (from = 0; from < h->n; from++) {
		if (!h->batch[from].opens)
			continue;
		ledger_init(&l, from + 99);
		l.skip_full = from % 2;
		for (i = from; i < h->n; i++)
			feed(&l, &h->batch[i]);
		same_streams(h->ledger, &l);
		same_children(h->ledger, &l);
		same_cursors(h->ledger, &l);
		same_rest(h->ledger, &l);
		ledger_fini(&l);
	}
}

static void
a_replay_from_any_checkpoint_gives_the_same_state(void **state)
{
	uint64_t seed;

	(void)state;
	for (seed = 1; seed <= HISTORIES; seed++) {
		struct history h = {.rng = seed * 0x9e3779b97f4a7c15ull,
		    .number = 1,
		    .rec = 1,
		    .child_rec = 1};
		struct ledger l;
		size_t i;

		ledger_init(&l, seed);
		l.skip_full = true; /* it believes events only */
		h.ledger = &l;
		do_segment(&h);
		for (i = 0; i < STEPS; i++)
			step(&h);
		check_replays(&h);
		for (i = 0; i < h.n; i++)
			buf_fini(&h.batch[i].bytes);
		free(h.batch);
		ledger_fini(&l);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_replay_from_any_checkpoint_gives_the_same_state),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
