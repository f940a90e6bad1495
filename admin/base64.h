/* SPDX-License-Identifier: Apache-2.0 */
/* base64 - RFC 4648 section 4, with padding. */
#ifndef ADMIN_BASE64_H
#define ADMIN_BASE64_H

#include <jansson.h>

#include "lib/base/buf.h"
#include "lib/base/bytes.h"

void base64_add(struct bytes raw, struct buf *out);

/* As a JSON string; NULL without memory. */
json_t *base64_json(struct bytes raw);

#endif
