/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/digest/digest.h"

#include "lib/base/err.h"
#include "lib/digest/digest_aead.h"
#include "lib/digest/digest_wrap.h"
#include "lib/digest/must.h"
#include "lib/digest/openssl.h"

/* The canonical form is put together here, to hash it in long runs. */
#define SCRATCH_SIZE 32768
#define VARINT_MAX 5 /* bytes of a 32-bit length */

struct digest_sha256 {
	EVP_MD_CTX *ctx;
	EVP_MD *sha256;
	uint8_t scratch[SCRATCH_SIZE];
};

int
digest_random(void *ptr, size_t len)
{
	uint8_t *to = ptr;

	while (len) {
		int part = len > 65536 ? 65536 : (int)len;

		if (RAND_priv_bytes(to, part) != 1)
			return ERR_SYS;
		to += part;
		len -= (size_t)part;
	}
	return 0;
}

int
digest_uuid(struct uuid *id)
{
	struct uuid made;
	int rc = digest_random(made.byte, sizeof(made.byte));

	if (rc)
		return rc;
	uuid_mark_random(&made);
	*id = made;
	return 0;
}

bool
digest_equal(const void *a, const void *b, size_t len)
{
	return !CRYPTO_memcmp(a, b, len);
}

void
digest_wipe(void *ptr, size_t len)
{
	OPENSSL_cleanse(ptr, len);
}

/* Use everything once: what a first use loads is loaded then. */
static int
use_all(struct digest_sha256 *d, struct digest_mac *m, struct digest_aead *a)
{
	uint8_t key[DIGEST_SIZE], sum[DIGEST_SIZE], wrapped[DIGEST_WRAP_SIZE];
	uint8_t nonce[DIGEST_AEAD_NONCE_SIZE] = {0};
	uint8_t tag[DIGEST_AEAD_TAG_SIZE];
	struct bytes text = bytes_of_str("warm-up");
	uint8_t out[8];
	int rc;

	digest_sha256_of(d, text, sum);
	digest_mac_of(m, text, key);
	rc = digest_aead_seal(a, nonce, &text, 1, text, out, tag);
	if (!rc)
		rc = digest_aead_open(
		    a, nonce, &text, 1, bytes_of(out, text.len), tag, out);
	if (!rc)
		rc = digest_wrap(key, sum, wrapped);
	return rc ? rc : digest_wrap_open(key, wrapped, sum);
}

int
digest_warm_up(void)
{
	uint8_t key[DIGEST_SIZE] = {0};
	struct digest_sha256 *d = NULL;
	struct digest_mac *m = NULL;
	struct digest_aead *a = NULL;
	bool ok;

	ok = OPENSSL_init_crypto(OPENSSL_INIT_LOAD_CRYPTO_STRINGS |
		     OPENSSL_INIT_ADD_ALL_CIPHERS |
		     OPENSSL_INIT_ADD_ALL_DIGESTS | OPENSSL_INIT_LOAD_CONFIG,
		 NULL) == 1 &&
	    !digest_random(key, sizeof(key)) && !digest_sha256_new(&d) &&
	    !digest_mac_new(bytes_of(key, sizeof(key)), &m) &&
	    !digest_aead_new(key, &a) && !use_all(d, m, a);
	digest_aead_free(a);
	digest_mac_free(m);
	digest_sha256_free(d);
	return ok ? 0 : ERR_SYS;
}

int
digest_sha256_new(struct digest_sha256 **out)
{
	struct digest_sha256 *d = calloc(1, sizeof(*d));

	if (!d)
		return ERR_NOMEM;
	d->sha256 = EVP_MD_fetch(NULL, "SHA2-256", NULL);
	d->ctx = EVP_MD_CTX_new();
	if (!d->sha256 || !d->ctx ||
	    EVP_DigestInit_ex2(d->ctx, d->sha256, NULL) != 1) {
		digest_sha256_free(d);
		return ERR_NOMEM;
	}
	*out = d;
	return 0;
}

void
digest_sha256_free(struct digest_sha256 *d)
{
	if (!d)
		return;
	EVP_MD_CTX_free(d->ctx);
	EVP_MD_free(d->sha256);
	free(d);
}

void
digest_sha256_start(struct digest_sha256 *d)
{
	must(EVP_DigestInit_ex2(d->ctx, NULL, NULL));
}

void
digest_sha256_add(struct digest_sha256 *d, const void *ptr, size_t len)
{
	must(EVP_DigestUpdate(d->ctx, ptr, len));
}

void
digest_sha256_finish(
    struct digest_sha256 *d, uint8_t digest[static DIGEST_SIZE])
{
	must(EVP_DigestFinal_ex(d->ctx, digest, NULL));
}

void
digest_sha256_of(
    struct digest_sha256 *d, struct bytes x, uint8_t digest[static DIGEST_SIZE])
{
	digest_sha256_start(d);
	digest_sha256_add(d, x.ptr, x.len);
	digest_sha256_finish(d, digest);
}

static size_t
put_varint(uint8_t *to, uint32_t x)
{
	size_t n = 0;

	for (; x >= 0x80; x >>= 7)
		to[n++] = (uint8_t)(x | 0x80);
	to[n++] = (uint8_t)x;
	return n;
}

static bool
lengths_fit(size_t total, const uint32_t *lens, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (lens[i] > total)
			return false;
		total -= lens[i];
	}
	return total == 0;
}

int
digest_records_add(struct digest_sha256 *d, struct bytes records,
    const uint32_t *lens, size_t count)
{
	const uint8_t *from = records.ptr;
	size_t used = 0;

	if (!lengths_fit(records.len, lens, count))
		return ERR_FORMAT;
	for (size_t i = 0; i < count; i++) {
		size_t len = lens[i];

		if (used > SCRATCH_SIZE - VARINT_MAX ||
		    len > SCRATCH_SIZE - VARINT_MAX - used) {
			digest_sha256_add(d, d->scratch, used);
			used = 0;
		}
		used += put_varint(d->scratch + used, lens[i]);
		if (len > SCRATCH_SIZE - used) { /* too long to be copied */
			digest_sha256_add(d, d->scratch, used);
			digest_sha256_add(d, from, len);
			used = 0;
		} else if (len) {
			memcpy(d->scratch + used, from, len);
			used += len;
		}
		if (len)
			from += len;
	}
	digest_sha256_add(d, d->scratch, used);
	return 0;
}

int
digest_records(struct digest_sha256 *d, struct bytes records,
    const uint32_t *lens, size_t count, uint8_t digest[static DIGEST_SIZE])
{
	int rc;

	digest_sha256_start(d);
	rc = digest_records_add(d, records, lens, count);
	if (!rc)
		digest_sha256_finish(d, digest);
	return rc;
}
