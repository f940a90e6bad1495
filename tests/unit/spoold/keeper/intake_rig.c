/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/spoold/keeper/intake_rig.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/helpers/cmocka_all.h"

void
intake_rig_init(struct intake_rig *r)
{
	memset(r, 0, sizeof(*r));
	item_list_init(&r->items);
	r->in = intake_new(7, STREAMS_MEMORY_MAX, &r->counters);
	r->now = (struct intake_now){.spool_us = 1000000, .wall_ns = 5};
	intake_on_room(r->in, 64 << 20);
}

void
intake_rig_fini(struct intake_rig *r)
{
	size_t i;

	item_list_free(&r->items);
	for (i = 0; i < r->said_n; i++)
		buf_fini(&r->said[i].bytes);
	intake_free(r->in);
	counters_fini(&r->counters);
}

static void
hear(struct intake_rig *r, struct intake_action *a)
{
	struct intake_rig_said *s = &r->said[r->said_n++];

	assert_true(r->said_n < INTAKE_RIG_MAX);
	s->link = a->link;
	s->bytes = a->message;
	assert_int_equal(ipc_decode(a->type, buf_bytes(&s->bytes), &s->m), 0);
}

void
intake_rig_pump(struct intake_rig *r)
{
	struct intake_action a;

	while (intake_next(r->in, &a)) {
		if (a.what == INTAKE_SEND)
			hear(r, &a);
		else
			intake_action_done(&a);
		if (a.what == INTAKE_SUBMIT)
			item_list_add(&r->items, a.item);
		r->pauses += a.what == INTAKE_PAUSE;
		r->resumes += a.what == INTAKE_RESUME;
		r->closes += a.what == INTAKE_CLOSE;
		r->alarms += a.what == INTAKE_ALARM;
		if (a.what == INTAKE_CLOSE || a.what == INTAKE_ALARM)
			memcpy(r->text, a.text, sizeof(r->text));
	}
}

void
intake_rig_say(struct intake_rig *r, uint64_t link, const struct ipc_msg *m)
{
	intake_on_message(r->in, link, m, r->now);
	intake_rig_pump(r);
}

void
intake_rig_introduce(struct intake_rig *r, uint64_t link, uint32_t slot)
{
	struct ipc_msg m = {.type = IPC_RECEIVER};

	intake_on_link(r->in, link);
	m.u.receiver.slot = slot;
	m.u.receiver.epoch.byte[0] = (uint8_t)link;
	intake_rig_say(r, link, &m);
}

void
intake_rig_replayed(struct intake_rig *r, uint64_t link)
{
	struct ipc_msg m = {.type = IPC_REPLAYED};

	intake_rig_say(r, link, &m);
}

void
intake_rig_list(struct intake_rig *r, uint32_t receivers)
{
	uint32_t slot[64], i;

	for (i = 0; i < receivers; i++)
		slot[i] = i;
	intake_on_receivers(r->in, slot, receivers);
	intake_rig_pump(r);
}

void
intake_rig_connect(struct intake_rig *r, uint64_t link, uint32_t slot)
{
	intake_rig_introduce(r, link, slot);
	intake_rig_replayed(r, link);
	intake_rig_list(r, slot + 1);
}

void
intake_rig_head(uint64_t seq, uint8_t head[BATCH_HEAD_SIZE])
{
	memset(head, 0, BATCH_HEAD_SIZE);
	memcpy(head, &seq, sizeof(seq));
}

void
intake_rig_open(
    struct intake_rig *r, uint64_t link, const struct intake_rig_stream *s)
{
	struct ipc_msg m = {.type = IPC_STREAM_OPEN};

	m.u.stream_open = (struct ipc_stream_open){.sid = s->sid,
	    .key.name = bytes_of_str(s->name ? s->name : "log"),
	    .listener = bytes_of_str("agents"),
	    .next_seq = s->next_seq ? s->next_seq : 1};
	memset(&m.u.stream_open.key.origin, s->origin, UUID_SIZE);
	memset(&m.u.stream_open.key.epoch, s->epoch, UUID_SIZE);
	memcpy(m.u.stream_open.head, s->head, BATCH_HEAD_SIZE);
	intake_rig_say(r, link, &m);
}

struct ipc_range
intake_rig_range(uint32_t sid, uint64_t first, uint32_t count)
{
	struct ipc_range range = {
	    .sid = sid, .first_seq = first, .count = count};

	intake_rig_head(first - 1, range.prev_head);
	intake_rig_head(first + count - 1, range.head);
	return range;
}

static void
send_batch(struct intake_rig *r, uint64_t link, struct ipc_msg *m,
    const struct ipc_range *range, uint32_t n)
{
	char payload[64] = "columns";
	struct buf ranges;
	uint32_t i;

	buf_init(&ranges, 1 << 20);
	for (i = 0; i < n; i++) {
		ipc_range_encode(&ranges, &range[i]);
		m->u.batch.records += range[i].count;
	}
	m->u.batch.raw_len = sizeof(payload);
	m->u.batch.n = n;
	m->u.batch.ranges = buf_bytes(&ranges);
	m->u.batch.payload = bytes_of(payload, sizeof(payload));
	intake_rig_say(r, link, m);
	buf_fini(&ranges);
}

void
intake_rig_batch(struct intake_rig *r, uint64_t link, uint64_t number,
    const struct ipc_range *range, uint32_t n)
{
	struct ipc_msg m = {.type = IPC_BATCH};

	m.u.batch.number = number;
	send_batch(r, link, &m, range, n);
}

void
intake_rig_one(struct intake_rig *r, uint64_t link, uint64_t number,
    uint32_t sid, uint64_t first, uint32_t count)
{
	struct ipc_range range = intake_rig_range(sid, first, count);

	intake_rig_batch(r, link, number, &range, 1);
}

void
intake_rig_void(struct intake_rig *r, uint64_t link, uint64_t number)
{
	struct ipc_msg m = {.type = IPC_VOID};

	m.u.void_.number = number;
	intake_rig_say(r, link, &m);
}

void
intake_rig_advance(struct intake_rig *r, uint64_t link, uint64_t number,
    uint32_t sid, uint64_t from, uint64_t to, uint8_t reason)
{
	struct ipc_msg m = {.type = IPC_ADVANCE};

	m.u.advance = (struct ipc_advance){.number = number,
	    .sid = sid,
	    .from = from,
	    .to = to,
	    .reason = reason};
	intake_rig_head(to, m.u.advance.head);
	intake_rig_say(r, link, &m);
}

void
intake_rig_chain_open(struct intake_rig *r, uint64_t link, uint32_t id,
    uint8_t incarnation, uint64_t next_rec)
{
	struct ipc_msg m = {.type = IPC_CHAIN_OPEN};

	m.u.chain_open = (struct ipc_chain_open){
	    .chain_id = id, .next_rec = next_rec, .start_rec = 1};
	memset(&m.u.chain_open.child, 0xc1, UUID_SIZE);
	memset(&m.u.chain_open.incarnation, incarnation, UUID_SIZE);
	intake_rig_say(r, link, &m);
}

void
intake_rig_chained(struct intake_rig *r, uint64_t link, uint64_t number,
    uint32_t id, uint64_t first, uint32_t count)
{
	struct ipc_range range =
	    intake_rig_range(1 | IPC_SID_CHAINED, 1000 + first, count);
	struct ipc_msg m = {.type = IPC_BATCH};

	m.u.batch.number = number;
	m.u.batch.chain_id = id;
	m.u.batch.chain_first_rec = first;
	memset(
	    m.u.batch.content_digest, (int)(first + count), BATCH_DIGEST_SIZE);
	send_batch(r, link, &m, &range, 1);
}

void
intake_rig_commit(struct intake_rig *r, size_t n)
{
	struct item *it;

	if (!n)
		n = r->items.n;
	for (; n && (it = item_list_take(&r->items)); n--) {
		intake_on_durable(r->in, it, r->now);
		item_free(it);
		intake_rig_pump(r);
	}
}

const struct ipc_msg *
intake_rig_next(struct intake_rig *r)
{
	while (r->said_read < r->said_n)
		if (r->said[r->said_read++].m.type != IPC_CREDIT)
			return &r->said[r->said_read - 1].m;
	return NULL;
}

const struct ipc_msg *
intake_rig_expect(struct intake_rig *r, enum ipc_type type)
{
	const struct ipc_msg *m = intake_rig_next(r);

	if (!m)
		fail_msg(
		    "nothing was said, not %s", ipc_type_name((uint16_t)type));
	assert_string_equal(
	    ipc_type_name(m->type), ipc_type_name((uint16_t)type));
	return m;
}

void
intake_rig_silent(struct intake_rig *r)
{
	const struct ipc_msg *m = intake_rig_next(r);

	if (m)
		fail_msg("%s was said", ipc_type_name(m->type));
}

uint64_t
intake_rig_credit(const struct intake_rig *r, uint64_t link)
{
	size_t i = r->said_n;

	while (i--)
		if (r->said[i].m.type == IPC_CREDIT && r->said[i].link == link)
			return r->said[i].m.u.credit.bytes;
	fail_msg("no credit was given");
	return 0;
}

struct ipc_range_verdict
intake_rig_verdict(const struct ipc_msg *m, size_t i)
{
	struct ipc_range_verdict v = {0};
	struct cursor c;

	cursor_init(&c, m->u.refused.verdicts);
	do
		assert_int_equal(ipc_range_verdict_next(&c, &v), 1);
	while (i--);
	return v;
}

size_t
intake_rig_entries(const struct intake_rig *r, enum entry_type type)
{
	const struct item *it;
	struct cursor c;
	struct entry e;
	size_t n = 0;

	for (it = r->items.first; it; it = it->next) {
		if (it->kind != ITEM_ENTRIES)
			continue;
		cursor_init(&c, buf_bytes(&it->entries));
		while (entry_next(&c, &e) == 1) {
			n += e.type == type;
			entry_fini(&e);
		}
	}
	return n;
}

int
intake_rig_setup(void **state)
{
	struct intake_rig *r = calloc(1, sizeof(*r));

	intake_rig_init(r);
	*state = r;
	return 0;
}

int
intake_rig_teardown(void **state)
{
	intake_rig_fini(*state);
	free(*state);
	return 0;
}

struct intake_rig *
intake_rig_one_stream(void **state)
{
	struct intake_rig *r = *state;
	struct intake_rig_stream s = {.sid = 1, .origin = 1, .epoch = 1};

	intake_rig_connect(r, 1, 0);
	intake_rig_open(r, 1, &s);
	intake_rig_expect(r, IPC_STREAM_STATE);
	return r;
}
