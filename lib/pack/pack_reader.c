/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/pack/pack_reader.h"

#include <stdlib.h>

#include <zstd.h>
#include <zstd_errors.h>

#include "lib/base/err.h"

#define STEP 65536 /* most bytes reserved at a time */
#define WINDOW_LOG 23 /* PACK_WINDOW_MAX */

struct pack_reader {
	ZSTD_DCtx *ctx;
	bool is_open;
};

int
pack_reader_new(struct pack_reader **out)
{
	struct pack_reader *r = calloc(1, sizeof(*r));

	if (!r)
		return ERR_NOMEM;
	r->ctx = ZSTD_createDCtx();
	if (!r->ctx) {
		free(r);
		return ERR_NOMEM;
	}
	ZSTD_DCtx_setParameter(r->ctx, ZSTD_d_windowLogMax, WINDOW_LOG);
	*out = r;
	return 0;
}

void
pack_reader_free(struct pack_reader *r)
{
	if (r) {
		ZSTD_freeDCtx(r->ctx);
		free(r);
	}
}

static int
err_of_zstd(size_t rc)
{
	switch (ZSTD_getErrorCode(rc)) {
	case ZSTD_error_memory_allocation:
		return ERR_NOMEM;
	case ZSTD_error_frameParameter_windowTooLarge:
		return ERR_LIMIT;
	default:
		return ERR_FORMAT;
	}
}

/* One call of the library; *was_filled: it may have more to give. */
static int
step(struct pack_reader *r, struct bytes *in, struct buf *out, bool *was_filled)
{
	size_t left = out->limit - out->len, rc;
	ZSTD_inBuffer from = {in->ptr, in->len, 0};
	ZSTD_outBuffer to = {NULL, left < STEP ? left : STEP, 0};

	to.dst = buf_reserve(out, to.size);
	if (!to.dst)
		return out->err;
	rc = ZSTD_decompressStream(r->ctx, &to, &from);
	if (ZSTD_isError(rc))
		return err_of_zstd(rc);
	buf_claim(out, to.pos);
	if (from.pos || to.pos)
		r->is_open = rc != 0;
	*in = bytes_of(in->ptr + from.pos, in->len - from.pos);
	*was_filled = to.pos == to.size;
	return 0;
}

int
pack_reader_add(struct pack_reader *r, struct bytes *in, struct buf *out)
{
	bool was_filled = true;
	int rc = out->err;

	while (!rc && out->len < out->limit && (in->len > 0 || was_filled))
		rc = step(r, in, out, &was_filled);
	return rc;
}

bool
pack_reader_is_open(const struct pack_reader *r)
{
	return r->is_open;
}
