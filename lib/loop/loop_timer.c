/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "lib/base/err.h"
#include "lib/loop/loop_uv.h"

struct loop_timer {
	uv_timer_t uv;
	void (*on_timer)(void *arg);
	void *arg;
};

static void
on_uv_timer(uv_timer_t *uv)
{
	struct loop_timer *t = uv->data;

	t->on_timer(t->arg);
}

int
loop_timer_new(struct loop *l, void (*on_timer)(void *arg), void *arg,
    struct loop_timer **out)
{
	struct loop_timer *t = calloc(1, sizeof(*t));

	if (!t)
		return ERR_NOMEM;
	uv_timer_init(&l->uv, &t->uv);
	t->uv.data = t;
	t->on_timer = on_timer;
	t->arg = arg;
	*out = t;
	return 0;
}

void
loop_timer_start(struct loop_timer *t, uint64_t after_ms, uint64_t repeat_ms)
{
	/* "From now", not from the beginning of a turn that may be long. */
	uv_update_time(t->uv.loop);
	uv_timer_start(&t->uv, on_uv_timer, after_ms, repeat_ms);
}

void
loop_timer_stop(struct loop_timer *t)
{
	uv_timer_stop(&t->uv);
}

bool
loop_timer_is_active(const struct loop_timer *t)
{
	return uv_is_active((const uv_handle_t *)&t->uv) != 0;
}

void
loop_timer_free(struct loop_timer *t)
{
	if (t)
		uv_close((uv_handle_t *)&t->uv, loop_uv_gone);
}
