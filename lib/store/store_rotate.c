/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "lib/base/err.h"
#include "lib/base/failpoint.h"
#include "lib/store/btree.h"
#include "lib/store/env.h"
#include "lib/store/fileio.h"
#include "lib/store/segment.h"
#include "lib/store/spare.h"
#include "lib/store/store_internal.h"
#include "lib/store/table.h"

/* ---- the end of a segment ---- */

static void
fill_footer(struct segfmt_footer *f, const struct segment *seg,
    const struct segment_tally *t)
{
	*f = (struct segfmt_footer){.id = seg->id,
	    .segment = seg->header.segment,
	    .first_number = seg->header.first_number,
	    .next_number = t->next_number,
	    .first_rec = seg->header.first_rec,
	    .next_rec = t->next_rec,
	    .batches = t->batches,
	    .records = t->records,
	    .stored_bytes = t->stored_bytes,
	    .received_first_ns = t->received_first_ns,
	    .received_last_ns = t->received_last_ns,
	    .sealed_ns = clock_now().wall_ns,
	    .data_end = t->data_end};
	memcpy(f->chain, t->chain, sizeof(f->chain));
}

/* Put a one-page value; the transaction is aborted if it does not take it. */
static int
put_page(MDB_txn *txn, uint64_t key, uint8_t value[SEGFMT_VALUE_SIZE])
{
	uint8_t raw[SEGFMT_KEY_SIZE];
	MDB_val k = {sizeof(raw), raw};
	MDB_val v = {SEGFMT_VALUE_SIZE, value};
	MDB_dbi dbi;
	int rc = mdb_dbi_open(txn, NULL, 0, &dbi);

	segfmt_key_encode(key, raw);
	return env_err(rc ? rc : mdb_put(txn, dbi, &k, &v, 0));
}

int
store_rotate_footer(struct store *s, MDB_env *env, struct segment *seg,
    const struct segment_tally *tally)
{
	uint8_t value[SEGFMT_VALUE_SIZE];
	struct segfmt_footer footer;
	MDB_txn *txn;
	int rc = env_err(mdb_txn_begin(env, NULL, 0, &txn));

	if (rc)
		return rc;
	fill_footer(&footer, seg, tally);
	segfmt_footer_encode(&footer, value);
	rc = put_page(txn, SEGFMT_KEY_FOOTER, value);
	if (rc) {
		mdb_txn_abort(txn);
		return rc;
	}
	FAILPOINT("store-seal-before");
	rc = env_err(mdb_txn_commit(txn));
	FAILPOINT("store-seal-after");
	if (rc)
		return rc;
	pthread_mutex_lock(&s->lock);
	seg->footer = footer;
	seg->sealed = true;
	seg->next_number = footer.next_number;
	seg->next_rec = footer.next_rec;
	pthread_mutex_unlock(&s->lock);
	store_tell(s, STORE_EVENT_SEGMENT_SEALED, footer.first_rec,
	    footer.next_rec, "segment %016llx", (unsigned long long)seg->id);
	return 0;
}

void
store_rotate_truncate(struct store *s, struct segment *seg)
{
	char path[STORE_PATH_MAX];
	uint64_t want;
	struct btree b;
	int fd = open(
	    segment_path(s, seg->id, path), O_RDWR | O_CLOEXEC | O_NOFOLLOW);

	if (fd < 0)
		return;
	if (!btree_open(&b, fd)) {
		want = (b.newest.last_page + 1) * BTREE_PAGE;
		FAILPOINT("store-truncate");
		if (want < b.size / 2 && !ftruncate(fd, (off_t)want)) {
			pthread_mutex_lock(&s->lock);
			seg->bytes = want;
			pthread_mutex_unlock(&s->lock);
		}
	}
	close(fd);
}

static void
let_go(struct store *s, bool checked)
{
	pthread_mutex_lock(&s->lock);
	s->active->checked = checked;
	segment_drop_env(s, s->active);
	s->active = NULL;
	pthread_mutex_unlock(&s->lock);
}

void
store_rotate_poison(struct store *s, const char *what)
{
	struct segment *seg = s->active;

	store_tell(s, STORE_EVENT_COMMIT_FAILED, 0, 0,
	    "segment %016llx: %s failed; its outcome is not known",
	    (unsigned long long)seg->id, what);
	s->unsettled = true;
	let_go(s, false);
}

int
store_rotate_seal(struct store *s)
{
	struct segment *seg = s->active;
	int rc = store_rotate_footer(s, seg->env->env, seg, &s->tally);

	if (rc) {
		store_rotate_poison(s, "sealing");
		return rc;
	}
	let_go(s, true);
	store_rotate_truncate(s, seg);
	return 0;
}

/* ---- the beginning of one ---- */

static int
make_key(struct store *s, const struct segment *seg)
{
	uint8_t key[SLOTS_KEY_SIZE];
	int rc;

	if (!s->o.encrypt)
		return 0;
	pthread_mutex_lock(&s->lock);
	rc = slots_add(s->slots, seg->id, &seg->header.segment,
	    seg->header.created_ns, key);
	pthread_mutex_unlock(&s->lock);
	if (!rc)
		digest_aead_set_key(s->aead, key);
	digest_wipe(key, sizeof(key));
	return rc;
}

static int
describe(struct store *s, struct segment *seg)
{
	struct segfmt_header *h = &seg->header;

	*h = (struct segfmt_header){.family = SEGFMT_MAIN,
	    .cipher =
		s->o.encrypt ? BATCH_CIPHER_XAES256GCM : BATCH_CIPHER_NONE,
	    .id = seg->id,
	    .spool = s->lockfile.record.spool,
	    .prev = s->last_segment,
	    .prev_last = s->last_number,
	    .first_number = s->next_number,
	    .first_rec = s->next_rec,
	    .opening_next = s->next_number,
	    .created_ns = clock_now().wall_ns};
	memcpy(h->chain, s->chain, sizeof(h->chain));
	if (s->o.encrypt)
		memcpy(h->key_id, s->key_id, sizeof(h->key_id));
	return digest_uuid(&h->segment);
}

static int
attach_env(struct store *s, struct segment *seg)
{
	struct segment_env *e = calloc(1, sizeof(*e));
	int rc;

	if (!e)
		return ERR_NOMEM;
	e->writing = true;
	segment_path(s, seg->id, e->path);
	rc = env_open_write(e->path, seg->bytes, &e->env);
	if (rc) {
		free(e);
		return rc;
	}
	seg->env = e;
	return 0;
}

/* The file gets its name; from here on a crash finds an empty segment. */
static int
move_in(struct store *s, const struct segment *seg, const char *from)
{
	char to[STORE_PATH_MAX];
	int rc;

	FAILPOINT("store-activate-before-rename");
	if (rename(from, segment_path(s, seg->id, to)))
		return ERR_IO;
	FAILPOINT("store-activate-renamed");
	rc = fileio_sync_dir(s->segfd);
	if (!rc)
		rc = fileio_sync_dir(s->dirfd); /* it may come from `reserve` */
	return rc;
}

static void
begin_tally(struct store *s, const struct segment *seg)
{
	s->tally =
	    (struct segment_tally){.next_number = seg->header.first_number,
		.next_rec = seg->header.first_rec,
		.data_end = s->tally.data_end};
	memcpy(s->tally.chain, seg->header.chain, sizeof(s->tally.chain));
}

static int
install(struct store *s, struct segment *seg)
{
	int rc;

	pthread_mutex_lock(&s->lock);
	rc = table_add(s, seg);
	if (!rc)
		s->active = seg;
	pthread_mutex_unlock(&s->lock);
	if (rc)
		return rc;
	begin_tally(s, seg);
	s->active_mono_us = clock_now().mono_us;
	FAILPOINT("store-activated");
	store_tell(s, STORE_EVENT_SEGMENT_OPENED, seg->header.first_rec,
	    seg->header.first_rec, "segment %016llx",
	    (unsigned long long)seg->id);
	return 0;
}

/*
 * A file that could not become a segment is not tried again: its place on the
 * disk may be what fails.
 */
static void
give_up(struct store *s, struct segment *seg, const char *from)
{
	char to[STORE_PATH_MAX];

	if (seg->id) {
		unlink(from);
		unlink(segment_path(s, seg->id, to));
	}
	pthread_mutex_lock(&s->lock);
	if (s->slots && seg->id)
		slots_erase(s->slots, &seg->header.segment);
	segment_free(s, seg);
	pthread_mutex_unlock(&s->lock);
}

int
store_rotate_open(struct store *s, bool control)
{
	char from[STORE_PATH_MAX];
	struct segment *seg = calloc(1, sizeof(*seg));
	int rc = seg ? 0 : ERR_NOMEM;

	if (rc)
		return rc;
	rc = spare_take(s, control, from, &seg->bytes);
	if (rc)
		goto fail;
	pthread_mutex_lock(&s->lock);
	seg->id = s->next_id++;
	pthread_mutex_unlock(&s->lock);
	seg->next_number = seg->next_rec = UINT64_MAX;
	rc = describe(s, seg);
	if (!rc)
		rc = make_key(s, seg);
	if (!rc)
		rc = spare_freshen(s, from, seg->bytes);
	if (!rc)
		rc = move_in(s, seg, from);
	if (!rc)
		rc = attach_env(s, seg);
	if (!rc)
		rc = install(s, seg);
	if (!rc)
		return 0;
fail:
	give_up(s, seg, from);
	return rc;
}

int
store_rotate_resume(
    struct store *s, struct segment *seg, const struct segment_tally *tally)
{
	uint8_t key[SLOTS_KEY_SIZE];
	int rc = 0;

	if (s->o.encrypt) {
		rc = slots_get(s->slots, &seg->header.segment, key);
		if (rc)
			return rc;
		digest_aead_set_key(s->aead, key);
		digest_wipe(key, sizeof(key));
	}
	pthread_mutex_lock(&s->lock);
	segment_drop_env(s, seg);
	rc = attach_env(s, seg);
	if (!rc)
		s->active = seg;
	pthread_mutex_unlock(&s->lock);
	s->tally = *tally;
	s->active_mono_us = clock_now().mono_us;
	return rc;
}

/* ---- room ---- */

uint64_t
store_rotate_room(const struct store *s)
{
	uint64_t pages = s->active->bytes / SEGFMT_PAGE;
	MDB_envinfo info;

	if (mdb_env_info(s->active->env->env, &info) ||
	    info.me_last_pgno + 1 + STORE_SLACK_PAGES >= pages)
		return 0;
	return pages - info.me_last_pgno - 1 - STORE_SLACK_PAGES;
}

/* A data key serves one day: by our own clock, and across restarts by the
 * wall's, which may have been set back. */
static bool
key_is_old(const struct store *s)
{
	struct now now = clock_now();
	int64_t age = now.wall_ns - s->active->header.created_ns;

	return s->o.encrypt &&
	    (now.mono_us - s->active_mono_us > STORE_DAY_NS / 1000 ||
		age > STORE_DAY_NS || age < -STORE_DAY_NS);
}

bool
store_rotate_has_room(const struct store *s, uint64_t pages)
{
	if (!s->active->committed)
		return true;
	return !key_is_old(s) && pages <= store_rotate_room(s) &&
	    s->tally.records + BATCH_RECORDS_MAX <= s->o.segment_records;
}
