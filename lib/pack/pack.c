/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/pack/pack.h"

#include <stdbool.h>
#include <stdlib.h>

#include <zstd.h>
#include <zstd_errors.h>

#include "lib/base/err.h"
#include "lib/pack/pack_frame.h"

/*
 * A frame of blocks this long cannot reach the ratio of a bomb: a block costs
 * four bytes or more.
 */
#define LOOSE_BLOCK 2048

struct pack {
	int level;
	ZSTD_CCtx *compress; /* made when first used */
	ZSTD_DCtx *expand; /* likewise */
};

static int
err_of_zstd(size_t rc)
{
	switch (ZSTD_getErrorCode(rc)) {
	case ZSTD_error_no_error:
		return 0;
	case ZSTD_error_memory_allocation:
		return ERR_NOMEM;
	case ZSTD_error_dstSize_tooSmall:
		return ERR_LIMIT;
	default:
		return ERR_FORMAT;
	}
}

int
pack_new(int level, struct pack **out)
{
	struct pack *p;

	if (level < PACK_LEVEL_MIN || level > PACK_LEVEL_MAX)
		return ERR_RANGE;
	p = calloc(1, sizeof(*p));
	if (!p)
		return ERR_NOMEM;
	p->level = level;
	*out = p;
	return 0;
}

void
pack_free(struct pack *p)
{
	if (!p)
		return;
	ZSTD_freeCCtx(p->compress);
	ZSTD_freeDCtx(p->expand);
	free(p);
}

size_t
pack_bound(size_t raw_len)
{
	return ZSTD_compressBound(raw_len);
}

static bool
is_like_a_bomb(size_t raw_len, size_t packed_len)
{
	return raw_len > PACK_RATIO_FROM &&
	    raw_len / PACK_RATIO_MAX > packed_len;
}

/* The same frame in short blocks, each let out before the next is begun. */
static int
compress_loosely(struct pack *p, struct bytes raw, ZSTD_outBuffer *to)
{
	ZSTD_inBuffer from = {raw.ptr, 0, 0};
	size_t left;

	to->pos = 0;
	left = ZSTD_CCtx_setPledgedSrcSize(p->compress, raw.len);
	while (!ZSTD_isError(left) && from.size < raw.len) {
		bool last = raw.len - from.size <= LOOSE_BLOCK;

		from.size = last ? raw.len : from.size + LOOSE_BLOCK;
		left = ZSTD_compressStream2(
		    p->compress, to, &from, last ? ZSTD_e_end : ZSTD_e_flush);
		if (!ZSTD_isError(left) && left)
			return ERR_LIMIT;
	}
	return err_of_zstd(left);
}

static int
start_compress(struct pack *p)
{
	if (!p->compress) {
		p->compress = ZSTD_createCCtx();
		if (!p->compress)
			return ERR_NOMEM;
		ZSTD_CCtx_setParameter(
		    p->compress, ZSTD_c_compressionLevel, p->level);
	}
	ZSTD_CCtx_reset(p->compress, ZSTD_reset_session_only);
	return 0;
}

int
pack_compress(
    struct pack *p, struct bytes raw, uint8_t *out, size_t cap, size_t *out_len)
{
	ZSTD_outBuffer to = {out, cap, 0};
	size_t made;
	int rc = start_compress(p);

	if (rc)
		return rc;
	made = ZSTD_compress2(p->compress, out, cap, raw.ptr, raw.len);
	rc = err_of_zstd(made);
	if (!rc && is_like_a_bomb(raw.len, made)) {
		rc = start_compress(p);
		if (!rc)
			rc = compress_loosely(p, raw, &to);
		made = to.pos;
	}
	if (!rc)
		*out_len = made;
	return rc;
}

int
pack_check(struct bytes in, size_t raw_len, size_t limit)
{
	struct pack_frame f;
	size_t frame_len;
	int rc;

	if (raw_len > limit)
		return ERR_LIMIT;
	rc = pack_frame_read(in, &f);
	if (rc)
		return rc;
	if (f.has_dictionary || !f.has_raw_len || f.raw_len != raw_len)
		return ERR_FORMAT;
	if (f.window > PACK_WINDOW_MAX || is_like_a_bomb(raw_len, in.len))
		return ERR_LIMIT;
	frame_len = ZSTD_findFrameCompressedSize(in.ptr, in.len);
	if (ZSTD_isError(frame_len) || frame_len != in.len)
		return ERR_FORMAT;
	return 0;
}

int
pack_unpack_to(
    struct pack *p, struct bytes in, size_t raw_len, size_t limit, uint8_t *out)
{
	int rc = pack_check(in, raw_len, limit);
	size_t made;

	if (rc)
		return rc;
	if (!p->expand)
		p->expand = ZSTD_createDCtx();
	if (!p->expand)
		return ERR_NOMEM;
	made = ZSTD_decompressDCtx(p->expand, out, raw_len, in.ptr, in.len);
	if (ZSTD_isError(made))
		return err_of_zstd(made) == ERR_NOMEM ? ERR_NOMEM : ERR_FORMAT;
	return made == raw_len ? 0 : ERR_FORMAT;
}

int
pack_unpack(struct pack *p, struct bytes in, size_t raw_len, size_t limit,
    struct buf *out)
{
	uint8_t *to, none;
	int rc;

	if (out->err)
		return out->err;
	/* Checked before any memory is asked for. */
	rc = pack_check(in, raw_len, limit);
	if (rc)
		return rc;
	if (raw_len > out->limit || out->len > out->limit - raw_len)
		return ERR_LIMIT;
	to = raw_len ? buf_reserve(out, raw_len) : &none;
	if (!to) {
		out->err = 0;
		return ERR_NOMEM;
	}
	rc = pack_unpack_to(p, in, raw_len, limit, to);
	if (!rc && raw_len)
		buf_claim(out, raw_len);
	return rc;
}
