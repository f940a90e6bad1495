/* SPDX-License-Identifier: Apache-2.0 */
#include "spoold/sockets.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "lib/base/err.h"
#include "lib/link/address.h"

#define BACKLOG 1024

static int
system_error(char *why, const char *what, const char *name)
{
	int errnum = errno;

	snprintf(why, SOCKETS_WHY, "%s %s: %s", what, name, strerror(errnum));
	return err_of_errno(errnum);
}

int
sockets_bind(const struct config_listener *l, int *fd, char *why)
{
	char name[ADDRESS_TEXT_SIZE + 64];
	char text[ADDRESS_TEXT_SIZE];
	struct address a;
	int on = 1, off = 0, s;
	int rc = address_parse_host(
	    bytes_of_str(l->address.host), l->address.port, &a);

	if (rc) {
		snprintf(why, SOCKETS_WHY,
		    "listeners.%s.address: %s is not an address", l->item.name,
		    l->address.host);
		return rc;
	}
	snprintf(name, sizeof(name), "listeners.%s.address: cannot listen on",
	    l->item.name);
	address_format((struct sockaddr *)&a.sa, a.len, text);
	s = socket(a.sa.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (s < 0)
		return system_error(why, name, text);
	setsockopt(s, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (a.sa.ss_family == AF_INET6)
		setsockopt(s, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off));
	if (bind(s, (struct sockaddr *)&a.sa, a.len) || listen(s, BACKLOG)) {
		rc = system_error(why, name, text);
		close(s);
		return rc;
	}
	*fd = s;
	return 0;
}

void
sockets_address(int fd, char *text, size_t size)
{
	char buffer[ADDRESS_TEXT_SIZE] = "";
	struct sockaddr_storage sa;
	socklen_t len = sizeof(sa);

	if (!getsockname(fd, (struct sockaddr *)&sa, &len))
		address_format((struct sockaddr *)&sa, len, buffer);
	snprintf(text, size, "%s", buffer);
}

/* Does somebody answer there? */
static int
is_alive(const struct sockaddr_un *sun)
{
	int s = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int alive;

	if (s < 0)
		return 0;
	alive = !connect(s, (const struct sockaddr *)sun, sizeof(*sun));
	close(s);
	return alive;
}

int
sockets_control(const char *path, uint32_t mode, int *fd, char *why)
{
	struct sockaddr_un sun = {.sun_family = AF_UNIX};
	mode_t old;
	int s, failed, rc;

	if (strlen(path) >= sizeof(sun.sun_path)) {
		snprintf(why, SOCKETS_WHY,
		    "control.socket: the path is longer than %zu bytes; give "
		    "a shorter one",
		    sizeof(sun.sun_path) - 1);
		return ERR_LIMIT;
	}
	memcpy(sun.sun_path, path, strlen(path) + 1);
	if (is_alive(&sun)) {
		snprintf(why, SOCKETS_WHY,
		    "control.socket: another spoold answers at %s; stop it "
		    "first",
		    path);
		return ERR_BUSY;
	}
	unlink(path);
	s = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (s < 0)
		return system_error(why, "cannot make a socket for", path);
	old = umask(0177);
	failed = bind(s, (struct sockaddr *)&sun, sizeof(sun));
	umask(old);
	if (failed || chmod(path, mode) || listen(s, 64)) {
		rc =
		    system_error(why, "control.socket: cannot listen on", path);
		close(s);
		return rc;
	}
	*fd = s;
	return 0;
}

/* Nothing in it; what every file system has at its top does not count. */
static bool
is_empty(int directory)
{
	int again = openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = again < 0 ? NULL : fdopendir(again);
	const struct dirent *e;
	bool empty = d;

	if (again >= 0 && !d)
		close(again);
	while (d && empty && (e = readdir(d)))
		empty = !strcmp(e->d_name, ".") || !strcmp(e->d_name, "..") ||
		    !strcmp(e->d_name, "lost+found");
	if (d)
		closedir(d);
	return empty;
}

/* Made by root for us beforehand: a service manager, a mount point. */
static bool
is_made_for_us(int directory)
{
	struct stat st;

	return !fstat(directory, &st) && st.st_uid == 0 && geteuid() == 0 &&
	    is_empty(directory);
}

int
sockets_directory(const char *key, const char *path, uid_t owner, gid_t group,
    int *fd, char *why)
{
	char what[96];
	int made = !mkdir(path, 0750);
	int d = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	snprintf(what, sizeof(what), "%s: cannot be opened, nor made:", key);
	if (d < 0)
		return system_error(why, what, path);
	if (owner != (uid_t)-1 && (made || is_made_for_us(d)) &&
	    fchown(d, owner, group)) {
		int rc;

		snprintf(what, sizeof(what), "%s: cannot be given away:", key);
		rc = system_error(why, what, path);
		close(d);
		return rc;
	}
	*fd = d;
	return 0;
}

int
sockets_page(int *fd, volatile uint64_t **page)
{
	int f = memfd_create("spoold-blame", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	void *mem;

	if (f < 0)
		return err_of_errno(errno);
	/* A keeper that makes it shorter would end us when we look at it. */
	if (ftruncate(f, 4096) ||
	    fcntl(f, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) ||
	    (mem = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, f,
		 0)) == MAP_FAILED) {
		close(f);
		return err_of_errno(errno);
	}
	*fd = f;
	*page = mem;
	return 0;
}
