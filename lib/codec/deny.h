/* SPDX-License-Identifier: Apache-2.0 */
/*
 * deny - the text of a deny list as sorted tables.
 *
 * A line is an agent's UUID or a certificate's SHA-256 in hexadecimal, with or
 * without colons; # begins a comment, blanks around and empty lines do not
 * count, nor does a CR at the end of a line.
 */
#ifndef LIB_CODEC_DENY_H
#define LIB_CODEC_DENY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/uuid.h"

#define DENY_LINES_MAX 1000000u
#define DENY_PRINT_SIZE 32 /* a SHA-256 */

struct deny {
	struct uuid *ids;
	size_t n_ids;
	uint8_t (*prints)[DENY_PRINT_SIZE];
	size_t n_prints;
};

/*
 * Fill *d, which deny_fini gives back whatever is returned.  ERR_FORMAT and
 * *line, from 1, for a line that is neither; ERR_LIMIT for too many lines;
 * ERR_NOMEM.
 */
int deny_parse(struct bytes text, struct deny *d, size_t *line);
void deny_fini(struct deny *d);

bool deny_has(const struct deny *d, const struct uuid *id,
    const uint8_t print[static DENY_PRINT_SIZE]);

#endif
