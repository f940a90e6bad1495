/* SPDX-License-Identifier: Apache-2.0 */
/*
 * records - read records out of files, as sources and targets write them.
 *
 * Each function hands the records to a callback in order; what it returns
 * other than 0 ends the reading and is returned.  Bytes are valid during the
 * call only.  ERR_FORMAT where the framing is broken; records_where then says
 * in which file and at which record.
 */
#ifndef TESTS_HELPERS_RECORDS_H
#define TESTS_HELPERS_RECORDS_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/base/bytes.h"

/* id is empty, or the 32 characters of a record's id. */
typedef int records_fn(void *arg, struct bytes id, struct bytes record);

enum records_framing {
	RECORDS_LF, /* a last line without LF is a record */
	RECORDS_NUL,
	RECORDS_LENGTH, /* 32 bits little-endian, then the bytes */
	RECORDS_OCTETS, /* syslog octet counting: LEN SP MSG */
	RECORDS_TARGET, /* ID TAB escaped LF, all lines whole */
	RECORDS_PEEK, /* spoolctl queue peek --output ndjson */
};

struct records_place {
	char path[4096];
	uint64_t record; /* from 1: the last one that was begun */
};

/* "lf", "nul", "length", "octets", "target", "peek"; ERR_INVAL otherwise. */
int records_framing_parse(const char *word, enum records_framing *framing);

/*
 * A file, through zstd if its name ends in .zst; "-" is standard input.
 * ERR_NOENT, ERR_IO, ERR_FORMAT.  *where is set as far as reading got.
 */
int records_file(const char *path, enum records_framing framing, records_fn *fn,
    void *arg, struct records_place *where);

/*
 * All files NAME-%016d.log[.zst] of a file target's directory, by number.
 * ERR_FORMAT if anything else is there, or a number twice; but where both
 * forms of one file are there the packed one is not read.
 */
int records_dir(const char *dir, enum records_framing framing, records_fn *fn,
    void *arg, struct records_place *where);

/*
 * Take an RFC 5424 header off a message.  *id is the first parameter of its
 * structured data that has the form of a record id, or empty.  ERR_FORMAT.
 */
int records_header_strip(
    struct bytes message, struct bytes *id, struct bytes *record);

#endif
