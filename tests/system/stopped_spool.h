/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stopped_spool - the store of a spool that does not run, opened with its key
 * to write into it what its programs never would.
 *
 * What fails ends the program, after a sentence.
 */
#ifndef TESTS_SYSTEM_STOPPED_SPOOL_H
#define TESTS_SYSTEM_STOPPED_SPOOL_H

#include "lib/store/store.h"

/* End the program if `rc` is an error; `what` was being done. */
void stopped_spool_must(int rc, const char *what);

/* Open it, and see each batch that it has; store_close ends it. */
struct store *stopped_spool_open(const char *dir, const char *key_file,
    int (*see)(void *arg, const struct store_batch *b), void *arg);

/* Begin to write `need` bytes where the last batch is. */
struct store_txn *stopped_spool_begin(
    struct store *s, uint64_t need, bool is_control);

#endif
