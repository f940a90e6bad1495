/* SPDX-License-Identifier: Apache-2.0 */
#include "forwarder/targets/file_trouble.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "lib/base/err.h"

int
file_trouble_hold(
    struct file_trouble *t, const char *code, const char *fmt, ...)
{
	va_list ap;

	t->verdict = TARGET_HOLD;
	t->code = code;
	va_start(ap, fmt);
	vsnprintf(t->text, sizeof(t->text), fmt, ap);
	va_end(ap);
	return ERR_STATE;
}

int
file_trouble_failed(
    struct file_trouble *t, const char *what, const char *name, int rc)
{
	bool denied = rc == ERR_DENIED || errno == EROFS;

	t->verdict = denied ? TARGET_HOLD : TARGET_RETRY;
	t->code = denied ? "DENIED" : rc == ERR_FULL ? "NO_SPACE" : "IO_ERROR";
	snprintf(t->text, sizeof(t->text), "cannot %s %s: %s", what, name,
	    errno ? strerrordesc_np(errno) : err_text(rc));
	return rc;
}
