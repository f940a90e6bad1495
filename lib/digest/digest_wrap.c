/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/digest/digest_wrap.h"

#include <string.h>

#include "lib/base/err.h"
#include "lib/digest/digest.h"
#include "lib/digest/openssl.h"

/* Both directions; what is made lands in `made`, which is large enough. */
static int
run(const uint8_t *kek, int encrypt, const uint8_t *in, int in_len,
    uint8_t made[static 2 * DIGEST_WRAP_SIZE], int *made_len)
{
	EVP_CIPHER *kwp = EVP_CIPHER_fetch(NULL, "AES-256-WRAP-PAD", NULL);
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	int rc = ERR_NOMEM;

	if (kwp && ctx) {
		EVP_CIPHER_CTX_set_flags(ctx, EVP_CIPHER_CTX_FLAG_WRAP_ALLOW);
		if (EVP_CipherInit_ex2(ctx, kwp, kek, NULL, encrypt, NULL) == 1)
			rc = EVP_CipherUpdate(
				 ctx, made, made_len, in, in_len) == 1
			    ? 0
			    : ERR_KEY;
	}
	ERR_clear_error();
	EVP_CIPHER_CTX_free(ctx);
	EVP_CIPHER_free(kwp);
	return rc;
}

int
digest_wrap(const uint8_t kek[static DIGEST_WRAP_KEY_SIZE],
    const uint8_t key[static DIGEST_WRAP_KEY_SIZE],
    uint8_t wrapped[static DIGEST_WRAP_SIZE])
{
	uint8_t made[2 * DIGEST_WRAP_SIZE];
	int len;
	int rc = run(kek, 1, key, DIGEST_WRAP_KEY_SIZE, made, &len);

	if (!rc && len != DIGEST_WRAP_SIZE)
		rc = ERR_KEY;
	if (!rc)
		memcpy(wrapped, made, DIGEST_WRAP_SIZE);
	return rc;
}

int
digest_wrap_open(const uint8_t kek[static DIGEST_WRAP_KEY_SIZE],
    const uint8_t wrapped[static DIGEST_WRAP_SIZE],
    uint8_t key[static DIGEST_WRAP_KEY_SIZE])
{
	uint8_t made[2 * DIGEST_WRAP_SIZE];
	int len;
	int rc = run(kek, 0, wrapped, DIGEST_WRAP_SIZE, made, &len);

	if (!rc && len != DIGEST_WRAP_KEY_SIZE)
		rc = ERR_KEY;
	if (!rc)
		memcpy(key, made, DIGEST_WRAP_KEY_SIZE);
	digest_wipe(made, sizeof(made));
	return rc;
}
