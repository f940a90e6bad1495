/* SPDX-License-Identifier: Apache-2.0 */
/* records_json - one line of `spoolctl queue peek --output ndjson`. */
#ifndef TESTS_HELPERS_RECORDS_JSON_H
#define TESTS_HELPERS_RECORDS_JSON_H

#include "lib/base/buf.h"
#include "lib/base/bytes.h"

/*
 * The "id" (32 characters and a NUL), and the bytes of "text" or "base64"
 * appended to record.  ERR_FORMAT.
 */
int records_json_line(
    struct bytes line, char id[static 33], struct buf *record);

#endif
