/* SPDX-License-Identifier: Apache-2.0 */
#include "spoold/keeper/linkdefs.h"

#include <stdlib.h>

#include "spoold/keeper/mem.h"
#include "spoold/keeper/htable.h"

struct slot {
	struct htable_node node;
	struct sdef *def;
	uint32_t id;
	uint64_t used; /* by this batch, the last */
};

struct linkdefs {
	struct htable table;
	struct slot **slot; /* by id - 1 */
	uint32_t max, n, next;
};

struct linkdefs *
linkdefs_new(uint64_t seed, uint32_t max)
{
	struct linkdefs *l = mem_new(sizeof(*l));

	htable_init(&l->table, seed);
	l->max = max;
	l->slot = mem_new(max * sizeof(*l->slot));
	return l;
}

void
linkdefs_free(struct linkdefs *l)
{
	uint32_t i;

	if (!l)
		return;
	for (i = 0; i < l->n; i++) {
		sdef_unref(l->slot[i]->def);
		free(l->slot[i]);
	}
	free(l->slot);
	htable_fini(&l->table);
	free(l);
}

static bool
is_def(const struct htable_node *node, const void *key)
{
	return sdef_equal(((const struct slot *)node)->def, key);
}

/* A slot for a new definition, or NULL. */
static struct slot *
take(struct linkdefs *l, uint64_t oldest)
{
	struct slot *s;

	if (l->n < l->max) {
		s = l->slot[l->n] = mem_new(sizeof(*s));
		s->id = ++l->n;
		return s;
	}
	s = l->slot[l->next];
	if (s->used >= oldest)
		return NULL;
	l->next = (l->next + 1) % l->max;
	htable_remove(&l->table, &s->node);
	sdef_unref(s->def);
	return s;
}

uint32_t
linkdefs_id(struct linkdefs *l, struct sdef *d, uint64_t seq, uint64_t oldest,
    bool *is_new)
{
	uint64_t h = sdef_hash(d, l->table.seed);
	struct slot *s = (struct slot *)htable_find(&l->table, h, is_def, d);

	*is_new = !s;
	if (!s) {
		s = take(l, oldest);
		if (!s)
			return 0;
		s->def = sdef_ref(d);
		htable_add(&l->table, &s->node, h);
	}
	s->used = seq;
	return s->id;
}
