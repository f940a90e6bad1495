/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/helpers/cmocka_all.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "lib/base/err.h"
#include "lib/digest/digest.h"
#include "lib/digest/digest_chain.h"
#include "lib/digest/digest_origin.h"
#include "lib/digest/digest_wrap.h"

#define TEXT_MAX 4096

static struct digest_sha256 *ctx;

static int
make_context(void **state)
{
	(void)state;
	return digest_sha256_new(&ctx);
}

static int
free_context(void **state)
{
	(void)state;
	digest_sha256_free(ctx);
	return 0;
}

static void
unhex(const char *text, void *ptr, size_t len)
{
	assert_int_equal(uuid_hex_parse(bytes_of_str(text), ptr, len), 0);
}

static void
assert_hex(const void *ptr, size_t len, const char *want)
{
	char text[129];

	assert_true(len <= 64);
	assert_string_equal(uuid_hex_format(ptr, len, text), want);
}

static void
sha256_gives_the_values_of_fips_180(void **state)
{
	uint8_t sum[DIGEST_SIZE];

	(void)state;
	digest_sha256_of(ctx, bytes_of_str("abc"), sum);
	assert_hex(sum, 32,
	    "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
	digest_sha256_of(ctx, bytes_of(NULL, 0), sum);
	assert_hex(sum, 32,
	    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
	digest_sha256_start(ctx);
	digest_sha256_add(ctx, "forgotten", 9);
	digest_sha256_start(ctx);
	digest_sha256_add(ctx, "a", 1);
	digest_sha256_add(ctx, "bc", 2);
	digest_sha256_finish(ctx, sum);
	assert_hex(sum, 32,
	    "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

/* RFC 4231, test cases 1, 2 and 6. */
static void
hmac_gives_the_values_of_rfc_4231(void **state)
{
	static const char hi[] = "Test Using Larger Than Block-Size Key - "
				 "Hash Key First";
	uint8_t key[131], mac[DIGEST_SIZE];
	struct digest_mac *m;

	(void)state;
	memset(key, 0x0b, 20);
	assert_int_equal(digest_mac_new(bytes_of(key, 20), &m), 0);
	for (int again = 0; again < 2; again++) {
		digest_mac_of(m, bytes_of_str("Hi There"), mac);
		assert_hex(mac, 32,
		    "b0344c61d8db38535ca8afceaf0bf12b"
		    "881dc200c9833da726e9376c2e32cff7");
	}
	digest_mac_free(m);
	assert_int_equal(digest_mac_new(bytes_of_str("Jefe"), &m), 0);
	digest_mac_of(m, bytes_of_str("what do ya want for nothing?"), mac);
	assert_hex(mac, 32,
	    "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
	digest_mac_free(m);
	memset(key, 0xaa, sizeof(key));
	assert_int_equal(digest_mac_new(bytes_of(key, sizeof(key)), &m), 0);
	digest_mac_of(m, bytes_of_str(hi), mac);
	assert_hex(mac, 32,
	    "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
	digest_mac_free(m);
	assert_int_equal(digest_mac_new(bytes_of(NULL, 0), &m), 0);
	digest_mac_of(m, bytes_of(NULL, 0), mac);
	assert_hex(mac, 32,
	    "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad");
	digest_mac_free(m);
}

static void
check_content(char *records, const char *want)
{
	uint8_t all[TEXT_MAX], sum[DIGEST_SIZE];
	uint32_t lens[16];
	size_t used = 0, count = 0;
	char *save = NULL;

	for (char *r = strtok_r(records, ",", &save); r;
	     r = strtok_r(NULL, ",", &save)) {
		size_t len = *r == '-' ? 0 : strlen(r) / 2;

		if (len)
			unhex(r, all + used, len);
		used += len;
		lens[count++] = (uint32_t)len;
	}
	assert_int_equal(
	    digest_records(ctx, bytes_of(all, used), lens, count, sum), 0);
	assert_hex(sum, sizeof(sum), want);
}

static void
check_head(char *word[static 6])
{
	uint8_t head[DIGEST_CHAIN_SIZE], content[DIGEST_SIZE];

	unhex(word[1], head, sizeof(head));
	unhex(word[4], content, sizeof(content));
	digest_chain(ctx, head, strtoull(word[2], NULL, 10),
	    (uint32_t)strtoul(word[3], NULL, 10), content, head);
	assert_hex(head, sizeof(head), word[5]);
}

static void
check_origin(char *word[static 6])
{
	uint8_t name[TEXT_MAX], prefix[DIGEST_ORIGIN_PREFIX_SIZE];
	char text[DIGEST_ORIGIN_TEXT_SIZE];
	size_t len = strlen(word[2]) / 2;
	struct uuid origin, epoch;

	unhex(word[1], origin.byte, UUID_SIZE);
	unhex(word[2], name, len);
	unhex(word[3], epoch.byte, UUID_SIZE);
	digest_origin_prefix(ctx, &origin, bytes_of(name, len), &epoch, prefix);
	digest_origin_id(prefix, strtoull(word[4], NULL, 10), text);
	assert_string_equal(text, word[5]);
}

static void
the_golden_file_is_reproduced(void **state)
{
	char path[TEXT_MAX], line[TEXT_MAX];
	const char *top = getenv("TOP_SRCDIR");
	size_t lines = 0;
	FILE *f;

	(void)state;
	snprintf(
	    path, sizeof(path), "%s/tests/golden/digest.txt", top ? top : ".");
	f = fopen(path, "r");
	assert_non_null(f);
	while (fgets(line, sizeof(line), f)) {
		char *word[6] = {NULL}, *save = NULL;
		size_t n = 0;

		for (char *w = strtok_r(line, " \n", &save); w && n < 6;
		     w = strtok_r(NULL, " \n", &save))
			word[n++] = w;
		if (!n || *word[0] == '#')
			continue;
		if (!strcmp(word[0], "content"))
			check_content(word[1], word[2]);
		else if (!strcmp(word[0], "head"))
			check_head(word);
		else
			check_origin(word);
		lines++;
	}
	fclose(f);
	assert_int_equal(lines, 22);
}

/* The plain reading of the specification, one call for each part. */
static void
digest_plainly(const uint8_t *p, const uint32_t *lens, size_t count,
    uint8_t sum[static DIGEST_SIZE])
{
	digest_sha256_start(ctx);
	for (size_t i = 0; i < count; i++) {
		uint32_t x = lens[i];

		for (; x >= 0x80; x >>= 7)
			digest_sha256_add(
			    ctx, &(uint8_t){(uint8_t)(x | 0x80)}, 1);
		digest_sha256_add(ctx, &(uint8_t){(uint8_t)x}, 1);
		digest_sha256_add(ctx, p, lens[i]);
		p += lens[i];
	}
	digest_sha256_finish(ctx, sum);
}

static void
the_content_digest_does_not_depend_on_how_it_is_assembled(void **state)
{
	static const uint32_t sizes[] = {0, 1, 127, 128, 300, 16383, 16384,
	    32758, 32759, 32760, 32761, 32762, 32763, 32764, 32765, 32766,
	    32767, 32768, 32769, 65536, 100000};
	enum { COUNT = 300 };
	uint8_t *all = malloc((size_t)COUNT * 100000);
	uint8_t sum[DIGEST_SIZE], want[DIGEST_SIZE];
	uint32_t lens[COUNT];

	(void)state;
	assert_non_null(all);
	srand(7);
	for (int round = 0; round < 20; round++) {
		size_t total = 0, cut = 0, half = (size_t)round * 10;

		for (size_t i = 0; i < COUNT; i++) {
			lens[i] = sizes[(size_t)rand() %
			    (sizeof(sizes) / sizeof(*sizes))];
			memset(all + total, rand(), lens[i]);
			total += lens[i];
			if (i < half)
				cut = total;
		}
		digest_plainly(all, lens, COUNT, want);
		assert_int_equal(
		    digest_records(ctx, bytes_of(all, total), lens, COUNT, sum),
		    0);
		assert_memory_equal(sum, want, sizeof(sum));
		digest_sha256_start(ctx);
		assert_int_equal(
		    digest_records_add(ctx, bytes_of(all, cut), lens, half), 0);
		assert_int_equal(
		    digest_records_add(ctx, bytes_of(all + cut, total - cut),
			lens + half, COUNT - half),
		    0);
		digest_sha256_finish(ctx, sum);
		assert_memory_equal(sum, want, sizeof(sum));
	}
	free(all);
}

static void
lengths_that_do_not_add_up_are_refused(void **state)
{
	uint8_t sum[DIGEST_SIZE];

	(void)state;
	assert_int_equal(digest_records(ctx, bytes_of_str("abcd"),
			     (uint32_t[]){2, 1}, 2, sum),
	    ERR_FORMAT);
	assert_int_equal(digest_records(ctx, bytes_of_str("abcd"),
			     (uint32_t[]){2, 3}, 2, sum),
	    ERR_FORMAT);
	assert_int_equal(digest_records(ctx, bytes_of_str("abcd"),
			     (uint32_t[]){UINT32_MAX, 5}, 2, sum),
	    ERR_FORMAT);
	assert_int_equal(
	    digest_records(ctx, bytes_of(NULL, 0), NULL, 0, sum), 0);
	assert_hex(sum, 32,
	    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

static void
origin_ids_sort_as_their_records_do(void **state)
{
	uint8_t prefix[DIGEST_ORIGIN_PREFIX_SIZE] = {0xff, 1, 2};
	char last[DIGEST_ORIGIN_TEXT_SIZE] = "";

	(void)state;
	for (unsigned bit = 0; bit < 64; bit++) {
		char text[DIGEST_ORIGIN_TEXT_SIZE];

		digest_origin_id(prefix, (uint64_t)1 << bit, text);
		assert_int_equal(strlen(text), 32);
		assert_true(strcmp(last, text) < 0);
		strcpy(last, text);
	}
}

/* Wycheproof, testvectors_v1/aes_kwp_test.json, 256-bit key and message. */
static void
key_wrapping_agrees_with_wycheproof(void **state)
{
	static const char *const good[][3] = {
	    {"38e1b1d075d9d852b9a6c01c8ff6965af01bac457a4e339ae3e1d7b2ffacc0cd",
		"80ad6820f1c90981e2ca42b817a345c1179d0a11d8e23a8adc0505e13d8729"
		"5"
		"a",
		"b63b7e0fec7e315816233db6758fd3e744b9f6a40862bdf866487e53bcb950"
		"d"
		"8b2649269e51b4475"},
	    {"c641f1689d81caa8ba37d895272240664054ed974cfffc40e6c5c0cad1b916c7",
		"3fd0ba19955e46749f54d88e99d080b7339d588fe612ec0f4021ca3ca21042"
		"7"
		"0",
		"837cfc316b49299edaf427e0988020ee876204b29d847669daab72c8660b0d"
		"8"
		"60e9de3bd851198ff"},
	    {"aa0ab9d68ed4a04e723f81b44c0c88d0bcde7a80cfd476eb4b8836d9aa01ec4c",
		"57faa8766f6d6a0aa1cf643f857c150df5b31303b50af480e21c4b5e8c8a15"
		"d"
		"5",
		"0e9e2e9aa34bbf973d67bc534ac86fc5b5a5f9da5f026866177894ec6077a5"
		"c"
		"84501510e1bf4afb3"},
	};
	uint8_t kek[32], key[32], want[32], wrapped[40];

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++) {
		unhex(good[i][0], kek, sizeof(kek));
		unhex(good[i][1], want, sizeof(want));
		assert_int_equal(digest_wrap(kek, want, wrapped), 0);
		assert_hex(wrapped, sizeof(wrapped), good[i][2]);
		assert_int_equal(digest_wrap_open(kek, wrapped, key), 0);
		assert_memory_equal(key, want, sizeof(key));
	}
	/* tcId 240: the padding is too long, the rest is right. */
	unhex(
	    "48a53c11ef2d727db7eb9a834b134ea9602273aca929702eb2c31d96a58c9be2",
	    kek, sizeof(kek));
	unhex("791f088847a76731e0d56b9b2dcb28bf9f091a9725790e0a64fc8e7cb3ad50f3"
	      "80297a98e3b1c33e",
	    wrapped, sizeof(wrapped));
	assert_int_equal(digest_wrap_open(kek, wrapped, key), ERR_KEY);
	assert_memory_equal(key, want, sizeof(key)); /* untouched */
}

static void
a_changed_wrapped_key_is_refused_at_every_bit(void **state)
{
	uint8_t kek[32], key[32], wrapped[40], out[32];

	(void)state;
	assert_int_equal(digest_random(kek, sizeof(kek)), 0);
	assert_int_equal(digest_random(key, sizeof(key)), 0);
	assert_int_equal(digest_wrap(kek, key, wrapped), 0);
	for (size_t bit = 0; bit < sizeof(wrapped) * 8; bit++) {
		wrapped[bit / 8] ^= (uint8_t)(1 << bit % 8);
		assert_int_equal(digest_wrap_open(kek, wrapped, out), ERR_KEY);
		wrapped[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
	kek[0] ^= 1;
	assert_int_equal(digest_wrap_open(kek, wrapped, out), ERR_KEY);
}

static void
random_identifiers_are_version_4_and_differ(void **state)
{
	struct uuid a, b;
	uint8_t many[70000] = {0};

	(void)state;
	assert_int_equal(digest_uuid(&a), 0);
	assert_int_equal(digest_uuid(&b), 0);
	assert_false(uuid_equal(&a, &b));
	assert_int_equal(a.byte[6] >> 4, 4);
	assert_int_equal(a.byte[8] >> 6, 2);
	assert_int_equal(digest_random(many, sizeof(many)), 0);
	assert_memory_not_equal(many, many + sizeof(many) - 16, 16);
	assert_true(digest_equal(many, many, sizeof(many)));
	assert_false(digest_equal(&a, &b, sizeof(a)));
	digest_wipe(&a, sizeof(a));
	assert_true(uuid_is_zero(&a));
}

static void
warming_up_works_and_may_be_done_again(void **state)
{
	(void)state;
	assert_int_equal(digest_warm_up(), 0);
	assert_int_equal(digest_warm_up(), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(sha256_gives_the_values_of_fips_180),
	    cmocka_unit_test(hmac_gives_the_values_of_rfc_4231),
	    cmocka_unit_test(the_golden_file_is_reproduced),
	    cmocka_unit_test(
		the_content_digest_does_not_depend_on_how_it_is_assembled),
	    cmocka_unit_test(lengths_that_do_not_add_up_are_refused),
	    cmocka_unit_test(origin_ids_sort_as_their_records_do),
	    cmocka_unit_test(key_wrapping_agrees_with_wycheproof),
	    cmocka_unit_test(a_changed_wrapped_key_is_refused_at_every_bit),
	    cmocka_unit_test(random_identifiers_are_version_4_and_differ),
	    cmocka_unit_test(warming_up_works_and_may_be_done_again),
	};

	return cmocka_run_group_tests(tests, make_context, free_context);
}
