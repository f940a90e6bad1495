/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is decoded is encoded to the same bytes; asking for any of its keys as
 * bytes, text or number never fails otherwise than documented.
 */
#include <stdlib.h>

#include "lib/base/err.h"
#include "lib/codec/kv.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
ask(const struct kv *kv, const char *key)
{
	struct bytes value;
	const char *text;
	uint64_t number;
	int rc;

	if (kv_get_bytes(kv, key, &value))
		abort();
	rc = kv_get_str(kv, key, &text);
	if (rc ? rc != ERR_FORMAT : strlen(text) != value.len)
		abort();
	rc = kv_get_u64(kv, key, &number);
	if (rc && rc != ERR_FORMAT)
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct kv *kv;
	struct buf b;

	if (kv_decode(bytes_of(data, size), &kv))
		return 0;
	for (size_t i = 0; i < kv_count(kv) && i < 16; i++)
		ask(kv, kv_key_at(kv, i));
	buf_init(&b, KV_BYTES_MAX);
	kv_encode(kv, &b);
	if (b.err || !bytes_equal(buf_bytes(&b), bytes_of(data, size)))
		abort();
	buf_fini(&b);
	kv_free(kv);
	return 0;
}
