/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ipc_table - one row a message: its number, its fields, what they must be.
 *
 * For ipc.c alone.  The rows lie with the link they belong to: the
 * supervisor's and resolver's, the receiver's, the forwarder's, the worker's.
 */
#ifndef LIB_CODEC_IPC_TABLE_H
#define LIB_CODEC_IPC_TABLE_H

#include "lib/codec/field.h"
#include "lib/codec/ipc.h"

struct ipc_table {
	uint16_t type; /* 0 ends the table */
	const struct field *fields;
	int (*check)(const struct ipc_msg *m); /* 0 or ERR_FORMAT; or NULL */
};

extern const struct ipc_table ipc_table_common[];
extern const struct ipc_table ipc_table_receiver[];
extern const struct ipc_table ipc_table_forwarder[];
extern const struct ipc_table ipc_table_worker[];

#define IPC_TABLE_KV_MAX (1u << 20)
#define IPC_TABLE_HOPS_BYTES (BATCH_HOPS_MAX * UUID_SIZE)

/* Names of streams, listeners, targets, peers: no longer than the entries
 * that the keeper makes of them can hold. */
#define IPC_TABLE_NAME(type, member) \
	FIELD_UP_TO(type, member, TEXT, ENTRY_NAME_MAX)
#define IPC_TABLE_STREAM(type, member) \
	FIELD_UP_TO(type, member, TEXT, ENTRY_STREAM_MAX)
#define IPC_TABLE_PEER(type, member) \
	FIELD_UP_TO(type, member, TEXT, ENTRY_TEXT_MAX / 2)

/* What a person reads; it may hold any bytes. */
#define IPC_TABLE_WORDS(type, member) \
	FIELD_UP_TO(type, member, STRING, IPC_TEXT_MAX)

#endif
