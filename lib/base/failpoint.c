/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/base/failpoint.h"

#ifdef WITH_FAILPOINTS
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void
die(const char *name)
{
	const char *path = getenv("SPOOLD_FAILPOINT_LOG");
	char line[128];
	int n = snprintf(line, sizeof(line), "failpoint %s\n", name);
	int fd;

	fd = path ? open(path, O_WRONLY | O_CREAT | O_APPEND, 0666) : -1;
	if (fd >= 0 && write(fd, line, (size_t)n) == n)
		close(fd);
	kill(getpid(), SIGKILL);
	for (;;)
		pause();
}

void
failpoint_pass(const char *name)
{
	static atomic_long passed;
	const char *wanted = getenv("SPOOLD_FAILPOINT");
	size_t len = strlen(name);
	long k, wait_ms = 0;
	char *rest;

	if (!wanted || strncmp(wanted, name, len) ||
	    (wanted[len] && wanted[len] != ':'))
		return;
	k = wanted[len] ? strtol(wanted + len + 1, &rest, 10) : 1;
	if (wanted[len] && *rest == ':')
		wait_ms = strtol(rest + 1, NULL, 10);
	if (atomic_fetch_add(&passed, 1) + 1 != k)
		return;
	poll(NULL, 0, (int)wait_ms);
	die(name);
}
#else
typedef int failpoint_not_built; /* ISO C forbids an empty file */
#endif
