/* SPDX-License-Identifier: Apache-2.0 */
/*
 * file_recover - a file target's directory as it was at a position.
 *
 * The first call of a writer, and the one after each error.  It blocks: for
 * the worker thread that has the writer.
 */
#ifndef FORWARDER_TARGETS_FILE_RECOVER_H
#define FORWARDER_TARGETS_FILE_RECOVER_H

#include "forwarder/targets/file_writer.h"

/*
 * Make the directory what it was at that position: NULL means that nothing
 * was ever written, and only an empty directory will do.  If the target had
 * another name then, its files get the new one, and so does the position.
 */
int file_recover(struct file_writer *w, const struct file_position *at,
    struct file_trouble *trouble);

#endif
