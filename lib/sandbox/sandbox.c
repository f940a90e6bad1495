/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The usual course: limits, an empty network, capabilities, no new
 * privileges, Landlock, and at last the filter, which forbids most of what
 * the steps before it need.  What can go wrong: an unprivileged process has
 * no capabilities to drop and no right to a new network; a kernel has no
 * Landlock.  That is reported.
 */
#include "config.h"

#include "lib/sandbox/sandbox.h"

#include <dirent.h>
#include <errno.h>
#include <linux/capability.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "lib/base/err.h"
#include "lib/sandbox/sandbox_impl.h"

#define CAPS_MAX 64 /* no kernel has more */

#ifdef WITH_SANITIZER
#define SANITIZER true
#else
#define SANITIZER false
#endif

/* Landlock binds the calling thread only. */
static bool
is_single_threaded(void)
{
	DIR *d = opendir("/proc/self/task");
	size_t tasks = 0;

	if (!d)
		return true; /* no /proc: cannot be known */
	for (struct dirent *e = readdir(d); e; e = readdir(d))
		if (e->d_name[0] != '.')
			tasks++;
	closedir(d);
	return tasks == 1;
}

static int
set_limits(const struct sandbox_profile *p)
{
	struct rlimit files = {p->max_files, p->max_files};
	struct rlimit none = {0, 0};
	struct rlimit now;

	if (setrlimit(RLIMIT_CORE, &none))
		return err_of_errno(errno);
	if (!p->max_files)
		return 0;
	if (getrlimit(RLIMIT_NOFILE, &now))
		return err_of_errno(errno);
	/* More than the hard limit is not to be had. */
	if (files.rlim_cur > now.rlim_max)
		files.rlim_cur = files.rlim_max = now.rlim_max;
	return setrlimit(RLIMIT_NOFILE, &files) ? err_of_errno(errno) : 0;
}

/* True when none is left that could be used. */
static bool
drop_capabilities(void)
{
	struct __user_cap_header_struct head = {
	    .version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[2];

	for (unsigned long cap = 0; cap < CAPS_MAX; cap++)
		(void)prctl(PR_CAPBSET_DROP, cap, 0, 0, 0);
	(void)prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
	memset(data, 0, sizeof(data));
	if (syscall(SYS_capset, &head, data))
		return false;
	memset(data, 0xff, sizeof(data));
	if (syscall(SYS_capget, &head, data))
		return false;
	return !(data[0].effective | data[0].permitted | data[0].inheritable |
	    data[1].effective | data[1].permitted | data[1].inheritable);
}

int
sandbox_enter(
    const struct sandbox_profile *profile, struct sandbox_report *report)
{
	struct sandbox_report done = {.off = profile->off || SANITIZER};
	int rc;

	if (done.off) {
		*report = done;
		return 0;
	}
	if (!is_single_threaded())
		return ERR_STATE;
	rc = set_limits(profile);
	if (rc)
		return rc;
	(void)sandbox_leave_network(profile->role);
	done.network = !sandbox_role_may(profile->role, SANDBOX_SOCKET) &&
	    sandbox_network_is_empty();
	done.capabilities = drop_capabilities();
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) ||
	    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		return err_of_errno(errno);
	done.no_new_privs = true;
	done.landlock_abi = sandbox_landlock_enter(profile);
	rc = sandbox_seccomp_enter(profile->role, profile->kill);
	if (rc)
		return rc;
	done.seccomp = true;
	*report = done;
	return 0;
}

char *
sandbox_report_format(
    const struct sandbox_report *report, char text[static SANDBOX_TEXT_SIZE])
{
	if (report->off)
		snprintf(text, SANDBOX_TEXT_SIZE, "off");
	else
		snprintf(text, SANDBOX_TEXT_SIZE,
		    "seccomp %s, landlock %d, capabilities %s, network %s",
		    report->seccomp ? "on" : "off", report->landlock_abi,
		    report->capabilities ? "none" : "some",
		    report->network ? "none" : "reachable");
	return text;
}
