/* SPDX-License-Identifier: Apache-2.0 */
#include "forwarder/targets/syslog_header.h"

#include <inttypes.h>
#include <string.h>

#include "lib/base/clock.h"

#define FACILITY_USER 8u
#define APP_NAME_MAX 48
#define HOST_MAX 255

/* All records of the range have one severity, or none is known. */
static unsigned
pri_of(uint32_t severities)
{
	if (!severities || severities & (severities - 1))
		return SYSLOG_HEADER_PRI;
	return FACILITY_USER + ((unsigned)__builtin_ctz(severities) & 7);
}

/* A name of printable ASCII; what is not becomes an underscore. */
static void
add_name(struct buf *out, struct bytes x, size_t max)
{
	if (!x.len)
		buf_add_u8(out, '-');
	for (size_t i = 0; i < x.len && i < max; i++)
		buf_add_u8(
		    out, x.ptr[i] > ' ' && x.ptr[i] < 0x7f ? x.ptr[i] : '_');
}

/* The peer without its port: "192.0.2.7", "2001:db8::1". */
static struct bytes
host_of(struct bytes peer)
{
	const uint8_t *colon = memrchr(peer.ptr, ':', peer.len);

	if (!peer.len || !colon)
		return peer;
	/* An IPv6 address without a port. */
	if (peer.ptr[0] != '[' && memchr(peer.ptr, ':', peer.len) != colon)
		return peer;
	if (peer.ptr[0] == '[' && colon[-1] == ']')
		return bytes_of(peer.ptr + 1, (size_t)(colon - peer.ptr) - 2);
	return bytes_of(peer.ptr, (size_t)(colon - peer.ptr));
}

/* Bytes of the UTF-8 character at p, 0 if there is none. */
static size_t
utf8_length(const uint8_t *p, size_t left)
{
	size_t n = *p < 0x80 ? 1
	    : *p < 0xc2	     ? 0
	    : *p < 0xe0	     ? 2
	    : *p < 0xf0	     ? 3
	    : *p < 0xf5	     ? 4
			     : 0;

	if (n > left)
		return 0;
	for (size_t i = 1; i < n; i++)
		if ((p[i] & 0xc0) != 0x80)
			return 0;
	if ((*p == 0xe0 && p[1] < 0xa0) || (*p == 0xed && p[1] > 0x9f) ||
	    (*p == 0xf0 && p[1] < 0x90) || (*p == 0xf4 && p[1] > 0x8f))
		return 0;
	return n;
}

/* A parameter; bytes that are no UTF-8, and control characters, become "?". */
static void
add_param(struct buf *out, const char *key, struct bytes x)
{
	buf_add_fmt(out, " %s=\"", key);
	for (size_t i = 0; i < x.len;) {
		size_t n = utf8_length(x.ptr + i, x.len - i);

		if (!n || x.ptr[i] < 0x20 || x.ptr[i] == 0x7f) {
			buf_add_u8(out, '?');
			i++;
			continue;
		}
		if (x.ptr[i] == '"' || x.ptr[i] == '\\' || x.ptr[i] == ']')
			buf_add_u8(out, '\\');
		buf_add(out, x.ptr + i, n);
		i += n;
	}
	buf_add_u8(out, '"');
}

void
syslog_header_add(const struct render_record *r, struct buf *out)
{
	const struct target_stream *s = r->range->stream;
	char when[CLOCK_TEXT_SIZE], id[DIGEST_ORIGIN_TEXT_SIZE];
	char origin[UUID_TEXT_SIZE];

	buf_add_fmt(out, "<%u>1 %s ", pri_of(r->range->severities),
	    clock_format(r->event_ns ? r->event_ns : r->received_ns, when));
	add_name(out, host_of(s->peer), HOST_MAX);
	buf_add_u8(out, ' ');
	add_name(out, s->name, APP_NAME_MAX);
	buf_add_fmt(out, " - - [spoold@32473 id=\"%s\" origin=\"%s\"",
	    render_id(r, id), uuid_format(&s->origin, origin));
	add_param(out, "stream", s->name);
	buf_add_fmt(out, " seq=\"%" PRIu64 "\"", r->seq);
	if (r->range->path.len)
		add_param(out, "file", r->range->path);
	buf_add_u8(out, ']');
}
