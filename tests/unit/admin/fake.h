/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fake - a control socket that answers what a test wrote down, and spoolctl
 * run against it.
 *
 * Connection n gets reply n, the last one again and again.  It reads one
 * request frame, sends its bytes in pieces, and closes.
 */
#ifndef TESTS_UNIT_ADMIN_FAKE_H
#define TESTS_UNIT_ADMIN_FAKE_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/base/buf.h"

struct fake_reply {
	struct bytes bytes; /* borrowed until fake_stop */
	size_t piece; /* bytes a send; 0: all at once */
	bool is_slammed; /* close without reading the request */
	bool is_silent; /* read on, until the other side closes */
};

struct fake; /* opaque */

/* A directory and a socket of its own; a failure ends the test. */
struct fake *fake_start(const struct fake_reply *replies, size_t count);

/* An address where nobody listens. */
struct fake *fake_absent(void);

const char *fake_socket(const struct fake *f);
const char *fake_dir(const struct fake *f);

/* No more answers; then the requests may be looked at. */
void fake_stop(struct fake *f);
size_t fake_connections(const struct fake *f);
/* The JSON of the request on connection n; "" if there was none. */
const char *fake_request(const struct fake *f, size_t n);

void fake_free(struct fake *f);

/* A frame appended; a whole answer: {"ok":true,"result":RESULT}. */
void fake_put(struct buf *b, int kind, const char *json);
void fake_put_result(struct buf *b, const char *result);

struct fake_run {
	int status; /* exit */
	char *out, *err;
};

/* `spoolctl --socket SOCKET LINE`; LINE is split at spaces. */
struct fake_run fake_spoolctl(const struct fake *f, const char *line);
void fake_run_fini(struct fake_run *r);

#endif
