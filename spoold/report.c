/* SPDX-License-Identifier: Apache-2.0 */
/* What the keeper is told about the processes, for `spoolctl status`. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "lib/base/clock.h"
#include "lib/base/err.h"
#include "lib/base/log.h"
#include "lib/codec/kv.h"
#include "spoold/supervisor.h"

#define WARNINGS_MAX 16384u

/* A JSON string of text that is ours: only quotes need care. */
static void
add_string(struct buf *b, const char *text)
{
	buf_add_u8(b, '"');
	for (; *text; text++) {
		unsigned char c = (unsigned char)*text;

		if (c == '"' || c == '\\')
			buf_add_fmt(b, "\\%c", c);
		else if (c < 0x20)
			buf_add_fmt(b, "\\u%04x", c);
		else
			buf_add_u8(b, c);
	}
	buf_add_u8(b, '"');
}

void
supervisor_warn(struct supervisor *s, const char *fmt, ...)
{
	char text[8192];
	struct buf quoted;
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	buf_init(&quoted, sizeof(text) * 6);
	add_string(&quoted, text);
	/* Said once is enough, and so is a screenful. */
	if (!s->warnings.len ||
	    (s->warnings.len < WARNINGS_MAX &&
		!memmem(buf_ptr(&s->warnings), s->warnings.len,
		    buf_ptr(&quoted), quoted.len))) {
		log_warn("%s", text);
		if (s->warnings.len)
			buf_add_u8(&s->warnings, ',');
		buf_add_bytes(&s->warnings, buf_bytes(&quoted));
	}
	buf_fini(&quoted);
}

void
supervisor_warn_lines(struct supervisor *s, struct bytes lines)
{
	while (lines.len) {
		struct bytes line = bytes_take_line(&lines);

		supervisor_warn(
		    s, "%.*s", (int)line.len, (const char *)line.ptr);
	}
}

void
supervisor_set_log(const struct config *config)
{
	enum log_level level = LOG_LEVEL_INFO;

	log_level_parse(word_text(config->log_level), &level);
	log_setup("spoold", level, config->log_format == WORD_JSON);
}

static void
add_roles(struct supervisor *s, struct buf *b)
{
	bool first = true;

	buf_add_u8(b, '[');
	for (struct child *c = s->children; c; c = c->next) {
		buf_add_fmt(b,
		    "%s{\"role\":\"%s\",\"pid\":%d,\"restarts\":%u,"
		    "\"ready\":%s,\"memory_bytes\":%llu}",
		    first ? "" : ",", c->name, (int)c->pid, c->restarts,
		    c->state == CHILD_READY ? "true" : "false",
		    (unsigned long long)child_memory(c));
		first = false;
	}
	buf_add_u8(b, ']');
}

static void
add_listeners(struct supervisor *s, struct buf *b)
{
	bool first = true;
	char address[128];

	buf_add_u8(b, '{');
	for (size_t i = 0; i < s->config->listener_count; i++) {
		const struct named_fd *row =
		    supervisor_listener(s, &s->config->listeners[i]);

		if (!row)
			continue;
		sockets_address(row->fd, address, sizeof(address));
		buf_add_str(b, first ? "" : ",");
		add_string(b, row->name);
		buf_add_u8(b, ':');
		add_string(b, address);
		first = false;
	}
	buf_add_u8(b, '}');
}

static void __attribute__((format(printf, 2, 3)))
add_warning(struct buf *b, const char *fmt, ...)
{
	char text[256];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	buf_add_str(b, b->len > 1 ? "," : "");
	add_string(b, text);
}

/* What is so now, besides what was said once. */
static void
add_warnings(struct supervisor *s, struct buf *b)
{
	uint64_t now_ms = loop_now_ms(s->loop);

	buf_add_u8(b, '[');
	buf_add_bytes(b, buf_bytes(&s->warnings));
	for (struct child *c = s->children; c; c = c->next) {
		if (backoff_is_restless(&c->backoff, c->pid != 0, now_ms))
			add_warning(b,
			    "ROLE_RESTARTING: %s has ended %u times in a row, "
			    "the last time by %s; the log says more",
			    c->name, c->backoff.deaths, c->last_end);
		if (c->silences)
			add_warning(b,
			    "ROLE_SILENT: %s did not answer and was started "
			    "again, %u times so far",
			    c->name, c->silences);
	}
	buf_add_u8(b, ']');
}

static int
add(struct kv *kv, const char *key, struct buf *text)
{
	int rc = text->err ? text->err : kv_add_bytes(kv, key, buf_bytes(text));

	buf_clear(text);
	return rc;
}

/* Everybody who is wanted runs, with the configuration in use. */
static bool
is_complete(const struct supervisor *s)
{
	for (const struct child *c = s->children; c; c = c->next)
		if (c->wanted && c->state != CHILD_READY)
			return false;
	return s->told_ready;
}

static int
fill(struct supervisor *s, struct kv *kv, struct buf *b)
{
	char since[CLOCK_TEXT_SIZE];
	int rc;

	add_roles(s, b);
	rc = add(kv, "roles", b);
	add_listeners(s, b);
	if (!rc)
		rc = add(kv, "addresses", b);
	buf_add_fmt(b, "{\"generation\":%u,\"last_error\":", s->generation);
	add_string(b, s->reload_error);
	buf_add_u8(b, '}');
	if (!rc)
		rc = add(kv, "reload", b);
	add_warnings(s, b);
	if (!rc)
		rc = add(kv, "warnings", b);
	if (!rc)
		rc = kv_add_str(kv, "since", clock_format(s->since_ns, since));
	return rc ? rc : kv_add_u64(kv, "ready", is_complete(s));
}

void
supervisor_report(struct supervisor *s)
{
	struct child *keeper = supervisor_find(s, IPC_ROLE_KEEPER, 0, "");
	struct ipc_msg m = {.type = IPC_STATUS};
	struct kv *kv = NULL;
	struct buf b;

	if (!keeper || keeper->state != CHILD_READY || kv_new(&kv))
		return;
	buf_init(&b, KV_BYTES_MAX);
	if (!fill(s, kv, &b)) {
		kv_encode(kv, &b);
		m.u.kv.kv = buf_bytes(&b);
		if (!b.err)
			child_send(keeper, &m, -1);
	}
	buf_fini(&b);
	kv_free(kv);
}
