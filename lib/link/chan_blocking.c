/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The usual course: the header is read alone, so that a descriptor, which
 * comes with its first byte, is seen by that very read; then the payload is
 * read to its place.
 */
#include "config.h"

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "lib/base/err.h"
#include "lib/link/chan.h"
#include "lib/link/chan_frame.h"
#include "lib/link/outq.h"
#include "lib/link/rights.h"

static uint64_t
deadline(unsigned wait_ms)
{
	return clock_now().mono_us + wait_ms * UINT64_C(1000);
}

/* ERR_TIMEOUT at the deadline; 0 says only: try again. */
static int
await(int sock, short events, uint64_t end_us)
{
	struct pollfd p = {.fd = sock, .events = events};
	uint64_t now = clock_now().mono_us;
	uint64_t left_ms = end_us > now ? (end_us - now) / 1000 + 1 : 0;

	if (!left_ms)
		return ERR_TIMEOUT;
	if (poll(&p, 1, left_ms > 60000 ? 60000 : (int)left_ms) < 0 &&
	    errno != EINTR)
		return err_of_errno(errno);
	return 0;
}

static int
write_all(int sock, struct outq *q, uint64_t end_us)
{
	int rc;

	while ((rc = outq_write(q, sock)) == ERR_AGAIN) {
		rc = await(sock, POLLOUT, end_us);
		if (rc)
			break;
	}
	return rc;
}

int
chan_blocking_send(int sock, uint16_t type, const struct bytes *parts,
    size_t count, int fd, unsigned wait_ms)
{
	struct bytes framed[CHAN_PARTS_MAX + 1];
	uint8_t header[CHAN_HEADER_SIZE];
	struct chan_frame f = {
	    .type = type, .flags = fd >= 0 ? CHAN_FRAME_FD : 0};
	struct outq q = {0};
	size_t len = 0;
	int rc;

	assert(count <= CHAN_PARTS_MAX);
	for (size_t i = 0; i < count; i++) {
		if (parts[i].len > CHAN_PAYLOAD_MAX - len)
			return ERR_RANGE;
		len += parts[i].len;
		framed[i + 1] = parts[i];
	}
	f.payload_len = (uint32_t)len;
	chan_frame_encode(&f, header);
	framed[0] = bytes_of(header, sizeof(header));
	rc = outq_add(&q, framed, count + 1, 0, fd);
	if (!rc)
		rc = write_all(sock, &q, deadline(wait_ms));
	outq_fini(&q);
	return rc;
}

/* Read exactly len bytes; the first descriptor seen goes to *fd. */
static int
read_all(int sock, uint8_t *ptr, size_t len, uint64_t end_us, int *fd)
{
	while (len) {
		size_t got = 0;
		int passed = -1;
		int rc = rights_recv(sock, ptr, len, &got, &passed);

		if (passed >= 0) {
			if (*fd < 0)
				*fd = passed;
			else
				close(passed);
		}
		if (rc == ERR_AGAIN)
			rc = await(sock, POLLIN, end_us);
		else if (!rc && !got)
			rc = ERR_CLOSED;
		if (rc)
			return rc;
		ptr += got;
		len -= got;
	}
	return 0;
}

static int
read_payload(int sock, size_t len, uint64_t end_us, struct buf *payload)
{
	uint8_t *to;
	int fd = -1;
	int rc;

	buf_clear(payload);
	to = buf_reserve(payload, len);
	if (!to)
		return payload->err;
	rc = read_all(sock, to, len, end_us, &fd);
	if (fd >= 0)
		close(fd); /* nobody asked for it */
	if (!rc)
		buf_claim(payload, len);
	return rc;
}

int
chan_blocking_recv(
    int sock, unsigned wait_ms, uint16_t *type, struct buf *payload, int *fd)
{
	uint64_t end = deadline(wait_ms);
	uint8_t header[CHAN_HEADER_SIZE];
	struct chan_frame f;
	int passed = -1;
	int rc;

	rc = read_all(sock, header, sizeof(header), end, &passed);
	if (!rc)
		rc = chan_frame_decode(header, &f);
	if (rc)
		goto fail;
	if ((f.flags & CHAN_FRAME_FD) && passed < 0) {
		rc = ERR_FORMAT;
		goto fail;
	}
	rc = read_payload(sock, f.payload_len, end, payload);
	if (rc)
		goto fail;
	if (!(f.flags & CHAN_FRAME_FD) && passed >= 0) {
		close(passed);
		passed = -1;
	}
	*type = f.type;
	*fd = passed;
	return 0;
fail:
	if (passed >= 0)
		close(passed);
	return rc;
}
