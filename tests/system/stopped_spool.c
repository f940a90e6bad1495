/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/system/stopped_spool.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "lib/base/err.h"

void
stopped_spool_must(int rc, const char *what)
{
	if (!rc)
		return;
	fprintf(stderr, "%s: %s: %s\n", program_invocation_short_name, what,
	    err_text(rc));
	exit(1);
}

static void
read_key(const char *path, uint8_t key[32])
{
	FILE *f = fopen(path, "re");

	stopped_spool_must(f && fread(key, 1, 32, f) == 32 ? 0 : ERR_KEY, path);
	fclose(f);
}

struct store *
stopped_spool_open(const char *dir, const char *key_file,
    int (*see)(void *arg, const struct store_batch *b), void *arg)
{
	struct store_options o = {
	    .dir = dir,
	    .quota_bytes = UINT64_C(2) << 30,
	    .encrypt = true,
	    .allow_any_filesystem = true,
	};
	struct store *s;
	char why[512] = "";

	read_key(key_file, o.key);
	stopped_spool_must(store_open(&o, why, sizeof(why), &s), why);
	stopped_spool_must(store_replay(s, see, arg), "replay");
	return s;
}

struct store_txn *
stopped_spool_begin(struct store *s, uint64_t need, bool is_control)
{
	struct store_txn *txn;
	bool fresh;

	stopped_spool_must(
	    store_begin(s, need, is_control, &fresh, &txn), "begin");
	/* What the last batch had defined is not known in another one. */
	stopped_spool_must(fresh ? ERR_STATE : 0, "a fresh segment");
	return txn;
}
