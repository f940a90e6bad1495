/* SPDX-License-Identifier: Apache-2.0 */
/*
 * say - for scripts around a recorded keeper.
 *
 * usage: say mark TEXT               a mark in the log (promise.h)
 *        say records LANE FROM COUNT known records, each after its length
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/endian.h"
#include "tests/crash/known.h"
#include "tests/crash/oplog.h"

static int
records(unsigned lane, uint64_t from, uint64_t count)
{
	for (uint64_t seq = from; seq < from + count; seq++) {
		uint8_t record[KNOWN_RECORD_MAX], len[4];
		size_t n = known_record(lane, seq, record);

		endian_put_le32(len, (uint32_t)n);
		if (fwrite(len, sizeof(len), 1, stdout) != 1 ||
		    fwrite(record, n, 1, stdout) != 1)
			return 1;
	}
	return fflush(stdout) ? 1 : 0;
}

int
main(int argc, char **argv)
{
	if (argc == 3 && !strcmp(argv[1], "mark")) {
		oplog_mark("%s", argv[2]);
		return 0;
	}
	if (argc == 5 && !strcmp(argv[1], "records"))
		return records((unsigned)strtoul(argv[2], NULL, 10),
		    strtoull(argv[3], NULL, 10), strtoull(argv[4], NULL, 10));
	fprintf(stderr, "usage: say mark TEXT | say records LANE FROM COUNT\n");
	return 2;
}
