/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes from a neighbour, in two writes: frames, then on_closed once. */
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/link/chan.h"

struct seen {
	size_t bytes;
	int closed;
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void
on_message(uint16_t type, struct bytes payload, int fd, void *arg)
{
	struct seen *s = arg;

	(void)type;
	if (fd >= 0)
		abort(); /* none is ever sent here */
	s->bytes += CHAN_HEADER_SIZE + payload.len;
}

static void
on_closed(int rc, void *arg)
{
	struct seen *s = arg;

	if (rc == 0 || s->closed++)
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static const struct chan_events events = {on_message, NULL, on_closed};
	size_t half = len ? data[0] % len : 0;
	struct seen s = {0};
	struct loop *l;
	struct chan *c;
	int pair[2];

	if (len > 65536 || socketpair(AF_UNIX, SOCK_STREAM, 0, pair))
		return 0;
	if (loop_new(&l) || chan_new(l, pair[0], &events, &s, &c))
		abort();
	if (send(pair[1], data, half, 0) != (ssize_t)half)
		abort();
	loop_run_once(l, 0);
	if (!s.closed)
		(void)!send(pair[1], data + half, len - half, MSG_NOSIGNAL);
	close(pair[1]);
	loop_run(l);
	if (s.closed != 1 || s.bytes > len)
		abort();
	chan_free(c);
	loop_free(l);
	return 0;
}
