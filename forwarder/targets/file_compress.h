/* SPDX-License-Identifier: Apache-2.0 */
/*
 * file_compress - packs files that are closed for good, and unpacks one.
 *
 * While NAME.log.zst is being made NAME.log is there as well, and counts; it
 * goes once the other is complete and durable.  So a crash leaves both, and
 * whoever finds both drops the packed one and begins again.  Blocks: it is
 * for worker threads.
 */
#ifndef FORWARDER_TARGETS_FILE_COMPRESS_H
#define FORWARDER_TARGETS_FILE_COMPRESS_H

#include <stdatomic.h>
#include <stdint.h>

/*
 * Pack the first file that is not packed and whose number is below `below`.
 * 1 when one was packed, 0 if there is none, ERR_CLOSED when *stop became
 * true, or an error; what was made by halves is removed then.
 */
int file_compress_next(
    int dir_fd, const char *target, uint64_t below, const atomic_bool *stop);

/*
 * Make NAME.log again from NAME.log.zst, up to that offset, durably: the
 * position has gone back to before it was packed.  ERR_FORMAT if there are
 * not so many bytes in it.
 */
int file_compress_undo(
    int dir_fd, const char *target, uint64_t number, uint64_t offset);

#endif
