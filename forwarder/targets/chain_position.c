/* SPDX-License-Identifier: Apache-2.0 */
#include "forwarder/targets/chain_position.h"

#include <string.h>

#include "lib/base/endian.h"
#include "lib/base/err.h"
#include "lib/codec/cursor.h"

#define VERSION 1
#define END (17 + 8 + 16 * CHAIN_POSITION_EXTRA)

int
chain_position_decode(
    const uint8_t opaque[static ENTRY_OPAQUE_SIZE], struct chain_position *p)
{
	static const uint8_t zeros[ENTRY_OPAQUE_SIZE];
	struct chain_position got = {.base = 0};
	struct cursor c;
	size_t i;

	if (!memcmp(opaque, zeros, sizeof(zeros)))
		return ERR_NOENT;
	cursor_init(&c, bytes_of(opaque, ENTRY_OPAQUE_SIZE));
	if (cursor_u8(&c) != VERSION)
		return ERR_VERSION;
	cursor_copy(&c, got.incarnation.byte, UUID_SIZE);
	got.base = cursor_le64(&c);
	for (i = 0; i < CHAIN_POSITION_EXTRA; i++) {
		got.extra[i].from = cursor_le64(&c);
		got.extra[i].to = cursor_le64(&c);
		if (got.extra[i].from >= got.extra[i].to && got.extra[i].to)
			return ERR_FORMAT;
		if (got.extra[i].from && !got.extra[i].to)
			return ERR_FORMAT;
	}
	cursor_zeros(&c, ENTRY_OPAQUE_SIZE - END);
	if (cursor_end(&c))
		return ERR_FORMAT;
	*p = got;
	return 0;
}

void
chain_position_encode(
    const struct chain_position *p, uint8_t opaque[static ENTRY_OPAQUE_SIZE])
{
	size_t i;

	memset(opaque, 0, ENTRY_OPAQUE_SIZE);
	opaque[0] = VERSION;
	memcpy(opaque + 1, p->incarnation.byte, UUID_SIZE);
	endian_put_le64(opaque + 17, p->base);
	for (i = 0; i < CHAIN_POSITION_EXTRA; i++) {
		endian_put_le64(opaque + 25 + 16 * i, p->extra[i].from);
		endian_put_le64(opaque + 33 + 16 * i, p->extra[i].to);
	}
}

void
chain_position_note(struct chain_position *p, const struct ivset *settled,
    uint64_t start, const struct uuid *incarnation)
{
	size_t first = 0, i;

	*p = (struct chain_position){.incarnation = *incarnation};
	p->base = ivset_first_gap(settled, start);
	while (first < settled->n && settled->iv[first].from < p->base)
		first++;
	/* More than fits is rare: then all of it counts as earlier. */
	if (settled->n - first > CHAIN_POSITION_EXTRA) {
		p->base = ivset_end(settled);
		first = settled->n;
	}
	for (i = 0; first + i < settled->n; i++) {
		p->extra[i].from = settled->iv[first + i].from;
		p->extra[i].to = settled->iv[first + i].to;
	}
}
