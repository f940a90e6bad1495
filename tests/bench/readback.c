/* SPDX-License-Identifier: Apache-2.0 */
/*
 * readback - is every record that was acknowledged in the spool, unaltered?
 *
 * The usual course: the store of a spool that has been stopped is opened as
 * the keeper opens it, and read from its first record to its last; each batch
 * is held against the feed that the load generator sent, lane by lane, in
 * order and without a gap.  Where the stored payload is the feed's, byte for
 * byte, nothing is unpacked; else (batches that were gathered and packed
 * anew) every record is compared.  With --tail the store may begin later:
 * each lane then begins with what is found first, and may be gone altogether.
 * What can go wrong: a record that is not what was sent, one that is missing
 * before what is acknowledged, one that nobody sent: exit 1, and where.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/err.h"
#include "lib/codec/entry.h"
#include "lib/digest/digest.h"
#include "lib/store/store.h"
#include "tests/bench/readback_lane.h"

#define EXIT_USAGE 2
#define PATH_SIZE 4096
#define WHY_SIZE 512
#define COPY_MAX (16u << 20)
#define NO_LANE UINT32_MAX
#define SEGMENTS_MAX 1024

struct options {
	const char *dir, *acked;
	const char *feed[FEED_PARTS_MAX];
	unsigned feeds;
	uint32_t live_raw;
	unsigned run;
	bool tail; /* the oldest segments may be gone */
};

struct readback {
	struct options options;
	struct store *store;
	struct feed *feed;
	struct pack *pack;
	struct buf raw;
	struct readback_lane *lane;
	unsigned lanes;
	uint64_t segment; /* whose references `ref` has */
	uint64_t segment_raw; /* bytes of records found in it */
	/* Of the segments that are full: what they take, what they hold. */
	uint64_t full_bytes, full_raw;
	uint32_t *ref; /* stream reference -> lane */
	size_t refs;
	uint64_t records, bytes, batches, strangers, whole;
	uint32_t *counts; /* per range of a batch */
	char why[WHY_SIZE];
};

/* ---- what was acknowledged ----------------------------------------------- */

static int
count_lanes(FILE *f)
{
	int c, n = 0;

	while ((c = getc(f)) != EOF)
		n += c == '\n';
	rewind(f);
	return n;
}

static int
read_acked(struct readback *r)
{
	FILE *f = fopen(r->options.acked, "re");
	char epoch[UUID_TEXT_SIZE];
	int rc = f ? 0 : err_of_errno(errno);

	r->lanes = f ? (unsigned)count_lanes(f) : 0;
	r->lane = calloc(r->lanes ? r->lanes : 1, sizeof(*r->lane));
	if (!r->lane)
		rc = ERR_NOMEM;
	for (unsigned i = 0; !rc && i < r->lanes; i++) {
		struct readback_lane *l = &r->lane[i];

		l->next_seq = 1;
		if (fscanf(f, "%u %36s %" SCNu64, &l->number, epoch,
			&l->acked) != 3 ||
		    l->number != i)
			rc = ERR_FORMAT;
		else
			rc = uuid_parse(bytes_of_str(epoch), &l->epoch);
	}
	if (f)
		fclose(f);
	return rc;
}

/* ---- references ---------------------------------------------------------- */

static uint32_t
lane_of(const struct readback *r, const struct entry_stream_key *key)
{
	const void *name = key->name.ptr;
	unsigned lane;

	if (feed_lane_of(name, key->name.len, &lane) || lane >= r->lanes ||
	    !uuid_equal(&key->epoch, &r->lane[lane].epoch))
		return NO_LANE;
	return lane;
}

static int
define(struct readback *r, const struct entry_stream_def *def)
{
	if (def->ref >= r->refs) {
		size_t n = (size_t)def->ref * 2 + 64;
		uint32_t *ref = realloc(r->ref, n * sizeof(*ref));

		if (!ref)
			return ERR_NOMEM;
		for (size_t i = r->refs; i < n; i++)
			ref[i] = NO_LANE;
		r->ref = ref;
		r->refs = n;
	}
	r->ref[def->ref] = lane_of(r, &def->key);
	return 0;
}

static int
take_control(struct readback *r, const struct store_batch *b)
{
	struct cursor c;
	struct entry e;
	int more, rc = 0;

	cursor_init(&c, b->payload);
	while (!rc && (more = entry_next(&c, &e)) > 0) {
		if (e.type == ENTRY_STREAM_DEF)
			rc = define(r, &e.u.stream_def);
		entry_fini(&e);
	}
	return rc ? rc : more;
}

/* ---- data ---------------------------------------------------------------- */

static struct readback_lane *
lane_at(const struct readback *r, const struct batch_range *range)
{
	uint32_t i = range->stream < r->refs ? r->ref[range->stream] : NO_LANE;

	return i == NO_LANE ? NULL : &r->lane[i];
}

/* The lane of each range, and that its numbers go on where they ended. */
static int
check_ranges(struct readback *r, const struct store_batch *b,
    struct readback_lane **lanes, uint32_t *n)
{
	struct batch_ranges ranges;
	struct batch_range range;
	int more = batch_ranges_begin(&ranges, b->ranges);

	*n = 0;
	while (!more && (more = batch_ranges_next(&ranges, &range)) > 0) {
		struct readback_lane *l = lane_at(r, &range);
		uint64_t want;

		more = 0;
		if (l && r->options.tail && l->next_seq == 1 &&
		    readback_lane_begin_at(l, r->feed, range.first_seq))
			return ERR_GAP;
		want = l ? l->next_seq : 0;
		for (uint32_t i = 0; i < *n; i++)
			if (lanes[i] == l)
				want += r->counts[i];
		if (l && range.first_seq != want) {
			snprintf(r->why, sizeof(r->why),
			    "lane %u: %" PRIu64 " follows where %" PRIu64
			    " should",
			    l->number, range.first_seq, want);
			return ERR_GAP;
		}
		r->counts[*n] = range.count;
		lanes[(*n)++] = l;
		if (*n == BATCH_RANGE_COUNT_MAX || ranges.read == ranges.ranges)
			break;
	}
	return more;
}

static int
compare_records(struct readback *r, const struct store_batch *b,
    struct readback_lane **lanes, uint32_t n)
{
	struct batch_columns_view view;
	struct batch_columns_iter it;
	struct bytes raw = b->payload;
	int rc = 0;

	buf_clear(&r->raw);
	if (b->header.codec == BATCH_CODEC_ZSTD) {
		rc = pack_unpack(r->pack, b->payload, b->header.raw_len,
		    BATCH_RAW_MAX, &r->raw);
		raw = buf_bytes(&r->raw);
	}
	if (!rc)
		rc = batch_columns_decode(raw, n, &view);
	if (rc)
		return rc;
	batch_columns_iter_init(&it, &view, NULL);
	while (!rc && batch_columns_iter_next(&it)) {
		struct readback_lane *l = lanes[it.range];

		if (l)
			rc = readback_lane_take_record(
			    l, r->feed, r->pack, it.record);
		else
			r->strangers++;
		if (rc)
			snprintf(r->why, sizeof(r->why),
			    "lane %u, record %" PRIu64 ": %s", l->number,
			    l->next_seq, err_text(rc));
	}
	return rc;
}

static int
take_data(struct readback *r, const struct store_batch *b)
{
	static struct readback_lane *lanes[BATCH_RANGE_COUNT_MAX];
	uint32_t n;
	int rc = check_ranges(r, b, lanes, &n);

	if (rc)
		return rc;
	r->records += b->header.records;
	r->bytes += b->header.stored_len;
	r->batches++;
	if (n == 1 && lanes[0] &&
	    readback_lane_take_whole(lanes[0], r->feed, b->header.records,
		(uint8_t)b->header.codec, b->payload)) {
		r->whole++;
		return 0;
	}
	return compare_records(r, b, lanes, n);
}

/* ---- the store ----------------------------------------------------------- */

static int
ignore(void *arg, const struct store_batch *batch)
{
	(void)arg;
	(void)batch;
	return 0;
}

static int
read_key(const char *dir, uint8_t key[32])
{
	char path[PATH_SIZE];
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "%s/spool.key", dir);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return err_of_errno(errno);
	n = read(fd, key, 32);
	close(fd);
	return n == 32 ? 0 : ERR_KEY;
}

static int
open_store(struct readback *r)
{
	static const struct uuid no_id;
	struct store_options o = {
	    .dir = r->options.dir,
	    .quota_bytes = UINT64_C(1) << 40,
	    .new_spool_id = &no_id,
	    .encrypt = true,
	};
	int rc = read_key(r->options.dir, o.key);

	if (!rc)
		rc = store_open(&o, r->why, sizeof(r->why), &r->store);
	digest_wipe(o.key, sizeof(o.key));
	if (!rc)
		rc = store_replay(r->store, ignore, NULL);
	return rc;
}

static uint64_t
raw_bytes(const struct readback *r)
{
	uint64_t sum = 0;

	for (unsigned i = 0; i < r->lanes; i++)
		sum += r->lane[i].bytes;
	return sum;
}

/* A segment was read to its end, and another follows: it is full. */
static void
note_full(struct readback *r)
{
	struct store_segment row[SEGMENTS_MAX];
	size_t n = store_segments(r->store, row, SEGMENTS_MAX);
	uint64_t raw = raw_bytes(r);

	for (size_t i = 0; i < n && i < SEGMENTS_MAX; i++)
		if (row[i].id == r->segment && raw > r->segment_raw) {
			r->full_bytes += row[i].bytes;
			r->full_raw += raw - r->segment_raw;
		}
	r->segment_raw = raw;
}

static int
take(struct readback *r, const struct store_batch *b)
{
	if (b->segment_id != r->segment) {
		note_full(r);
		r->segment = b->segment_id;
		for (size_t i = 0; i < r->refs; i++)
			r->ref[i] = NO_LANE;
	}
	return b->header.kind == BATCH_CONTROL ? take_control(r, b)
					       : take_data(r, b);
}

static int
read_all(struct readback *r)
{
	struct store_cursor *c;
	struct store_damage damage;
	struct store_batch batch;
	struct buf copy;
	int rc = store_cursor_open_number(r->store, 1, &c);

	buf_init(&copy, COPY_MAX);
	while (!rc) {
		rc = store_cursor_next(c, false, &copy, &batch, &damage);
		if (rc == ERR_CORRUPT)
			snprintf(r->why, sizeof(r->why), "%s", damage.why);
		if (!rc)
			rc = take(r, &batch);
	}
	buf_fini(&copy);
	store_cursor_close(c);
	return rc == ERR_NOENT ? 0 : rc;
}

/* Everything that was acknowledged has been met. */
static int
judge(struct readback *r, uint64_t *acked)
{
	*acked = 0;
	for (unsigned i = 0; i < r->lanes; i++) {
		struct readback_lane *l = &r->lane[i];

		*acked += l->acked;
		if (l->next_seq > l->acked ||
		    (r->options.tail && l->next_seq == 1))
			continue;
		snprintf(r->why, sizeof(r->why),
		    "lane %u: stored to %" PRIu64 ", acknowledged to %" PRIu64,
		    l->number, l->next_seq - 1, l->acked);
		return ERR_GAP;
	}
	if (!r->strangers)
		return 0;
	snprintf(r->why, sizeof(r->why), "%" PRIu64 " records of others",
	    r->strangers);
	return ERR_FORMAT;
}

/* ---- beginning and end --------------------------------------------------- */

static bool
parse(int argc, char **argv, struct options *o)
{
	static const struct option options[] = {
	    {"spool", required_argument, NULL, 's'},
	    {"acked", required_argument, NULL, 'a'},
	    {"feed", required_argument, NULL, 'f'},
	    {"live", required_argument, NULL, 'l'},
	    {"run", required_argument, NULL, 'r'},
	    {"tail", no_argument, NULL, 't'},
	    {NULL, 0, NULL, 0},
	};
	int letter;

	while ((letter = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (letter == 's')
			o->dir = optarg;
		else if (letter == 'a')
			o->acked = optarg;
		else if (letter == 'f' && o->feeds < FEED_PARTS_MAX)
			o->feed[o->feeds++] = optarg;
		else if (letter == 'l')
			o->live_raw = (uint32_t)strtoul(optarg, NULL, 10);
		else if (letter == 't')
			o->tail = true;
		else if (letter == 'r')
			o->run = (unsigned)strtoul(optarg, NULL, 10);
		else
			return false;
	}
	return optind == argc && o->dir && o->acked &&
	    (o->feeds || o->live_raw);
}

static int
build(struct readback *r)
{
	const struct options *o = &r->options;
	int rc = read_acked(r);

	buf_init(&r->raw, BATCH_RAW_MAX);
	r->counts = calloc(BATCH_RANGE_COUNT_MAX, sizeof(*r->counts));
	if (!r->counts)
		rc = ERR_NOMEM;
	if (!rc && o->live_raw)
		rc = feed_open_live(o->live_raw, o->run, r->lanes, &r->feed);
	else if (!rc)
		rc = feed_open(o->feed, o->feeds, r->lanes, &r->feed);
	if (!rc)
		rc = pack_new(1, &r->pack);
	return rc;
}

static void
tear_down(struct readback *r)
{
	store_close(r->store);
	feed_free(r->feed);
	pack_free(r->pack);
	buf_fini(&r->raw);
	for (unsigned i = 0; r->lane && i < r->lanes; i++)
		if (r->lane[i].raw.limit)
			buf_fini(&r->lane[i].raw);
	free(r->lane);
	free(r->ref);
	free(r->counts);
}

static void
print_found(const struct readback *r, uint64_t acked)
{
	printf("{\"acked\":%" PRIu64 ",\"stored\":%" PRIu64
	       ",\"raw_bytes\":%" PRIu64 ",\"payload_bytes\":%" PRIu64
	       ",\"batches\":%" PRIu64 ",\"batches_as_sent\":%" PRIu64
	       ",\"full_segment_bytes\":%" PRIu64
	       ",\"full_segment_raw_bytes\":%" PRIu64 "}\n",
	    acked, r->records, raw_bytes(r), r->bytes, r->batches, r->whole,
	    r->full_bytes, r->full_raw);
}

int
main(int argc, char **argv)
{
	struct readback r = {0};
	uint64_t acked = 0;
	int rc;

	if (!parse(argc, argv, &r.options)) {
		fputs("usage: readback [--tail] --spool DIR --acked FILE "
		      "(--feed FILE... | --live RAW-BYTES --run N)\n",
		    stderr);
		return EXIT_USAGE;
	}
	rc = build(&r);
	if (!rc)
		rc = open_store(&r);
	if (!rc)
		rc = read_all(&r);
	if (!rc)
		rc = judge(&r, &acked);
	if (rc)
		fprintf(stderr, "readback: %s: %s\n", err_text(rc), r.why);
	else
		print_found(&r, acked);
	tear_down(&r);
	return rc ? EXIT_FAILURE : EXIT_SUCCESS;
}
