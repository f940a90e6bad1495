/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/bench/gen_impl.h"

#include <assert.h>
#include <stdlib.h>

#include "lib/base/err.h"

uint8_t *
gen_template_decimal(uint8_t *p, uint64_t x)
{
	uint8_t digits[20];
	size_t n = sizeof(digits);

	do {
		digits[--n] = (uint8_t)('0' + x % 10);
		x /= 10;
	} while (x > 0);
	return gen_put_mem(p, digits + n, sizeof(digits) - n);
}

/* Backticks come in pairs, so each field ends one op; one more ends all. */
static size_t
count_ops(const char *text)
{
	size_t ticks = 0;

	for (; *text; text++)
		ticks += *text == '`';
	assert(ticks % 2 == 0);
	return ticks / 2 + 1;
}

/* The tables write ' for " in the kinds that quote everything. */
static int
compile_literal(
    const char *ptr, size_t len, enum gen_style style, struct gen_op *op)
{
	uint8_t *copy = malloc(len + 1);

	if (!copy)
		return ERR_NOMEM;
	for (size_t i = 0; i < len; i++) {
		bool quote = ptr[i] == '\'' && style != GEN_STYLE_PLAIN;
		copy[i] = quote ? '"' : (uint8_t)ptr[i];
	}
	op->ptr = copy;
	op->len = (uint32_t)len;
	return 0;
}

static int
compile_row(
    const struct gen_row *row, enum gen_style style, struct gen_program *prog)
{
	const char *text = row->text;
	int rc = 0;

	*prog = (struct gen_program){.class = row->class, .form = row->form};
	prog->ops = calloc(count_ops(text), sizeof(*prog->ops));
	if (!prog->ops)
		return ERR_NOMEM;
	while (*text && rc == 0) {
		struct gen_op *op = &prog->ops[prog->n++];
		size_t len = strcspn(text, "`");

		rc = compile_literal(text, len, style, op);
		text += len;
		if (*text == '`') {
			len = strcspn(text + 1, "`");
			op->put = gen_fields_find(text + 1, len);
			assert(op->put);
			text += len + 2;
		}
	}
	return rc;
}

/* Give each row its share of the lots, by the running sum of weights. */
static void
share_out(const struct gen_row *rows, struct gen_set *set)
{
	unsigned total = 0, sum = 0;
	size_t lot = 0;

	for (size_t i = 0; i < set->n; i++)
		total += rows[i].weight;
	for (size_t i = 0; i < set->n; i++) {
		sum += rows[i].weight;
		while (lot < (size_t)sum * GEN_PICKS / total)
			set->pick[lot++] = (uint16_t)i;
	}
}

int
gen_template_compile(
    const struct gen_row *rows, enum gen_style style, struct gen_set *set)
{
	size_t n = 0;

	while (rows[n].text)
		n++;
	set->style = style;
	set->programs = calloc(n, sizeof(*set->programs));
	if (!set->programs)
		return ERR_NOMEM;
	for (; set->n < n; set->n++) {
		int rc =
		    compile_row(&rows[set->n], style, &set->programs[set->n]);
		if (rc) {
			set->n++;
			return rc;
		}
	}
	share_out(rows, set);
	return 0;
}

void
gen_template_free(struct gen_set *set)
{
	for (size_t i = 0; i < set->n; i++) {
		struct gen_program *prog = &set->programs[i];

		for (size_t k = 0; k < prog->n; k++)
			free((void *)(uintptr_t)prog->ops[k].ptr);
		free(prog->ops);
	}
	free(set->programs);
	*set = (struct gen_set){0};
}

uint8_t *
gen_template_run(struct gen *g, const struct gen_program *prog, uint8_t *p)
{
	const struct gen_op *end = prog->ops + prog->n;

	for (const struct gen_op *op = prog->ops; op < end; op++) {
		p = gen_put_mem(p, op->ptr, op->len);
		if (op->put)
			p = op->put(g, p);
	}
	return p;
}
