/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/crash/damage.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PAGE 4096u
#define SECTOR 512u

static bool
is_target(const struct tree_file *f, bool meta)
{
	return f->data && f->size && strstr(f->path, meta ? "meta.mdb" : ".sp");
}

/* Pages that hold something are likelier to matter. */
static size_t
pick_page(const struct tree_file *f, struct rng *rng)
{
	size_t pages = f->size / PAGE, page = 0;

	for (int i = 0; i < 20; i++) {
		static const uint8_t none[PAGE];

		page = (size_t)rng_below(rng, pages);
		if (memcmp(f->data + page * PAGE, none, PAGE))
			break;
	}
	return page;
}

static struct tree_file *
pick_file(struct tree *t, struct rng *rng)
{
	bool meta = rng_below(rng, 4) == 0; /* it is one file among many */
	struct tree_file *f;

	for (int i = 0; i < 10000; i++) {
		f = &t->file[rng_below(rng, t->n)];
		if (is_target(f, meta))
			return f;
	}
	abort(); /* no spool */
}

const char *
damage_tree(struct tree *t, struct rng *rng, char text[static DAMAGE_TEXT])
{
	uint64_t how = rng_below(rng, 10);
	struct tree_file *f = pick_file(t, rng);
	size_t n, at;
	uint8_t *page;

	/* One in four hits a meta page or the tree's first pages. */
	n = rng_below(rng, 4) ? pick_page(f, rng) : (size_t)rng_below(rng, 4);
	page = f->data + n * PAGE;
	at = (size_t)rng_below(rng, how < 7 ? PAGE : PAGE / SECTOR);
	if (how < 7)
		page[at] ^= (uint8_t)(1u << rng_below(rng, 8));
	else if (how < 9)
		memset(page + at * SECTOR, 0, PAGE - at * SECTOR);
	else
		memset(page, 0, PAGE);
	snprintf(text, DAMAGE_TEXT, "%s page %zu %s at %zu", f->path, n,
	    how < 7	  ? "bit flipped"
		: how < 9 ? "torn"
			  : "zeroed",
	    at);
	return text;
}
