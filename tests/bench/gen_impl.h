/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gen_impl - what the files of the generator share; for gen*.c only.
 *
 * A kind of record is a table of templates (gen_itm2.c, gen_winlog.c,
 * gen_syslog.c): text with `field` names between backticks.  gen_template.c
 * turns each into a list of (literal, field function) once; making a record
 * is then copying.  The words come from the tables of gen_names.c.
 * No floating point and no time of day: the seed alone decides.
 */
#ifndef TESTS_BENCH_GEN_IMPL_H
#define TESTS_BENCH_GEN_IMPL_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "tests/bench/gen.h"

/* How a text is written: as it is, quotes doubled, or as JSON. */
enum gen_style { GEN_STYLE_PLAIN, GEN_STYLE_ITM2, GEN_STYLE_JSON };
#define GEN_STYLES 3

/* A word of the tables, in each style. */
struct gen_text {
	const uint8_t *ptr[GEN_STYLES];
	uint32_t len[GEN_STYLES];
};

/* Who sends a record; each has its share of the host numbers. */
enum gen_class {
	GEN_CLASS_PC,
	GEN_CLASS_LINUX,
	GEN_CLASS_ASA,
	GEN_CLASS_IOS,
	GEN_CLASS_FORTI,
	GEN_CLASS_PALO,
};
#define GEN_CLASSES 6

/* One row of a template table; the table ends with text NULL. */
struct gen_row {
	unsigned weight;
	enum gen_class class;
	enum gen_form form;
	const char *text;
};

typedef uint8_t *gen_put(struct gen *g, uint8_t *p);

struct gen_op {
	const uint8_t *ptr; /* a literal, and after it a field */
	uint32_t len;
	gen_put *put; /* NULL: none */
};

struct gen_program {
	struct gen_op *ops;
	size_t n;
	enum gen_class class;
	enum gen_form form;
};

#define GEN_PICKS 1024
#define GEN_KINDS 3

/* The programs of one kind, and the drawing lots among them. */
struct gen_set {
	struct gen_program *programs;
	size_t n;
	uint16_t pick[GEN_PICKS];
	enum gen_style style;
};

struct gen_host {
	char name[24];
	char ip[16];
	char guid[40]; /* the terminal, the agent */
	char sid[48];
	uint8_t name_len, ip_len, sid_len, domain;
	uint32_t user; /* the usual one */
};

struct gen_user {
	struct gen_text name;
	uint32_t rid;
};

/* Word lists; gen_names.c fills them. */
enum gen_list {
	GEN_LIST_DOMAIN,
	GEN_LIST_PROC,
	GEN_LIST_ARGS,
	GEN_LIST_FOLDER,
	GEN_LIST_DOC,
	GEN_LIST_EXT,
	GEN_LIST_REG,
	GEN_LIST_TITLE,
	GEN_LIST_SITE,
	GEN_LIST_SCRIPT,
	GEN_LIST_LOGIN,
	GEN_LIST_PAGE,
};
#define GEN_LISTS 12

struct gen_words {
	struct gen_text *text;
	uint32_t n;
};

struct gen_range {
	uint32_t first, n;
};

/* A ring of what was made last, for mix-dup. */
#define GEN_DUP_DISTANCE 100000u
#define GEN_RING_BYTES (UINT64_C(1) << 26)

struct gen_ring {
	uint8_t *bytes; /* GEN_RING_BYTES */
	uint64_t head; /* bytes ever written */
	struct gen_past {
		struct gen_record rec;
		uint64_t at; /* of its bytes, as head counts */
	} * past; /* GEN_DUP_DISTANCE of them */
	uint64_t count; /* records ever written */
};

struct gen {
	uint64_t state[4];
	enum gen_corpus corpus;
	uint32_t hosts, users;
	struct gen_host *host_table;
	struct gen_user *user_table;
	struct gen_range range[GEN_CLASSES];
	uint64_t *seq_table; /* hosts * GEN_KINDS */
	struct gen_words words[GEN_LISTS];
	struct gen_set sets[GEN_KINDS];
	struct gen_ring ring;
	uint8_t *out;
	int64_t now_ns;

	/* of the record being made */
	enum gen_style style;
	enum gen_form form;
	const struct gen_host *host;
	const struct gen_user *user;
	uint32_t proc, parent, version;
	uint64_t seq;
	struct gen_fields at;
};

/* gen_rand: xoshiro256** (Blackman, Vigna), seeded by splitmix64. */
static inline uint64_t
gen_splitmix(uint64_t *x)
{
	uint64_t z = (*x += UINT64_C(0x9e3779b97f4a7c15));

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

static inline uint64_t
gen_rotl(uint64_t x, int k)
{
	return (x << k) | (x >> (64 - k));
}

static inline uint64_t
gen_rand(struct gen *g)
{
	uint64_t *s = g->state;
	uint64_t result = gen_rotl(s[1] * 5, 7) * 9;
	uint64_t t = s[1] << 17;

	s[2] ^= s[0];
	s[3] ^= s[1];
	s[1] ^= s[2];
	s[0] ^= s[3];
	s[2] ^= t;
	s[3] = gen_rotl(s[3], 45);
	return result;
}

/* 0..n-1, all alike (n is far below 2^32, so the bias does not matter). */
static inline uint32_t
gen_below(struct gen *g, uint32_t n)
{
	return (uint32_t)(((gen_rand(g) >> 32) * n) >> 32);
}

/* 0..n-1, the low ones more often: a product of two uniform numbers. */
static inline uint32_t
gen_skewed(struct gen *g, uint32_t n)
{
	uint64_t r = gen_rand(g);

	return (uint32_t)(((((r >> 32) * (uint32_t)r) >> 32) * n) >> 32);
}

static inline uint8_t *
gen_put_mem(uint8_t *p, const void *ptr, size_t len)
{
	memcpy(p, ptr, len);
	return p + len;
}

static inline uint8_t *
gen_put_text(const struct gen *g, uint8_t *p, const struct gen_text *t)
{
	return gen_put_mem(p, t->ptr[g->style], t->len[g->style]);
}

static inline uint8_t *
gen_put_list(struct gen *g, uint8_t *p, enum gen_list list)
{
	const struct gen_words *w = &g->words[list];

	return gen_put_text(g, p, &w->text[gen_below(g, w->n)]);
}

/* Decimal, without leading zeros. */
uint8_t *gen_template_decimal(uint8_t *p, uint64_t x);

/* Turn the rows into set; ERR_NOMEM.  A wrong row is a bug and aborts. */
int gen_template_compile(
    const struct gen_row *rows, enum gen_style style, struct gen_set *set);
void gen_template_free(struct gen_set *set);

/* Run a program for g's record; returns the end. */
uint8_t *gen_template_run(
    struct gen *g, const struct gen_program *prog, uint8_t *p);

/* The function of a field's name; NULL if there is none. */
gen_put *gen_fields_find(const char *name, size_t len);

/* Write a time in a form; returns the end.  The length depends on the form. */
uint8_t *gen_patch_time(uint8_t *p, enum gen_form form, int64_t ns);

/* Exactly 10 digits. */
uint8_t *gen_patch_seq(uint8_t *p, uint64_t seq);

/* Fill words, hosts and users; ERR_NOMEM. */
int gen_names_init(struct gen *g);
void gen_names_fini(struct gen *g);

/* Make text in each style; the memory is freed by gen_names_text_fini. */
int gen_names_text(struct bytes plain, struct gen_text *text);
void gen_names_text_fini(struct gen_text *text);

extern const struct gen_row gen_itm2_rows[];
extern const struct gen_row gen_winlog_rows[];
extern const struct gen_row gen_syslog_rows[];

/* One long powerShell record of ITM2, of exactly size bytes with its CR. */
uint8_t *gen_itm2_huge(struct gen *g, uint8_t *p, size_t size);

#endif
