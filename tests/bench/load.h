/* SPDX-License-Identifier: Apache-2.0 */
/*
 * load - what the files of the load generator share.
 */
#ifndef TESTS_BENCH_LOAD_H
#define TESTS_BENCH_LOAD_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "tests/bench/feed.h"
#include "tests/bench/latency.h"
#include "tests/bench/load_conn.h"

struct load_options {
	uint16_t port;
	const char *certs; /* directory */
	unsigned connections, identities;
	const char *feed[FEED_PARTS_MAX];
	unsigned feeds;
	uint32_t live_raw; /* bytes of a batch made as it goes; 0: prepared */
	unsigned run; /* live: makes runs differ */
	double warm_s, seconds; /* the window is after the warm-up */
	double rate; /* records a second; 0: as fast as acknowledged */
	uint64_t records; /* end when so many are acknowledged; 0: window */
	unsigned held; /* batches of a connection that wait at most */
	bool idle; /* only be connected, until standard input ends */
	const char *acked; /* file that says what was acknowledged */
};

/* From the command line; false, after a word to standard error. */
bool load_options_parse(int argc, char **argv, struct load_options *o);

/* What was counted within the window. */
struct load_window {
	uint64_t begin_us, end_us; /* as measured; 0 not yet */
	uint64_t records, bytes, batches;
	struct latency latency;
};

struct load {
	struct load_options options;
	struct loop *loop;
	struct link_pool *pool;
	struct feed *feed;
	struct load_identity *identity;
	struct load_conn **conn;
	unsigned conns_ready;
	uint64_t start_us; /* of sending; 0: not yet */
	uint64_t progress_us; /* when something was last acknowledged */
	uint64_t sent, acked; /* records since then */
	unsigned turn; /* connection that is next in an open loop */
	struct loop_timer *tick;
	struct load_window window;
	uint64_t feed_ended_us; /* 0: it has not */
	int rc;
};

/* The result as one line of JSON. */
void load_report_print(const struct load *l, FILE *to);
/* Lines "LANE EPOCH SEQ". */
int load_report_acked(const struct load *l, const char *path);
/* One line that tells the driver where the run is. */
void load_report_event(const char *name);

#endif
