/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/tls/tls_alert.h"

#include <stddef.h>

/* decrypt_error is said of a signature in the certificate or with its key. */
static const struct {
	int number;
	bool is_refusal;
	const char *name;
} alerts[] = {
    {0, false, "close_notify"},
    {10, false, "unexpected_message"},
    {20, false, "bad_record_mac"},
    {22, false, "record_overflow"},
    {40, false, "handshake_failure"},
    {42, true, "bad_certificate"},
    {43, true, "unsupported_certificate"},
    {44, true, "certificate_revoked"},
    {45, true, "certificate_expired"},
    {46, true, "certificate_unknown"},
    {47, false, "illegal_parameter"},
    {48, true, "unknown_ca"},
    {49, true, "access_denied"},
    {50, false, "decode_error"},
    {51, true, "decrypt_error"},
    {70, false, "protocol_version"},
    {71, false, "insufficient_security"},
    {80, false, "internal_error"},
    {86, false, "inappropriate_fallback"},
    {90, false, "user_canceled"},
    {109, false, "missing_extension"},
    {110, false, "unsupported_extension"},
    {112, false, "unrecognized_name"},
    {113, true, "bad_certificate_status_response"},
    {115, false, "unknown_psk_identity"},
    {116, true, "certificate_required"},
    {120, false, "no_application_protocol"},
};

#define COUNT (sizeof(alerts) / sizeof(*alerts))

const char *
tls_alert_name(int number)
{
	for (size_t i = 0; i < COUNT; i++)
		if (alerts[i].number == number)
			return alerts[i].name;
	return "unknown";
}

bool
tls_alert_is_refusal(int number)
{
	for (size_t i = 0; i < COUNT; i++)
		if (alerts[i].number == number)
			return alerts[i].is_refusal;
	return false;
}
