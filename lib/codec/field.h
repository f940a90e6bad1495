/* SPDX-License-Identifier: Apache-2.0 */
/*
 * field - a message's layout as a table: one row a field, in wire order.
 *
 * The same table reads and writes, so the two cannot differ.  Integers are
 * checked against their member's size when the table is compiled.  What one
 * field alone cannot say (a number that must be below another) the codec that
 * owns the table checks afterwards.
 */
#ifndef LIB_CODEC_FIELD_H
#define LIB_CODEC_FIELD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/buf.h"
#include "lib/base/bytes.h"
#include "lib/codec/cursor.h"
#include "lib/codec/ivset.h"

/* kind, bytes of the member (0: any) */
#define FIELD_LIST(X)                                                    \
	X(END, 0)                                                        \
	X(U8, 1)                                                         \
	X(BOOL, 1) /* one byte, 0 or 1 */                                \
	X(BE16, 2)                                                       \
	X(BE32, 4)                                                       \
	X(BE64, 8)                                                       \
	X(LE64, 8)                                                       \
	X(VAR32, 4) /* varint */                                         \
	X(VAR64, 8)                                                      \
	X(RAW, 0) /* the member as it is: uuid, digest, head */          \
	X(STRING, sizeof(struct bytes)) /* varint length, bytes */       \
	X(TEXT, sizeof(struct bytes)) /* the same, UTF-8, no controls */ \
	X(REST, sizeof(struct bytes)) /* all that is left; last */       \
	X(IVSET, sizeof(struct ivset)) /* allocated by decoding */

enum field_kind {
#define X(name, size) FIELD_##name,
	FIELD_LIST(X)
#undef X
};

enum field_size {
#define X(name, size) FIELD_SIZE_##name = (size),
	FIELD_LIST(X)
#undef X
};

struct field {
	const char *name; /* for documents and the test that reads them */
	uint8_t kind;
	bool is_signed;
	uint16_t offset; /* of the member */
	uint32_t max; /* RAW: size; STRING, TEXT: longest; IVSET: limit */
};

#define FIELD_SIZEOF(type, member) sizeof(((type *)NULL)->member)

/* Zero, but does not compile if the member is not as large as it must be. */
#define FIELD_FITS(type, member, kind)                                  \
	(0 *                                                            \
	    sizeof(char[FIELD_SIZE_##kind == 0 ||                       \
			FIELD_SIZEOF(type, member) == FIELD_SIZE_##kind \
		    ? 1                                                 \
		    : -1]))

#define FIELD_IS_SIGNED(type, member) \
	_Generic(((type *)NULL)->member, int64_t : true, default : false)

/* A row; FIELD_UP_TO for a kind that has a longest length or a limit. */
#define FIELD_UP_TO(type, member, kind, max)                          \
	{                                                             \
#member, FIELD_##kind, FIELD_IS_SIGNED(type, member), \
		    (uint16_t)(offsetof(type, member) +               \
			FIELD_FITS(type, member, kind)),              \
		    (uint32_t)(max)                                   \
	}
#define FIELD(type, member, kind) \
	FIELD_UP_TO(type, member, kind, FIELD_SIZEOF(type, member))
#define FIELD_LAST                           \
	{                                    \
		NULL, FIELD_END, false, 0, 0 \
	}

/* Read the fields into `to`; errors go to the cursor. */
void field_decode(const struct field *f, struct cursor *c, void *to);

/*
 * Append the fields of `from`; without the REST if it is sent behind.
 * b->err ERR_INVAL for a string that decoding would refuse.
 */
void field_encode(
    const struct field *f, const void *from, bool with_rest, struct buf *b);

#endif
