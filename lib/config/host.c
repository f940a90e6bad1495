/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/config/host.h"

#include <arpa/inet.h>
#include <ctype.h>

#include "lib/base/err.h"
#include "lib/config/unit.h"

/* Copy a literal into a C string for inet_pton; false if it is too long. */
static bool
literal_text(struct bytes text, char out[static INET6_ADDRSTRLEN])
{
	if (text.len >= INET6_ADDRSTRLEN)
		return false;
	memcpy(out, text.ptr, text.len);
	out[text.len] = '\0';
	return true;
}

bool
host_literal(
    int family, struct bytes text, char canonical[static INET6_ADDRSTRLEN])
{
	struct in6_addr addr; /* room for either */
	char in[INET6_ADDRSTRLEN];

	return literal_text(text, in) && inet_pton(family, in, &addr) == 1 &&
	    inet_ntop(family, &addr, canonical, INET6_ADDRSTRLEN);
}

bool
host_is_name(struct bytes text)
{
	size_t label = 0;
	bool is_number = true;

	if (text.len == 0 || text.len > HOST_NAME_TEXT_MAX)
		return false;
	for (size_t i = 0; i < text.len; i++) {
		uint8_t c = text.ptr[i];

		if (c == '.') {
			if (label == 0 || i + 1 == text.len)
				return false;
			label = 0;
			is_number = true;
			continue;
		}
		if (!isalnum(c) && (c != '-' || label == 0) && c != '_')
			return false;
		is_number &= isdigit(c) != 0;
		if (++label > 63)
			return false;
	}
	return !is_number;
}

int
host_split(
    struct bytes text, struct bytes *host, uint16_t *port, bool *is_bracketed)
{
	size_t colon = text.len;
	uint64_t number;
	int rc;

	while (colon > 0 && text.ptr[colon - 1] != ':')
		colon--;
	if (colon < 2)
		return ERR_FORMAT;
	rc =
	    unit_integer(bytes_of(text.ptr + colon, text.len - colon), &number);
	if (rc)
		return rc;
	if (number > UINT16_MAX)
		return ERR_RANGE;
	*host = bytes_of(text.ptr, colon - 1);
	*port = (uint16_t)number;
	*is_bracketed = host->ptr[0] == '[' && host->ptr[host->len - 1] == ']';
	if (*is_bracketed)
		*host = bytes_of(host->ptr + 1, host->len - 2);
	return 0;
}
