/* SPDX-License-Identifier: Apache-2.0 */
/* be16 type, payload: a message that is read is written as it was. */
#include <stdlib.h>

#include "lib/base/endian.h"
#include "lib/codec/ipc.h"
#include "lib/codec/proof.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct proof *proof = NULL;
	struct bytes payload;
	struct ipc_msg m;
	struct buf b;

	if (size < 2)
		return 0;
	payload = bytes_of(data + 2, size - 2);
	if (ipc_decode(endian_get_be16(data), payload, &m))
		return 0;
	buf_init(&b, 1 << 24);
	ipc_encode(&b, &m);
	if (b.err || !bytes_equal(buf_bytes(&b), payload))
		abort();
	buf_fini(&b);
	if (!proof_decode(m.type, payload, &proof) &&
	    proof_msg(proof)->type != m.type)
		abort();
	proof_free(proof);
	return 0;
}
