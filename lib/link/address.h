/* SPDX-License-Identifier: Apache-2.0 */
/*
 * address - numeric socket addresses and their text.
 *
 * "192.0.2.1:514", "[2001:db8::1]:6514", "unix:/run/x.sock".  Names are not
 * looked up here.  Pure: no I/O.
 */
#ifndef LIB_LINK_ADDRESS_H
#define LIB_LINK_ADDRESS_H

#include <stdbool.h>
#include <sys/socket.h>

#include "lib/base/bytes.h"

struct address {
	struct sockaddr_storage sa;
	socklen_t len;
};

/* Enough for every text that address_format makes, with the NUL. */
#define ADDRESS_TEXT_SIZE 128

/* ERR_FORMAT for anything else, names included. */
int address_parse(struct bytes text, struct address *a);

/* Host and port apart: "192.0.2.1" or "::1" (with or without brackets). */
int address_parse_host(struct bytes host, uint16_t port, struct address *a);

/*
 * Split "name:port" or "[::1]:port" without judging the host; the host is a
 * view into text.  ERR_FORMAT without a port from 1 to 65535.
 */
int address_split(struct bytes text, struct bytes *host, uint16_t *port);

/* Returns text.  IPv4 in IPv6 is shown as IPv4. */
char *address_format(const struct sockaddr *sa, socklen_t len,
    char text[static ADDRESS_TEXT_SIZE]);

/* The host alone, as limits per source need it; returns text. */
char *address_format_host(const struct sockaddr *sa, socklen_t len,
    char text[static ADDRESS_TEXT_SIZE]);

#endif
