/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/link/address.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/un.h>

#include "lib/base/err.h"

#define UNIX_PREFIX "unix:"

static int
parse_port(struct bytes text, uint16_t *port)
{
	unsigned long n = 0;

	if (text.len < 1 || text.len > 5)
		return ERR_FORMAT;
	for (size_t i = 0; i < text.len; i++) {
		if (text.ptr[i] < '0' || text.ptr[i] > '9')
			return ERR_FORMAT;
		n = n * 10 + (unsigned long)(text.ptr[i] - '0');
	}
	if (n < 1 || n > 65535)
		return ERR_FORMAT;
	*port = (uint16_t)n;
	return 0;
}

int
address_split(struct bytes text, struct bytes *host, uint16_t *port)
{
	struct bytes h = text;
	uint16_t p;

	while (h.len && h.ptr[h.len - 1] != ':')
		h.len--;
	if (h.len < 2)
		return ERR_FORMAT;
	if (parse_port(bytes_of(text.ptr + h.len, text.len - h.len), &p))
		return ERR_FORMAT;
	h.len--; /* the colon */
	if (h.ptr[0] == '[') {
		if (h.len < 3 || h.ptr[h.len - 1] != ']')
			return ERR_FORMAT;
		h = bytes_of(h.ptr + 1, h.len - 2);
	} else if (memchr(h.ptr, ':', h.len)) {
		return ERR_FORMAT; /* IPv6 goes in brackets */
	}
	*host = h;
	*port = p;
	return 0;
}

static int
parse_unix(struct bytes path, struct address *a)
{
	struct sockaddr_un un = {.sun_family = AF_UNIX};

	if (path.len < 1 || path.len >= sizeof(un.sun_path) ||
	    memchr(path.ptr, 0, path.len))
		return ERR_FORMAT;
	memcpy(un.sun_path, path.ptr, path.len);
	memset(a, 0, sizeof(*a));
	memcpy(&a->sa, &un, sizeof(un));
	a->len =
	    (socklen_t)(offsetof(struct sockaddr_un, sun_path) + path.len + 1);
	return 0;
}

int
address_parse(struct bytes text, struct address *a)
{
	size_t prefix = strlen(UNIX_PREFIX);
	struct bytes host;
	uint16_t port;

	if (text.len >= prefix && !memcmp(text.ptr, UNIX_PREFIX, prefix))
		return parse_unix(
		    bytes_of(text.ptr + prefix, text.len - prefix), a);
	if (address_split(text, &host, &port))
		return ERR_FORMAT;
	return address_parse_host(host, port, a);
}

int
address_parse_host(struct bytes host, uint16_t port, struct address *a)
{
	struct sockaddr_in v4 = {.sin_family = AF_INET};
	struct sockaddr_in6 v6 = {.sin6_family = AF_INET6};
	char text[INET6_ADDRSTRLEN];

	if (host.len >= 2 && host.ptr[0] == '[' &&
	    host.ptr[host.len - 1] == ']')
		host = bytes_of(host.ptr + 1, host.len - 2);
	if (host.len >= sizeof(text) || memchr(host.ptr, 0, host.len))
		return ERR_FORMAT;
	memcpy(text, host.ptr, host.len);
	text[host.len] = 0;
	if (inet_pton(AF_INET, text, &v4.sin_addr) == 1) {
		v4.sin_port = htons(port);
		memset(a, 0, sizeof(*a));
		memcpy(&a->sa, &v4, sizeof(v4));
		a->len = sizeof(v4);
	} else if (inet_pton(AF_INET6, text, &v6.sin6_addr) == 1) {
		v6.sin6_port = htons(port);
		memset(a, 0, sizeof(*a));
		memcpy(&a->sa, &v6, sizeof(v6));
		a->len = sizeof(v6);
	} else {
		return ERR_FORMAT;
	}
	return 0;
}

/* The host as text and its port; false for what is not IP. */
static bool
show_ip(const struct sockaddr *sa, socklen_t len, char host[INET6_ADDRSTRLEN],
    uint16_t *port, bool *v6)
{
	struct sockaddr_in in4;
	struct sockaddr_in6 in6;

	if (sa->sa_family == AF_INET && len >= sizeof(in4)) {
		memcpy(&in4, sa, sizeof(in4));
		*port = ntohs(in4.sin_port);
		*v6 = false;
		return inet_ntop(AF_INET, &in4.sin_addr, host,
			   INET6_ADDRSTRLEN) != NULL;
	}
	if (sa->sa_family != AF_INET6 || len < sizeof(in6))
		return false;
	memcpy(&in6, sa, sizeof(in6));
	*port = ntohs(in6.sin6_port);
	*v6 = !IN6_IS_ADDR_V4MAPPED(&in6.sin6_addr);
	if (*v6)
		return inet_ntop(AF_INET6, &in6.sin6_addr, host,
			   INET6_ADDRSTRLEN) != NULL;
	return inet_ntop(AF_INET, in6.sin6_addr.s6_addr + 12, host,
		   INET6_ADDRSTRLEN) != NULL;
}

/* "unix:/path", or "unix" for a socket without a name. */
static void
show_other(const struct sockaddr *sa, socklen_t len, char *text, size_t size)
{
	size_t at = offsetof(struct sockaddr_un, sun_path);
	const char *path = (const char *)sa + at;

	if (sa->sa_family != AF_UNIX)
		snprintf(text, size, "unknown");
	else if (len <= at || !path[0])
		snprintf(text, size, "unix");
	else
		snprintf(text, size, "unix:%.*s", (int)strnlen(path, len - at),
		    path);
}

char *
address_format(const struct sockaddr *sa, socklen_t len,
    char text[static ADDRESS_TEXT_SIZE])
{
	char host[INET6_ADDRSTRLEN];
	uint16_t port = 0;
	bool v6;

	if (show_ip(sa, len, host, &port, &v6))
		snprintf(text, ADDRESS_TEXT_SIZE, v6 ? "[%s]:%u" : "%s:%u",
		    host, port);
	else
		show_other(sa, len, text, ADDRESS_TEXT_SIZE);
	return text;
}

char *
address_format_host(const struct sockaddr *sa, socklen_t len,
    char text[static ADDRESS_TEXT_SIZE])
{
	char host[INET6_ADDRSTRLEN];
	uint16_t port;
	bool v6;

	if (show_ip(sa, len, host, &port, &v6))
		snprintf(text, ADDRESS_TEXT_SIZE, "%s", host);
	else
		show_other(sa, len, text, ADDRESS_TEXT_SIZE);
	return text;
}
