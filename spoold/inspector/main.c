/* SPDX-License-Identifier: Apache-2.0 */
/*
 * spoold-inspector - look at one segment or at meta, in a process that may
 * die of it.
 *
 *   spoold-inspector [--user NAME] --segment FILE | --meta FILE-OR-DIRECTORY
 *
 * Becomes that user first, if it is not "", as the keeper does.
 * Prints one line of JSON on standard output, and what is wrong as a log line
 * on standard error.  Exits 0: LMDB may open it; 9: it may not; 1: it could
 * not be looked at.  A signal that damage can cause counts as 9.
 */
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config.h"

#include "lib/base/err.h"
#include "lib/base/failpoint.h"
#include "lib/base/log.h"
#include "lib/sandbox/sandbox.h"
#include "lib/store/store.h"

#define PATH_SIZE 4096
#define EXIT_BAD 9

struct job {
	bool segment;
	bool sandbox;
	const char *user; /* "" stays who it is */
	char path[PATH_SIZE];
};

static void
usage(void)
{
	fprintf(stderr,
	    "usage: spoold-inspector [--sandbox=off] [--user NAME] "
	    "--segment FILE | --meta FILE-OR-DIRECTORY\n");
	exit(2);
}

static void
set_path(struct job *job, bool segment, const char *path)
{
	struct stat st;
	int n;

	if (job->path[0])
		usage();
	job->segment = segment;
	n = snprintf(job->path, sizeof(job->path), "%s%s", path,
	    !segment && !stat(path, &st) && S_ISDIR(st.st_mode) ? "/meta.mdb"
								: "");
	if (n <= 0 || n >= PATH_SIZE)
		usage();
}

static void
parse(int argc, char **argv, struct job *job)
{
	static const struct option options[] = {
	    {"segment", required_argument, NULL, 's'},
	    {"meta", required_argument, NULL, 'm'},
	    {"sandbox", required_argument, NULL, 'x'},
	    {"user", required_argument, NULL, 'u'},
	    {NULL, 0, NULL, 0},
	};
	int c;

	*job = (struct job){.sandbox = true, .user = ""};
	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (c == 'x' && !strcmp(optarg, "off"))
			job->sandbox = false;
		else if (c == 'u')
			job->user = optarg;
		else if (c == 's' || c == 'm')
			set_path(job, c == 's', optarg);
		else
			usage();
	}
	if (optind != argc || !job->path[0])
		usage();
}

/* Only the file's own directory stays readable. */
static int
enter(const struct job *job)
{
	struct sandbox_report report;
	struct sandbox_dir dir = {.fd = -1};
	struct sandbox_profile profile = {.role = SANDBOX_INSPECTOR,
	    .dirs = &dir,
	    .dir_count = 1,
	    .kill = false,
	    .off = !job->sandbox};
	char path[PATH_SIZE];
	int rc = *job->user ? sandbox_become(job->user) : 0;

	if (rc)
		return rc;
	memcpy(path, job->path, sizeof(path));
	dir.fd = open(dirname(path), O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (dir.fd < 0)
		return ERR_NOENT;
	rc = sandbox_enter(&profile, &report);
	close(dir.fd);
	return rc;
}

/* The path comes from the supervisor and is plain; the rest is ours. */
static void
print(const struct job *job, int rc, const struct store_report *r)
{
	printf("{\"what\":\"%s\",\"ok\":%s,\"batches\":%" PRIu64
	       ",\"records\":%" PRIu64 ",\"first_number\":%" PRIu64
	       ",\"last_number\":%" PRIu64 ",\"damaged\":%" PRIu64
	       ",\"error\":\"%s\",\"why\":\"%s\"}\n",
	    job->segment ? "segment" : "meta", !rc && r->ok ? "true" : "false",
	    r->batches, r->records, r->first_number, r->last_number, r->damaged,
	    err_name(rc), r->why);
	fflush(stdout);
	if (rc || !r->ok)
		log_error("%s: %s: %s", job->path, err_text(rc), r->why);
}

int
main(int argc, char **argv)
{
	struct store_report report = {0};
	struct job job;
	int rc;

	log_setup("spoold-inspector", LOG_LEVEL_INFO, false);
	parse(argc, argv, &job);
	rc = enter(&job);
	FAILPOINT("inspector-before-look");
	if (!rc)
		rc = store_inspect(job.path, job.segment, &report);
	FAILPOINT("inspector-after-look");
	/* Meta may be missing: it is made anew. */
	if (rc == ERR_NOENT && !job.segment) {
		report.ok = true;
		rc = 0;
	}
	print(&job, rc, &report);
	if (rc)
		return EXIT_FAILURE;
	return report.ok ? EXIT_SUCCESS : EXIT_BAD;
}
