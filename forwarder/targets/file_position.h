/* SPDX-License-Identifier: Apache-2.0 */
/*
 * file_position - how far a file target has written: its opaque bytes.
 *
 * Pure.  The bytes are specified in doc/format-file-target.md.
 */
#ifndef FORWARDER_TARGETS_FILE_POSITION_H
#define FORWARDER_TARGETS_FILE_POSITION_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/codec/entry.h"

struct file_position {
	uint64_t number; /* of the file, from 1 */
	uint64_t offset; /* bytes of it that count */
	int64_t begun_ns; /* wall clock at its first record; 0 if empty */
	bool framing_length; /* else lines */
	/* The target's at that time: what the files' names begin with. */
	char name[ENTRY_NAME_MAX + 1];
};

/* A name as file names may begin with. */
bool file_position_is_name(const char *name);

/* ERR_NOENT: all zero, nothing was ever written; ERR_VERSION; ERR_FORMAT. */
int file_position_decode(
    const uint8_t opaque[static ENTRY_OPAQUE_SIZE], struct file_position *p);
void file_position_encode(
    const struct file_position *p, uint8_t opaque[static ENTRY_OPAQUE_SIZE]);

#endif
