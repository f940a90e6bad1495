/* SPDX-License-Identifier: Apache-2.0 */
#include "spoold/keeper/group.h"

#include <string.h>

#include "lib/base/err.h"
#include "lib/base/failpoint.h"
#include "spoold/keeper/mem.h"

#define CONTROL_MAX ((size_t)1 << 20) /* bytes of one control batch */
#define MARGIN_BYTES ((uint64_t)256 << 10)
#define LINKS_MAX 128

void
group_init(struct group *g, struct store *s, struct ledger *ledger,
    const struct clock_rules *clock)
{
	*g = (struct group){.store = s,
	    .ledger = ledger,
	    .clock = clock,
	    .serial = 1,
	    /* A segment that goes on has these references already. */
	    .next_ref = ledger->defs ? (uint32_t)ledger->defs : 1};
	item_list_init(&g->control);
	item_list_init(&g->ordered);
	item_list_init(&g->written);
	item_list_init(&g->in_control);
	item_list_init(&g->in_ordered);
	buf_init(&g->defs, BATCH_STORED_MAX);
	buf_init(&g->entries, BATCH_STORED_MAX);
}

void
group_fini(struct group *g)
{
	item_list_free(&g->control);
	item_list_free(&g->ordered);
	item_list_free(&g->written);
	buf_fini(&g->defs);
	buf_fini(&g->entries);
}

/* ---- what goes in ---- */

static uint64_t
need_of_item(const struct item *it)
{
	uint32_t i;
	uint64_t ranges = 0;

	if (it->kind != ITEM_BATCH)
		return it->entries.len + 256;
	for (i = 0; i < it->ranges; i++)
		ranges += 48 + it->range[i].range.path.len +
		    it->range[i].def->key.name.len + 512;
	return store_need(ranges, it->data.payload.len);
}

/*
 * Leave in the list what a transaction of `limit` bytes takes, at least one
 * item; the others go behind `rest`.  Returns the need.
 */
static uint64_t
cut_list(
    struct item_list *l, struct item_list *rest, uint64_t need, uint64_t limit)
{
	struct item_list keep;
	struct item *it;

	item_list_init(&keep);
	while ((it = l->first) && keep.n < GROUP_ITEMS &&
	    (!keep.n || need + need_of_item(it) <= limit)) {
		need += need_of_item(it);
		item_list_add(&keep, item_list_take(l));
	}
	item_list_put_behind(rest, l);
	item_list_put_behind(l, &keep);
	return need;
}

/* References for the streams of an item, defined where they are new. */
static void
define(struct group *g, struct item *it)
{
	struct entry e;
	uint32_t i;

	for (i = 0; i < it->ranges; i++) {
		struct sdef *d = it->range[i].def;

		if (d->segment != g->serial) {
			d->segment = g->serial;
			d->ref = g->next_ref++;
			e = sdef_entry(d, d->ref);
			entry_encode(&g->defs, &e);
		}
		it->range[i].range.stream = d->ref;
	}
}

static void
encode_ranges(struct item *it)
{
	uint32_t i;

	buf_clear(&it->entries);
	batch_ranges_encode_begin(
	    &it->entries, it->chained ? &it->chain : NULL, it->ranges);
	for (i = 0; i < it->ranges; i++)
		batch_range_encode(&it->entries, &it->range[i].range);
	it->data.ranges = buf_bytes(&it->entries);
}

/* Entries that only the writer can make. */
static void
build_entries(struct group *g, struct item *it)
{
	struct entry e = {.type = ENTRY_RECYCLE};
	struct store_info info;

	buf_clear(&it->entries);
	if (it->kind == ITEM_TARGET) {
		store_info(g->store, &info);
		e.type = ENTRY_TARGET;
		e.u.target = it->target;
		e.u.target.name = bytes_of_str(it->name);
		e.u.target.protocol = bytes_of_str(it->protocol);
		if (!e.u.target.start_rec)
			e.u.target.start_rec = info.next_rec;
		it->first_rec = e.u.target.start_rec;
	} else {
		e.u.recycle = it->recycle;
	}
	if (!it->logged)
		entry_encode(&it->entries, &e);
}

/* ---- one transaction ---- */

struct checkpoint {
	struct group *g;
	struct store_txn *txn;
};

static int
emit_piece(void *arg, struct bytes entries)
{
	struct checkpoint *c = arg;

	return store_add_control(c->txn, entries, &c->g->last_number);
}

/* A fresh segment opens with all there is to know. */
static int
add_checkpoint(struct group *g, struct store_txn *txn)
{
	struct checkpoint c = {g, txn};
	struct now now = clock_now();

	FAILPOINT("keeper-before-checkpoint");
	return ledger_checkpoint(g->ledger, clock_rules_us(g->clock, now),
	    now.wall_ns, emit_piece, &c);
}

static int
add_piece(struct group *g, struct store_txn *txn)
{
	struct item *it;
	int rc;

	if (!g->entries.len)
		return 0;
	rc = store_add_control(txn, buf_bytes(&g->entries), &g->last_number);
	buf_clear(&g->entries);
	for (it = g->in_control.first; it; it = it->next)
		if (!it->batch_number)
			it->batch_number = g->last_number;
	return rc;
}

static int
add_control(struct group *g, struct store_txn *txn)
{
	struct item *it;
	int rc = 0;

	buf_clear(&g->entries);
	buf_add_bytes(&g->entries, buf_bytes(&g->defs));
	while (!rc && (it = g->control.first)) {
		if (it->kind != ITEM_ENTRIES)
			build_entries(g, it);
		if (g->entries.len + it->entries.len > CONTROL_MAX &&
		    g->entries.len)
			rc = add_piece(g, txn);
		buf_add_bytes(&g->entries, buf_bytes(&it->entries));
		it->batch_number = 0;
		item_list_add(&g->in_control, item_list_take(&g->control));
	}
	return rc ? rc : add_piece(g, txn);
}

static int
add_one(struct group *g, struct store_txn *txn, struct item *it)
{
	int rc = 0;

	if (it->kind == ITEM_BATCH) {
		encode_ranges(it);
		rc = store_add(
		    txn, &it->data, &it->batch_number, &it->first_rec);
	} else if (it->kind == ITEM_ENTRIES) {
		rc = store_add_control(
		    txn, buf_bytes(&it->entries), &it->batch_number);
	} else {
		it->batch_number = g->last_number;
	}
	if (!rc)
		g->last_number = it->batch_number;
	return rc;
}

/* ERR_MAPFULL: the rest waits for the next transaction. */
static int
add_ordered(struct group *g, struct store_txn *txn)
{
	int rc = 0;

	while (!rc && g->ordered.first) {
		rc = add_one(g, txn, g->ordered.first);
		if (!rc)
			item_list_add(
			    &g->in_ordered, item_list_take(&g->ordered));
	}
	return rc;
}

static int
fill(struct group *g, struct store_txn *txn)
{
	struct item *it;
	int rc = 0;

	buf_clear(&g->defs);
	if (g->fresh) {
		g->serial++;
		g->next_ref = 1;
		rc = add_checkpoint(g, txn);
	}
	for (it = g->ordered.first; it; it = it->next)
		define(g, it);
	if (!rc)
		rc = add_control(g, txn);
	if (!rc)
		rc = add_ordered(g, txn);
	if (rc == ERR_MAPFULL && (g->in_control.n || g->in_ordered.n))
		rc = 0;
	return rc;
}

/* ---- after the commit ---- */

static void
feed_ledger(struct group *g)
{
	struct ledger *l = g->ledger;
	struct batch_header h = {0};
	const struct uuid unknown = {{0}};
	struct item *it;

	if (g->fresh)
		ledger_on_segment(l, &unknown);
	ledger_on_control(l, l->next_number, buf_bytes(&g->defs));
	for (it = g->in_control.first; it; it = it->next)
		ledger_on_control(l, it->batch_number, buf_bytes(&it->entries));
	for (it = g->in_ordered.first; it; it = it->next) {
		if (it->kind == ITEM_BATCH) {
			h.number = it->batch_number;
			h.first_rec = it->first_rec;
			h.records = it->data.records;
			memcpy(h.content_digest, it->content_digest,
			    BATCH_DIGEST_SIZE);
			ledger_on_data(l, &h, it->data.ranges);
		} else if (it->kind == ITEM_ENTRIES) {
			ledger_on_control(
			    l, it->batch_number, buf_bytes(&it->entries));
		}
		if (it->link)
			ledger_note_receiver(
			    l, it->slot, &it->epoch, it->number);
	}
	l->next_number = g->last_number + 1;
}

/* One COMMITTED a link, of its highest number in this transaction. */
static void
make_committed(struct group *g, const struct item_list *ordered)
{
	struct item *last[LINKS_MAX], *it;
	struct committed *c;
	size_t n = 0, i;

	for (it = ordered->first; it; it = it->next) {
		if (!it->link)
			continue;
		for (i = 0; i < n && last[i]->link != it->link; i++)
			;
		if (i == LINKS_MAX)
			continue;
		last[i] = it;
		if (i == n)
			n++;
	}
	for (i = 0; i < n; i++) {
		c = committed_new(g->token, last[i]->link, last[i]->number,
		    last[i]->batch_number);
		c->next = g->committed;
		g->committed = c;
	}
}

/* Give the segments back whose entry is in the log now. */
static void
recycle(struct group *g)
{
	struct item *it;

	for (it = g->in_control.first; it; it = it->next) {
		if (it->kind != ITEM_RECYCLE)
			continue;
		FAILPOINT("keeper-before-recycle");
		it->rc = store_recycle(g->store, &it->recycle.segment);
		it->logged = true;
	}
}

static void
put_back(struct group *g)
{
	item_list_put_before(&g->control, &g->in_control);
	item_list_put_before(&g->ordered, &g->in_ordered);
	g->serial++; /* what was defined may not be in the log */
}

/* True if nothing has to be written for them. */
static bool
all_nothing(const struct group *g)
{
	const struct item *it;

	for (it = g->ordered.first; it; it = it->next)
		if (it->kind != ITEM_NOTHING)
			return false;
	for (it = g->control.first; it; it = it->next)
		if (it->kind != ITEM_RECYCLE || !it->logged)
			return false;
	return g->token || !g->ordered.first;
}

static void
finish(struct group *g)
{
	recycle(g);
	make_committed(g, &g->in_ordered);
	item_list_put_behind(&g->written, &g->in_control);
	item_list_put_behind(&g->written, &g->in_ordered);
}

/* The commit itself; on success everything that went in is durable. */
static int
commit(struct group *g, struct store_txn *txn)
{
	int rc;

	FAILPOINT("keeper-before-commit");
#ifdef MUTANT_ACK_BEFORE_COMMIT
	make_committed(g, &g->in_ordered);
	g->announce(g, g->arg);
#endif
	rc = store_commit(txn, &g->token);
	FAILPOINT("keeper-after-commit");
	if (rc) {
		g->token = NULL;
		return rc;
	}
	feed_ledger(g);
	finish(g);
	return 0;
}

/*
 * A segment is filled to its end: it is enough that the first item fits, and
 * what does not goes into the next segment.
 */
static int
write_group(struct group *g, uint64_t control_need, uint64_t need, bool control)
{
	struct item_list late;
	struct store_txn *txn;
	uint64_t least = control_need, room;
	int rc;

	if (g->ordered.first)
		least += need_of_item(g->ordered.first);
	rc = store_begin(
	    g->store, least + MARGIN_BYTES, control, &g->fresh, &txn);
	if (rc)
		return rc;
	item_list_init(&late);
	room = store_txn_room(txn);
	room = room > MARGIN_BYTES ? room - MARGIN_BYTES : 0;
	if (need > room)
		cut_list(&g->ordered, &late, control_need, room);
	rc = fill(g, txn);
	if (rc) {
		store_abort(txn);
		put_back(g);
	} else {
		rc = commit(g, txn);
		if (rc)
			put_back(g);
	}
	item_list_put_behind(&g->ordered, &late);
	return rc;
}

int
group_write(struct group *g, bool control_only)
{
	struct item_list more, held;
	uint64_t control_need, need;
	int rc = 0;

	item_list_init(&held);
	item_list_init(&more);
	if (control_only)
		item_list_put_behind(&held, &g->ordered);
	control_need = cut_list(&g->control, &more, 0, GROUP_BYTES);
	need = cut_list(&g->ordered, &held, control_need, GROUP_BYTES);
	if (all_nothing(g)) {
		item_list_put_behind(&g->in_control, &g->control);
		while (!rc && g->ordered.first) {
			rc = add_one(g, NULL, g->ordered.first);
			item_list_add(
			    &g->in_ordered, item_list_take(&g->ordered));
		}
		finish(g);
	} else {
		rc = write_group(
		    g, control_need, need, control_only || !g->ordered.first);
	}
	item_list_put_behind(&g->control, &more);
	item_list_put_behind(&g->ordered, &held);
	return rc;
}
