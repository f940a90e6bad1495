/* SPDX-License-Identifier: Apache-2.0 */
#include "agentlink/agent/framing.h"

#include "lib/base/endian.h"
#include "lib/base/err.h"

#define LENGTH_SIZE 4

int
framing_parse(const char *word, enum framing_kind *kind)
{
	static const char *const words[] = {"lf", "nul", "length"};
	for (int i = 0; i < 3; i++)
		if (!strcmp(word, words[i])) {
			*kind = (enum framing_kind)i;
			return 0;
		}
	return ERR_INVAL;
}

static int
next_counted(struct bytes in, size_t max, bool at_end, struct bytes *record,
    size_t *used)
{
	if (in.len < LENGTH_SIZE)
		return at_end && in.len ? ERR_FORMAT : 0;
	size_t len = endian_get_le32(in.ptr);
	if (len > max)
		return ERR_LIMIT;
	if (in.len - LENGTH_SIZE < len)
		return at_end ? ERR_FORMAT : 0;
	*record = bytes_of(in.ptr + LENGTH_SIZE, len);
	*used = LENGTH_SIZE + len;
	return 1;
}

int
framing_next(enum framing_kind kind, struct bytes in, size_t max, bool at_end,
    struct bytes *record, size_t *used)
{
	if (!in.len)
		return 0;
	if (kind == FRAMING_LENGTH)
		return next_counted(in, max, at_end, record, used);
	int end = kind == FRAMING_LF ? '\n' : '\0';
	size_t window = in.len > max ? max + 1 : in.len;
	const uint8_t *p = memchr(in.ptr, end, window);
	if (!p && in.len > max)
		return ERR_LIMIT;
	if (!p && !at_end)
		return 0;
	size_t len = p ? (size_t)(p - in.ptr) : in.len;
	*record = bytes_of(in.ptr, len);
	*used = p ? len + 1 : len;
	return 1;
}

size_t
framing_skip(
    enum framing_kind kind, struct bytes in, uint64_t *left, bool *done)
{
	*done = false;
	if (kind != FRAMING_LENGTH) {
		int end = kind == FRAMING_LF ? '\n' : '\0';
		const uint8_t *p = in.len ? memchr(in.ptr, end, in.len) : NULL;
		*done = p != NULL;
		return p ? (size_t)(p - in.ptr) + 1 : in.len;
	}
	if (!*left) {
		if (in.len < LENGTH_SIZE)
			return 0;
		*left = LENGTH_SIZE + (uint64_t)endian_get_le32(in.ptr);
	}
	size_t n = *left < in.len ? (size_t)*left : in.len;
	*left -= n;
	*done = !*left;
	return n;
}
