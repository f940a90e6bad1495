/* SPDX-License-Identifier: Apache-2.0 */
/*
 * key_file - the spool's own key, where none is configured (RULES.md 6).
 *
 * <directory>/spool.key, 32 bytes, 0600, made at the first start and never
 * again: a directory that holds anything else already gets no new key.
 */
#ifndef SPOOLD_KEEPER_KEY_FILE_H
#define SPOOLD_KEEPER_KEY_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define KEY_FILE_SIZE 32

/*
 * Read the key, or make it if the directory is empty; *made tells.  ERR_KEY
 * with a sentence if it is missing though there is data, or is not a key;
 * ERR_IO and others.
 */
int key_file_get(const char *directory, uint8_t key[KEY_FILE_SIZE], bool *made,
    char *why, size_t why_size);

#endif
