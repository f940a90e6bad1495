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
	bool sealed;
	struct uuid uuid; /* of the segment, once its header was read */
	uint64_t last_number;
};

static void say(struct inspection *in, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* Keep the first sentence. */
static void
say(struct inspection *in, const char *fmt, ...)
{
	va_list ap;

	if (in->report->why[0])
		return;
	va_start(ap, fmt);
	vsnprintf(in->report->why, sizeof(in->report->why), fmt, ap);
	va_end(ap);
}

/* LMDB must not open it. */
static int
bad(struct inspection *in, const char *why)
{
	say(in, "%s", why);
	in->report->ok = false;
	return ERR_CORRUPT;
}

static bool
has_footer(struct btree *b)
{
	struct btree_place place;
	uint64_t found;

	return !btree_find_ge(
		   b, &b->newest, SEGFMT_KEY_FOOTER, &found, &place) &&
	    found == SEGFMT_KEY_FOOTER;
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
	if (!rc) {
		in->sealed = in->segment && has_footer(&b);
		rc = btree_check(&b, !in->sealed, NULL, NULL);
	}
	close(fd);
	return rc && rc != ERR_NOMEM ? bad(in, b.why) : rc;
}

static void
check_batch(struct inspection *in, uint64_t number, struct bytes value)
{
	struct store_report *r = in->report;
	struct batch_view v;
	int rc = batch_decode(value, &v);

	if (!rc &&
	    (v.header.number != number ||
		!uuid_equal(&v.header.segment, &in->uuid)))
		rc = ERR_DIGEST;
	if (rc)
		say(in, "batch %" PRIu64 ": %s", number, err_text(rc));
	if (!rc && in->last_number && number != in->last_number + 1) {
		say(in, "batch %" PRIu64 " is missing", in->last_number + 1);
		r->damaged++;
	}
	r->damaged += rc != 0;
	in->last_number = number;
	if (!r->batches++)
		r->first_number = number;
	r->last_number = number;
	r->records += rc ? 0 : v.header.records;
}

static void
check_page(struct inspection *in, uint64_t key, struct bytes value)
{
	struct segfmt_header h;
	struct segfmt_footer f;
	int rc;

	if (key == SEGFMT_KEY_FOOTER) {
		rc = segfmt_footer_decode(value, &f);
	} else {
		rc = segfmt_header_decode(value, &h);
		if (!rc)
			in->uuid = h.segment;
	}
	if (rc) {
		say(in, "entry %" PRIx64 ": %s", key, err_text(rc));
		in->report->damaged++;
	}
}

static void
check_entry(struct inspection *in, struct bytes key, struct bytes value)
{
	struct bytes plain;
	uint64_t k;

	if (!in->segment) {
		in->report->records++;
		if (segfmt_meta_decode(key, value, &plain)) {
			say(in, "a value's checksum does not match");
			in->report->damaged++;
		}
	} else if (segfmt_key_decode(key, &k)) {
		say(in, "a key of another size");
		in->report->damaged++;
	} else if (k < SEGFMT_KEY_BATCHES || k == SEGFMT_KEY_FOOTER) {
		check_page(in, k, value);
	} else {
		check_batch(in, k - SEGFMT_KEY_BATCHES, value);
	}
}

static int
walk_entries(struct inspection *in, MDB_cursor *cursor)
{
	MDB_val k, v;
	int rc = mdb_cursor_get(cursor, &k, &v, MDB_FIRST);

	for (; !rc; rc = mdb_cursor_get(cursor, &k, &v, MDB_NEXT))
		check_entry(in, bytes_of(k.mv_data, k.mv_size),
		    bytes_of(v.mv_data, v.mv_size));
	return rc == MDB_NOTFOUND ? 0 : bad(in, mdb_strerror(rc));
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
		return bad(in, "LMDB does not open it");
	rc = mdb_txn_begin(env, NULL, MDB_RDONLY, &txn);
	if (!rc)
		rc = mdb_dbi_open(txn, NULL, 0, &dbi);
	if (!rc)
		rc = mdb_cursor_open(txn, dbi, &cursor);
	rc = rc ? bad(in, mdb_strerror(rc)) : walk_entries(in, cursor);
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
	if (!rc && !in.sealed)
		rc = walk_env(&in, path);
	if (rc && rc != ERR_CORRUPT) {
		report->ok = false;
		snprintf(report->why, sizeof(report->why), "%s", err_text(rc));
	}
	return rc == ERR_CORRUPT ? 0 : rc;
}
