/* SPDX-License-Identifier: Apache-2.0 */
/*
 * entry_check - what an entry's fields must be to each other.
 *
 * For entry.c, whose tables read the fields; the two lists are also judged
 * for ipc, which carries them.  0 or ERR_FORMAT.
 */
#ifndef LIB_CODEC_ENTRY_CHECK_H
#define LIB_CODEC_ENTRY_CHECK_H

#include "lib/codec/entry.h"

int entry_check_child_state(const struct entry *e);
int entry_check_stream_def(const struct entry *e);
int entry_check_history(const struct entry *e);
int entry_check_advance(const struct entry *e);
int entry_check_skip(const struct entry *e);
int entry_check_give_up(const struct entry *e);
int entry_check_delivered(const struct entry *e);
int entry_check_quarantine(const struct entry *e);
int entry_check_recycle(const struct entry *e);
int entry_check_target(const struct entry *e);
int entry_check_pending_again(const struct entry *e);

/* `n` intervals, sorted, not touching each other, and nothing else. */
int entry_check_intervals(struct bytes intervals, uint32_t n);

/* `n` settled ranges and nothing else. */
int entry_check_settled(struct bytes settled, uint32_t n);

#endif
