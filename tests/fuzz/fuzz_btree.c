/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The walk over LMDB's pages, on a file in memory.  The input is a list of
 * pages in short form: which page, how many bytes at its beginning and at its
 * end, and the bytes; all else is zero.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "lib/codec/cursor.h"
#include "lib/store/btree.h"

#define PAGES 32

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int
see(void *arg, struct bytes key, struct btree_place place)
{
	uint64_t size = *(uint64_t *)arg;

	if (!key.len || place.off > size || place.len > size - place.off)
		abort();
	return 0;
}

static void
unfold(struct bytes in, uint8_t *file)
{
	struct cursor c;

	cursor_init(&c, in);
	while (cursor_left(&c)) {
		uint8_t *page = file + cursor_u8(&c) % PAGES * BTREE_PAGE;
		struct bytes head = cursor_bytes(&c, cursor_u8(&c));
		struct bytes tail = cursor_bytes(&c, cursor_u8(&c));

		if (cursor_err(&c))
			return;
		if (head.len)
			memcpy(page, head.ptr, head.len);
		if (tail.len)
			memcpy(
			    page + BTREE_PAGE - tail.len, tail.ptr, tail.len);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t file[PAGES * BTREE_PAGE];
	struct btree_place place;
	uint64_t found, len = sizeof(file);
	struct btree b;
	int fd = memfd_create("btree", 0);

	if (fd < 0)
		abort();
	memset(file, 0, sizeof(file));
	unfold(bytes_of(data, size), file);
	if (write(fd, file, sizeof(file)) != (ssize_t)sizeof(file))
		abort();
	if (!btree_open(&b, fd)) {
		btree_check(&b, size % 2, see, &len);
		btree_find_ge(&b, &b.newest, 0x101, &found, &place);
		btree_find_lt(&b, &b.newest, UINT64_MAX, &found, &place);
		btree_find_lt(&b, &b.older, 0x101, &found, &place);
	}
	close(fd);
	return 0;
}
