/* SPDX-License-Identifier: Apache-2.0 */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/crash/disk_impl.h"
#include "tests/crash/tree.h"

/* Decides which of `n` pending things are kept. */
struct pick {
	enum disk_kept kept;
	size_t n, one;
	struct rng *rng;
};

const char *
disk_kept_name(enum disk_kept kept)
{
	static const char *const names[DISK_KEPTS] = {
	    "none", "all", "one", "all-but-one", "some", "first", "torn"};

	return names[kept];
}

static struct pick
pick_of(enum disk_kept kept, size_t n, struct rng *rng)
{
	return (struct pick){kept, n, n ? (size_t)rng_below(rng, n) : 0, rng};
}

static bool
keeps(const struct pick *p, size_t i)
{
	switch (p->kept) {
	case DISK_NONE:
		return false;
	case DISK_ALL:
		return true;
	case DISK_ONE:
		return i == p->one;
	case DISK_ALL_BUT_ONE:
		return i != p->one;
	case DISK_FIRST:
		return i < p->one;
	default:
		return rng_coin(p->rng);
	}
}

/* ---- files ----------------------------------------------------------------
 */

/* Part of a write: some of its blocks. */
static void
apply_torn(struct disk_file *f, const struct oplog_op *op, size_t number,
    struct rng *rng)
{
	size_t unit = rng_coin(rng) ? DISK_BLOCK : DISK_PAGE;
	size_t off = (size_t)op->head.off, end = off + (size_t)op->head.len;
	size_t units = end / unit - off / unit + 1, i = 0;
	uint64_t way = rng_below(rng, 3), place = rng_below(rng, units + 1);

	for (size_t at = off; at < end; i++) {
		size_t next = (at / unit + 1) * unit;
		struct oplog_op part = *op;
		bool keep = way == 0 ? i < place
		    : way == 1	     ? i >= place
				     : rng_coin(rng);

		if (next > end)
			next = end;
		part.head.off = at;
		part.head.len = next - at;
		if (part.data)
			part.data += at - off;
		if (keep)
			disk_file_apply(f, &part, number);
		at = next;
	}
}

static void
copy_file(struct disk_file *to, const struct disk_file *from)
{
	*to = (struct disk_file){.size = from->size, .cap = from->cap};
	if (from->cap == 0)
		return;
	to->data = malloc(from->cap);
	to->block_op = malloc(from->cap / DISK_BLOCK * sizeof(*from->block_op));
	if (!to->data || !to->block_op)
		abort();
	memcpy(to->data, from->data, from->cap);
	memcpy(to->block_op, from->block_op,
	    from->cap / DISK_BLOCK * sizeof(*from->block_op));
}

static void
apply_kept(const struct disk *d, struct disk_file *f,
    const struct disk_list *pending, struct pick *p, size_t *index)
{
	for (size_t i = 0; i < pending->n; i++) {
		size_t op = pending->item[i];

		if (!keeps(p, (*index)++))
			continue;
		if (p->kept == DISK_TORN && d->ops[op].head.type == OPLOG_WRITE)
			apply_torn(f, &d->ops[op], op, p->rng);
		else
			disk_file_apply(f, &d->ops[op], op);
	}
}

static bool
is_under_way(const struct disk *d, size_t file)
{
	const struct oplog_op *op = d->at < d->n ? &d->ops[d->at] : NULL;

	return op &&
	    (op->head.type == OPLOG_WRITE || op->head.type == OPLOG_TRUNCATE) &&
	    disk_file_of(d, op->head.inode) == file;
}

static void
write_file(const struct disk *d, size_t file, const char *path, struct pick *p,
    size_t *index)
{
	const struct disk_file *from = &d->file[file];
	struct disk_list now = {(size_t *)&d->at, 1, 1};
	struct disk_file f;

	if (from->pending.n + from->orphans.n == 0 && !is_under_way(d, file)) {
		tree_write_file(path, from->data, from->size);
		return;
	}
	copy_file(&f, from);
	apply_kept(d, &f, &from->orphans, p, index);
	apply_kept(d, &f, &from->pending, p, index);
	if (is_under_way(d, file))
		apply_kept(d, &f, &now, p, index);
	tree_write_file(path, f.data, f.size);
	free(f.data);
	free(f.block_op);
}

/* ---- names ----------------------------------------------------------------
 */

static void
choose_names(const struct disk *d, enum disk_kept kept, struct rng *rng,
    struct disk_names *names)
{
	const struct oplog_op *now = d->at < d->n ? &d->ops[d->at] : NULL;
	bool under_way = now &&
	    (now->head.type == OPLOG_RENAME || now->head.type == OPLOG_UNLINK);
	struct pick p = pick_of(kept, d->rename_count + under_way, rng);

	disk_names_copy(names, &d->names);
	for (size_t i = 0; i < d->rename_count; i++)
		if (keeps(&p, i))
			disk_names_apply(names, &d->ops[d->renames[i].op],
			    d->renames[i].file);
	if (under_way && keeps(&p, d->rename_count))
		disk_names_apply(names, now, DISK_IS_DIR);
}

static int
by_path(const void *a, const void *b)
{
	return strcmp(((const struct disk_name *)a)->path,
	    ((const struct disk_name *)b)->path);
}

void
disk_write(const struct disk *d, const char *dir, enum disk_kept writes,
    enum disk_kept kept_names, struct rng *rng)
{
	struct disk_names names;
	struct pick p = pick_of(writes, disk_pending(d), rng);
	size_t index = 0;

	choose_names(d, kept_names, rng, &names);
	/* A directory sorts before what lies in it. */
	if (names.n)
		qsort(names.name, names.n, sizeof(*names.name), by_path);
	if (mkdir(dir, 0700))
		abort();
	for (size_t i = 0; i < names.n; i++) {
		char path[PATH_MAX];

		snprintf(path, sizeof(path), "%s/%s", dir, names.name[i].path);
		if (names.name[i].file != DISK_IS_DIR)
			write_file(d, names.name[i].file, path, &p, &index);
		else if (mkdir(path, 0700))
			abort();
	}
	disk_names_fini(&names);
}
