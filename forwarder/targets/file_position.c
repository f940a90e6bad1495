/* SPDX-License-Identifier: Apache-2.0 */
#include "forwarder/targets/file_position.h"

#include <string.h>

#include "forwarder/targets/file_dir.h"
#include "lib/base/endian.h"
#include "lib/base/err.h"
#include "lib/codec/cursor.h"

#define VERSION 1

/* A target's name: lower-case letters, digits and hyphens. */
bool
file_position_is_name(const char *name)
{
	size_t len = strlen(name);

	return len > 0 && len <= ENTRY_NAME_MAX &&
	    strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-") == len;
}

/* Nothing but zeros after the name. */
static bool
is_padded(const char name[static ENTRY_NAME_MAX + 1])
{
	for (size_t i = strlen(name); i < ENTRY_NAME_MAX; i++)
		if (name[i])
			return false;
	return true;
}

int
file_position_decode(
    const uint8_t opaque[static ENTRY_OPAQUE_SIZE], struct file_position *p)
{
	static const uint8_t zeros[ENTRY_OPAQUE_SIZE];
	struct file_position got = {0};
	struct cursor c;
	uint8_t version, framing;
	bool named;

	if (!memcmp(opaque, zeros, sizeof(zeros)))
		return ERR_NOENT;
	cursor_init(&c, bytes_of(opaque, ENTRY_OPAQUE_SIZE));
	version = cursor_u8(&c);
	framing = cursor_u8(&c);
	cursor_zeros(&c, 6);
	got.number = cursor_le64(&c);
	got.offset = cursor_le64(&c);
	got.begun_ns = (int64_t)cursor_le64(&c);
	cursor_copy(&c, got.name, ENTRY_NAME_MAX);
	named = is_padded(got.name) && file_position_is_name(got.name);
	if (version != VERSION)
		return ERR_VERSION;
	if (cursor_end(&c) || framing > 1 || !named || !got.number ||
	    got.number > FILE_DIR_NUMBER_MAX || got.offset > INT64_MAX)
		return ERR_FORMAT;
	got.framing_length = framing;
	*p = got;
	return 0;
}

void
file_position_encode(
    const struct file_position *p, uint8_t opaque[static ENTRY_OPAQUE_SIZE])
{
	memset(opaque, 0, ENTRY_OPAQUE_SIZE);
	opaque[0] = VERSION;
	opaque[1] = p->framing_length;
	endian_put_le64(opaque + 8, p->number);
	endian_put_le64(opaque + 16, p->offset);
	endian_put_le64(opaque + 24, (uint64_t)p->begun_ns);
	memcpy(opaque + 32, p->name, strlen(p->name));
}
