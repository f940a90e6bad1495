/* SPDX-License-Identifier: Apache-2.0 */
/*
 * notify - what the service manager is told (sd_notify(3)).
 *
 * Does nothing when there is no NOTIFY_SOCKET.
 */
#ifndef SPOOLD_NOTIFY_H
#define SPOOLD_NOTIFY_H

#include <stdint.h>

#define NOTIFY_STATUS_MAX 700

void notify_ready(void);
void notify_reloading(void);
void notify_stopping(void);
/* A line for `systemctl status`, cut at NOTIFY_STATUS_MAX bytes. */
void notify_status(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void notify_watchdog(void);

/* How often notify_watchdog is to be called, in ms; 0: never. */
uint64_t notify_watchdog_ms(void);

#endif
