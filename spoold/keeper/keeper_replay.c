/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The log is replayed into the ledger, and the live state copied from it: the
 * ledger belongs to the writer from then on.
 */
#include "spoold/keeper/keeper.h"

#include "lib/base/err.h"
#include "lib/base/log.h"
#include "lib/digest/digest.h"

static int
see_batch(void *arg, const struct store_batch *b)
{
	struct keeper *k = arg;
	struct ledger *l = &k->ledger;
	const struct batch_header *h = &b->header;
	int rc = 0;

	if (!uuid_equal(&h->segment, &l->segment))
		ledger_on_segment(l, &h->segment);
	if (h->kind == BATCH_CONTROL)
		rc = ledger_on_control(l, h->number, b->payload);
	else if (h->kind == BATCH_DATA)
		rc = ledger_on_data(l, h, b->ranges);
	if (rc == ERR_VERSION)
		return rc; /* written by a newer spoold */
	if (rc)
		keeper_alarm(k,
		    "DEFINITIONS_LOST: batch %llu cannot be made sense of "
		    "(%s): definitions "
		    "before it were damaged",
		    (unsigned long long)h->number, err_text(rc));
	/* Its numbers are taken in any case; readers set it aside. */
	if (h->number >= l->next_number)
		l->next_number = h->number + 1;
	if (h->first_rec + h->records > l->next_rec)
		l->next_rec = h->first_rec + h->records;
	return 0;
}

static void
copy_streams(struct keeper *k)
{
	struct streams *to = intake_streams(k->intake);
	struct stream *from = NULL, *st;

	while ((from = streams_next(&k->ledger.streams, from))) {
		if (streams_add(to, &from->key, bytes_of_str(from->listener),
			from->seen_us, &st))
			continue; /* past the limit of memory */
		st->start_seq = from->start_seq;
		st->accepted = st->durable = from->durable;
		st->closed = from->closed;
		st->stored = true;
		st->counts = from->counts;
		streams_set_peer(st, bytes_of_str(from->peer));
	}
}

static void
copy_children(struct keeper *k)
{
	struct child *from = NULL, *ch;
	struct buf b;

	buf_init(&b, SIZE_MAX);
	while ((from = children_next(&k->ledger.children, from))) {
		if (children_take(intake_children(k->intake), &from->child,
			&from->incarnation, from->seen_us, &ch))
			continue;
		buf_clear(&b);
		children_set_encode(&from->durable, &b);
		children_set_decode(
		    &ch->durable, (uint32_t)from->durable.n, buf_bytes(&b));
		children_set_decode(
		    &ch->accepted, (uint32_t)from->durable.n, buf_bytes(&b));
	}
	buf_fini(&b);
}

static int
copy_cursors(struct keeper *k)
{
	struct cursors_target *t;
	struct entry e;
	size_t i;
	int rc = 0;

	for (i = 0; i < k->ledger.cursors.n && !rc; i++) {
		e = cursors_entry(k->ledger.cursors.target[i]);
		rc = cursors_apply(&k->cursors, &e);
		t = cursors_find(&k->cursors, e.u.target_state.name);
		if (t) {
			t->again_number =
			    k->ledger.cursors.target[i]->again_number;
			t->moved_number =
			    k->ledger.cursors.target[i]->moved_number;
		}
	}
	return rc;
}

static int
copy_live_state(struct keeper *k)
{
	struct buf b;
	struct cursor c;
	struct entry e;

	k->identity = k->ledger.identity;
	k->next_number = k->ledger.next_number;
	k->next_rec = k->ledger.next_rec;
	buf_init(&b, SIZE_MAX);
	counters_encode(&k->ledger.counters, &b);
	cursor_init(&c, buf_bytes(&b));
	while (entry_next(&c, &e) == 1)
		counters_apply(&k->counters, &e.u.counters, true);
	buf_fini(&b);
	copy_streams(k);
	copy_children(k);
#ifdef MUTANT_ALREADY_BY_NUMBER
	for (size_t i = 0; i < k->ledger.receivers; i++)
		intake_past(k->intake, &k->ledger.receiver[i]);
#endif
	return copy_cursors(k);
}

int
keeper_replay(struct keeper *k)
{
	struct store_info info;
	int rc;

	ledger_init(&k->ledger, k->seed);
	k->ledger.skip_full = true;
	rc = store_replay(k->store, see_batch, k);
	if (rc) {
		log_error("the log cannot be replayed: %s", err_text(rc));
		return rc;
	}
	store_info(k->store, &info);
	if (uuid_is_zero(&k->ledger.identity.incarnation)) {
		k->ledger.identity.created_ns = clock_now().wall_ns;
		rc = digest_random(&k->ledger.identity.incarnation, UUID_SIZE);
	}
	k->ledger.identity.spool = info.spool;
	return rc ? rc : copy_live_state(k);
}
