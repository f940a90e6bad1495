/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/bench/feed_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/bytes.h"
#include "lib/base/err.h"
#include "tests/bench/feed_maker.h"

#define PATH_SIZE 4096
#define SEED 1 /* of part 0 */

static const char magic[8] = "benchfd1";

struct head {
	char magic[8];
	struct feed_plan plan;
	uint64_t batches, records;
	uint64_t table_at; /* bytes from the beginning */
};

struct row {
	uint64_t at;
	int64_t event_min_ns, event_max_ns;
	uint32_t len, count, raw_len, bytes;
	uint8_t codec;
	uint8_t digest[32];
};

struct feed_file {
	const uint8_t *map;
	size_t len;
	const struct head *head;
	const struct row *rows;
};

static int
map_file(struct feed_file *f, const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;
	void *map;

	if (fd < 0)
		return err_of_errno(errno);
	if (fstat(fd, &st) || st.st_size < (off_t)sizeof(struct head)) {
		close(fd);
		return ERR_FORMAT;
	}
	f->len = (size_t)st.st_size;
	map = mmap(NULL, f->len, PROT_READ, MAP_SHARED, fd, 0);
	close(fd);
	if (map == MAP_FAILED)
		return err_of_errno(errno);
	f->map = map;
	return 0;
}

int
feed_file_open(const char *path, struct feed_file **out)
{
	struct feed_file *f = calloc(1, sizeof(*f));
	int rc = f ? map_file(f, path) : ERR_NOMEM;

	if (!rc) {
		const void *head = f->map;

		f->head = head;
		if (memcmp(f->head->magic, magic, sizeof(magic)) ||
		    f->head->table_at > f->len ||
		    (f->len - f->head->table_at) / sizeof(struct row) !=
			f->head->batches)
			rc = ERR_FORMAT;
	}
	if (rc) {
		feed_file_close(f);
		return rc;
	}
	const void *rows = f->map + f->head->table_at;

	f->rows = rows;
	*out = f;
	return 0;
}

void
feed_file_close(struct feed_file *f)
{
	if (f && f->map)
		munmap((void *)(uintptr_t)f->map, f->len);
	free(f);
}

uint64_t
feed_file_batches(const struct feed_file *f)
{
	return f->head->batches;
}

uint64_t
feed_file_records(const struct feed_file *f)
{
	return f->head->records;
}

const struct feed_plan *
feed_file_plan(const struct feed_file *f)
{
	return &f->head->plan;
}

void
feed_file_at(
    const struct feed_file *f, uint64_t i, struct agentlink_batch *batch)
{
	const struct row *r = &f->rows[i];

	*batch = (struct agentlink_batch){
	    .count = r->count,
	    .raw_len = r->raw_len,
	    .bytes = r->bytes,
	    .codec = r->codec,
	    .event_min_ns = r->event_min_ns,
	    .event_max_ns = r->event_max_ns,
	    .payload = f->map + r->at,
	    .payload_len = r->len,
	};
	memcpy(batch->digest, r->digest, sizeof(r->digest));
}

/* ---- making one ---------------------------------------------------------- */

struct writing {
	FILE *file;
	struct head head;
	struct row *rows;
	size_t cap;
};

static int
put(struct writing *w, const void *ptr, size_t len)
{
	return fwrite(ptr, 1, len, w->file) == len ? 0 : ERR_IO;
}

static int
put_batch(struct writing *w, const struct agentlink_batch *b)
{
	if (w->head.batches == w->cap) {
		size_t cap = w->cap ? 2 * w->cap : 1024;
		struct row *rows = realloc(w->rows, cap * sizeof(*rows));

		if (!rows)
			return ERR_NOMEM;
		w->rows = rows;
		w->cap = cap;
	}
	struct row *r = &w->rows[w->head.batches];

	memset(r, 0, sizeof(*r));
	r->at = w->head.table_at;
	r->event_min_ns = b->event_min_ns;
	r->event_max_ns = b->event_max_ns;
	r->len = (uint32_t)b->payload_len;
	r->count = b->count;
	r->raw_len = b->raw_len;
	r->bytes = b->bytes;
	r->codec = b->codec;
	memcpy(r->digest, b->digest, sizeof(r->digest));
	w->head.batches++;
	w->head.records += b->count;
	w->head.table_at += b->payload_len;
	return put(w, b->payload, b->payload_len);
}

/* The table is to lie at a multiple of 8. */
static int
put_table(struct writing *w)
{
	static const uint8_t zeros[8];
	size_t odd = w->head.table_at % 8;
	int rc = odd ? put(w, zeros, 8 - odd) : 0;

	w->head.table_at += odd ? 8 - odd : 0;
	if (!rc)
		rc = put(w, w->rows, w->head.batches * sizeof(*w->rows));
	if (!rc && fseek(w->file, 0, SEEK_SET))
		rc = ERR_IO;
	return rc ? rc : put(w, &w->head, sizeof(w->head));
}

static int
write_all(struct writing *w, const struct feed_plan *plan)
{
	struct feed_maker *maker = NULL;
	struct agentlink_batch batch;
	int rc = feed_maker_new(SEED + plan->part, plan->part, plan->raw_max,
	    plan->count_max, &maker);

	memset(&w->head, 0, sizeof(w->head));
	memcpy(w->head.magic, magic, sizeof(magic));
	w->head.plan = *plan;
	w->head.table_at = sizeof(w->head);
	if (!rc)
		rc = put(w, &w->head, sizeof(w->head));
	while (!rc && w->head.records < plan->records) {
		rc = feed_maker_next(maker, &batch);
		if (!rc)
			rc = put_batch(w, &batch);
	}
	feed_maker_free(maker);
	return rc ? rc : put_table(w);
}

/* Would its first batch be made like that today? */
static bool
is_of_today(const struct feed_file *f, const struct feed_plan *plan)
{
	struct feed_maker *maker;
	struct agentlink_batch own, kept;
	bool is_same;

	if (!f->head->batches ||
	    feed_maker_new(SEED + plan->part, plan->part, plan->raw_max,
		plan->count_max, &maker))
		return false;
	feed_file_at(f, 0, &kept);
	is_same = !feed_maker_next(maker, &own) && own.codec == kept.codec &&
	    own.count == kept.count &&
	    !memcmp(own.digest, kept.digest, sizeof(own.digest)) &&
	    bytes_equal(bytes_of(own.payload, own.payload_len),
		bytes_of(kept.payload, kept.payload_len));
	feed_maker_free(maker);
	return is_same;
}

static bool
is_there(const struct feed_plan *plan, const char *path)
{
	struct feed_file *f;
	bool is_same;

	if (feed_file_open(path, &f))
		return false;
	is_same = f->head->plan.records == plan->records &&
	    f->head->plan.raw_max == plan->raw_max &&
	    f->head->plan.count_max == plan->count_max &&
	    f->head->plan.part == plan->part && is_of_today(f, plan);
	feed_file_close(f);
	return is_same;
}

int
feed_prepare(const struct feed_plan *plan, const char *path)
{
	struct writing w = {0};
	char temporary[PATH_SIZE];
	int rc;

	if (plan->part >= FEED_PARTS_MAX)
		return ERR_INVAL;
	if (is_there(plan, path))
		return 0;
	snprintf(temporary, sizeof(temporary), "%s.new", path);
	w.file = fopen(temporary, "we");
	if (!w.file)
		return err_of_errno(errno);
	rc = write_all(&w, plan);
	if (fclose(w.file) && !rc)
		rc = ERR_IO;
	free(w.rows);
	if (!rc && rename(temporary, path))
		rc = err_of_errno(errno);
	return rc;
}
