/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/store/lockfile.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "lib/base/err.h"
#include "lib/store/fileio.h"

#define COPIES 2
#define COPY_OFFSET 4096u

/* One that was never written; it may lie past the end of the file. */
static bool
is_blank(const uint8_t raw[static SEGFMT_LOCK_SIZE])
{
	static const uint8_t blank[SEGFMT_LOCK_SIZE];

	return !memcmp(raw, blank, sizeof(blank));
}

static int
read_copies(struct lockfile *l)
{
	bool newer = false, lost = false;

	for (unsigned i = 0; i < COPIES; i++) {
		uint8_t raw[SEGFMT_LOCK_SIZE] = {0};
		struct segfmt_lock record;
		int rc = fileio_read(l->fd, raw, sizeof(raw), i * COPY_OFFSET);

		if (!rc)
			rc = segfmt_lock_decode(
			    bytes_of(raw, sizeof(raw)), &record);
		newer = newer || rc == ERR_VERSION;
		lost = lost || rc == ERR_IO || (rc && !is_blank(raw));
		if (rc ||
		    (l->present && record.generation < l->record.generation))
			continue;
		l->record = record;
		l->present = true;
	}
	/* The one that cannot be read may be the newer. */
	if (lost)
		l->record.flags &= (uint32_t)~SEGFMT_LOCK_CLEAN;
	return newer ? ERR_VERSION : 0;
}

int
lockfile_open(struct lockfile *l, int dirfd)
{
	int rc;

	*l = (struct lockfile){.fd = -1};
	l->fd = openat(
	    dirfd, "LOCK", O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (l->fd < 0)
		return errno == EROFS ? ERR_IO : err_of_errno(errno);
	if (flock(l->fd, LOCK_EX | LOCK_NB)) {
		rc = errno == EWOULDBLOCK ? ERR_BUSY : ERR_IO;
		lockfile_close(l);
		return rc;
	}
	rc = read_copies(l);
	if (rc)
		lockfile_close(l);
	return rc;
}

int
lockfile_write(struct lockfile *l)
{
	uint8_t raw[SEGFMT_LOCK_SIZE];
	int rc = 0;

	/* Later writes need no room: a full disk must not end a spool. */
	if (!l->present)
		rc = fileio_fill(l->fd, COPIES * COPY_OFFSET);
	l->record.generation++;
	segfmt_lock_encode(&l->record, raw);
	if (!rc)
		rc = fileio_write(l->fd, raw, sizeof(raw),
		    l->record.generation % COPIES * COPY_OFFSET);
	if (!rc)
		rc = fileio_sync(l->fd);
	if (!rc)
		l->present = true;
	return rc;
}

void
lockfile_close(struct lockfile *l)
{
	if (l->fd >= 0)
		close(l->fd);
	l->fd = -1;
}
