/* SPDX-License-Identifier: Apache-2.0 */
#include "spoold/keeper/verify.h"

#include "lib/base/err.h"

static void
note_bad(struct verify_result *r, const struct store_damage *d)
{
	if (r->bad < VERIFY_BAD_MAX)
		r->first_bad[r->bad] = *d;
	r->bad++;
}

int
verify_run(struct store *store, uint64_t next_number, const _Atomic bool *stop,
    struct verify_result *result)
{
	struct store_segment oldest;
	struct store_cursor *c;
	struct store_damage damage;
	struct store_batch b;
	struct buf copy;
	int rc;

	*result = (struct verify_result){0};
	if (!store_segments(store, &oldest, 1))
		return 0;
	rc = store_cursor_open_number(store, oldest.first_number, &c);
	if (rc)
		return rc;
	buf_init(&copy, (size_t)BATCH_STORED_MAX + (2 << 20));
	while (!*stop) {
		rc = store_cursor_next(c, false, &copy, &b, &damage);
		if (rc == ERR_CORRUPT) {
			note_bad(result, &damage);
			continue;
		}
		if (rc || b.header.number >= next_number)
			break;
		result->batches++;
		result->records += b.header.records;
		result->bytes += b.payload.len;
	}
	buf_fini(&copy);
	store_cursor_close(c);
	return rc == ERR_NOENT ? 0 : rc;
}
