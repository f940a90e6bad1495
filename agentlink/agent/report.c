/* SPDX-License-Identifier: Apache-2.0 */
#include "agentlink/agent/report.h"

#include <inttypes.h>

#include "config.h"

#include "lib/base/clock.h"

static void
put_string(struct buf *b, const char *text)
{
	if (!text) {
		buf_add_str(b, "null");
		return;
	}
	buf_add_u8(b, '"');
	for (const char *p = text; *p; p++) {
		if (*p == '"' || *p == '\\')
			buf_add_fmt(b, "\\%c", *p);
		else if ((unsigned char)*p < ' ' || *p == 0x7f)
			buf_add_fmt(b, "\\u%04x", (unsigned)*p);
		else
			buf_add_u8(b, (uint8_t)*p);
	}
	buf_add_u8(b, '"');
}

static void
put_time(struct buf *b, int64_t wall_ns)
{
	char text[CLOCK_TEXT_SIZE];
	put_string(b, clock_format(wall_ns, text));
}

static void
put_error(struct buf *b, const struct report *r)
{
	buf_add_str(b, " \"last_error\": ");
	if (r->last_error) {
		buf_add_str(b, "{\"text\": ");
		put_string(b, r->last_error);
		buf_add_str(b, ", \"at\": ");
		put_time(b, r->last_error_ns);
		buf_add_str(b, "},\n");
	} else {
		buf_add_str(b, "null,\n");
	}
}

static void
put_inputs(struct buf *b, const struct inputs *inputs)
{
	struct inputs_counts c;
	buf_add_str(b, " \"inputs\": [");
	for (size_t i = 0; inputs_counts(inputs, i, &c); i++) {
		buf_add_str(b, i ? ",\n  {\"name\": " : "\n  {\"name\": ");
		put_string(b, c.name);
		buf_add_str(b, ", \"stream\": ");
		put_string(b, c.stream);
		if (!c.is_stdin)
			buf_add_fmt(b,
			    ", \"files\": %" PRIu64 ", \"unreadable\": %" PRIu64
			    ", \"behind_bytes\": %" PRIu64,
			    c.counts.files, c.counts.unreadable,
			    c.counts.behind_bytes);
		buf_add_fmt(b, ", \"records\": %" PRIu64 "}", c.counts.records);
	}
	buf_add_str(b, "]}\n");
}

void
report_json(struct buf *b, const struct report *r)
{
	const struct agentlink_counts *c = &r->counts;
	buf_add_fmt(b,
	    "{\"schema\": \"agentlink.status\", \"schema_version\": 1,\n"
	    " \"version\": \"%s\", \"pid\": %ld,\n \"since\": ",
	    PACKAGE_VERSION, r->pid);
	put_time(b, r->since_ns);
	buf_add_str(b, ", \"at\": ");
	put_time(b, r->at_ns);
	buf_add_str(b, ",\n \"server\": ");
	put_string(b, r->server);
	buf_add_str(b, ",\n");
	put_error(b, r);
	buf_add_fmt(b,
	    " \"outbox\": {\"used_bytes\": %" PRIu64
	    ", \"limit_bytes\": %" PRIu64 ", \"full\": %s},\n",
	    r->outbox_bytes, r->outbox_max, r->is_full ? "true" : "false");
	buf_add_fmt(b,
	    " \"unacknowledged\": {\"records\": %" PRIu64
	    ", \"batches\": %" PRIu64 ", \"bytes\": %" PRIu64 "},\n",
	    c->held_records, c->held_batches, c->held_bytes);
	buf_add_fmt(b,
	    " \"acknowledged\": {\"records\": %" PRIu64 ", \"bytes\": %" PRIu64
	    ", \"repeats\": %" PRIu64 "},\n \"lost\": %" PRIu64 ",\n",
	    c->records, c->bytes, c->repeats, c->lost);
	put_inputs(b, r->inputs);
}

void
report_line(struct buf *b, const struct report *r)
{
	struct follow_counts sum = {0};
	struct inputs_counts c;
	for (size_t i = 0; inputs_counts(r->inputs, i, &c); i++) {
		sum.files += c.counts.files;
		sum.unreadable += c.counts.unreadable;
		sum.behind_bytes += c.counts.behind_bytes;
	}
	if (r->server)
		buf_add_fmt(b, "connected to %s", r->server);
	else
		buf_add_fmt(b, "not connected%s%s", r->last_error ? ": " : "",
		    r->last_error ? r->last_error : "");
	buf_add_fmt(b,
	    "; %" PRIu64 " files, %" PRIu64 " bytes to be read, %" PRIu64
	    " records to be acknowledged",
	    sum.files, sum.behind_bytes, r->counts.held_records);
	if (sum.unreadable)
		buf_add_fmt(
		    b, "; %" PRIu64 " files cannot be read", sum.unreadable);
	if (r->is_full)
		buf_add_str(b, "; the outbox is full");
	if (r->counts.lost)
		buf_add_fmt(b, "; %" PRIu64 " records lost", r->counts.lost);
}
