/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/helpers/cmocka_all.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/err.h"
#include "lib/base/uuid.h"
#include "lib/digest/digest.h"
#include "lib/pack/pack.h"
#include "tests/bench/gen.h"

#define GOLDEN_RECORDS 100000

static struct gen *
new_gen(enum gen_corpus corpus, uint64_t seed)
{
	struct gen *g;

	assert_int_equal(gen_new(corpus, seed, NULL, &g), 0);
	return g;
}

static void
digest_of_first(enum gen_corpus corpus, uint64_t seed, uint32_t n,
    uint8_t digest[static DIGEST_SIZE])
{
	struct gen *g = new_gen(corpus, seed);
	struct digest_sha256 *d;
	struct gen_record rec;

	assert_int_equal(digest_sha256_new(&d), 0);
	digest_sha256_start(d);
	for (uint32_t i = 0; i < n; i++) {
		gen_next(g, &rec);
		digest_sha256_add(d, rec.bytes.ptr, rec.bytes.len);
		digest_sha256_add(d, "\n", 1);
	}
	digest_sha256_finish(d, digest);
	digest_sha256_free(d);
	gen_free(g);
}

static void
mix_1_of_seed_1_is_what_is_written_down(void **state)
{
	char path[4096], golden[2 * DIGEST_SIZE + 1], text[sizeof(golden)];
	uint8_t digest[DIGEST_SIZE];
	FILE *file;

	(void)state;
	snprintf(path, sizeof(path), "%s/tests/golden/mix-1.sha256",
	    getenv("TOP_SRCDIR") ? getenv("TOP_SRCDIR") : ".");
	file = fopen(path, "r");
	assert_non_null(file);
	assert_int_equal(
	    fread(golden, 1, 2 * DIGEST_SIZE, file), 2 * DIGEST_SIZE);
	golden[2 * DIGEST_SIZE] = 0;
	fclose(file);
	digest_of_first(GEN_MIX_1, 1, GOLDEN_RECORDS, digest);
	assert_string_equal(uuid_hex_format(digest, DIGEST_SIZE, text), golden);
}

static void
another_seed_gives_other_bytes(void **state)
{
	uint8_t a[DIGEST_SIZE], b[DIGEST_SIZE], c[DIGEST_SIZE];

	(void)state;
	digest_of_first(GEN_MIX_DUP, 7, 1000, a);
	digest_of_first(GEN_MIX_DUP, 7, 1000, b);
	digest_of_first(GEN_MIX_DUP, 8, 1000, c);
	assert_memory_equal(a, b, DIGEST_SIZE);
	assert_memory_not_equal(a, c, DIGEST_SIZE);
}

static void
mix_1_has_its_mean_and_its_shares(void **state)
{
	struct gen *g = new_gen(GEN_MIX_1, 1);
	struct gen_record rec;
	uint64_t bytes = 0, kinds[3] = {0}, n = 300000;

	(void)state;
	for (uint64_t i = 0; i < n; i++) {
		gen_next(g, &rec);
		bytes += rec.bytes.len;
		kinds[rec.kind]++;
		assert_true(rec.bytes.len < 4096);
		assert_null(memchr(rec.bytes.ptr, '\n', rec.bytes.len));
	}
	gen_free(g);
	assert_in_range(bytes * 10 / n, 3350, 3450);
	assert_in_range(kinds[GEN_KIND_ITM2] * 1000 / n, 295, 305);
	assert_in_range(kinds[GEN_KIND_WINLOG] * 1000 / n, 395, 405);
	assert_in_range(kinds[GEN_KIND_SYSLOG] * 1000 / n, 295, 305);
}

static void
sequences_rise_by_one_per_stream_and_time_never_falls(void **state)
{
	struct gen *g = new_gen(GEN_MIX_1, 3);
	uint64_t *next = calloc((size_t)gen_hosts(g) * 3, sizeof(*next));
	int64_t last_ns = 0;
	uint32_t silent = 0;
	struct gen_record rec;

	(void)state;
	assert_non_null(next);
	for (int i = 0; i < 200000; i++) {
		gen_next(g, &rec);
		assert_int_equal(rec.seq, next[rec.host * 3 + rec.kind]);
		next[rec.host * 3 + rec.kind]++;
		assert_true(rec.event_ns >= last_ns);
		last_ns = rec.event_ns;
	}
	for (uint32_t i = 0; i < gen_hosts(g); i++)
		silent += next[i * 3] + next[i * 3 + 1] + next[i * 3 + 2] == 0;
	assert_int_equal(gen_hosts(g), 1800);
	assert_true(silent < 20);
	free(next);
	gen_free(g);
}

/* Fields as gen_next says, found from the bytes, also after patching. */
static void
check_fields(const struct gen_record *rec, uint64_t seq)
{
	static uint8_t copy[GEN_RECORD_MAX + 64];
	static const char relay[] = "<14>1 - relay - - - - ";
	struct gen_fields at;
	uint64_t found;
	size_t head = sizeof(relay) - 1;

	assert_int_equal(gen_locate(rec->bytes, &at), 0);
	assert_int_equal(at.seq_at, rec->at.seq_at);
	assert_int_equal(at.time_at, rec->at.time_at);
	assert_int_equal(at.form, rec->at.form);
	assert_int_equal(gen_sequence_of(rec->bytes, &found), 0);
	assert_int_equal(found, rec->seq);
	memcpy(copy, relay, head);
	memcpy(copy + head, rec->bytes.ptr, rec->bytes.len);
	gen_patch(copy + head, &rec->at, rec->seq, rec->event_ns);
	assert_memory_equal(copy + head, rec->bytes.ptr, rec->bytes.len);
	gen_patch(copy + head, &at, seq, rec->event_ns + 86400000000000);
	assert_memory_not_equal(copy + head, rec->bytes.ptr, rec->bytes.len);
	assert_int_equal(
	    gen_sequence_of(bytes_of(copy, head + rec->bytes.len), &found), 0);
	assert_int_equal(found, seq);
}

static void
fields_are_found_and_patched_at_the_same_length(void **state)
{
	static const enum gen_corpus corpora[] = {
	    GEN_MIX_1, GEN_MIX_DUP, GEN_ITM2, GEN_WINLOG, GEN_SYSLOG};
	uint64_t found;

	(void)state;
	for (size_t c = 0; c < 5; c++) {
		struct gen *g = new_gen(corpora[c], 5);
		struct gen_record rec;

		for (uint64_t i = 0; i < 20000; i++) {
			gen_next(g, &rec);
			check_fields(&rec, GEN_SEQ_MAX - i);
		}
		gen_free(g);
	}
	assert_int_equal(
	    gen_sequence_of(bytes_of_str("no record"), &found), ERR_FORMAT);
	assert_int_equal(gen_sequence_of(bytes_of_str(""), &found), ERR_FORMAT);
	assert_int_equal(
	    gen_sequence_of(bytes_of_str(" type=ITM2 sn=1234567890"), &found),
	    ERR_FORMAT);
}

/* 2028-02-29T23:59:59.987654321Z, by hand. */
static void
times_are_written_right_in_every_form(void **state)
{
	static const struct {
		enum gen_form form;
		const char *text;
	} rows[] = {
	    {GEN_FORM_ITM2, "03/01/2028 08:59:59.987 +0900"},
	    {GEN_FORM_ISO, "2028-02-29T23:59:59.987Z"},
	    {GEN_FORM_RFC5424, "2028-03-01T08:59:59.987654+09:00"},
	    {GEN_FORM_RFC3164, "Mar  1 08:59:59"},
	    {GEN_FORM_ASA, "Mar 01 2028 08:59:59"},
	    {GEN_FORM_IOS, "Mar  1 08:59:59.987"},
	    {GEN_FORM_FORTI, "date=2028-03-01 time=08:59:59"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct gen_fields at = {0, 12, (uint8_t)rows[i].form};
		char text[64] = "";

		gen_patch(
		    (uint8_t *)text, &at, 23, INT64_C(1835481599987654321));
		assert_memory_equal(text, "1000000023", 10);
		assert_string_equal(text + 12, rows[i].text);
	}
}

#define WINDOW (256u << 10)

/* Raw bytes of whole windows of records with LF, and what they pack into. */
static void
pack_windows(
    enum gen_corpus corpus, int windows, uint64_t *raw, uint64_t *packed)
{
	struct gen *g = new_gen(corpus, 1);
	uint8_t *in = malloc(WINDOW + 4096), *out = malloc(pack_bound(WINDOW));
	struct gen_record rec;
	struct pack *p;

	assert_non_null(in);
	assert_non_null(out);
	assert_int_equal(pack_new(1, &p), 0);
	for (int i = 0; i < windows; i++) {
		size_t n = 0, len;

		while (n < WINDOW) {
			gen_next(g, &rec);
			memcpy(in + n, rec.bytes.ptr, rec.bytes.len);
			n += rec.bytes.len;
			in[n++] = '\n';
		}
		assert_int_equal(pack_compress(p, bytes_of(in, WINDOW), out,
				     pack_bound(WINDOW), &len),
		    0);
		*raw += WINDOW;
		*packed += len;
	}
	pack_free(p);
	free(in);
	free(out);
	gen_free(g);
}

static void
mix_1_is_not_easier_to_pack_than_reality(void **state)
{
	uint64_t raw = 0, packed = 0;

	(void)state;
	pack_windows(GEN_MIX_1, 100, &raw, &packed);
	assert_in_range(packed * 1000 / raw, 210, 240);
	raw = packed = 0;
	pack_windows(GEN_MIX_DUP, 100, &raw, &packed);
	assert_in_range(packed * 1000 / raw, 200, 240);
}

static void
mix_dup_repeats_one_in_ten_exactly(void **state)
{
	struct gen *g = new_gen(GEN_MIX_DUP, 1);
	struct digest_sha256 *d;
	uint32_t n = 250000, repeats = 0, far = 0;
	uint8_t(*digests)[DIGEST_SIZE] = calloc(n, DIGEST_SIZE);
	struct gen_record rec;

	(void)state;
	assert_non_null(digests);
	assert_int_equal(digest_sha256_new(&d), 0);
	for (uint32_t i = 0; i < n; i++) {
		gen_next(g, &rec);
		digest_sha256_of(d, rec.bytes, digests[i]);
		if (rec.repeat_of == 0)
			continue;
		assert_in_range(rec.repeat_of, 1, 100000);
		assert_memory_equal(
		    digests[i], digests[i - rec.repeat_of], DIGEST_SIZE);
		repeats++;
		far += rec.repeat_of > 65536;
	}
	assert_in_range(repeats * 1000 / n, 90, 105);
	assert_true(far > 500);
	digest_sha256_free(d);
	free(digests);
	gen_free(g);
}

static void
itm2_has_records_of_up_to_exactly_1_mib(void **state)
{
	struct gen *g = new_gen(GEN_ITM2, 1);
	struct gen_record rec;
	uint32_t huge = 0, full = 0;

	(void)state;
	for (int i = 0; i < 150000; i++) {
		gen_next(g, &rec);
		assert_true(rec.bytes.len <= GEN_RECORD_MAX);
		assert_int_equal(rec.bytes.ptr[rec.bytes.len - 1], '\r');
		assert_memory_equal(rec.bytes.ptr + 29, " type=ITM2 sn=", 14);
		huge += rec.bytes.len >= 4096;
		full += rec.bytes.len == GEN_RECORD_MAX;
	}
	assert_true(huge > 10);
	assert_true(full > 0);
	gen_free(g);
}

static void
few_hosts_and_wrong_numbers_are_handled(void **state)
{
	struct gen_opts opts = {.hosts = 1, .users = 1};
	struct gen_record rec;
	enum gen_corpus corpus;
	struct gen *g;

	(void)state;
	for (; opts.hosts <= 12; opts.hosts++) {
		assert_int_equal(gen_new(GEN_MIX_1, 1, &opts, &g), 0);
		for (int i = 0; i < 2000; i++) {
			gen_next(g, &rec);
			assert_true(rec.host < opts.hosts);
			assert_true(strlen(gen_host_name(g, rec.host)) > 5);
		}
		gen_free(g);
	}
	opts.hosts = 65537;
	assert_int_equal(gen_new(GEN_MIX_1, 1, &opts, &g), ERR_INVAL);
	assert_int_equal(gen_corpus_parse("mix-1", &corpus), 0);
	assert_int_equal(gen_corpus_parse("mix", &corpus), ERR_INVAL);
	gen_free(NULL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(mix_1_of_seed_1_is_what_is_written_down),
	    cmocka_unit_test(another_seed_gives_other_bytes),
	    cmocka_unit_test(mix_1_has_its_mean_and_its_shares),
	    cmocka_unit_test(
		sequences_rise_by_one_per_stream_and_time_never_falls),
	    cmocka_unit_test(fields_are_found_and_patched_at_the_same_length),
	    cmocka_unit_test(times_are_written_right_in_every_form),
	    cmocka_unit_test(mix_1_is_not_easier_to_pack_than_reality),
	    cmocka_unit_test(mix_dup_repeats_one_in_ten_exactly),
	    cmocka_unit_test(itm2_has_records_of_up_to_exactly_1_mib),
	    cmocka_unit_test(few_hosts_and_wrong_numbers_are_handled),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
