/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rights - send and receive on an AF_UNIX socket, with one descriptor.
 *
 * Never blocks and never raises SIGPIPE.  Received descriptors are
 * close-on-exec; those beyond the first of a call are closed.
 */
#ifndef LIB_LINK_RIGHTS_H
#define LIB_LINK_RIGHTS_H

#include <stddef.h>
#include <sys/uio.h>

/*
 * Send the vectors; fd (unless -1) goes with the first byte.  *sent may be
 * less than all.  ERR_AGAIN, ERR_CLOSED, ERR_SYS.
 */
int rights_send(
    int sock, struct iovec *iov, size_t count, int fd, size_t *sent);

/*
 * Receive up to len bytes; *got is 0 at the end.  *fd is -1 or the caller's.
 * ERR_AGAIN, ERR_CLOSED, ERR_SYS.
 */
int rights_recv(int sock, void *ptr, size_t len, size_t *got, int *fd);

#endif
