/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "lib/base/err.h"
#include "lib/loop/loop_uv.h"

struct loop_wake {
	uv_async_t uv;
	void (*on_wake)(void *arg);
	void *arg;
};

static void
on_uv_async(uv_async_t *uv)
{
	struct loop_wake *w = uv->data;

	w->on_wake(w->arg);
}

int
loop_wake_new(struct loop *l, void (*on_wake)(void *arg), void *arg,
    struct loop_wake **out)
{
	struct loop_wake *w = calloc(1, sizeof(*w));
	int rc;

	if (!w)
		return ERR_NOMEM;
	rc = uv_async_init(&l->uv, &w->uv, on_uv_async);
	if (rc < 0) {
		free(w);
		return loop_uv_err(rc);
	}
	w->uv.data = w;
	w->on_wake = on_wake;
	w->arg = arg;
	*out = w;
	return 0;
}

void
loop_wake_send(struct loop_wake *w)
{
	uv_async_send(&w->uv);
}

void
loop_wake_free(struct loop_wake *w)
{
	if (w)
		uv_close((uv_handle_t *)&w->uv, loop_uv_gone);
}
