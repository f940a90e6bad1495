/* SPDX-License-Identifier: Apache-2.0 */
#include "admin/fault.h"

#include <stdarg.h>
#include <string.h>

#include "admin/json.h"
#include "admin/safe.h"
#include "lib/base/err.h"

/* What does not fit ends with dots, so that nobody takes it for all. */
static void __attribute__((format(printf, 3, 0)))
format(char *to, size_t size, const char *fmt, va_list ap)
{
	int n = vsnprintf(to, size, fmt, ap);

	if (n >= 0 && (size_t)n >= size)
		memcpy(to + size - 4, "...", 4);
}

int
fault_set(struct fault *f, enum fault_exit exit, const char *code,
    const char *message, ...)
{
	va_list ap;

	f->exit = exit;
	snprintf(f->code, sizeof(f->code), "%s", code);
	va_start(ap, message);
	format(f->message, sizeof(f->message), message, ap);
	va_end(ap);
	f->cause[0] = f->hint[0] = '\0';
	return (int)exit;
}

void
fault_cause(struct fault *f, const char *cause, ...)
{
	va_list ap;

	va_start(ap, cause);
	format(f->cause, sizeof(f->cause), cause, ap);
	va_end(ap);
}

void
fault_hint(struct fault *f, const char *hint, ...)
{
	va_list ap;

	va_start(ap, hint);
	format(f->hint, sizeof(f->hint), hint, ap);
	va_end(ap);
}

int
fault_of_err(struct fault *f, int rc, const char *what)
{
	fault_set(f, FAULT_FAILED, err_name(rc) + strlen("ERR_"), "%s", what);
	fault_cause(f, "%s", err_text(rc));
	return FAULT_FAILED;
}

static void
print_lines(const char *label, const char *text, FILE *to)
{
	while (*text) {
		size_t len = strcspn(text, "\n");

		fprintf(to, "  %s: ", label);
		safe_write(bytes_of(text, len), to);
		fputc('\n', to);
		text += len + (text[len] == '\n');
	}
}

static void
add(json_t *o, const char *key, const char *text)
{
	struct bytes b = bytes_of_str(text);

	if (b.len)
		json_object_set_new(o, key, json_text(b));
}

static void
print_json(const struct fault *f, FILE *to)
{
	json_t *error = json_object();
	json_t *o = json_pack("{s:o}", "error", error);

	add(error, "code", f->code);
	add(error, "message", f->message);
	add(error, "cause", f->cause);
	add(error, "hint", f->hint);
	json_object_set_new(error, "exit", json_integer((int)f->exit));
	json_write(o, 0, to);
	json_decref(o);
}

void
fault_print(const struct fault *f, bool as_json, FILE *to)
{
	if (as_json) {
		print_json(f, to);
		return;
	}
	fputs("spoolctl: ", to);
	safe_write(bytes_of_str(f->message), to);
	fprintf(to, " (%s)\n", f->code);
	print_lines("cause", f->cause, to);
	print_lines("hint", f->hint, to);
}
