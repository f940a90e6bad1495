/* SPDX-License-Identifier: Apache-2.0 */
#include "agentlink/agent/options.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/config/value.h"
#include "lib/link/address.h"

enum option_number {
	OPTION_SERVER = 256,
	OPTION_CERT,
	OPTION_KEY,
	OPTION_CA,
	OPTION_STREAM,
	OPTION_STATE,
	OPTION_FRAMING,
	OPTION_RATE,
	OPTION_BANDWIDTH,
	OPTION_TIMEOUT,
	OPTION_VERBOSE,
};

static const struct option longs[] = {
    {"server", required_argument, NULL, OPTION_SERVER},
    {"cert", required_argument, NULL, OPTION_CERT},
    {"key", required_argument, NULL, OPTION_KEY},
    {"ca", required_argument, NULL, OPTION_CA},
    {"stream", required_argument, NULL, OPTION_STREAM},
    {"state", required_argument, NULL, OPTION_STATE},
    {"framing", required_argument, NULL, OPTION_FRAMING},
    {"rate", required_argument, NULL, OPTION_RATE},
    {"bandwidth", required_argument, NULL, OPTION_BANDWIDTH},
    {"timeout", required_argument, NULL, OPTION_TIMEOUT},
    {"verbose", no_argument, NULL, OPTION_VERBOSE},
    {0},
};

static bool
wrong(const char *option, const char *value, const char *allowed)
{
	fprintf(
	    stderr, "agentlink send: --%s %s: %s\n", option, value, allowed);
	return false;
}

static bool
parse_servers(struct options *o, const char *text)
{
	free(o->server_text);
	o->server_text = strdup(text);
	o->server_count = 0;
	char *rest = o->server_text;
	for (char *one; rest && (one = strsep(&rest, ","));) {
		struct bytes host;
		uint16_t port;
		if (o->server_count == OPTIONS_SERVERS_MAX)
			return wrong("server", text, "at most 16 servers");
		if (address_split(bytes_of_str(one), &host, &port))
			return wrong(
			    "server", text, "is HOST:PORT[,HOST:PORT...]");
		o->servers[o->server_count++] = one;
	}
	return o->server_text != NULL;
}

/* "5000/s" or "5000". */
static bool
parse_rate(struct options *o, const char *text)
{
	char *end;
	errno = 0;
	unsigned long long n = strtoull(text, &end, 10);
	bool is_number = *text >= '1' && *text <= '9' && !errno;
	if (!is_number || (*end && strcmp(end, "/s") != 0))
		return wrong("rate", text, "is a number of records and /s");
	o->rate = n;
	return true;
}

static bool
parse_bandwidth(struct options *o, const char *text)
{
	const struct value_type type = {
	    .kind = VALUE_RATE, .min = 8, .max = UINT64_MAX};
	uint64_t bits;
	if (value_parse(&type, bytes_of_str(text), &bits))
		return wrong("bandwidth", text,
		    "is a number and bit/s, kbit/s, Mbit/s, B/s or MB/s");
	o->bandwidth = bits / 8;
	return true;
}

static bool
parse_timeout(struct options *o, const char *text)
{
	const struct value_type type = {
	    .kind = VALUE_DURATION, .min = 1, .max = UINT64_MAX};
	if (value_parse(&type, bytes_of_str(text), &o->timeout_ms))
		return wrong(
		    "timeout", text, "is a number and ms, s, m, h or d");
	return true;
}

static bool
parse_one(struct options *o, int option)
{
	switch (option) {
	case OPTION_SERVER:
		return parse_servers(o, optarg);
	case OPTION_CERT:
		o->certificate = optarg;
		return true;
	case OPTION_KEY:
		o->key = optarg;
		return true;
	case OPTION_CA:
		o->ca = optarg;
		return true;
	case OPTION_STREAM:
		o->stream = optarg;
		return *optarg && strlen(optarg) <= 255
		    ? true
		    : wrong("stream", optarg, "has 1 to 255 bytes");
	case OPTION_STATE:
		o->state = optarg;
		return true;
	case OPTION_FRAMING:
		return !framing_parse(optarg, &o->framing) ||
		    wrong("framing", optarg, "is lf, nul or length");
	case OPTION_RATE:
		return parse_rate(o, optarg);
	case OPTION_BANDWIDTH:
		return parse_bandwidth(o, optarg);
	case OPTION_TIMEOUT:
		return parse_timeout(o, optarg);
	case OPTION_VERBOSE:
		o->is_verbose = true;
		return true;
	default:
		return false; /* getopt has said it */
	}
}

static bool
is_complete(const struct options *o)
{
	const char *missing = NULL;
	if (!o->ca)
		missing = "--ca FILE is missing";
	if (!o->key)
		missing = "--key FILE is missing";
	if (!o->certificate)
		missing = "--cert FILE is missing";
	if (!o->server_count)
		missing = "--server HOST:PORT is missing";
	if (!o->file_count)
		missing = "name a FILE, or - for standard input";
	bool has_stdin = false;
	for (size_t i = 0; i < o->file_count; i++)
		has_stdin |= !strcmp(o->files[i], "-");
	if (has_stdin && o->file_count > 1)
		missing = "- goes alone";
	if (has_stdin && !o->stream)
		missing = "--stream NAME is needed for standard input";
	if (missing)
		fprintf(stderr, "agentlink send: %s\n", missing);
	return !missing;
}

bool
options_parse(int argc, char **argv, struct options *o)
{
	*o = (struct options){.framing = FRAMING_LF};
	optind = 1;
	for (int c; (c = getopt_long(argc, argv, "", longs, NULL)) != -1;)
		if (!parse_one(o, c))
			return false;
	o->files = argv + optind;
	o->file_count = (size_t)(argc - optind);
	return is_complete(o);
}

void
options_fini(struct options *o)
{
	free(o->server_text);
	o->server_text = NULL;
}
