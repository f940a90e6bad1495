/* SPDX-License-Identifier: Apache-2.0 */
/* A position that is taken is encoded to the same bytes. */
#include <stdlib.h>
#include <string.h>

#include "forwarder/targets/chain_position.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t again[ENTRY_OPAQUE_SIZE];
	struct chain_position p;

	if (size < ENTRY_OPAQUE_SIZE || chain_position_decode(data, &p))
		return 0;
	chain_position_encode(&p, again);
	if (memcmp(again, data, sizeof(again)))
		abort();
	return 0;
}
