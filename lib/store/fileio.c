/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/store/fileio.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/err.h"

#define PIECE (256 * 1024)
#define SYNC_STEP (16u * 1024 * 1024) /* so that commits need not wait long */

/* What a person can do something about keeps its code, the rest is ERR_IO. */
static int
io_error(int errnum)
{
	int rc = err_of_errno(errnum);

	return rc == ERR_FULL || rc == ERR_NOENT || rc == ERR_DENIED ? rc
								     : ERR_IO;
}

int
fileio_read(int fd, void *to, size_t len, uint64_t off)
{
	uint8_t *p = to;

	while (len > 0) {
		ssize_t n = pread(fd, p, len, (off_t)off);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return io_error(errno);
		if (n == 0)
			return ERR_CORRUPT;
		p += n;
		len -= (size_t)n;
		off += (uint64_t)n;
	}
	return 0;
}

int
fileio_write(int fd, const void *from, size_t len, uint64_t off)
{
	const uint8_t *p = from;

	while (len > 0) {
		ssize_t n = pwrite(fd, p, len, (off_t)off);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return io_error(errno);
		if (n == 0)
			return ERR_FULL;
		p += n;
		len -= (size_t)n;
		off += (uint64_t)n;
	}
	return 0;
}

int
fileio_fill(int fd, uint64_t size)
{
	static const uint8_t zeros[PIECE];
	uint64_t off = 0;
	int rc = 0;

	while (!rc && off < size) {
		size_t len = size - off < PIECE ? (size_t)(size - off) : PIECE;

		rc = fileio_write(fd, zeros, len, off);
		off += len;
		if (!rc && off % SYNC_STEP == 0)
			rc = fileio_sync(fd);
	}
	return rc;
}

int
fileio_sync(int fd)
{
#ifdef MUTANT_NO_FSYNC
	(void)fd;
	return 0;
#else
	return fsync(fd) ? io_error(errno) : 0;
#endif
}

int
fileio_sync_dir(int fd)
{
#ifdef MUTANT_NO_DIR_FSYNC
	(void)fd;
	return 0;
#else
	return fileio_sync(fd);
#endif
}

int
fileio_size(int fd, uint64_t *size)
{
	struct stat st;

	if (fstat(fd, &st))
		return io_error(errno);
	*size = (uint64_t)st.st_size;
	return 0;
}
