/* SPDX-License-Identifier: Apache-2.0 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

#include "tests/bench/load.h"

static const char help[] =
    "usage: load --port N --certs DIR --connections N --identities N\n"
    "            (--feed FILE... | --live RAW-BYTES --run N)\n"
    "            [--warm S] (--seconds S | --records N | --idle)\n"
    "            [--rate RECORDS-A-SECOND] [--held BATCHES] [--acked FILE]\n";

static const struct option options[] = {
    {"port", required_argument, NULL, 'p'},
    {"certs", required_argument, NULL, 'c'},
    {"connections", required_argument, NULL, 'n'},
    {"identities", required_argument, NULL, 'i'},
    {"feed", required_argument, NULL, 'f'},
    {"live", required_argument, NULL, 'l'},
    {"run", required_argument, NULL, 'r'},
    {"warm", required_argument, NULL, 'w'},
    {"seconds", required_argument, NULL, 's'},
    {"records", required_argument, NULL, 'e'},
    {"rate", required_argument, NULL, 'R'},
    {"held", required_argument, NULL, 'h'},
    {"idle", no_argument, NULL, 'I'},
    {"acked", required_argument, NULL, 'a'},
    {NULL, 0, NULL, 0},
};

static bool
take_count(int letter, unsigned long x, struct load_options *o)
{
	switch (letter) {
	case 'p':
		o->port = (uint16_t)x;
		break;
	case 'n':
		o->connections = (unsigned)x;
		break;
	case 'i':
		o->identities = (unsigned)x;
		break;
	case 'l':
		o->live_raw = (uint32_t)x;
		break;
	case 'r':
		o->run = (unsigned)x;
		break;
	case 'e':
		o->records = x;
		break;
	case 'h':
		o->held = (unsigned)x;
		break;
	default:
		return false;
	}
	return true;
}

static bool
take(int letter, struct load_options *o)
{
	switch (letter) {
	case 'c':
		o->certs = optarg;
		return true;
	case 'f':
		if (o->feeds == FEED_PARTS_MAX)
			return false;
		o->feed[o->feeds++] = optarg;
		return true;
	case 'w':
		o->warm_s = strtod(optarg, NULL);
		return true;
	case 's':
		o->seconds = strtod(optarg, NULL);
		return true;
	case 'R':
		o->rate = strtod(optarg, NULL);
		return true;
	case 'I':
		o->idle = true;
		return true;
	case 'a':
		o->acked = optarg;
		return true;
	default:
		return optarg &&
		    take_count(letter, strtoul(optarg, NULL, 10), o);
	}
}

bool
load_options_parse(int argc, char **argv, struct load_options *o)
{
	bool is_good = true;
	int letter;

	*o = (struct load_options){.held = 64};
	while (is_good &&
	    (letter = getopt_long(argc, argv, "", options, NULL)) != -1)
		is_good = take(letter, o);
	is_good = is_good && optind == argc && o->port && o->certs &&
	    o->connections && o->connections <= FEED_LANES_MAX &&
	    o->identities && o->held && (o->feeds || o->live_raw || o->idle) &&
	    (o->seconds > 0 || o->records || o->idle);
	if (!is_good)
		fputs(help, stderr);
	return is_good;
}
