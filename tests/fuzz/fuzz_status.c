/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A status from anybody: the screen has no control characters and fits 80
 * columns; JSON comes back as it went in.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "admin/json.h"
#include "admin/safe.h"
#include "admin/statusview.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char *
print(const json_t *status, enum writer_form form)
{
	struct writer_options o = {.form = form, .is_terminal = true};
	struct args args = {.form = form};
	struct fault fault;
	struct writer *w;
	char *out = NULL;
	size_t len;

	o.to = open_memstream(&out, &len);
	if (!o.to || writer_new(&o, &w))
		abort();
	if (statusview_write(w, status, &args, 1795669200, &fault) ||
	    writer_close(w))
		abort();
	writer_free(w);
	fclose(o.to);
	return out;
}

static void
check_screen(char *out, size_t max)
{
	char *at = NULL;

	for (char *p = out; *p; p++)
		if (*p != '\n' && ((unsigned char)*p < 0x20 || *p == 0x7f))
			abort();
	for (char *line = strtok_r(out, "\n", &at); line;
	     line = strtok_r(NULL, "\n", &at))
		if (safe_width(bytes_of_str(line)) > max)
			abort();
	free(out);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	json_t *status, *back;
	char *out;

	if (json_read(bytes_of(data, size), &status, NULL))
		return 0;
	check_screen(print(status, WRITER_TABLE), 80);
	check_screen(print(status, WRITER_WIDE), SIZE_MAX);
	check_screen(print(status, WRITER_CSV), SIZE_MAX);
	out = print(status, WRITER_NDJSON);
	if (json_read(bytes_of_str(out), &back, NULL))
		abort();
	json_decref(back);
	json_decref(status);
	free(out);
	return 0;
}
