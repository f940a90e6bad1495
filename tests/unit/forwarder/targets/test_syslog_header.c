/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "forwarder/targets/syslog_header.h"
#include "tests/helpers/cmocka_all.h"

#define ORIGIN "01000000-0000-0000-0000-000000000000"

struct row {
	const char *name, *peer, *path;
	uint32_t severities;
	int64_t event_ns;
	const char *want; /* %s: the id */
};

static const struct row rows[] = {
    {"syslog", "192.0.2.7:4711", NULL, 0, 0,
	"<14>1 2026-09-21T14:13:20.123456Z 192.0.2.7 syslog - - "
	"[spoold@32473 id=\"%s\" origin=\"" ORIGIN
	"\" stream=\"syslog\" seq=\"7\"]"},
    /* One severity; the event's own time; a path. */
    {"app", "[2001:db8::1]:9", "/var/log/x.log", 1u << 3, INT64_C(1000000000),
	"<11>1 1970-01-01T00:00:01.000000Z 2001:db8::1 app - - "
	"[spoold@32473 id=\"%s\" origin=\"" ORIGIN
	"\" stream=\"app\" seq=\"7\" file=\"/var/log/x.log\"]"},
    /* Several severities are none; nothing is known of the peer. */
    {"a b\xe3\x82\xb9", "", NULL, 3, 0,
	"<14>1 2026-09-21T14:13:20.123456Z - a_b___ - - "
	"[spoold@32473 id=\"%s\" origin=\"" ORIGIN
	"\" stream=\"a b\xe3\x82\xb9\" seq=\"7\"]"},
    /* What parameters may not hold as it is. */
    {"q", "host", "a\"b\\c]d\x01\xff\xc3", 1u << 7, 0,
	"<15>1 2026-09-21T14:13:20.123456Z host q - - "
	"[spoold@32473 id=\"%s\" origin=\"" ORIGIN
	"\" stream=\"q\" seq=\"7\" file=\"a\\\"b\\\\c\\]d???\"]"},
    /* A long name is whole in its parameter. */
    {"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "::1",
	NULL, 0, 0,
	"<14>1 2026-09-21T14:13:20.123456Z ::1 "
	"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa - - "
	"[spoold@32473 id=\"%s\" origin=\"" ORIGIN
	"\" stream=\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	"aaaaa\" seq=\"7\"]"},
};

static void
headers_are_as_the_document_says(void **state)
{
	char want[1024], id[DIGEST_ORIGIN_TEXT_SIZE];
	const char *id_at;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct target_stream stream = {.origin = {{1}},
		    .name = bytes_of_str(rows[i].name),
		    .peer = bytes_of_str(rows[i].peer)};
		struct render_range range = {.stream = &stream,
		    .id_prefix = {1, 2},
		    .severities = rows[i].severities,
		    .path = bytes_of_str(rows[i].path)};
		struct render_record r = {.seq = 7,
		    .range = &range,
		    .event_ns = rows[i].event_ns,
		    .received_ns = INT64_C(1790000000123456789)};
		struct buf out;

		buf_init(&out, 4096);
		syslog_header_add(&r, &out);
		id_at = strstr(rows[i].want, "%s");
		snprintf(want, sizeof(want), "%.*s%s%s",
		    (int)(id_at - rows[i].want), rows[i].want,
		    render_id(&r, id), id_at + 2);
		buf_add_u8(&out, '\0');
		assert_string_equal(buf_ptr(&out), want);
		buf_fini(&out);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(headers_are_as_the_document_says),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
