/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/bench/gen.h"

#include <stdlib.h>

#include "lib/base/err.h"
#include "tests/bench/gen_impl.h"

#define DEFAULT_HOSTS 1800
#define DEFAULT_USERS 4000
#define MOST 65536
#define START_NS (INT64_C(1772323200) * 1000000000) /* 2026-03-01 UTC */
#define STEP_NS 2000000 /* mean 1 ms: 1,000 events a second */
#define SMALL_MAX 4096
#define HUGE_ONE_IN 4000 /* of the records of GEN_ITM2 */
#define DUP_ONE_IN 10

static const char *const corpus_names[] = {
    [GEN_MIX_1] = "mix-1",
    [GEN_MIX_DUP] = "mix-dup",
    [GEN_ITM2] = "itm2",
    [GEN_WINLOG] = "winlog",
    [GEN_SYSLOG] = "syslog",
};

int
gen_corpus_parse(const char *name, enum gen_corpus *corpus)
{
	for (size_t i = 0; i < sizeof(corpus_names) / sizeof(char *); i++) {
		if (!strcmp(name, corpus_names[i])) {
			*corpus = (enum gen_corpus)i;
			return 0;
		}
	}
	return ERR_INVAL;
}

const char *
gen_kind_name(enum gen_kind kind)
{
	static const char *const names[] = {"itm2", "winlog", "syslog"};

	return names[kind];
}

static int
compile(struct gen *g)
{
	int rc = gen_template_compile(
	    gen_itm2_rows, GEN_STYLE_ITM2, &g->sets[GEN_KIND_ITM2]);

	if (rc == 0)
		rc = gen_template_compile(
		    gen_winlog_rows, GEN_STYLE_JSON, &g->sets[GEN_KIND_WINLOG]);
	if (rc == 0)
		rc = gen_template_compile(gen_syslog_rows, GEN_STYLE_PLAIN,
		    &g->sets[GEN_KIND_SYSLOG]);
	return rc;
}

static int
allocate(struct gen *g)
{
	g->out = malloc(g->corpus == GEN_ITM2 ? GEN_RECORD_MAX : SMALL_MAX);
	g->seq_table = calloc((size_t)g->hosts * GEN_KINDS, sizeof(uint64_t));
	if (!g->out || !g->seq_table)
		return ERR_NOMEM;
	if (g->corpus != GEN_MIX_DUP)
		return 0;
	g->ring.bytes = malloc(GEN_RING_BYTES);
	g->ring.past = calloc(GEN_DUP_DISTANCE, sizeof(*g->ring.past));
	return g->ring.bytes && g->ring.past ? 0 : ERR_NOMEM;
}

int
gen_new(enum gen_corpus corpus, uint64_t seed, const struct gen_opts *opts,
    struct gen **out)
{
	struct gen *g = calloc(1, sizeof(*g));
	uint64_t x = seed;

	if (!g)
		return ERR_NOMEM;
	g->corpus = corpus;
	g->hosts = opts && opts->hosts ? opts->hosts : DEFAULT_HOSTS;
	g->users = opts && opts->users ? opts->users : DEFAULT_USERS;
	g->now_ns = START_NS;
	for (int i = 0; i < 4; i++)
		g->state[i] = gen_splitmix(&x);
	if (g->hosts > MOST || g->users > MOST) {
		gen_free(g);
		return ERR_INVAL;
	}
	if (allocate(g) || gen_names_init(g) || compile(g)) {
		gen_free(g);
		return ERR_NOMEM;
	}
	*out = g;
	return 0;
}

void
gen_free(struct gen *g)
{
	if (!g)
		return;
	for (size_t i = 0; i < GEN_KINDS; i++)
		gen_template_free(&g->sets[i]);
	gen_names_fini(g);
	free(g->ring.past);
	free(g->ring.bytes);
	free(g->seq_table);
	free(g->out);
	free(g);
}

uint32_t
gen_hosts(const struct gen *g)
{
	return g->hosts;
}

const char *
gen_host_name(const struct gen *g, uint32_t host)
{
	return g->host_table[host].name;
}

static enum gen_kind
pick_kind(struct gen *g)
{
	uint32_t r;

	if (g->corpus == GEN_ITM2)
		return GEN_KIND_ITM2;
	if (g->corpus == GEN_WINLOG)
		return GEN_KIND_WINLOG;
	if (g->corpus == GEN_SYSLOG)
		return GEN_KIND_SYSLOG;
	r = gen_below(g, 10);
	return r < 3 ? GEN_KIND_ITM2
	    : r < 7  ? GEN_KIND_WINLOG
		     : GEN_KIND_SYSLOG;
}

/* Most is said by a few; a machine is mostly used by its own person. */
static void
pick_people(
    struct gen *g, const struct gen_program *prog, struct gen_record *rec)
{
	const struct gen_range *range = &g->range[prog->class];

	rec->host = range->first;
	rec->host +=
	    gen_below(g, 4) ? gen_skewed(g, range->n) : gen_below(g, range->n);
	g->host = &g->host_table[rec->host];
	g->user = &g->user_table[gen_below(g, 4) ? g->host->user
						 : gen_below(g, g->users)];
	g->proc = gen_skewed(g, g->words[GEN_LIST_PROC].n);
	g->parent = gen_skewed(g, g->words[GEN_LIST_PROC].n);
	g->version = gen_skewed(g, 4);
}

/* Exactly 1 MiB at times; else any size from 4 KiB, the small more often. */
static size_t
huge_size(struct gen *g)
{
	uint32_t bits = 12 + gen_below(g, 9);

	if (bits == 20)
		return GEN_RECORD_MAX;
	return (UINT32_C(1) << bits) + gen_below(g, UINT32_C(1) << bits);
}

static void
make(struct gen *g, struct gen_record *rec)
{
	enum gen_kind kind = pick_kind(g);
	const struct gen_set *set = &g->sets[kind];
	bool huge = g->corpus == GEN_ITM2 && gen_below(g, HUGE_ONE_IN) == 0;
	const struct gen_program *prog =
	    &set->programs[huge ? 0 : set->pick[gen_rand(g) >> 54]];
	uint8_t *end;

	*rec = (struct gen_record){.kind = kind};
	pick_people(g, prog, rec);
	g->now_ns += gen_below(g, STEP_NS);
	g->style = set->style;
	g->form = prog->form;
	g->seq = g->seq_table[rec->host * GEN_KINDS + kind]++;
	g->at.form = (uint8_t)prog->form;
	end = huge ? gen_itm2_huge(g, g->out, huge_size(g))
		   : gen_template_run(g, prog, g->out);
	rec->bytes = bytes_of(g->out, (size_t)(end - g->out));
	rec->event_ns = g->now_ns;
	rec->seq = g->seq;
	rec->at = g->at;
}

static void
remember(struct gen_ring *ring, const struct gen_record *rec)
{
	struct gen_past *past = &ring->past[ring->count % GEN_DUP_DISTANCE];
	uint64_t at = ring->head % GEN_RING_BYTES;

	if (at + rec->bytes.len > GEN_RING_BYTES) {
		ring->head += GEN_RING_BYTES - at; /* not over the edge */
		at = 0;
	}
	memcpy(ring->bytes + at, rec->bytes.ptr, rec->bytes.len);
	past->rec = *rec;
	past->rec.bytes.ptr = ring->bytes + at;
	past->at = ring->head;
	ring->head += rec->bytes.len;
	ring->count++;
}

/* Short distances as often as long ones: 1, 2-3, 4-7 ... 65,536-100,000. */
static uint32_t
pick_distance(struct gen *g)
{
	uint32_t first = UINT32_C(1) << gen_below(g, 17);
	uint32_t d = first + gen_below(g, first);

	return d > GEN_DUP_DISTANCE ? GEN_DUP_DISTANCE : d;
}

/*
 * Repeat a record at a distance; false if there is none yet.  100,000 records
 * never fill the ring: it holds 671 bytes for each, twice their mean.
 */
static bool
repeat(struct gen *g, struct gen_record *rec)
{
	struct gen_ring *ring = &g->ring;
	uint32_t d = pick_distance(g);
	const struct gen_past *past;

	if (d > ring->count)
		return false;
	past = &ring->past[(ring->count - d) % GEN_DUP_DISTANCE];
	if (past->at + GEN_RING_BYTES - SMALL_MAX < ring->head)
		return false;
	*rec = past->rec;
	memcpy(g->out, rec->bytes.ptr, rec->bytes.len);
	rec->bytes.ptr = g->out;
	rec->repeat_of = d;
	return true;
}

void
gen_next(struct gen *g, struct gen_record *rec)
{
	if (g->corpus != GEN_MIX_DUP) {
		make(g, rec);
		return;
	}
	if (gen_below(g, DUP_ONE_IN) > 0 || !repeat(g, rec))
		make(g, rec);
	remember(&g->ring, rec);
}
