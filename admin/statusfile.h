/* SPDX-License-Identifier: Apache-2.0 */
/*
 * statusfile - the status that the keeper leaves beside its socket.
 *
 * It renews status.json every two seconds by rename, so what is read is
 * whole, and its time of change is its age.
 */
#ifndef ADMIN_STATUSFILE_H
#define ADMIN_STATUSFILE_H

#include <jansson.h>
#include <stdint.h>

#define STATUSFILE_MAX ((size_t)8 << 20) /* bytes */

/*
 * Read status.json in the socket's directory.  ERR_NOENT, ERR_IO, ERR_FORMAT;
 * *status is the caller's, *written_s its time of change.
 */
int statusfile_read(const char *socket, json_t **status, int64_t *written_s);

#endif
