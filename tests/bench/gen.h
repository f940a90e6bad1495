/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gen - the seeded generator of log records: samples, tests and load.
 *
 * The same corpus, seed and options give the same bytes on every machine.
 * Records look like a company's: InfoTrace Mark II lines, Winlogbeat JSON,
 * RFC 5424 and 3164 from Linux and network gear; BENCH.md says in which
 * shares.  Each record holds a sequence number of fixed width and its time,
 * which a load generator may replace (gen_patch) so that no two runs send
 * the same bytes, and which the far end finds again from the bytes alone
 * (gen_sequence_of).  A generator belongs to one thread.
 * The corpora are described in doc/bench-corpora.md.
 */
#ifndef TESTS_BENCH_GEN_H
#define TESTS_BENCH_GEN_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/base/bytes.h"

struct gen;

enum gen_corpus {
	GEN_MIX_1, /* 30 % itm2, 40 % winlog, 30 % syslog; mean 340 bytes */
	GEN_MIX_DUP, /* mix-1 with 10 % exact repeats */
	GEN_ITM2, /* with a record of up to 1 MiB now and then */
	GEN_WINLOG,
	GEN_SYSLOG,
};

enum gen_kind {
	GEN_KIND_ITM2,
	GEN_KIND_WINLOG,
	GEN_KIND_SYSLOG,
};

/* Zero means the default. */
struct gen_opts {
	uint32_t hosts; /* 1,800; at most 65,536 */
	uint32_t users; /* 4,000; at most 65,536 */
};

/* How the time of a record is written. */
enum gen_form {
	GEN_FORM_ITM2, /* MM/DD/YYYY HH:MM:SS.mmm +0900 */
	GEN_FORM_ISO, /* YYYY-MM-DDTHH:MM:SS.mmmZ */
	GEN_FORM_RFC5424, /* YYYY-MM-DDTHH:MM:SS.uuuuuu+09:00 */
	GEN_FORM_RFC3164, /* Mmm dd HH:MM:SS, +09:00 */
	GEN_FORM_ASA, /* Mmm dd YYYY HH:MM:SS, +09:00 */
	GEN_FORM_IOS, /* Mmm dd HH:MM:SS.mmm, +09:00 */
	GEN_FORM_FORTI, /* date=YYYY-MM-DD time=HH:MM:SS, +09:00 */
};

/* Where the patchable fields of a record are, in bytes from its start. */
struct gen_fields {
	uint16_t seq_at; /* 10 digits */
	uint16_t time_at;
	uint8_t form; /* enum gen_form */
};

/* Sequence numbers are 0..GEN_SEQ_MAX, always written with 10 digits. */
#define GEN_SEQ_DIGITS 10
#define GEN_SEQ_MAX UINT64_C(8999999999)

struct gen_record {
	struct bytes bytes; /* without LF; ITM2 ends with CR; never has an LF */
	uint32_t host; /* index; (host, kind) is one stream */
	enum gen_kind kind;
	int64_t event_ns; /* since 1970 UTC; never falls */
	uint64_t seq; /* rising within (host, kind), from 0 */
	uint32_t repeat_of; /* distance to the record repeated; 0 if new */
	struct gen_fields at;
};

/* The most bytes of a record; 4 KiB but for GEN_ITM2. */
#define GEN_RECORD_MAX (1u << 20)

/* "mix-1", "mix-dup", "itm2", "winlog", "syslog"; ERR_INVAL otherwise. */
int gen_corpus_parse(const char *name, enum gen_corpus *corpus);

/* opts may be NULL.  ERR_INVAL, ERR_NOMEM. */
int gen_new(enum gen_corpus corpus, uint64_t seed, const struct gen_opts *opts,
    struct gen **out);
void gen_free(struct gen *g);

/* The next record; its bytes are valid until the next call.  Never fails. */
void gen_next(struct gen *g, struct gen_record *rec);

uint32_t gen_hosts(const struct gen *g);

/* The name of a host, valid as long as g. */
const char *gen_host_name(const struct gen *g, uint32_t host);

/* "itm2", "winlog", "syslog". */
const char *gen_kind_name(enum gen_kind kind);

/* Replace sequence (at most GEN_SEQ_MAX) and time; no length changes. */
void gen_patch(uint8_t *record, const struct gen_fields *at, uint64_t seq,
    int64_t event_ns);

/*
 * Find the fields, or the sequence, from the bytes alone, as they were made
 * or patched, also behind a further header.  ERR_FORMAT if it is no record of
 * this generator.
 */
int gen_locate(struct bytes record, struct gen_fields *at);
int gen_sequence_of(struct bytes record, uint64_t *seq);

#endif
