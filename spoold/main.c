/* SPDX-License-Identifier: Apache-2.0 */
/*
 * spoold - the daemon: reads the configuration and starts the roles.
 *
 * Exit status: 0 after SIGTERM; 1 environment; 2 usage; 9 the configuration
 * is wrong or the spool is refused.
 */
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "config.h"
#include "lib/base/clock.h"
#include "lib/base/err.h"
#include "lib/base/log.h"
#include "spoold/material.h"
#include "spoold/supervisor.h"

#define EXIT_USAGE 2

enum mode { MODE_RUN, MODE_CHECK, MODE_PRINT };

struct arguments {
	enum mode mode;
	struct supervisor_options options;
};

static const char usage[] =
    "usage: spoold [--config FILE] [--check | --print-config]\n"
    "  --config FILE    the configuration (" SYSCONFDIR "/spoold/spoold.yaml)\n"
    "  --check          check it and exit: 0, or 9 if it is wrong\n"
    "  --print-config   print it with every default and exit\n"
    "  --sandbox=off    no sandbox, for debuggers and sanitizers only\n"
    "  --version        print the version and exit\n"
    "  --help           print this and exit\n"
    "SIGHUP reloads, SIGTERM stops.  See spoold(8).\n";

static const struct option options[] = {
    {"config", required_argument, NULL, 'c'},
    {"check", no_argument, NULL, 'k'},
    {"print-config", no_argument, NULL, 'p'},
    {"sandbox", required_argument, NULL, 's'},
    {"version", no_argument, NULL, 'V'},
    {"help", no_argument, NULL, 'h'},
    {NULL, 0, NULL, 0},
};

/* -1: go on; else the exit status. */
static int
parse(int argc, char **argv, struct arguments *a)
{
	int c;

	while ((c = getopt_long(argc, argv, "c:hV", options, NULL)) != -1)
		switch (c) {
		case 'c':
			a->options.config_path = optarg;
			break;
		case 'k':
			a->mode = MODE_CHECK;
			break;
		case 'p':
			a->mode = MODE_PRINT;
			break;
		case 's':
			if (strcmp(optarg, "off") && strcmp(optarg, "on"))
				goto wrong;
			a->options.sandbox_off = !strcmp(optarg, "off");
			break;
		case 'V':
			puts(PACKAGE_STRING);
			return 0;
		case 'h':
			fputs(usage, stdout);
			return 0;
		default:
			goto wrong;
		}
	if (optind == argc)
		return -1;
	fprintf(stderr, "spoold: unexpected argument: %s\n", argv[optind]);
wrong:
	fputs(usage, stderr);
	return EXIT_USAGE;
}

static int
print(const struct config *config)
{
	struct buf b;
	int status = 1;

	buf_init(&b, CONFIG_FILE_MAX);
	config_print(config, &b);
	if (!b.err && fwrite(buf_ptr(&b), 1, b.len, stdout) == b.len &&
	    !fflush(stdout))
		status = 0;
	buf_fini(&b);
	return status;
}

/* The files and groups it names: lines to standard error if any is wrong. */
static int
look_at_material(const struct config *config, struct buf *warnings)
{
	struct buf errors;
	int rc;

	buf_init(&errors, MATERIAL_LINES_MAX);
	rc = material_check(
	    config, clock_now().wall_ns / 1000000000, &errors, warnings);
	if (rc && !errors.len)
		buf_add_str(&errors, err_text(rc));
	fprintf(
	    stderr, "%.*s", (int)errors.len, (const char *)buf_ptr(&errors));
	buf_fini(&errors);
	return rc;
}

static int
run(const struct supervisor_options *opts, struct config *config,
    struct bytes warnings)
{
	struct supervisor s;
	struct loop *loop = NULL;
	char why[SOCKETS_WHY];
	int rc = loop_new(&loop);
	int status;

	if (rc) {
		log_error("cannot start: %s", err_text(rc));
		config_free(config);
		return 1;
	}
	rc = supervisor_start(&s, loop, opts, config, why);
	if (rc) {
		log_error("cannot start: %s", why);
		status = supervisor_start_status(rc);
	} else {
		supervisor_warn_lines(&s, warnings);
		loop_run(loop);
		status = s.status;
		supervisor_fini(&s);
	}
	loop_free(loop);
	return status;
}

/* Takes the configuration when it runs. */
static int
check_and_run(const struct arguments *a, struct config **config)
{
	struct buf warnings;
	int status = 0;

	buf_init(&warnings, MATERIAL_LINES_MAX);
	if (look_at_material(*config, &warnings)) {
		status = SUPERVISOR_REFUSED;
	} else if (a->mode == MODE_RUN) {
		status = run(&a->options, *config, buf_bytes(&warnings));
		*config = NULL;
	} else {
		fprintf(stderr, "%.*s", (int)warnings.len,
		    (const char *)buf_ptr(&warnings));
	}
	buf_fini(&warnings);
	return status;
}

int
main(int argc, char **argv)
{
	struct arguments a = {
	    .options.config_path = SYSCONFDIR "/spoold/spoold.yaml"};
	struct config *config = NULL;
	int status = parse(argc, argv, &a);
	int rc;

	if (status >= 0)
		return status;
	signal(SIGPIPE, SIG_IGN);
	rc = config_load(a.options.config_path, &config);
	if (rc) {
		fputs(config ? config_why(config) : err_text(rc), stderr);
		config_free(config);
		return SUPERVISOR_REFUSED;
	}
	supervisor_set_log(config);
	if (a.mode == MODE_PRINT)
		status = print(config);
	else
		status = check_and_run(&a, &config);
	config_free(config);
	return status;
}
