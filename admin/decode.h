/* SPDX-License-Identifier: Apache-2.0 */
/*
 * decode - what a file target wrote, back to records.
 *
 * Lines (`ID TAB RECORD`, escaped) and lengths are told apart by the first 33
 * bytes: no record is as long as an id, read as a length, would say.  Bytes
 * come in pieces of any size.  Specified in doc/format-file-target.md.
 */
#ifndef ADMIN_DECODE_H
#define ADMIN_DECODE_H

#include <stdint.h>

#include "lib/base/bytes.h"

#define DECODE_RECORD_MAX (8u << 20) /* bytes of one record */
#define DECODE_ID_SIZE 32

struct decode; /* opaque */

/*
 * id is empty where the framing has none.  Valid during the call.  Other than
 * 0 ends the feeding and is returned.
 */
typedef int decode_fn(struct bytes id, struct bytes record, void *arg);

int decode_new(decode_fn *fn, void *arg, struct decode **out); /* ERR_NOMEM */
void decode_free(struct decode *d);

/*
 * The next bytes of the file.  ERR_FORMAT, ERR_LIMIT (a record that is too
 * long): decode_records tells before which one.  ERR_NOMEM.
 */
int decode_feed(struct decode *d, struct bytes in);

/* The file ends here; ERR_PARTIAL if within a record. */
int decode_end(struct decode *d);

/* Records so far. */
uint64_t decode_records(const struct decode *d);

#endif
