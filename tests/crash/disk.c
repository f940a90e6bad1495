/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/crash/disk.h"

#include <stdlib.h>
#include <string.h>

#include "tests/crash/disk_impl.h"

void *
disk_grow(void *array, size_t n, size_t *cap, size_t each)
{
	if (n < *cap)
		return array;
	*cap = *cap ? *cap * 2 : 16;
	array = realloc(array, *cap * each);
	if (!array)
		abort();
	return array;
}

void
disk_list_add(struct disk_list *l, size_t item)
{
	l->item = disk_grow(l->item, l->n, &l->cap, sizeof(*l->item));
	l->item[l->n++] = item;
}

/* ---- the bytes of a file --------------------------------------------------
 */

static void
reach(struct disk_file *f, size_t size)
{
	size_t cap = (size + DISK_PAGE - 1) / DISK_PAGE * DISK_PAGE;

	if (cap > f->cap) {
		f->data = realloc(f->data, cap);
		f->block_op = realloc(
		    f->block_op, cap / DISK_BLOCK * sizeof(*f->block_op));
		if (!f->data || !f->block_op)
			abort();
		memset(f->data + f->cap, 0, cap - f->cap);
		memset(f->block_op + f->cap / DISK_BLOCK, 0,
		    (cap - f->cap) / DISK_BLOCK * sizeof(*f->block_op));
		f->cap = cap;
	}
	if (size > f->size)
		f->size = size;
}

static void
cut(struct disk_file *f, size_t size)
{
	if (size < f->size)
		memset(f->data + size, 0, f->size - size);
	else
		reach(f, size);
	f->size = size;
}

void
disk_file_apply(struct disk_file *f, const struct oplog_op *op, size_t number)
{
	size_t off = (size_t)op->head.off, len = (size_t)op->head.len;
	size_t done = 0;

	if (op->head.type == OPLOG_TRUNCATE) {
		cut(f, off);
		return;
	}
	reach(f, off + len);
	while (done < len) {
		size_t block = (off + done) / DISK_BLOCK;
		size_t here = (block + 1) * DISK_BLOCK - off - done;

		if (here > len - done)
			here = len - done;
		if (f->block_op[block] <= number) {
			if (op->data)
				memcpy(f->data + off + done, op->data + done,
				    here);
			else
				memset(f->data + off + done, 0, here);
			f->block_op[block] = number + 1;
		}
		done += here;
	}
}

size_t
disk_file_of(const struct disk *d, uint64_t inode)
{
	for (size_t i = d->files; i-- > 0;)
		if (d->file[i].inode == inode)
			return i;
	abort();
}

/* What was pending before the sync began is durable now. */
static void
settle(struct disk *d, struct disk_file *f, uint64_t began)
{
	size_t kept = 0;

	for (size_t i = 0; i < f->pending.n; i++) {
		size_t op = f->pending.item[i];

		if (d->ops[op].at < began)
			disk_file_apply(f, &d->ops[op], op);
		else
			f->pending.item[kept++] = op;
	}
	f->pending.n = kept;
}

/* The kernel may have dropped it: no later sync makes it durable. */
static void
orphan(struct disk_file *f)
{
	for (size_t i = 0; i < f->pending.n; i++)
		disk_list_add(&f->orphans, f->pending.item[i]);
	f->pending.n = 0;
}

static void
play_write(struct disk *d, size_t number)
{
	const struct oplog_op *op = &d->ops[number];
	struct disk_file *f = &d->file[disk_file_of(d, op->head.inode)];

	if (op->head.flags & OPLOG_DURABLE)
		disk_file_apply(f, op, number);
	else if (op->head.flags & OPLOG_FAILED)
		disk_list_add(&f->orphans, number);
	else
		disk_list_add(&f->pending, number);
}

/* ---- names ----------------------------------------------------------------
 */

static struct disk_name *
find(struct disk_names *names, const char *path)
{
	for (size_t i = 0; i < names->n; i++)
		if (!strcmp(names->name[i].path, path))
			return &names->name[i];
	return NULL;
}

static void
drop(struct disk_names *names, const char *path)
{
	struct disk_name *name = find(names, path);

	if (!name)
		return;
	free(name->path);
	*name = names->name[--names->n];
}

static void
put(struct disk_names *names, const char *path, size_t file)
{
	char *copy = strdup(path);

	if (!copy)
		abort();
	drop(names, path);
	names->name =
	    disk_grow(names->name, names->n, &names->cap, sizeof(*names->name));
	names->name[names->n++] = (struct disk_name){copy, file};
}

void
disk_names_apply(
    struct disk_names *names, const struct oplog_op *op, size_t file)
{
	const char *path = (const char *)op->data;
	struct disk_name *name;

	switch (op->head.type) {
	case OPLOG_CREATE:
	case OPLOG_MKDIR:
		put(names, path, file);
		break;
	case OPLOG_UNLINK:
		drop(names, path);
		break;
	case OPLOG_RENAME:
		name = find(names, path);
		if (!name)
			break; /* its creation was lost */
		file = name->file;
		drop(names, path);
		put(names, path + strlen(path) + 1, file);
		break;
	}
}

void
disk_names_copy(struct disk_names *to, const struct disk_names *from)
{
	*to = (struct disk_names){0};
	for (size_t i = 0; i < from->n; i++)
		put(to, from->name[i].path, from->name[i].file);
}

void
disk_names_fini(struct disk_names *names)
{
	for (size_t i = 0; i < names->n; i++)
		free(names->name[i].path);
	free(names->name);
}

static bool
lies_in(const char *path, const char *dir)
{
	const char *slash = strrchr(path, '/');
	size_t len = slash ? (size_t)(slash - path) : 0;

	return strlen(dir) == len && !memcmp(path, dir, len);
}

static void
note_rename(struct disk *d, size_t number)
{
	const struct oplog_op *op = &d->ops[number];
	struct disk_rename r = {.op = number, .file = DISK_IS_DIR};

	if (op->head.type == OPLOG_CREATE)
		r.file = d->files - 1;
	r.needs[0] = true;
	r.needs[1] = op->head.type == OPLOG_RENAME;
	d->renames =
	    disk_grow(d->renames, d->rename_count, &d->rename_cap, sizeof(r));
	d->renames[d->rename_count++] = r;
}

static void
play_sync_dir(struct disk *d, const struct oplog_op *sync)
{
	const char *dir = (const char *)sync->data;
	size_t kept = 0;

	for (size_t i = 0; i < d->rename_count; i++) {
		struct disk_rename r = d->renames[i];
		const struct oplog_op *op = &d->ops[r.op];
		const char *path = (const char *)op->data;

		for (int k = 0; op->at < sync->head.began && k < 2; k++) {
			if (r.needs[k] && lies_in(path, dir))
				r.needs[k] = false;
			if (k == 0 && r.needs[1])
				path += strlen(path) + 1;
		}
		if (r.needs[0] || r.needs[1])
			d->renames[kept++] = r;
		else
			disk_names_apply(&d->names, op, r.file);
	}
	d->rename_count = kept;
}

/* ---- playing --------------------------------------------------------------
 */

struct disk *
disk_new(const struct oplog_op *ops, size_t n)
{
	struct disk *d = calloc(1, sizeof(*d));

	if (!d)
		abort();
	d->ops = ops;
	d->n = n;
	return d;
}

void
disk_free(struct disk *d)
{
	if (!d)
		return;
	for (size_t i = 0; i < d->files; i++) {
		free(d->file[i].data);
		free(d->file[i].block_op);
		free(d->file[i].pending.item);
		free(d->file[i].orphans.item);
	}
	disk_names_fini(&d->names);
	free(d->file);
	free(d->renames);
	free(d);
}

static void
play(struct disk *d, size_t number)
{
	const struct oplog_op *op = &d->ops[number];
	struct disk_file *f;

	switch (op->head.type) {
	case OPLOG_CREATE:
		d->file = disk_grow(
		    d->file, d->files, &d->files_cap, sizeof(*d->file));
		d->file[d->files++] =
		    (struct disk_file){.inode = op->head.inode};
		note_rename(d, number);
		break;
	case OPLOG_MKDIR:
	case OPLOG_RENAME:
	case OPLOG_UNLINK:
		note_rename(d, number);
		break;
	case OPLOG_WRITE:
	case OPLOG_TRUNCATE:
		play_write(d, number);
		break;
	case OPLOG_SYNC:
		f = &d->file[disk_file_of(d, op->head.inode)];
		settle(d, f, op->head.began);
		break;
	case OPLOG_SYNC_FAILED:
		orphan(&d->file[disk_file_of(d, op->head.inode)]);
		break;
	case OPLOG_SYNC_DIR:
		play_sync_dir(d, op);
		break;
	}
}

void
disk_advance(struct disk *d, size_t at)
{
	while (d->at < at && d->at < d->n)
		play(d, d->at++);
}

static bool
is_a_change(const struct oplog_op *op)
{
	return op->head.type != OPLOG_MARK && op->head.type != OPLOG_SYNC &&
	    op->head.type != OPLOG_SYNC_FAILED &&
	    op->head.type != OPLOG_SYNC_DIR;
}

size_t
disk_pending(const struct disk *d)
{
	size_t n = d->rename_count;

	for (size_t i = 0; i < d->files; i++)
		n += d->file[i].pending.n + d->file[i].orphans.n;
	return n + (d->at < d->n && is_a_change(&d->ops[d->at]));
}
