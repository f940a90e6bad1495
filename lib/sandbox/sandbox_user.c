/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "lib/base/err.h"
#include "lib/sandbox/sandbox.h"

#define PASSWD_SIZE 16384

static int
look_up(const char *user, uid_t *uid, gid_t *gid)
{
	char *text = malloc(PASSWD_SIZE);
	struct passwd pw, *found = NULL;
	int rc;

	if (!text)
		return ERR_NOMEM;
	rc = getpwnam_r(user, &pw, text, PASSWD_SIZE, &found);
	if (rc == 0 && found) {
		*uid = pw.pw_uid;
		*gid = pw.pw_gid;
	}
	free(text);
	if (found)
		return 0;
	return rc == 0 || rc == ENOENT ? ERR_NOENT : err_of_errno(rc);
}

static bool
is_wholly(uid_t uid, gid_t gid)
{
	uid_t r, e, s;
	gid_t rg, eg, sg;

	return getresuid(&r, &e, &s) == 0 && getresgid(&rg, &eg, &sg) == 0 &&
	    r == uid && e == uid && s == uid && rg == gid && eg == gid &&
	    sg == gid;
}

int
sandbox_become(const char *user)
{
	uid_t uid = 0;
	gid_t gid = 0;
	int rc = look_up(user, &uid, &gid);

	if (rc || is_wholly(uid, gid))
		return rc;
	if (setgroups(0, NULL) || setresgid(gid, gid, gid) ||
	    setresuid(uid, uid, uid))
		return err_of_errno(errno);
	/* The calls above may succeed and yet leave a way back. */
	if (!is_wholly(uid, gid) || (uid != 0 && setuid(0) == 0))
		return ERR_DENIED;
	return 0;
}

int
sandbox_die_with_parent(pid_t expected)
{
	if (prctl(PR_SET_PDEATHSIG, SIGKILL))
		return err_of_errno(errno);
	/* It may have died before the call, and nothing would tell. */
	return getppid() == expected ? 0 : ERR_CLOSED;
}
