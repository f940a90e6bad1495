/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "lib/base/err.h"
#include "lib/loop/loop_uv.h"

struct loop_turn {
	uv_check_t uv;
	void (*on_turn)(void *arg);
	void *arg;
};

static void
on_uv_check(uv_check_t *uv)
{
	struct loop_turn *t = uv->data;

	t->on_turn(t->arg);
}

int
loop_turn_new(struct loop *l, void (*on_turn)(void *arg), void *arg,
    struct loop_turn **out)
{
	struct loop_turn *t = calloc(1, sizeof(*t));

	if (!t)
		return ERR_NOMEM;
	uv_check_init(&l->uv, &t->uv);
	t->uv.data = t;
	t->on_turn = on_turn;
	t->arg = arg;
	uv_check_start(&t->uv, on_uv_check);
	uv_unref((uv_handle_t *)&t->uv);
	*out = t;
	return 0;
}

void
loop_turn_free(struct loop_turn *t)
{
	if (t)
		uv_close((uv_handle_t *)&t->uv, loop_uv_gone);
}
