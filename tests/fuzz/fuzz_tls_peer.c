/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A peer's certificate, DER, to the reader of identities.  What it accepts
 * must stand in the certificate byte for byte.
 */
#include <limits.h>
#include <stdlib.h>

#include "lib/tls/tls_private.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const unsigned char *at = data;
	X509 *cert = size <= LONG_MAX ? d2i_X509(NULL, &at, (long)size) : NULL;
	char text[UUID_TEXT_SIZE];
	enum tls_identity kind;
	struct uuid id;

	if (cert && !tls_peer_read(cert, &kind, &id) &&
	    !memmem(data, size, uuid_format(&id, text), UUID_TEXT_SIZE - 1))
		abort();
	X509_free(cert);
	ERR_clear_error();
	return 0;
}
