/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The writer's transactions against a real store: segments are filled.
 */
#include "tests/helpers/cmocka_all.h"

#include <stdlib.h>
#include <string.h>

#include "spoold/keeper/group.h"
#include "tests/helpers/storerig.h"

#define SEGMENT_MIB 8
#define PAYLOAD 60000
#define ITEMS 100 /* queued at a time: most of a segment */
#define ROWS 16

static struct sdef *
new_def(void)
{
	const struct entry_stream_key key = {.name = bytes_of_str("s")};

	return sdef_new(&key, bytes_of_str("agents"), bytes_of_str("peer"),
	    bytes_of_str("identity"), bytes_of(NULL, 0));
}

/* A batch of one record; its first byte is its number. */
static struct item *
new_item(struct sdef *def, uint8_t *payload, uint64_t seq)
{
	struct ipc_batch m = {
	    .records = 1,
	    .raw_len = 2 * PAYLOAD,
	    .codec = BATCH_CODEC_ZSTD,
	    .payload = bytes_of(payload, PAYLOAD),
	};
	struct item *it;

	memcpy(payload, &seq, sizeof(seq));
	it = item_of_batch(&m);
	assert_non_null(it);
	free(it->range); /* of the message's no ranges */
	it->range = calloc(1, sizeof(*it->range));
	assert_non_null(it->range);
	it->ranges = 1;
	it->range->def = sdef_ref(def);
	it->range->range = (struct batch_range){.first_seq = seq, .count = 1};
	return it;
}

/* Everything queued is written, however many transactions that takes. */
static void
write_all(struct group *g)
{
	while (g->ordered.first) {
		assert_int_equal(group_write(g, false), 0);
		while (g->committed) {
			struct committed *c = g->committed;

			g->committed = c->next;
			committed_free(c);
		}
	}
}

static void
queue(struct group *g, struct sdef *def, uint8_t *payload, uint64_t from)
{
	for (uint64_t seq = from; seq < from + ITEMS; seq++)
		item_list_add(&g->ordered, new_item(def, payload, seq));
}

static void
check_order(struct storerig *r, uint64_t upto)
{
	struct store_cursor *c;
	struct store_damage damage;
	struct store_batch b;
	struct buf copy;
	uint64_t want = 1;

	buf_init(&copy, 8u << 20);
	assert_int_equal(store_cursor_open_number(r->s, 1, &c), 0);
	while (!store_cursor_next(c, false, &copy, &b, &damage)) {
		uint64_t seq;

		if (b.header.kind != BATCH_DATA)
			continue;
		memcpy(&seq, b.payload.ptr, sizeof(seq));
		assert_int_equal(seq, want++);
	}
	assert_int_equal(want, upto);
	store_cursor_close(c);
	buf_fini(&copy);
}

static void
a_segment_is_filled_before_the_next_begins(void **state)
{
	struct storerig r;
	struct ledger ledger;
	struct clock_rules clock = {0};
	struct group g;
	struct store_segment row[ROWS];
	struct sdef *def = new_def();
	uint8_t *payload = calloc(1, PAYLOAD);
	uint64_t seq = 1;
	size_t n;

	(void)state;
	assert_non_null(payload);
	storerig_init(&r, true);
	r.o.segment_bytes = SEGMENT_MIB * STORERIG_MIB;
	r.o.quota_bytes = 256 * STORERIG_MIB;
	assert_int_equal(storerig_open(&r), 0);
	ledger_init(&ledger, 1);
	group_init(&g, r.s, &ledger, &clock);
	for (int i = 0; i < 5; i++, seq += ITEMS) {
		queue(&g, def, payload, seq);
		write_all(&g);
		item_list_free(&g.written);
		item_list_init(&g.written);
	}
	n = store_segments(r.s, row, ROWS);
	assert_in_range(n, 4, ROWS);
	/* At least nine tenths of each but the last are payload. */
	for (size_t i = 0; i + 1 < n; i++)
		assert_true((row[i].next_rec - row[i].first_rec) * PAYLOAD >=
		    row[i].bytes / 10 * 9);
	check_order(&r, seq);
	group_fini(&g);
	ledger_fini(&ledger);
	sdef_unref(def);
	free(payload);
	storerig_fini(&r);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_segment_is_filled_before_the_next_begins),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
