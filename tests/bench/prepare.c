/* SPDX-License-Identifier: Apache-2.0 */
/*
 * prepare - make a file of batches for the load generator, and keep it.
 */
#include <stdio.h>
#include <stdlib.h>

#include "lib/base/err.h"
#include "tests/bench/feed.h"

#define ARGUMENTS 6
#define EXIT_USAGE 2

int
main(int argc, char **argv)
{
	struct feed_plan plan;
	int rc;

	if (argc != ARGUMENTS) {
		fputs("usage: prepare FILE RECORDS RAW-BYTES RECORDS-A-BATCH "
		      "PART\n",
		    stderr);
		return EXIT_USAGE;
	}
	plan = (struct feed_plan){
	    .records = strtoull(argv[2], NULL, 10),
	    .raw_max = (uint32_t)strtoul(argv[3], NULL, 10),
	    .count_max = (uint32_t)strtoul(argv[4], NULL, 10),
	    .part = (unsigned)strtoul(argv[5], NULL, 10),
	};
	rc = feed_prepare(&plan, argv[1]);
	if (rc)
		fprintf(stderr, "prepare: %s: %s\n", argv[1], err_text(rc));
	return rc ? EXIT_FAILURE : EXIT_SUCCESS;
}
