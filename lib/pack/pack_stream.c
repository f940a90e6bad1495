/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/pack/pack_stream.h"

#include <stdlib.h>

#include <zstd.h>

#include "lib/base/err.h"
#include "lib/pack/pack.h"

#define STEP 65536 /* most bytes reserved at a time */

struct pack_stream {
	ZSTD_CCtx *ctx;
	bool is_open;
	int err; /* why the open frame is lost; until the reset */
};

int
pack_stream_new(int level, struct pack_stream **out)
{
	struct pack_stream *s;

	if (level < PACK_LEVEL_MIN || level > PACK_LEVEL_MAX)
		return ERR_RANGE;
	s = calloc(1, sizeof(*s));
	if (!s)
		return ERR_NOMEM;
	s->ctx = ZSTD_createCCtx();
	if (!s->ctx) {
		free(s);
		return ERR_NOMEM;
	}
	ZSTD_CCtx_setParameter(s->ctx, ZSTD_c_compressionLevel, level);
	ZSTD_CCtx_setParameter(s->ctx, ZSTD_c_checksumFlag, 1);
	*out = s;
	return 0;
}

void
pack_stream_free(struct pack_stream *s)
{
	if (s) {
		ZSTD_freeCCtx(s->ctx);
		free(s);
	}
}

/* Room for a step, or for what the limit still allows. */
static int
make_room(struct buf *out, ZSTD_outBuffer *to)
{
	size_t left = out->limit > out->len ? out->limit - out->len : 0;

	if (!out->err && !left)
		return ERR_LIMIT;
	to->size = left < STEP ? left : STEP;
	to->pos = 0;
	to->dst = buf_reserve(out, to->size);
	return out->err;
}

static int
run(struct pack_stream *s, struct bytes raw, ZSTD_EndDirective how,
    struct buf *out)
{
	ZSTD_inBuffer from = {raw.ptr, raw.len, 0};
	ZSTD_outBuffer to;
	bool done = false;

	while (!s->err && !done) {
		size_t left;

		s->err = make_room(out, &to);
		if (s->err)
			break;
		left = ZSTD_compressStream2(s->ctx, &to, &from, how);
		if (ZSTD_isError(left))
			s->err = ERR_NOMEM;
		else
			buf_claim(out, to.pos);
		done = how == ZSTD_e_continue ? from.pos == from.size : !left;
	}
	return s->err;
}

int
pack_stream_add(struct pack_stream *s, struct bytes raw, struct buf *out)
{
	if (!raw.len)
		return s->err;
	s->is_open = true;
	return run(s, raw, ZSTD_e_continue, out);
}

int
pack_stream_flush(struct pack_stream *s, struct buf *out)
{
	if (!s->is_open)
		return s->err;
	return run(s, bytes_of(NULL, 0), ZSTD_e_flush, out);
}

int
pack_stream_end(struct pack_stream *s, struct buf *out)
{
	int rc;

	if (!s->is_open)
		return s->err;
	rc = run(s, bytes_of(NULL, 0), ZSTD_e_end, out);
	if (!rc)
		s->is_open = false;
	return rc;
}

void
pack_stream_reset(struct pack_stream *s)
{
	ZSTD_CCtx_reset(s->ctx, ZSTD_reset_session_only);
	s->is_open = false;
	s->err = 0;
}

bool
pack_stream_is_open(const struct pack_stream *s)
{
	return s->is_open;
}
