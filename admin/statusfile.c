/* SPDX-License-Identifier: Apache-2.0 */
#include "admin/statusfile.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "admin/json.h"
#include "lib/base/buf.h"
#include "lib/base/err.h"

#define NAME "status.json"
#define READ_SIZE 65536

static int
open_beside(const char *socket, int *fd)
{
	const char *slash = strrchr(socket, '/');
	int len = slash ? (int)(slash - socket + 1) : 0;
	char path[PATH_MAX];

	if ((size_t)snprintf(path, sizeof(path), "%.*s%s", len, socket, NAME) >=
	    sizeof(path))
		return ERR_LIMIT;
	*fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	return *fd < 0 ? err_of_errno(errno) : 0;
}

static int
read_all(int fd, struct buf *b)
{
	for (;;) {
		uint8_t *to = buf_reserve(b, READ_SIZE);
		ssize_t n;

		if (!to)
			return b->err;
		n = read(fd, to, READ_SIZE);
		if (n < 0 && errno != EINTR)
			return err_of_errno(errno);
		if (n == 0)
			return 0;
		if (n > 0)
			buf_claim(b, (size_t)n);
	}
}

int
statusfile_read(const char *socket, json_t **status, int64_t *written_s)
{
	struct stat st;
	struct buf b;
	int fd = -1, rc = open_beside(socket, &fd);

	if (rc)
		return rc;
	buf_init(&b, STATUSFILE_MAX);
	if (fstat(fd, &st) || !S_ISREG(st.st_mode))
		rc = ERR_IO;
	if (!rc)
		rc = read_all(fd, &b);
	if (!rc)
		rc = json_read(buf_bytes(&b), status, NULL);
	if (!rc)
		*written_s = st.st_mtim.tv_sec;
	buf_fini(&b);
	close(fd);
	return rc;
}
