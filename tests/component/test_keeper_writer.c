/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The writer's transactions over a real store whose disk fails: what a failed
 * commit held goes again, in order, behind the cut (RULES.md 3).
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/err.h"
#include "lib/digest/digest.h"
#include "spoold/keeper/group.h"
#include "tests/helpers/cmocka_all.h"
#include "tests/helpers/diskfault.h"

#define MIB (1u << 20)
#define TRIES 20

struct rig {
	char dir[64];
	struct store *store;
	struct ledger ledger;
	struct clock_rules clock;
	struct group group;
	struct sdef *def;
	uint64_t seq; /* of the one stream */
	uint64_t number; /* of the one receiver */
	uint64_t committed; /* the highest COMMITTED */
	/* What a replay has shown. */
	uint64_t batches, controls, last_seq;
	bool in_order;
};

static int
see(void *arg, const struct store_batch *b)
{
	struct rig *r = arg;
	struct batch_ranges in;
	struct batch_range range;

	if (!uuid_equal(&b->header.segment, &r->ledger.segment))
		ledger_on_segment(&r->ledger, &b->header.segment);
	if (b->header.kind == BATCH_CONTROL) {
		r->controls++;
		return ledger_on_control(
		    &r->ledger, b->header.number, b->payload);
	}
	assert_int_equal(batch_ranges_begin(&in, b->ranges), 0);
	assert_int_equal(batch_ranges_next(&in, &range), 1);
	r->batches++;
	r->in_order = r->in_order && range.first_seq > r->last_seq;
	r->last_seq = range.first_seq;
	return ledger_on_data(&r->ledger, &b->header, b->ranges);
}

static void
rig_open(struct rig *r)
{
	struct uuid id = {{7}};
	struct store_options o = {.dir = r->dir,
	    .quota_bytes = 1ull << 30,
	    .segment_bytes = 1 * MIB,
	    .allow_any_filesystem = true,
	    .new_spool_id = &id};
	char why[256];

	if (store_open(&o, why, sizeof(why), &r->store))
		fail_msg("%s", why);
	ledger_init(&r->ledger, 1);
	r->ledger.skip_full = true;
	r->batches = r->controls = r->last_seq = 0;
	r->in_order = true;
	assert_int_equal(store_replay(r->store, see, r), 0);
	group_init(&r->group, r->store, &r->ledger, &r->clock);
	r->group.last_number = r->ledger.next_number - 1;
}

static void
rig_close(struct rig *r)
{
	group_fini(&r->group);
	store_close(r->store);
	ledger_fini(&r->ledger);
}

static int
setup(void **state)
{
	struct entry_stream_key key = {.name = bytes_of_str("log")};
	struct rig *r = calloc(1, sizeof(*r));

	snprintf(r->dir, sizeof(r->dir), "/tmp/spoold-writer-XXXXXX");
	assert_non_null(mkdtemp(r->dir));
	r->def = sdef_new(&key, bytes_of_str("agents"), bytes_of_str(""),
	    bytes_of_str(""), bytes_of_str(""));
	rig_open(r);
	*state = r;
	return 0;
}

static int
teardown(void **state)
{
	struct rig *r = *state;
	char command[96];

	rig_close(r);
	sdef_unref(r->def);
	snprintf(command, sizeof(command), "rm -rf '%s'", r->dir);
	assert_int_equal(system(command), 0);
	free(r);
	return 0;
}

/* ---- items ---- */

static void
queue_batch(struct rig *r, uint32_t bytes)
{
	struct ipc_range range = {.first_seq = r->seq + 1, .count = 10};
	struct ipc_batch m = {
	    .number = ++r->number, .records = 10, .raw_len = bytes, .n = 1};
	char *payload = calloc(1, bytes);
	struct item *it;
	struct buf b;

	r->seq += 10;
	memcpy(range.head, &r->seq, sizeof(r->seq));
	buf_init(&b, 4096);
	ipc_range_encode(&b, &range);
	m.ranges = buf_bytes(&b);
	m.payload = bytes_of(payload, bytes);
	it = item_of_batch(&m);
	it->link = 1;
	it->range[0].def = sdef_ref(r->def);
	it->range[0].range.flags |= BATCH_RANGE_HEAD;
	item_list_add(&r->group.ordered, it);
	buf_fini(&b);
	free(payload);
}

static void
queue_admin(struct rig *r, const char *action)
{
	struct item *it = item_new(ITEM_ENTRIES);
	struct entry e = {.type = ENTRY_ADMIN};

	e.u.admin.action = bytes_of_str(action);
	entry_encode(&it->entries, &e);
	item_list_add(&r->group.control, it);
}

static void
take_written(struct rig *r)
{
	struct committed *c;
	struct ipc_msg m;

	item_list_free(&r->group.written);
	while ((c = r->group.committed)) {
		r->group.committed = c->next;
		assert_int_equal(
		    ipc_decode(IPC_COMMITTED, buf_bytes(&c->message), &m), 0);
		assert_true(m.u.number.number > r->committed);
		r->committed = m.u.number.number;
		committed_free(c);
	}
}

/* Write until all is written; returns how often it failed. */
static unsigned
write_all(struct rig *r)
{
	unsigned failed = 0;
	int rc;

	while (r->group.control.first || r->group.ordered.first) {
		rc = group_write(&r->group, false);
		if (rc)
			assert_null(r->group.written.first);
		failed += rc != 0;
		assert_true(failed < TRIES);
		take_written(r);
	}
	return failed;
}

static void
check(struct rig *r)
{
	struct entry_stream_key key = {.name = bytes_of_str("log")};
	struct stream *st = streams_find(&r->ledger.streams, &key);

	assert_non_null(st);
	assert_int_equal(st->durable.seq, r->seq);
	assert_int_equal(
	    counters_of(&r->ledger.counters, bytes_of_str("agents"))->stored,
	    r->seq);
}

/* ---- tests ---- */

static void
what_is_queued_is_one_transaction_with_one_committed_a_link(void **state)
{
	struct rig *r = *state;
	unsigned i;

	for (i = 0; i < 10; i++)
		queue_batch(r, 1000);
	assert_int_equal(group_write(&r->group, false), 0);
	assert_null(r->group.ordered.first);
	assert_int_equal(r->group.written.n, 10);
	assert_non_null(r->group.committed);
	assert_null(r->group.committed->next);
	take_written(r);
	assert_int_equal(r->committed, 10);
	check(r);
}

static void
a_fresh_segment_opens_with_a_full_checkpoint(void **state)
{
	struct rig *r = *state;
	uint64_t seq;
	unsigned i;

	for (i = 0; i < 30; i++) {
		queue_batch(r, 200000);
		assert_int_equal(write_all(r), 0);
	}
	seq = r->seq;
	rig_close(r);
	rig_open(r);
	/* Only the last segment was replayed, and it tells everything. */
	assert_true(r->batches < 10);
	assert_int_equal(r->seq, seq);
	check(r);
}

static void
a_segment_that_goes_on_does_not_reuse_references(void **state)
{
	struct entry_stream_key key = {.name = bytes_of_str("other")};
	struct sdef *first;
	struct rig *r = *state;

	queue_batch(r, 1000);
	write_all(r);
	rig_close(r);
	rig_open(r);
	first = r->def;
	r->def = sdef_new(&key, bytes_of_str("agents"), bytes_of_str(""),
	    bytes_of_str(""), bytes_of_str(""));
	queue_batch(r, 1000);
	write_all(r);
	rig_close(r);
	rig_open(r);
	assert_int_equal(streams_count(&r->ledger.streams), 2);
	sdef_unref(first);
}

/* Flip a bit behind the last `mark` of the newest segment. */
static void
damage_newest(struct rig *r, const char *mark)
{
	char path[512], newest[256] = "";
	uint8_t *all, *at, *last = NULL, x;
	struct dirent *e;
	off_t size;
	DIR *d;
	int fd;

	snprintf(path, sizeof(path), "%s/seg", r->dir);
	d = opendir(path);
	assert_non_null(d);
	while ((e = readdir(d)))
		if (strlen(e->d_name) == 19 && strcmp(e->d_name, newest) > 0)
			snprintf(newest, sizeof(newest), "%s", e->d_name);
	closedir(d);
	snprintf(path, sizeof(path), "%s/seg/%s", r->dir, newest);
	fd = open(path, O_RDWR);
	size = lseek(fd, 0, SEEK_END);
	all = malloc((size_t)size);
	assert_int_equal(pread(fd, all, (size_t)size, 0), size);
	for (at = all;
	     (at = memmem(at, (size_t)(all + size - at), mark, strlen(mark)));
	     at++)
		last = at;
	assert_non_null(last);
	x = *last ^ 1;
	assert_int_equal(pwrite(fd, &x, 1, last - all), 1);
	free(all);
	close(fd);
}

/* Behind it lie definitions that are nowhere else. */
static void
a_damaged_opening_checkpoint_costs_nothing(void **state)
{
	struct rig *r = *state;
	struct item *it = item_new(ITEM_TARGET);
	unsigned i;

	snprintf(it->name, sizeof(it->name), "a");
	snprintf(it->protocol, sizeof(it->protocol), "easily-found-words");
	it->target.action = ENTRY_TARGET_ADDED;
	item_list_add(&r->group.control, it);
	for (i = 0; i < 14; i++) {
		queue_batch(r, 200000);
		assert_int_equal(write_all(r), 0);
	}
	rig_close(r);
	damage_newest(r, "easily-found-words");
	rig_open(r);
	check(r);
	assert_non_null(cursors_find(&r->ledger.cursors, bytes_of_str("a")));
}

/* Every call in turn, failing before or after its work, once. */
static void
fail_at(void **state, const struct diskfault *fault, long *counted)
{
	struct rig *r;
	unsigned i, failed = 0;

	setup(state);
	r = *state;
	queue_batch(r, 1000);
	write_all(r);
	diskfault_arm(fault);
	for (i = 0; i < 4; i++) {
		queue_admin(r, "something");
		queue_batch(r, 150000);
		queue_batch(r, 150000);
		failed += write_all(r);
	}
	*counted = diskfault_disarm();
	check(r);
	assert_int_equal(r->committed, r->number);
	rig_close(r);
	rig_open(r);
	check(r);
	assert_true(r->in_order);
	teardown(state);
	(void)failed;
}

static void
what_a_failed_commit_held_goes_again_in_order_behind_the_cut(void **state)
{
	static const unsigned kind[] = {DISKFAULT_WRITE, DISKFAULT_SYNC};
	struct diskfault fault;
	long k, counted = 1;
	unsigned i;

	teardown(state);
	for (i = 0; i < 4; i++)
		for (k = 1, counted = 1; k <= counted && k <= 40; k++) {
			fault = (struct diskfault){.kinds = kind[i / 2],
			    .k = k,
			    .errnum = k % 2 ? EIO : ENOSPC,
			    .late = i % 2};
			fail_at(state, &fault, &counted);
		}
	setup(state);
}

static void
a_number_that_holds_nothing_is_committed_in_its_turn(void **state)
{
	struct rig *r = *state;
	struct item *it;

	queue_batch(r, 1000);
	it = item_new(ITEM_NOTHING);
	it->link = 1;
	it->ordered = true;
	it->number = ++r->number;
	item_list_add(&r->group.ordered, it);
	write_all(r);
	assert_int_equal(r->committed, 2);
	/* Alone, behind what is durable: without a transaction. */
	it = item_new(ITEM_NOTHING);
	it->link = 1;
	it->ordered = true;
	it->number = ++r->number;
	item_list_add(&r->group.ordered, it);
	write_all(r);
	assert_int_equal(r->committed, 3);
}

static void
a_new_target_begins_at_the_next_record(void **state)
{
	struct rig *r = *state;
	struct item *it = item_new(ITEM_TARGET);
	struct cursors_target *t;

	queue_batch(r, 1000);
	write_all(r);
	snprintf(it->name, sizeof(it->name), "a");
	snprintf(it->protocol, sizeof(it->protocol), "file");
	it->target.action = ENTRY_TARGET_ADDED;
	item_list_add(&r->group.control, it);
	queue_batch(r, 1000);
	write_all(r);
	t = cursors_find(&r->ledger.cursors, bytes_of_str("a"));
	assert_non_null(t);
	assert_int_equal(t->start_rec, 11);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(what_is_queued_is_one_transaction_with_one_committed_a_link),
	    TEST(a_fresh_segment_opens_with_a_full_checkpoint),
	    TEST(a_damaged_opening_checkpoint_costs_nothing),
	    TEST(a_segment_that_goes_on_does_not_reuse_references),
	    TEST(what_a_failed_commit_held_goes_again_in_order_behind_the_cut),
	    TEST(a_number_that_holds_nothing_is_committed_in_its_turn),
	    TEST(a_new_target_begins_at_the_next_record),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
