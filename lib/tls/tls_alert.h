/* SPDX-License-Identifier: Apache-2.0 */
/* tls_alert - the alerts of RFC 8446 section 6, for a person. */
#ifndef LIB_TLS_TLS_ALERT_H
#define LIB_TLS_TLS_ALERT_H

#include <stdbool.h>

/* "certificate_expired"; "unknown" for a number that has no name. */
const char *tls_alert_name(int number);

/* Whether it says that the receiver's certificate is not good enough. */
bool tls_alert_is_refusal(int number);

#endif
