/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sockets - what only the supervisor opens: listening sockets, the control
 * socket, directories, the page that says who reads what.
 *
 * All are handed to roles as descriptors and survive every other process.
 * Errors come with a sentence in why that names the setting and the mend.
 */
#ifndef SPOOLD_SOCKETS_H
#define SPOOLD_SOCKETS_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "lib/config/config.h"

#define SOCKETS_WHY 512

/* Bind a listener; the socket is listening.  *fd is the caller's. */
int sockets_bind(const struct config_listener *l, int *fd, char *why);

/* "127.0.0.1:7614" as bound, for port 0. */
void sockets_address(int fd, char *text, size_t size);

/*
 * The control socket with its mode.  A stale one is replaced; one that
 * answers belongs to another spoold: ERR_BUSY.
 */
int sockets_control(const char *path, uint32_t mode, int *fd, char *why);

/*
 * Open the directory of a setting, making it (0750) if its parent is there. One
 * that was made, or that root made for us and that is empty, is given to
 * `owner` (-1: to nobody); another keeps the owner it has.
 */
int sockets_directory(const char *key, const char *path, uid_t owner,
    gid_t group, int *fd, char *why);

/* A shared page of zeros. */
int sockets_page(int *fd, volatile uint64_t **page);

#endif
