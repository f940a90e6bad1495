/* SPDX-License-Identifier: Apache-2.0 */
#include "forwarder/resolver/lookup.h"

#include <netdb.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "lib/base/endian.h"

enum lookup_code
lookup_code_of(int gai)
{
	switch (gai) {
	case 0:
		return LOOKUP_FOUND;
	case EAI_NONAME:
	case EAI_NODATA:
	case EAI_ADDRFAMILY:
		return LOOKUP_NOT_FOUND;
	default: /* of servers, memory, system: it may pass */
		return LOOKUP_TRY_AGAIN;
	}
}

/* family, port, address; false for another family. */
static bool
add(struct lookup *l, const struct sockaddr *sa)
{
	uint8_t *to = l->addresses + l->len;
	const void *address;
	size_t size;

	if (sa->sa_family == AF_INET) {
		address =
		    &((const struct sockaddr_in *)(const void *)sa)->sin_addr;
		size = 4;
	} else if (sa->sa_family == AF_INET6) {
		address =
		    &((const struct sockaddr_in6 *)(const void *)sa)->sin6_addr;
		size = 16;
	} else {
		return false;
	}
	to[0] = size == 4 ? 4 : 6;
	endian_put_be16(to + 1, l->port);
	memcpy(to + 3, address, size);
	l->len += 3 + size;
	l->n++;
	return true;
}

void
lookup_run(struct lookup *l)
{
	struct addrinfo hints = {
	    .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
	struct addrinfo *all = NULL;
	int rc = getaddrinfo(l->host, NULL, &hints, &all);

	l->n = 0;
	l->len = 0;
	l->text[0] = '\0';
	l->code = lookup_code_of(rc);
	for (struct addrinfo *a = all; a && l->n < IPC_ADDRESSES_MAX;
	     a = a->ai_next)
		add(l, a->ai_addr);
	if (all)
		freeaddrinfo(all);
	if (rc) {
		snprintf(l->text, sizeof(l->text), "%.100s: %s", l->host,
		    gai_strerror(rc));
	} else if (!l->n) {
		l->code = LOOKUP_NOT_FOUND;
		snprintf(l->text, sizeof(l->text),
		    "%.100s has no address that can be used", l->host);
	}
}
