/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/helpers/storerig.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/err.h"

#define RECORDS_PER_BATCH 7
#define VALUE_MAX (8u * 1024 * 1024)

static uint64_t
mix(uint64_t x)
{
	x += 0x9e3779b97f4a7c15u;
	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9u;
	x = (x ^ x >> 27) * 0x94d049bb133111ebu;
	return x ^ x >> 31;
}

uint64_t
storerig_random(struct storerig *r)
{
	return r->seed = mix(r->seed);
}

/* The mark, the length, then bytes that follow from the mark. */
static void
fill(uint8_t *p, uint32_t len, uint64_t mark)
{
	for (uint32_t i = 0; i < len; i += 8) {
		uint64_t x = i == 0 ? mark : mix(mark + i);
		uint32_t n = len - i < 8 ? len - i : 8;

		memcpy(p + i, &x, n);
	}
}

static void
run(const char *command)
{
	if (system(command))
		abort();
}

void
storerig_remove_tree(const char *dir)
{
	char command[600];

	snprintf(command, sizeof(command), "rm -rf '%s'", dir);
	run(command);
}

void
storerig_copy_tree(const char *from, const char *to)
{
	char command[1200];

	storerig_remove_tree(to);
	snprintf(command, sizeof(command), "cp -a '%s' '%s'", from, to);
	run(command);
}

static void
on_event(void *arg, enum store_event event, const char *text, uint64_t from,
    uint64_t to)
{
	struct storerig *r = arg;

	r->events[event]++;
	if (event == STORE_EVENT_DISK_LIED) {
		r->lied_from = from;
		r->lied_to = to;
	}
	if (getenv("STORERIG_TALK"))
		fprintf(stderr, "event %d [%llu, %llu): %s\n", event,
		    (unsigned long long)from, (unsigned long long)to, text);
}

void
storerig_init(struct storerig *r, bool encrypt)
{
	const char *base = getenv("SPOOLD_TEST_DIR");

	*r = (struct storerig){.seed = 1, .ack_fd = -1};
	snprintf(r->dir, sizeof(r->dir), "%s/storerig.XXXXXX",
	    base ? base : "/var/tmp");
	if (!mkdtemp(r->dir))
		abort();
	r->o = (struct store_options){.dir = r->dir,
	    .quota_bytes = 64 * STORERIG_MIB,
	    .segment_bytes = STORERIG_MIB,
	    .spares = 2,
	    .encrypt = encrypt,
	    .allow_any_filesystem = true,
	    .on_event = on_event,
	    .arg = r};
	memset(r->o.key, 0x42, sizeof(r->o.key));
	r->next_mark = 1;
}

void
storerig_fini(struct storerig *r)
{
	storerig_close(r);
	storerig_remove_tree(r->dir);
	free(r->ack);
	r->ack = NULL;
}

static int
see(void *arg, const struct store_batch *batch)
{
	struct storerig *r = arg;

	(void)batch;
	r->replayed++;
	return 0;
}

int
storerig_open(struct storerig *r)
{
	int rc;

	memset(r->events, 0, sizeof(r->events));
	r->replayed = 0;
	r->o.dir = r->dir;
	rc = store_open(&r->o, r->why, sizeof(r->why), &r->s);
	if (rc)
		return rc;
	rc = store_replay(r->s, see, r);
	if (!rc)
		rc = store_prepare_spares(r->s);
	if (rc == ERR_FULL)
		rc = 0;
	if (rc)
		storerig_close(r);
	return rc;
}

void
storerig_close(struct storerig *r)
{
	store_close(r->s);
	r->s = NULL;
}

void
storerig_learn(struct storerig *r, const struct storerig_ack *ack)
{
	if (r->acks == r->cap) {
		r->cap = r->cap ? r->cap * 2 : 64;
		r->ack = realloc(r->ack, r->cap * sizeof(*r->ack));
		if (!r->ack)
			abort();
	}
	r->ack[r->acks++] = *ack;
	if (ack->mark >= r->next_mark)
		r->next_mark = ack->mark + 1;
}

void
storerig_forget_below(struct storerig *r, uint64_t rec)
{
	size_t n = 0;

	for (size_t i = 0; i < r->acks; i++)
		if (r->ack[i].first_rec >= rec)
			r->ack[n++] = r->ack[i];
	r->acks = n;
}

static int
add_one(struct store_txn *txn, uint64_t mark, uint32_t len,
    struct storerig_ack *ack)
{
	static const uint8_t digest[32] = {1};
	uint8_t ranges[20];
	uint8_t *payload = malloc(len);
	struct store_data d = {.lane = BATCH_LANE_NORMAL,
	    .codec = BATCH_CODEC_RAW,
	    .records = RECORDS_PER_BATCH,
	    .raw_len = len,
	    .received_first_ns = 1,
	    .received_last_ns = 2,
	    .content_digest = digest};
	int rc;

	if (!payload)
		abort();
	fill(payload, len, mark);
	fill(ranges, sizeof(ranges), mark ^ 0x5555);
	d.ranges = bytes_of(ranges, sizeof(ranges));
	d.payload = bytes_of(payload, len);
	*ack = (struct storerig_ack){
	    .mark = mark, .records = RECORDS_PER_BATCH, .len = len};
	rc = store_add(txn, &d, &ack->number, &ack->first_rec);
	free(payload);
	return rc;
}

static void
tell(struct storerig *r, const struct storerig_ack *acks, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		storerig_learn(r, &acks[i]);
	if (r->ack_fd >= 0 &&
	    write(r->ack_fd, acks, n * sizeof(*acks)) !=
		(ssize_t)(n * sizeof(*acks)))
		abort();
}

static int
put(struct storerig *r, unsigned batches, uint32_t len, uint64_t mark)
{
	static const char checkpoint[] = "a full checkpoint";
	const struct store_token *token;
	struct storerig_ack acks[64];
	struct store_txn *txn;
	uint64_t number;
	bool fresh;
	int rc = store_begin(
	    r->s, batches * store_need(20, len), false, &fresh, &txn);

	if (rc)
		return rc;
	if (fresh)
		rc = store_add_control(
		    txn, bytes_of(checkpoint, sizeof(checkpoint)), &number);
	for (unsigned i = 0; !rc && i < batches; i++)
		rc = add_one(txn, mark + i, len, &acks[i]);
	if (rc) {
		store_abort(txn);
		return rc;
	}
	rc = store_commit(txn, &token);
	if (rc)
		return rc;
	if (store_token_number(token) != acks[batches - 1].number + 1)
		abort();
	tell(r, acks, batches);
	return 0;
}

int
storerig_put(struct storerig *r, unsigned batches, uint32_t len)
{
	uint64_t mark = r->next_mark;

	r->next_mark += batches;
	return put(r, batches, len, mark);
}

int
storerig_put_surely(struct storerig *r, unsigned batches, uint32_t len)
{
	uint64_t mark = r->next_mark;
	int rc = ERR_IO;

	r->next_mark += batches;
	for (int tries = 0; rc == ERR_IO && tries < 3; tries++)
		rc = put(r, batches, len, mark);
	return rc;
}

/* ---- reading back ----------------------------------------------------------
 */

static int
by_rec(const void *a, const void *b)
{
	const struct storerig_ack *x = a, *y = b;

	return x->first_rec < y->first_rec ? -1 : x->first_rec > y->first_rec;
}

static const struct storerig_ack *
find(const struct storerig *r, uint64_t rec)
{
	struct storerig_ack key = {.first_rec = rec};

	return r->acks ? bsearch(&key, r->ack, r->acks, sizeof(key), by_rec)
		       : NULL;
}

static void
judge(struct storerig *r, const struct store_batch *b, uint8_t *seen,
    struct storerig_sum *sum)
{
	const struct storerig_ack *a = find(r, b->header.first_rec);
	uint8_t *want = malloc(b->payload.len + 32);
	uint64_t mark = 0;

	if (!want)
		abort();
	if (b->payload.len >= 8)
		memcpy(&mark, b->payload.ptr, 8);
	fill(want, (uint32_t)b->payload.len, mark);
	if (memcmp(want, b->payload.ptr, b->payload.len))
		sum->alterations++;
	fill(want, 20, mark ^ 0x5555);
	if (b->ranges.len != 20 || memcmp(want, b->ranges.ptr, 20))
		sum->alterations++;
	free(want);
	sum->batches++;
	sum->records += b->header.records;
	if (!a) {
		sum->unacknowledged++;
		if (mark == 0 || mark >= r->next_mark + 1000)
			sum->strangers++;
		for (size_t i = 0; i < r->acks; i++)
			if (r->ack[i].mark == mark)
				sum->doubles++;
		return;
	}
	if (a->mark != mark || a->number != b->header.number ||
	    a->len != b->payload.len)
		sum->alterations++;
	if (seen[a - r->ack]++)
		sum->doubles++;
}

static void
note_damage(struct storerig *r, const struct store_damage *d, uint8_t *seen,
    struct storerig_sum *sum)
{
	sum->damages++;
	sum->damaged_records += d->to - d->from;
	if (getenv("STORERIG_TALK"))
		fprintf(stderr, "damage %llu [%llu, %llu): %s\n",
		    (unsigned long long)d->number, (unsigned long long)d->from,
		    (unsigned long long)d->to, d->why);
	for (size_t i = 0; i < r->acks; i++) {
		const struct storerig_ack *a = &r->ack[i];

		if (a->first_rec < d->from || a->first_rec + a->records > d->to)
			continue;
		sum->lost_records += a->records;
		seen[i]++;
	}
}

void
storerig_read_all(struct storerig *r, struct storerig_sum *sum)
{
	uint8_t *seen = calloc(1, r->acks + 1);
	struct store_cursor *c;
	struct buf copy;
	int rc;

	memset(sum, 0, sizeof(*sum));
	if (r->acks)
		qsort(r->ack, r->acks, sizeof(*r->ack), by_rec);
	buf_init(&copy, VALUE_MAX);
	if (!seen || store_cursor_open(r->s, 1, &c))
		abort();
	do {
		struct store_batch b;
		struct store_damage d;

		rc = store_cursor_next(c, false, &copy, &b, &d);
		if (rc == ERR_CORRUPT)
			note_damage(r, &d, seen, sum);
		else if (!rc && b.header.kind == BATCH_DATA)
			judge(r, &b, seen, sum);
	} while (!rc || rc == ERR_CORRUPT);
	if (rc != ERR_NOENT)
		sum->silent_losses++;
	for (size_t i = 0; i < r->acks; i++)
		sum->silent_losses += !seen[i];
	store_cursor_close(c);
	buf_fini(&copy);
	free(seen);
	if (getenv("STORERIG_TALK"))
		fprintf(stderr,
		    "sum: rc %d batches %llu lost %llu silent %llu doubles "
		    "%llu altered %llu strangers %llu unacked %llu damages "
		    "%llu\n",
		    rc, (unsigned long long)sum->batches,
		    (unsigned long long)sum->lost_records,
		    (unsigned long long)sum->silent_losses,
		    (unsigned long long)sum->doubles,
		    (unsigned long long)sum->alterations,
		    (unsigned long long)sum->strangers,
		    (unsigned long long)sum->unacknowledged,
		    (unsigned long long)sum->damages);
}

bool
storerig_is_honest(const struct storerig_sum *sum)
{
	return !sum->silent_losses && !sum->doubles && !sum->alterations &&
	    !sum->strangers;
}

bool
storerig_is_perfect(const struct storerig_sum *sum)
{
	return storerig_is_honest(sum) && !sum->damages && !sum->lost_records;
}

bool
storerig_segment_path(struct storerig *r, size_t nth, char path[512])
{
	struct store_segment rows[128];
	size_t n = store_segments(r->s, rows, 128);

	if (nth >= n)
		return false;
	snprintf(path, 512, "%s/seg/%016llx.sp", r->dir,
	    (unsigned long long)rows[nth].id);
	return true;
}
