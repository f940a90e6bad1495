/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/crash/spool.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/err.h"
#include "spoold/keeper/ledger.h"

static void
on_event(void *arg, enum store_event event, const char *text, uint64_t from,
    uint64_t to)
{
	struct spool *s = arg;

	if (event != STORE_EVENT_SEGMENT_QUARANTINED &&
	    event != STORE_EVENT_DISK_LIED && event != STORE_EVENT_META_REBUILT)
		return;
	s->told++;
	snprintf(s->event, sizeof(s->event), "%s [%" PRIu64 ", %" PRIu64 ")",
	    text, from, to);
}

/* ---- replay ---------------------------------------------------------------
 */

struct replaying {
	struct ledger ledger;
	uint64_t senseless;
};

/* As the keeper: what has lost its definitions is passed over, and counted. */
static int
see_replay(void *arg, const struct store_batch *b)
{
	struct replaying *r = arg;
	struct ledger *l = &r->ledger;
	int rc;

	if (!uuid_equal(&l->segment, &b->header.segment))
		ledger_on_segment(l, &b->header.segment);
	if (b->header.kind == BATCH_CONTROL)
		rc = ledger_on_control(l, b->header.number, b->payload);
	else
		rc = ledger_on_data(l, &b->header, b->ranges);
	r->senseless += rc == ERR_FORMAT;
	return rc == ERR_FORMAT ? 0 : rc;
}

static void
take_over(struct spool *s, const struct ledger *l)
{
	const struct stream *st = NULL;

	while ((st = streams_next(&l->streams, st))) {
		unsigned lane = known_lane(&st->key);

		if (lane < KNOWN_LANES && st->durable.seq > s->replayed[lane])
			s->replayed[lane] = st->durable.seq;
	}
	if (l->recycles > SPOOL_RECYCLES)
		abort();
	for (size_t i = 0; i < l->recycles; i++)
		s->recycle[i].segment = l->recycle[i];
	s->recycles = l->recycles;
}

static int
replay(struct spool *s)
{
	struct replaying r = {.senseless = 0};
	int rc;

	ledger_init(&r.ledger, 1);
	rc = store_replay(s->store, see_replay, &r);
	if (!rc)
		take_over(s, &r.ledger);
	s->senseless = r.senseless;
	ledger_fini(&r.ledger);
	return rc;
}

int
spool_recycle(struct spool *s)
{
	while (s->recycles) {
		const struct entry_recycle *r = &s->recycle[s->recycles - 1];
		int rc = store_recycle(s->store, &r->segment);

		if (rc && rc != ERR_NOENT)
			return rc;
		s->recycles--;
	}
	return 0;
}

/* The keeper's own key, if it is there, else that of these tests. */
static void
find_key(const char *dir, uint8_t key[32])
{
	char path[4096];
	FILE *f;

	memset(key, 0x5a, 32);
	snprintf(path, sizeof(path), "%s/spool.key", dir);
	f = fopen(path, "re");
	if (f && fread(key, 32, 1, f) != 1)
		memset(key, 0x5a, 32);
	if (f)
		fclose(f);
}

int
spool_open(const char *dir, uint64_t segment_bytes, bool encrypt,
    struct spool *out, char *why)
{
	struct store_options o = {.dir = dir,
	    .quota_bytes = SPOOL_QUOTA,
	    .segment_bytes = segment_bytes,
	    .spares = 2,
	    .encrypt = encrypt,
	    .allow_any_filesystem = true,
	    .on_event = on_event,
	    .arg = out};
	char text[256];
	int rc;

	memset(out, 0, sizeof(*out));
	find_key(dir, o.key);
	rc = store_open(&o, text, sizeof(text), &out->store);
	if (rc) {
		snprintf(
		    why, SPOOL_WHY, "opening: %s (%s)", text, err_name(rc));
		return rc;
	}
	rc = replay(out);
	if (rc)
		snprintf(why, SPOOL_WHY, "replay: %s", err_name(rc));
	if (!rc) {
		rc = spool_recycle(out);
		if (rc)
			snprintf(why, SPOOL_WHY, "recycling: %s", err_name(rc));
	}
	if (rc)
		spool_close(out);
	return rc;
}

void
spool_close(struct spool *s)
{
	store_close(s->store);
	s->store = NULL;
}

int
spool_meta_put(struct spool *s, uint64_t value)
{
	struct store_meta_item item = {
	    bytes_of_str("counter"), bytes_of(&value, sizeof(value))};

	return store_meta_put(s->store, &item, 1);
}
