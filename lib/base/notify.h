/* SPDX-License-Identifier: Apache-2.0 */
/*
 * notify - what the service manager is told (sd_notify(3)).
 *
 * One datagram to the socket that NOTIFY_SOCKET names; without it nothing
 * happens, and a manager that does not listen is no error.  The protocol is
 * systemd's stable interface, so no library is needed for it
 * (doc/decisions/0008).  From the main thread of a program.
 */
#ifndef LIB_BASE_NOTIFY_H
#define LIB_BASE_NOTIFY_H

#include <stdint.h>

#define NOTIFY_STATUS_MAX 1024

void notify_ready(void);
void notify_reloading(void);
void notify_stopping(void);
/* The first line of it, for a person. */
void notify_status(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void notify_watchdog(void);

/* How often notify_watchdog is to be called, in ms; 0: never. */
uint64_t notify_watchdog_ms(void);

#endif
