/* SPDX-License-Identifier: Apache-2.0 */
/* The vectors are those of https://c2sp.org/XAES-256-GCM. */
#include "tests/helpers/cmocka_all.h"

#include <stdlib.h>

#include "lib/base/err.h"
#include "lib/base/uuid.h"
#include "lib/digest/digest.h"
#include "lib/digest/digest_aead.h"
#include "lib/digest/openssl.h"

static const uint8_t letters[] = "ABCDEFGHIJKLMNOPQRSTUVWX";

static void
check_vector(uint8_t key_byte, const char *aad, const char *want)
{
	struct bytes piece = bytes_of_str(aad);
	uint8_t key[32], out[12], tag[16];
	struct digest_aead *a;
	char text[57];

	memset(key, key_byte, sizeof(key));
	assert_int_equal(digest_aead_new(key, &a), 0);
	assert_int_equal(digest_aead_seal(a, letters, &piece, 1,
			     bytes_of_str("XAES-256-GCM"), out, tag),
	    0);
	uuid_hex_format(out, sizeof(out), text);
	uuid_hex_format(tag, sizeof(tag), text + 24);
	assert_string_equal(text, want);
	assert_int_equal(digest_aead_open(a, letters, &piece, 1,
			     bytes_of(out, sizeof(out)), tag, out),
	    0);
	assert_memory_equal(out, "XAES-256-GCM", sizeof(out));
	digest_aead_free(a);
}

static void
both_published_vectors_come_out(void **state)
{
	(void)state;
	check_vector(
	    1, "", "ce546ef63c9cc60765923609b33a9a1974e96e52daf2fcf7075e2271");
	check_vector(3, "c2sp.org/XAES-256-GCM",
	    "986ec1832593df5443a179437fd083bf3fdb41abd740a21f71eb769d");
}

/* The first bytes of SHAKE-128 over nothing, read as a stream. */
struct rng {
	uint8_t *mem;
	size_t at;
};

static const uint8_t *
rng_take(struct rng *r, size_t len)
{
	r->at += len;
	return r->mem + r->at - len;
}

static struct bytes
rng_take_short(struct rng *r)
{
	size_t len = *rng_take(r, 1);

	return bytes_of(rng_take(r, len), len);
}

static void
the_accumulated_hash_of_10_000_messages_comes_out(void **state)
{
	const size_t most = 10000 * (32 + 24 + 2 * 256);
	struct rng rng = {malloc(most), 0};
	EVP_MD_CTX *shake = EVP_MD_CTX_new();
	struct digest_aead *a = NULL;
	uint8_t sum[32];
	char text[65];

	(void)state;
	assert_int_equal(EVP_DigestInit_ex(shake, EVP_shake128(), NULL), 1);
	assert_int_equal(EVP_DigestFinalXOF(shake, rng.mem, most), 1);
	assert_int_equal(EVP_DigestInit_ex(shake, EVP_shake128(), NULL), 1);
	for (int i = 0; i < 10000; i++) {
		const uint8_t *key = rng_take(&rng, 32);
		const uint8_t *nonce = rng_take(&rng, 24);
		struct bytes plain = rng_take_short(&rng);
		struct bytes aad = rng_take_short(&rng);
		struct bytes pieces[3] = {{aad.ptr, aad.len / 3}, {NULL, 0},
		    {aad.ptr + aad.len / 3, aad.len - aad.len / 3}};
		uint8_t out[256], tag[16];

		if (a)
			digest_aead_set_key(a, key);
		else
			assert_int_equal(digest_aead_new(key, &a), 0);
		assert_int_equal(
		    digest_aead_seal(a, nonce, pieces, 3, plain, out, tag), 0);
		EVP_DigestUpdate(shake, out, plain.len);
		EVP_DigestUpdate(shake, tag, sizeof(tag));
		assert_int_equal(digest_aead_open(a, nonce, &aad, 1,
				     bytes_of(out, plain.len), tag, out),
		    0);
		assert_memory_equal(out, plain.ptr, plain.len);
	}
	assert_int_equal(EVP_DigestFinalXOF(shake, sum, sizeof(sum)), 1);
	assert_string_equal(uuid_hex_format(sum, sizeof(sum), text),
	    "e6b9edf2df6cec60c8cbd864e2211b597fb69a529160cd040d56c0c210081939");
	digest_aead_free(a);
	EVP_MD_CTX_free(shake);
	free(rng.mem);
}

struct sealed {
	uint8_t nonce[DIGEST_AEAD_NONCE_SIZE];
	uint8_t aad[20];
	uint8_t text[100];
	uint8_t tag[DIGEST_AEAD_TAG_SIZE];
};

static int
open_sealed(struct digest_aead *a, const struct sealed *s, uint8_t *out)
{
	struct bytes aad = bytes_of(s->aad, sizeof(s->aad));

	return digest_aead_open(a, s->nonce, &aad, 1,
	    bytes_of(s->text, sizeof(s->text)), s->tag, out);
}

static void
any_changed_bit_is_noticed_and_nothing_comes_out(void **state)
{
	uint8_t key[32], out[100], zero[100] = {0};
	struct sealed s;
	struct bytes aad = bytes_of(s.aad, sizeof(s.aad));
	struct digest_aead *a;
	uint8_t *all = (uint8_t *)&s;

	(void)state;
	assert_int_equal(digest_random(&s, sizeof(s)), 0);
	assert_int_equal(digest_random(key, sizeof(key)), 0);
	assert_int_equal(digest_aead_new(key, &a), 0);
	assert_int_equal(digest_aead_seal(a, s.nonce, &aad, 1,
			     bytes_of(s.text, sizeof(s.text)), s.text, s.tag),
	    0);
	assert_int_equal(open_sealed(a, &s, out), 0);
	for (size_t bit = 0; bit < sizeof(s) * 8; bit++) {
		all[bit / 8] ^= (uint8_t)(1 << bit % 8);
		memset(out, 1, sizeof(out));
		assert_int_equal(open_sealed(a, &s, out), ERR_AUTH);
		assert_memory_equal(out, zero, sizeof(out));
		all[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
	key[31] ^= 0x80;
	digest_aead_set_key(a, key);
	assert_int_equal(open_sealed(a, &s, out), ERR_AUTH);
	digest_aead_free(a);
}

static void
a_message_past_the_limit_is_refused(void **state)
{
	uint8_t key[32] = {0}, nonce[24] = {0}, tag[16], byte = 0;
	struct bytes large = bytes_of(&byte, (size_t)DIGEST_AEAD_MAX + 1);
	struct digest_aead *a;

	(void)state;
	assert_int_equal(digest_aead_new(key, &a), 0);
	assert_int_equal(
	    digest_aead_seal(a, nonce, NULL, 0, large, &byte, tag), ERR_LIMIT);
	assert_int_equal(
	    digest_aead_seal(a, nonce, &large, 1, bytes_of(NULL, 0), NULL, tag),
	    ERR_LIMIT);
	assert_int_equal(
	    digest_aead_open(a, nonce, NULL, 0, large, tag, &byte), ERR_LIMIT);
	/* Nothing at all can be sealed and opened. */
	assert_int_equal(
	    digest_aead_seal(a, nonce, NULL, 0, bytes_of(NULL, 0), NULL, tag),
	    0);
	assert_int_equal(
	    digest_aead_open(a, nonce, NULL, 0, bytes_of(NULL, 0), tag, NULL),
	    0);
	digest_aead_free(a);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(both_published_vectors_come_out),
	    cmocka_unit_test(the_accumulated_hash_of_10_000_messages_comes_out),
	    cmocka_unit_test(any_changed_bit_is_noticed_and_nothing_comes_out),
	    cmocka_unit_test(a_message_past_the_limit_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
