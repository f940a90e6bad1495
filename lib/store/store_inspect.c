/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/err.h"
#include "lib/store/btree.h"
#include "lib/store/env.h"
#include "lib/store/segfmt.h"
#include "lib/store/store.h"

struct inspection {
	struct store_report *report;
	bool segment; /* else meta */
	struct segfmt_header header;
	uint64_t last_number;
};

static int fail(struct inspection *in, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

static int
fail(struct inspection *in, const char *fmt, ...)
{
	va_list ap;

	in->report->ok = false;
	va_start(ap, fmt);
	vsnprintf(in->report->why, sizeof(in->report->why), fmt, ap);
	va_end(ap);
	return ERR_CORRUPT;
}

static int
walk_tree(struct inspection *in, const char *path)
{
	struct btree b;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	int rc;

	if (fd < 0)
		return errno == ENOENT ? ERR_NOENT : ERR_IO;
	rc = btree_open(&b, fd);
	if (!rc)
		rc = btree_check(&b, true, NULL, NULL);
	close(fd);
	return rc == ERR_CORRUPT ? fail(in, "%s", b.why) : rc;
}

/* One batch: its header and ranges, and that it follows the one before. */
static int
check_batch(struct inspection *in, uint64_t number, struct bytes value)
{
	struct store_report *r = in->report;
	struct batch_view v;
	int rc = batch_decode(value, &v);

	if (rc)
		return fail(in, "batch %" PRIu64 ": %s", number, err_text(rc));
	if (v.header.number != number ||
	    !uuid_equal(&v.header.segment, &in->header.segment))
		return fail(
		    in, "batch %" PRIu64 ": another lies there", number);
	if (in->last_number && number != in->last_number + 1)
		return fail(
		    in, "batch %" PRIu64 " is missing", in->last_number + 1);
	in->last_number = number;
	if (!r->batches++)
		r->first_number = number;
	r->last_number = number;
	r->records += v.header.records;
	return 0;
}

static int
check_header(struct inspection *in, struct bytes value)
{
	int rc = segfmt_header_decode(value, &in->header);

	return rc ? fail(in, "its header: %s", err_text(rc)) : 0;
}

static int
check_entry(struct inspection *in, struct bytes key, struct bytes value)
{
	struct segfmt_footer footer;
	struct bytes plain;
	uint64_t k;
	int rc;

	if (!in->segment) {
		in->report->records++;
		rc = segfmt_meta_decode(key, value, &plain);
		return rc ? fail(in, "a value: %s", err_text(rc)) : 0;
	}
	if (segfmt_key_decode(key, &k))
		return fail(in, "a key of another size");
	if (k == SEGFMT_KEY_HEADER || k == SEGFMT_KEY_HEADER_COPY)
		return check_header(in, value);
	if (k == SEGFMT_KEY_FOOTER) {
		rc = segfmt_footer_decode(value, &footer);
		return rc ? fail(in, "its footer: %s", err_text(rc)) : 0;
	}
	if (k < SEGFMT_KEY_BATCHES)
		return fail(in, "an unknown key %" PRIu64, k);
	return check_batch(in, k - SEGFMT_KEY_BATCHES, value);
}

static int
walk_entries(struct inspection *in, MDB_cursor *cursor)
{
	MDB_val k, v;
	int rc = mdb_cursor_get(cursor, &k, &v, MDB_FIRST);

	for (; !rc; rc = mdb_cursor_get(cursor, &k, &v, MDB_NEXT)) {
		int bad = check_entry(in, bytes_of(k.mv_data, k.mv_size),
		    bytes_of(v.mv_data, v.mv_size));

		if (bad)
			return bad;
	}
	return rc == MDB_NOTFOUND ? 0 : fail(in, "LMDB: %s", mdb_strerror(rc));
}

static int
walk_env(struct inspection *in, const char *path)
{
	MDB_cursor *cursor = NULL;
	MDB_txn *txn = NULL;
	MDB_env *env;
	MDB_dbi dbi;
	int rc = env_open_read(path, &env);

	if (rc)
		return fail(in, "LMDB does not open it");
	rc = mdb_txn_begin(env, NULL, MDB_RDONLY, &txn);
	if (!rc)
		rc = mdb_dbi_open(txn, NULL, 0, &dbi);
	if (!rc)
		rc = mdb_cursor_open(txn, dbi, &cursor);
	rc = rc ? fail(in, "LMDB: %s", mdb_strerror(rc))
		: walk_entries(in, cursor);
	mdb_cursor_close(cursor);
	mdb_txn_abort(txn);
	mdb_env_close(env);
	return rc;
}

int
store_inspect(const char *path, bool segment, struct store_report *report)
{
	struct inspection in = {.report = report, .segment = segment};
	int rc;

	*report = (struct store_report){.ok = true};
	rc = walk_tree(&in, path);
	if (!rc)
		rc = walk_env(&in, path);
	if (rc && rc != ERR_CORRUPT) {
		report->ok = false;
		snprintf(report->why, sizeof(report->why), "%s", err_text(rc));
	}
	return rc == ERR_CORRUPT ? 0 : rc;
}
