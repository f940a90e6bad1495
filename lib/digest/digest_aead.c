/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/digest/digest_aead.h"

#include "lib/base/err.h"
#include "lib/digest/digest.h"
#include "lib/digest/must.h"
#include "lib/digest/openssl.h"

#define BLOCK 16
#define HALF (DIGEST_AEAD_NONCE_SIZE / 2)

struct digest_aead {
	EVP_CIPHER_CTX *block; /* AES-256 with the long-lived key */
	EVP_CIPHER_CTX *gcm; /* with the key of one message */
	uint8_t k1[BLOCK]; /* the CMAC subkey of the long-lived key */
};

static bool
choose_ciphers(struct digest_aead *a)
{
	EVP_CIPHER *ecb = EVP_CIPHER_fetch(NULL, "AES-256-ECB", NULL);
	EVP_CIPHER *gcm = EVP_CIPHER_fetch(NULL, "AES-256-GCM", NULL);
	bool ok = a->block && a->gcm && ecb && gcm &&
	    EVP_CipherInit_ex2(a->block, ecb, NULL, NULL, 1, NULL) == 1 &&
	    EVP_CIPHER_CTX_set_padding(a->block, 0) == 1 &&
	    EVP_CipherInit_ex2(a->gcm, gcm, NULL, NULL, 1, NULL) == 1;

	EVP_CIPHER_free(ecb); /* the contexts hold what they need */
	EVP_CIPHER_free(gcm);
	return ok;
}

int
digest_aead_new(
    const uint8_t key[static DIGEST_AEAD_KEY_SIZE], struct digest_aead **out)
{
	struct digest_aead *a = calloc(1, sizeof(*a));

	if (!a)
		return ERR_NOMEM;
	a->block = EVP_CIPHER_CTX_new();
	a->gcm = EVP_CIPHER_CTX_new();
	if (!choose_ciphers(a)) {
		digest_aead_free(a);
		return ERR_NOMEM;
	}
	digest_aead_set_key(a, key);
	*out = a;
	return 0;
}

void
digest_aead_free(struct digest_aead *a)
{
	if (!a)
		return;
	EVP_CIPHER_CTX_free(a->block);
	EVP_CIPHER_CTX_free(a->gcm);
	digest_wipe(a, sizeof(*a));
	free(a);
}

static void
encrypt_blocks(struct digest_aead *a, uint8_t *blocks, int len)
{
	int n;

	must(EVP_CipherUpdate(a->block, blocks, &n, blocks, len));
}

/* Steps 1 and 2 of the specification, once for each key. */
void
digest_aead_set_key(
    struct digest_aead *a, const uint8_t key[static DIGEST_AEAD_KEY_SIZE])
{
	uint8_t l[BLOCK] = {0};

	must(EVP_CipherInit_ex2(a->block, NULL, key, NULL, 1, NULL));
	encrypt_blocks(a, l, BLOCK);
	for (size_t i = 0; i < BLOCK; i++) {
		unsigned next = i + 1 < BLOCK ? l[i + 1] : 0;

		a->k1[i] = (uint8_t)((unsigned)l[i] << 1 | next >> 7);
	}
	/* No branch on a secret: 0x87 or nothing. */
	a->k1[BLOCK - 1] ^= (uint8_t)(0x87 * (l[0] >> 7));
	digest_wipe(l, sizeof(l));
}

/* Steps 3 to 6, and the start of the message. */
static void
start(struct digest_aead *a, const uint8_t nonce[static DIGEST_AEAD_NONCE_SIZE],
    int encrypt)
{
	uint8_t key[2 * BLOCK];

	for (unsigned half = 0; half < 2; half++) {
		uint8_t *m = key + half * BLOCK;

		m[0] = 0;
		m[1] = (uint8_t)(half + 1);
		m[2] = 'X';
		m[3] = 0;
		memcpy(m + 4, nonce, HALF);
		for (size_t i = 0; i < BLOCK; i++)
			m[i] ^= a->k1[i];
	}
	encrypt_blocks(a, key, (int)sizeof(key));
	must(
	    EVP_CipherInit_ex2(a->gcm, NULL, key, nonce + HALF, encrypt, NULL));
	digest_wipe(key, sizeof(key));
}

static bool
sizes_fit(const struct bytes *aad, size_t aad_count, size_t len)
{
	for (size_t i = 0; i < aad_count; i++)
		if (aad[i].len > DIGEST_AEAD_MAX)
			return false;
	return len <= DIGEST_AEAD_MAX;
}

static void
pass(struct digest_aead *a, const struct bytes *aad, size_t aad_count,
    struct bytes in, uint8_t *out)
{
	int n;

	for (size_t i = 0; i < aad_count; i++)
		if (aad[i].len)
			must(EVP_CipherUpdate(
			    a->gcm, NULL, &n, aad[i].ptr, (int)aad[i].len));
	if (in.len)
		must(EVP_CipherUpdate(a->gcm, out, &n, in.ptr, (int)in.len));
}

int
digest_aead_seal(struct digest_aead *a,
    const uint8_t nonce[static DIGEST_AEAD_NONCE_SIZE], const struct bytes *aad,
    size_t aad_count, struct bytes plain, uint8_t *out,
    uint8_t tag[static DIGEST_AEAD_TAG_SIZE])
{
	uint8_t last[BLOCK];
	int n;

	if (!sizes_fit(aad, aad_count, plain.len))
		return ERR_LIMIT;
	start(a, nonce, 1);
	pass(a, aad, aad_count, plain, out);
	must(EVP_CipherFinal_ex(a->gcm, last, &n));
	must(EVP_CIPHER_CTX_ctrl(
	    a->gcm, EVP_CTRL_AEAD_GET_TAG, DIGEST_AEAD_TAG_SIZE, tag));
	return 0;
}

int
digest_aead_open(struct digest_aead *a,
    const uint8_t nonce[static DIGEST_AEAD_NONCE_SIZE], const struct bytes *aad,
    size_t aad_count, struct bytes cipher,
    const uint8_t tag[static DIGEST_AEAD_TAG_SIZE], uint8_t *out)
{
	uint8_t want[DIGEST_AEAD_TAG_SIZE], last[BLOCK];
	int n;

	if (!sizes_fit(aad, aad_count, cipher.len))
		return ERR_LIMIT;
	memcpy(want, tag, sizeof(want));
	start(a, nonce, 0);
	pass(a, aad, aad_count, cipher, out);
	must(EVP_CIPHER_CTX_ctrl(
	    a->gcm, EVP_CTRL_AEAD_SET_TAG, sizeof(want), want));
	if (EVP_CipherFinal_ex(a->gcm, last, &n) == 1)
		return 0;
	if (cipher.len)
		digest_wipe(out, cipher.len);
	return ERR_AUTH;
}
