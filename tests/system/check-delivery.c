/* SPDX-License-Identifier: Apache-2.0 */
/*
 * check-delivery - whether what was sent is what arrived, no more, no less.
 *
 * Exit 0: perfect.  1: not, the report says how.  2: usage.  3: something
 * cannot be read, or is not framed as it was said to be.
 */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/err.h"
#include "tests/helpers/checker.h"
#include "tests/helpers/records.h"

#define EXIT_IMPERFECT 1
#define EXIT_USAGE 2
#define EXIT_UNREADABLE 3

struct check {
	struct checker *checker;
	struct records_place where;
	enum records_framing sent_framing, framing;
	bool strip; /* RFC 5424 headers of what arrived */
	bool by_content; /* do not look at ids */
	bool quiet;
	const char *stream; /* the one begun last */
};

static const char help[] =
    "usage: check-delivery OPTION...   (in the order given: sent, arrived)\n"
    "  --sent-framing lf|nul|length  of the files after it (lf)\n"
    "  --sent [STREAM=]FILE          records of a stream, in order; the same\n"
    "                                STREAM again goes on; default: FILE\n"
    "  --framing lf|nul|length|octets|target|peek  of what arrived (target)\n"
    "  --strip-rfc5424               take such headers off what arrived\n"
    "  --by-content                  do not look at record ids\n"
    "  --arrived FILE                what arrived; .zst is unpacked\n"
    "  --arrived-dir DIR             all files of a file target\n"
    "  --allow-repeats               for targets that give at least once\n"
    "  --allow-loss STREAM:FIRST-LAST  positions, from 1\n"
    "  --quiet                       no report, only the exit code\n"
    "Exit: 0 perfect, 1 not, 2 usage, 3 cannot be read.\n";

static int
on_sent(void *arg, struct bytes id, struct bytes record)
{
	const struct check *k = arg;

	(void)id;
	return checker_sent(k->checker, record);
}

static int
on_arrived(void *arg, struct bytes id, struct bytes record)
{
	const struct check *k = arg;

	if (k->strip) {
		int rc = records_header_strip(record, &id, &record);
		if (rc)
			return rc;
	}
	return checker_arrived(
	    k->checker, k->by_content ? bytes_of("", 0) : id, record);
}

/* "[STREAM=]FILE" */
static int
read_sent(struct check *k, char *spec)
{
	char *equals = strchr(spec, '=');
	const char *path = equals ? equals + 1 : spec;
	int rc = 0;

	if (equals)
		*equals = 0;
	if (!k->stream || strcmp(k->stream, spec))
		rc = checker_stream(k->checker, spec);
	k->stream = spec;
	if (rc)
		return rc;
	return records_file(path, k->sent_framing, on_sent, k, &k->where);
}

/* "STREAM:FIRST-LAST" */
static int
allow_loss(struct check *k, char *spec)
{
	char *colon = strrchr(spec, ':'), *end;
	unsigned long long first, last;

	if (!colon)
		return ERR_INVAL;
	*colon = 0;
	first = strtoull(colon + 1, &end, 10);
	if (*end != '-')
		return ERR_INVAL;
	last = strtoull(end + 1, &end, 10);
	if (*end)
		return ERR_INVAL;
	return checker_allow_loss(k->checker, spec, first, last);
}

enum {
	OPT_SENT = 1,
	OPT_SENT_FRAMING,
	OPT_ARRIVED,
	OPT_ARRIVED_DIR,
	OPT_FRAMING,
	OPT_STRIP,
	OPT_BY_CONTENT,
	OPT_REPEATS,
	OPT_LOSS,
	OPT_QUIET,
	OPT_HELP,
};

static const struct option options[] = {
    {"sent", required_argument, NULL, OPT_SENT},
    {"sent-framing", required_argument, NULL, OPT_SENT_FRAMING},
    {"arrived", required_argument, NULL, OPT_ARRIVED},
    {"arrived-dir", required_argument, NULL, OPT_ARRIVED_DIR},
    {"framing", required_argument, NULL, OPT_FRAMING},
    {"strip-rfc5424", no_argument, NULL, OPT_STRIP},
    {"by-content", no_argument, NULL, OPT_BY_CONTENT},
    {"allow-repeats", no_argument, NULL, OPT_REPEATS},
    {"allow-loss", required_argument, NULL, OPT_LOSS},
    {"quiet", no_argument, NULL, OPT_QUIET},
    {"help", no_argument, NULL, OPT_HELP},
    {NULL, 0, NULL, 0},
};

/* ERR_INVAL: usage. */
static int
set(struct check *k, int option)
{
	switch (option) {
	case OPT_SENT_FRAMING:
		return records_framing_parse(optarg, &k->sent_framing);
	case OPT_FRAMING:
		return records_framing_parse(optarg, &k->framing);
	case OPT_STRIP:
		k->strip = true;
		return 0;
	case OPT_BY_CONTENT:
		k->by_content = true;
		return 0;
	case OPT_REPEATS:
		checker_allow_repeats(k->checker);
		return 0;
	case OPT_QUIET:
		k->quiet = true;
		return 0;
	default:
		return ERR_INVAL;
	}
}

static int
act(struct check *k, int option)
{
	switch (option) {
	case OPT_SENT:
		return read_sent(k, optarg);
	case OPT_ARRIVED:
		return records_file(
		    optarg, k->framing, on_arrived, k, &k->where);
	case OPT_ARRIVED_DIR:
		return records_dir(
		    optarg, k->framing, on_arrived, k, &k->where);
	case OPT_LOSS:
		return allow_loss(k, optarg);
	default:
		return set(k, option);
	}
}

static int
judge(struct check *k)
{
	struct checker_counts counts;
	bool perfect;
	int rc = checker_judge(k->checker, &counts, &perfect);

	if (rc) {
		fprintf(stderr, "check-delivery: %s\n", err_text(rc));
		return EXIT_UNREADABLE;
	}
	if (!k->quiet)
		checker_report(k->checker, perfect ? stdout : stderr);
	return perfect ? EXIT_SUCCESS : EXIT_IMPERFECT;
}

static int
complain(const struct check *k, const char *what, int rc)
{
	if (rc == ERR_INVAL || rc == ERR_NOENT || rc == ERR_RANGE ||
	    rc == ERR_EXISTS || rc == ERR_STATE)
		fprintf(stderr, "check-delivery: %s: %s\n", what, err_text(rc));
	else
		fprintf(stderr, "check-delivery: %s: record %" PRIu64 ": %s\n",
		    k->where.path, k->where.record, err_text(rc));
	return rc == ERR_INVAL ? EXIT_USAGE : EXIT_UNREADABLE;
}

static int
run(struct check *k, int argc, char **argv)
{
	int option;

	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		int rc;

		if (option == OPT_HELP) {
			fputs(help, stdout);
			return EXIT_SUCCESS;
		}
		if (option == '?')
			return EXIT_USAGE;
		rc = act(k, option);
		if (rc)
			return complain(k, optarg ? optarg : "option", rc);
	}
	if (optind < argc || !k->stream) {
		fputs(help, stderr);
		return EXIT_USAGE;
	}
	return judge(k);
}

int
main(int argc, char **argv)
{
	struct check k = {
	    .sent_framing = RECORDS_LF, .framing = RECORDS_TARGET};
	int code = EXIT_UNREADABLE;

	if (checker_new(&k.checker) == 0)
		code = run(&k, argc, argv);
	checker_free(k.checker);
	return code;
}
