/* SPDX-License-Identifier: Apache-2.0 */
/*
 * host - host names and address literals as text; nothing is looked up.
 */
#ifndef LIB_CONFIG_HOST_H
#define LIB_CONFIG_HOST_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>

#include "lib/base/bytes.h"

#define HOST_NAME_TEXT_MAX 253 /* RFC 1035 section 2.3.4, as text */

/* Is it a literal of the family?  Its one form goes to canonical. */
bool host_literal(
    int family, struct bytes text, char canonical[static INET6_ADDRSTRLEN]);

/* Letters, digits, - and _ between dots; the last label is not a number. */
bool host_is_name(struct bytes text);

/*
 * Split at the colon before the port, and take brackets off the host, which
 * is not checked.  ERR_FORMAT, or ERR_RANGE for a port above 65535.
 */
int host_split(
    struct bytes text, struct bytes *host, uint16_t *port, bool *is_bracketed);

#endif
