/* SPDX-License-Identifier: Apache-2.0 */
/*
 * log - one line to standard error for each event, from programs only.
 *
 * Only glue and main log, once, where the error is handled; lib/ does not.
 * Record content is never logged.  Control characters in arguments are shown
 * as \xHH.  Under the journal (JOURNAL_STREAM) lines carry a <N> priority.
 */
#ifndef LIB_BASE_LOG_H
#define LIB_BASE_LOG_H

#include <stdbool.h>

enum log_level {
	LOG_LEVEL_ERROR,
	LOG_LEVEL_WARN,
	LOG_LEVEL_INFO,
	LOG_LEVEL_DEBUG,
};

/* Called once by main: the name shown on each line, and the form. */
void log_setup(const char *program, enum log_level level, bool json);
void log_set_level(enum log_level level);
void log_set_json(bool json);

/* "error", "warn", "info", "debug"; ERR_INVAL for another word. */
int log_level_parse(const char *word, enum log_level *level);

void log_error(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void log_warn(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void log_info(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void log_debug(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

#endif
