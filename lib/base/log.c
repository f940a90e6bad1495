/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/base/log.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "lib/base/err.h"

static struct {
	char program[48];
	enum log_level level;
	bool json;
	bool journal;
} log_state = {.program = "spoold", .level = LOG_LEVEL_INFO};

static const char *const level_words[] = {"error", "warn", "info", "debug"};

void
log_setup(const char *program, enum log_level level, bool json)
{
	snprintf(log_state.program, sizeof(log_state.program), "%s", program);
	log_state.level = level;
	log_state.json = json;
	log_state.journal = getenv("JOURNAL_STREAM") != NULL;
}

void
log_set_level(enum log_level level)
{
	log_state.level = level;
}

void
log_set_json(bool json)
{
	log_state.json = json;
}

int
log_level_parse(const char *word, enum log_level *level)
{
	for (int i = 0; i < 4; i++)
		if (!strcmp(word, level_words[i])) {
			*level = (enum log_level)i;
			return 0;
		}
	return ERR_INVAL;
}

/* Copy text, with control characters (and for JSON `"` and `\`) escaped. */
static size_t
escape(char *to, size_t size, const char *text)
{
	size_t n = 0;

	for (; *text && n + 7 < size; text++) {
		unsigned char c = (unsigned char)*text;

		if (c >= 0x20 && c != 0x7f &&
		    !(log_state.json && (c == '"' || c == '\\')))
			to[n++] = (char)c;
		else
			n += (size_t)snprintf(to + n, size - n,
			    log_state.json ? "\\u%04x" : "\\x%02x", c);
	}
	to[n] = '\0';
	return n;
}

static void __attribute__((format(printf, 2, 0)))
emit(enum log_level level, const char *fmt, va_list ap)
{
	static const int priorities[] = {3, 4, 6, 7};
	char text[2048], safe[4096], line[4608], when[CLOCK_TEXT_SIZE];
	int n;

	if (level > log_state.level)
		return;
	vsnprintf(text, sizeof(text), fmt, ap);
	escape(safe, sizeof(safe), text);
	clock_format(clock_now().wall_ns, when);
	if (log_state.json)
		n = snprintf(line, sizeof(line),
		    "{\"time\":\"%s\",\"level\":\"%s\",\"program\":\"%s\","
		    "\"text\":\"%s\"}\n",
		    when, level_words[level], log_state.program, safe);
	else if (log_state.journal)
		n = snprintf(line, sizeof(line), "<%d>%s: %s\n",
		    priorities[level], log_state.program, safe);
	else
		n = snprintf(line, sizeof(line), "%s %s[%d]: %s: %s\n", when,
		    log_state.program, (int)getpid(), level_words[level], safe);
	/* One write a line, so that the lines of many processes stay whole. */
	if (n > 0 && write(STDERR_FILENO, line, (size_t)n) < 0)
		return;
}

#define LOG_FUNCTION(name, level)             \
	void log_##name(const char *fmt, ...) \
	{                                     \
		va_list ap;                   \
		va_start(ap, fmt);            \
		emit(level, fmt, ap);         \
		va_end(ap);                   \
	}

LOG_FUNCTION(error, LOG_LEVEL_ERROR)
LOG_FUNCTION(warn, LOG_LEVEL_WARN)
LOG_FUNCTION(info, LOG_LEVEL_INFO)
LOG_FUNCTION(debug, LOG_LEVEL_DEBUG)
