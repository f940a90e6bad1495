/* SPDX-License-Identifier: Apache-2.0 */
/*
 * broken-counter SPOOL-DIRECTORY KEY-FILE listener|stream|target NAME: break
 * one counter of a stopped spool, as its log has it: a repeat that was never
 * received, or a record that a target is owed again though it counts as
 * delivered.  All else of it is right, so that only counting can tell.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/err.h"
#include "lib/codec/entry.h"
#include "lib/store/store.h"

#define ENTRIES_MAX 4096

struct wish {
	const char *name;
	struct entry_stream_key key; /* of the stream with that name */
	char copy[ENTRY_STREAM_MAX];
};

static void
must(int rc, const char *what)
{
	if (!rc)
		return;
	fprintf(stderr, "broken-counter: %s: %s\n", what, err_text(rc));
	exit(1);
}

static void
read_key(const char *path, uint8_t key[32])
{
	FILE *f = fopen(path, "re");

	must(f && fread(key, 1, 32, f) == 32 ? 0 : ERR_KEY, path);
	fclose(f);
}

/* The stream's full name, from the definition that a batch of it needs. */
static int
note_stream(void *arg, const struct store_batch *b)
{
	struct wish *w = arg;
	struct cursor c;
	struct entry e;

	if (b->header.kind != BATCH_CONTROL)
		return 0;
	cursor_init(&c, b->payload);
	while (entry_next(&c, &e) == 1) {
		if (e.type == ENTRY_STREAM_DEF &&
		    bytes_equal_str(e.u.stream_def.key.name, w->name)) {
			w->key = e.u.stream_def.key;
			memcpy(w->copy, w->key.name.ptr, w->key.name.len);
			w->key.name = bytes_of(w->copy, w->key.name.len);
		}
		entry_fini(&e);
	}
	return 0;
}

static struct entry
lie(const char *what, const struct wish *w)
{
	struct entry e = {.type = ENTRY_COUNTERS};

	if (!strcmp(what, "listener")) {
		e.u.counters.listener = bytes_of_str(w->name);
		e.u.counters.duplicate = 1;
	} else if (!strcmp(what, "stream")) {
		must(w->key.name.len ? 0 : ERR_NOENT, w->name);
		e.type = ENTRY_STREAM_COUNTERS;
		e.u.stream_counters.key = w->key;
		e.u.stream_counters.counts.duplicate = 1;
	} else {
		e.type = ENTRY_PENDING_AGAIN;
		e.u.pending_again.target = bytes_of_str(w->name);
		e.u.pending_again.from = 1;
		e.u.pending_again.to = 2;
	}
	return e;
}

static void
append(struct store *s, const struct entry *e)
{
	const struct entry begin = {.type = ENTRY_CHECKPOINT_BEGIN};
	const struct store_token *token;
	struct store_txn *txn;
	struct buf b;
	uint64_t number;
	bool fresh;

	/* Counters in a delta are about what stores nothing. */
	buf_init(&b, ENTRIES_MAX);
	entry_encode(&b, &begin);
	entry_encode(&b, e);
	must(b.err, "entry");
	must(store_begin(s, store_need(0, b.len), true, &fresh, &txn), "begin");
	must(fresh ? ERR_STATE : 0, "a fresh segment");
	must(store_add_control(txn, buf_bytes(&b), &number), "add");
	must(store_commit(txn, &token), "commit");
	buf_fini(&b);
}

int
main(int argc, char **argv)
{
	struct store_options o = {.quota_bytes = UINT64_C(2) << 30};
	struct wish w = {.name = NULL};
	struct entry e;
	struct store *s;
	char why[512] = "";

	if (argc != 5)
		return 2;
	w.name = argv[4];
	o.dir = argv[1];
	o.encrypt = true;
	o.allow_any_filesystem = true;
	read_key(argv[2], o.key);
	must(store_open(&o, why, sizeof(why), &s), why);
	must(store_replay(s, note_stream, &w), "replay");
	e = lie(argv[3], &w);
	append(s, &e);
	store_close(s);
	return 0;
}
