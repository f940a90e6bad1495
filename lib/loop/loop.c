/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/loop/loop.h"

#include <assert.h>
#include <stdlib.h>

#include "lib/base/err.h"
#include "lib/loop/loop_uv.h"

/* Turns that libuv may need to let go of closed handles. */
#define LAST_TURNS 16

int
loop_uv_err(int rc)
{
	/* On Unix libuv's codes are negative errno values. */
	return rc >= 0 ? 0 : err_of_errno(-rc);
}

void
loop_uv_gone(uv_handle_t *handle)
{
	free(handle->data);
}

int
loop_new(struct loop **out)
{
	struct loop *l = calloc(1, sizeof(*l));
	int rc;

	if (!l)
		return ERR_NOMEM;
	rc = uv_loop_init(&l->uv);
	if (rc < 0) {
		free(l);
		return loop_uv_err(rc);
	}
	uv_timer_init(&l->uv, &l->wait);
	uv_unref((uv_handle_t *)&l->wait);
	*out = l;
	return 0;
}

void
loop_free(struct loop *l)
{
	int rc = UV_EBUSY;

	if (!l)
		return;
	while (l->works)
		uv_run(&l->uv, UV_RUN_ONCE);
	uv_close((uv_handle_t *)&l->wait, NULL);
	for (int i = 0; i < LAST_TURNS && rc == UV_EBUSY; i++) {
		uv_run(&l->uv, UV_RUN_NOWAIT);
		rc = uv_loop_close(&l->uv);
	}
	assert(rc == 0); /* else a part of the loop was not freed */
	free(l);
}

void
loop_run(struct loop *l)
{
	uv_run(&l->uv, UV_RUN_DEFAULT);
}

static void
on_wait(uv_timer_t *timer)
{
	(void)timer; /* its firing ends the turn */
}

bool
loop_run_once(struct loop *l, uint64_t wait_ms)
{
	int alive;

	if (wait_ms == 0)
		return uv_run(&l->uv, UV_RUN_NOWAIT) != 0;
	uv_update_time(&l->uv);
	uv_timer_start(&l->wait, on_wait, wait_ms, 0);
	alive = uv_run(&l->uv, UV_RUN_ONCE);
	uv_timer_stop(&l->wait);
	return alive != 0;
}

void
loop_stop(struct loop *l)
{
	uv_stop(&l->uv);
}

uint64_t
loop_now_ms(const struct loop *l)
{
	return uv_now(&l->uv);
}
