/* SPDX-License-Identifier: Apache-2.0 */
/*
 * file_rig - a file target behind a real pump, in a real directory.
 *
 * The keeper is a peer.  What arrived is read back and compared with the
 * records that peer_batch made.  A failure ends the test.
 */
#ifndef TESTS_UNIT_FORWARDER_TARGETS_FILE_RIG_H
#define TESTS_UNIT_FORWARDER_TARGETS_FILE_RIG_H

#include <sys/types.h>

#include "forwarder/pump.h"
#include "tests/unit/forwarder/peer.h"

#define FILE_RIG_BATCH 200u /* records of each */

struct file_rig_settings {
	const char *framing, *compress, *streams;
	uint64_t size, every_ms;
	const char *name; /* NULL: archive */
};

struct file_rig {
	char dir[64];
	struct loop *loop;
	struct pump *pump;
	struct peer peer;
	uint64_t seen; /* records that were read back */
	bool mixed, framing_length;
	pid_t child;
};

/* Lines, never rotated. */
extern const struct file_rig_settings file_rig_plain;

void file_rig_begin(struct file_rig *f, const struct file_rig_settings *s);
/* The same directory and keeper, another process in effect. */
void file_rig_restart(struct file_rig *f, const struct file_rig_settings *s);
void file_rig_end(struct file_rig *f);

/* The pump on its own. */
struct pump *file_rig_pump(
    struct loop *loop, const char *dir, const struct file_rig_settings *s);
/* What every link begins with. */
void file_rig_greet(struct file_rig *f);
void file_rig_remove(const char *dir);

/* Exactly the records 1 to last, in order, none twice. */
void file_rig_check(struct file_rig *f, uint64_t last);
/* Files whose names end so. */
int file_rig_count(const struct file_rig *f, const char *tail);
/* Append to a file in the directory. */
void file_rig_put(const struct file_rig *f, const char *name, const char *text);
/* Remove, or rename, a file in it. */
void file_rig_take(const struct file_rig *f, const char *name);
void file_rig_move(const struct file_rig *f, const char *from, const char *to);

#endif
