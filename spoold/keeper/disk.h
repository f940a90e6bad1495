/* SPDX-License-Identifier: Apache-2.0 */
/*
 * disk - opening the store, and what the store tells of the disk.
 *
 * The store tells of damage and failures from any thread; here they are kept
 * until the loop's thread takes them, logs them and makes their entries.
 */
#ifndef SPOOLD_KEEPER_DISK_H
#define SPOOLD_KEEPER_DISK_H

#include "spoold/keeper/keeper.h"

/*
 * Make the directory if need be, get the key, open the store.  Before the
 * sandbox closes, as the role's user.  Logs why it fails.
 */
int disk_open(struct keeper *k);
void disk_free(struct disk *d);

/* On the loop's thread, now and then. */
void disk_take_events(struct keeper *k);

#endif
