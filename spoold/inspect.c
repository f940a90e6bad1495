/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Before the keeper starts, another process looks at what it will open.
 *
 * The usual course: the spool's lock is shared, so that nobody writes; the
 * newest segments and meta are looked at by spoold-inspector, one after the
 * other; then the keeper starts.  Here nothing is changed: the keeper is told.
 * What can go wrong: the inspector says that a tree is bad, or dies of it: the
 * segment goes to s->bad, and the keeper reads it by the salvage scan only;
 * bad meta it sets aside and makes anew.  An inspector that was killed, or
 * cannot look, says nothing; one that hangs is killed, after a time that grows
 * with the file.  Another keeper has the lock: what it writes is
 * not looked at, and our keeper will refuse.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/base/err.h"
#include "lib/base/log.h"
#include "spoold/supervisor.h"

#define NEWEST 2
#define PATIENCE_MS 10000u
#define PATIENCE_MS_PER_MIB 1000u /* of the slowest disk */
#define EXIT_BAD 9 /* of the inspector */

extern char **environ;

struct inspect {
	pid_t pid;
	uint64_t until_ms; /* then it hangs */
	int lock; /* held while we look; -1: there is none yet */
	size_t at;
	size_t n; /* segments; meta comes last */
	uint64_t id[NEWEST];
};

static void
end(struct supervisor *s)
{
	if (s->inspect && s->inspect->lock >= 0)
		close(s->inspect->lock);
	free(s->inspect);
	s->inspect = NULL;
}

static void
start_keeper(struct supervisor *s)
{
	struct child *keeper = supervisor_find(s, IPC_ROLE_KEEPER, 0, "");

	end(s);
	if (keeper && s->state != SUPERVISOR_STOPPING)
		child_start(keeper);
}

/* True if nobody writes there, as long as the lock is held. */
static bool
take_lock(struct supervisor *s, struct inspect *x)
{
	char path[600];

	snprintf(path, sizeof(path), "%s/LOCK", s->config->spool_directory);
	x->lock = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	return x->lock < 0 || !flock(x->lock, LOCK_SH | LOCK_NB);
}

static void
note_id(struct inspect *x, uint64_t id)
{
	size_t i = x->n < NEWEST ? x->n++ : 0;

	/* Keep the NEWEST largest: replace the smallest if it is smaller. */
	if (i == 0 && x->n == NEWEST) {
		for (size_t j = 1; j < NEWEST; j++)
			if (x->id[j] < x->id[i])
				i = j;
		if (x->id[i] > id)
			return;
	}
	x->id[i] = id;
}

static void
list_segments(struct supervisor *s, struct inspect *x)
{
	char path[512], rest[8];
	struct dirent *e;
	uint64_t id;
	DIR *d;

	snprintf(path, sizeof(path), "%s/seg", s->config->spool_directory);
	d = opendir(path);
	if (!d)
		return;
	while ((e = readdir(d)))
		if (strlen(e->d_name) == 19 &&
		    sscanf(e->d_name, "%16lx%7s", &id, rest) == 2 &&
		    !strcmp(rest, ".sp"))
			note_id(x, id);
	closedir(d);
}

/* Whose files they are: without privileges root may not read them. */
static const char *
keeper_user(struct supervisor *s)
{
	struct child *keeper = supervisor_find(s, IPC_ROLE_KEEPER, 0, "");

	return keeper ? supervisor_user(s, s->config, keeper) : "";
}

static int
spawn(struct supervisor *s, const char *what, const char *path, pid_t *pid)
{
	char program[512];
	char *argv[] = {(char *)"spoold-inspector", (char *)(uintptr_t)what,
	    (char *)(uintptr_t)path, (char *)"--user",
	    (char *)(uintptr_t)keeper_user(s),
	    s->options.sandbox_off ? (char *)"--sandbox=off" : NULL, NULL};
	posix_spawn_file_actions_t actions;
	int errnum = posix_spawn_file_actions_init(&actions);

	if (errnum)
		return errnum;
	snprintf(program, sizeof(program), "%s/spoold-inspector",
	    child_program_dir());
	/* Its report is for programs; what is wrong it logs. */
	errnum = posix_spawn_file_actions_addopen(
	    &actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
	if (!errnum)
		errnum =
		    posix_spawn(pid, program, &actions, NULL, argv, environ);
	posix_spawn_file_actions_destroy(&actions);
	return errnum;
}

static uint64_t
patience_ms(const char *path, bool segment)
{
	char file[640];
	struct stat st;

	snprintf(file, sizeof(file), "%s%s", path, segment ? "" : "/meta.mdb");
	if (stat(file, &st) || st.st_size < 0)
		return PATIENCE_MS;
	return PATIENCE_MS + ((uint64_t)st.st_size >> 20) * PATIENCE_MS_PER_MIB;
}

/* Look at the next one; false when there is nothing left. */
static bool
next(struct supervisor *s)
{
	struct inspect *x = s->inspect;
	char path[600];
	const char *what = "--segment";
	int errnum;

	if (x->at > x->n)
		return false;
	if (x->at < x->n) {
		snprintf(path, sizeof(path), "%s/seg/%016llx.sp",
		    s->config->spool_directory,
		    (unsigned long long)x->id[x->at]);
	} else {
		what = "--meta";
		snprintf(
		    path, sizeof(path), "%s/meta", s->config->spool_directory);
	}
	if (access(path, F_OK)) {
		x->at++;
		return next(s);
	}
	errnum = spawn(s, what, path, &x->pid);
	if (errnum) {
		log_warn("cannot run the inspector: %s", strerror(errnum));
		x->pid = 0;
		return false;
	}
	x->until_ms = loop_now_ms(s->loop) + patience_ms(path, x->at < x->n);
	return true;
}

static void
mark_bad(struct supervisor *s, uint64_t id)
{
	for (size_t i = 0; i < s->n_bad; i++)
		if (s->bad[i] == id)
			return;
	if (s->n_bad < SUPERVISOR_BAD_MAX)
		s->bad[s->n_bad++] = id;
	supervisor_warn(s,
	    "segment %016llx is damaged; it is read by the salvage scan",
	    (unsigned long long)id);
}

/* Only what reading damaged bytes can cause counts, as with the keeper. */
static bool
is_bad(int status)
{
	if (WIFSIGNALED(status))
		return blame_is_by(WTERMSIG(status));
	return WEXITSTATUS(status) == EXIT_BAD;
}

static void
judge(struct supervisor *s, const struct inspect *x, int status)
{
	if (!is_bad(status)) {
		if (status)
			log_warn("the inspector did not look: %s %d",
			    WIFSIGNALED(status) ? "signal" : "exit",
			    WIFSIGNALED(status) ? WTERMSIG(status)
						: WEXITSTATUS(status));
	} else if (x->at < x->n) {
		mark_bad(s, x->id[x->at]);
	} else {
		s->meta_is_bad = true;
		supervisor_warn(
		    s, "meta was damaged; it is rebuilt from the log");
	}
}

void
supervisor_inspect(struct supervisor *s)
{
	struct inspect *x;

	if (s->inspect)
		return;
	s->meta_is_bad = false;
	x = s->inspect = calloc(1, sizeof(*x));
	if (x && !take_lock(s, x)) {
		start_keeper(s);
		return;
	}
	if (x)
		list_segments(s, x);
	if (!x || !next(s))
		start_keeper(s);
}

bool
supervisor_inspect_reap(struct supervisor *s)
{
	struct inspect *x = s->inspect;
	int status;

	if (!x || !x->pid || waitpid(x->pid, &status, WNOHANG) != x->pid)
		return false;
	x->pid = 0;
	judge(s, x, status);
	x->at++;
	if (!next(s))
		start_keeper(s);
	return true;
}

void
supervisor_inspect_check(struct supervisor *s)
{
	const struct inspect *x = s->inspect;

	if (!x || !x->pid || loop_now_ms(s->loop) < x->until_ms)
		return;
	supervisor_warn(s, "the inspector hangs; it is ended");
	kill(x->pid, SIGKILL);
}

void
supervisor_inspect_cancel(struct supervisor *s)
{
	if (s->inspect && s->inspect->pid)
		kill(s->inspect->pid, SIGKILL);
	end(s);
}

void
supervisor_blame(struct supervisor *s, int signum)
{
	uint64_t bad[BLAME_SEGMENTS];
	size_t n;

	if (!s->page)
		return;
	n = blame_on_death(&s->blame, signum, s->page, bad);
	for (size_t i = 0; i < n; i++)
		mark_bad(s, bad[i]);
}
