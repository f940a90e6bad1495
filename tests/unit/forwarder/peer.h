/* SPDX-License-Identifier: Apache-2.0 */
/*
 * peer - the keeper's end of a forwarder's link, played by a test.
 *
 * It sends states, streams and batches, and reads what the pump says.  The
 * pump is in another process, or in this one: then `loop` is turned while the
 * peer waits.  A failure ends the test.
 */
#ifndef TESTS_UNIT_FORWARDER_PEER_H
#define TESTS_UNIT_FORWARDER_PEER_H

#include <stdbool.h>

#include "lib/base/buf.h"
#include "lib/codec/ipc.h"
#include "lib/codec/ivset.h"
#include "lib/loop/loop.h"

#define PEER_WAIT_MS 20000
#define PEER_RECORD_MAX 4096

struct peer {
	int sock;
	struct loop *loop; /* or NULL */
	struct buf in; /* what came, from the last message on */
	size_t used; /* bytes of the last message in it */
	uint8_t opaque[ENTRY_OPAQUE_SIZE]; /* what the keeper holds */
	bool new_opaque; /* not answered by DURABLE */
	bool mute; /* do not answer with DURABLE */
	struct ivset settled;
	uint64_t by_term[ENTRY_TERMS]; /* records, as they came */
	char error_code[64]; /* of the last TARGET_STATUS */
	char error_text[512];
	char state[16];
	uint64_t attempts;
	struct ipc_work work; /* the last window that was asked for */
};

/* A socket pair: *other is for the pump. */
void peer_init(struct peer *p, struct loop *loop, int *other);
/* Another pair, with the same memory of what is settled. */
void peer_again(struct peer *p, int *other);
void peer_fini(struct peer *p);

void peer_send(struct peer *p, const struct ipc_msg *m);
void peer_state(struct peer *p);
void peer_stream(struct peer *p, uint32_t id, const char *name);
void peer_control(struct peer *p, uint8_t what);

/*
 * A batch of n records from `first_rec`, whose bytes are peer_record's, their
 * seq their rec.  With `mixed` they are of streams 1 and 2 in turn, else of 1.
 */
void peer_batch(struct peer *p, uint64_t first_rec, uint32_t n, bool mixed);

/* The bytes of a record: any bytes, some empty, some long. */
struct bytes peer_record(uint64_t rec, uint8_t mem[static PEER_RECORD_MAX]);

/* The origin's id of a record of that stream; returns text. */
char *peer_id(const char *stream, uint64_t rec, char text[static 33]);

/* Handle one message if one is there within wait_ms; 0 is its type if none. */
uint16_t peer_turn(struct peer *p, unsigned wait_ms);

/* Turn until it holds, or fail. */
void peer_until(struct peer *p, bool (*holds)(void *arg), void *arg);
/* Until [from, to) is settled. */
void peer_until_settled(struct peer *p, uint64_t from, uint64_t to);
/* Until a TARGET_STATUS bears that error. */
void peer_until_error(struct peer *p, const char *code);

uint64_t peer_now_ms(void);

#endif
