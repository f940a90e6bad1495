/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>

#include "lib/base/err.h"
#include "lib/loop/loop_uv.h"

#define THREADS_MAX 64

struct loop_work {
	uv_work_t uv;
	struct loop *loop;
	void (*run)(void *arg);
	void (*on_done)(int rc, void *arg);
	void *arg;
};

/* In a thread of the pool. */
static void
on_uv_work(uv_work_t *uv)
{
	struct loop_work *w = uv->data;

	w->run(w->arg);
}

static void
on_uv_done(uv_work_t *uv, int status)
{
	struct loop_work *w = uv->data;

	w->loop->works--;
	w->on_done(status == UV_ECANCELED ? ERR_CLOSED : 0, w->arg);
	free(w);
}

int
loop_work_start(struct loop *l, void (*run)(void *arg),
    void (*on_done)(int rc, void *arg), void *arg, struct loop_work **out)
{
	struct loop_work *w = calloc(1, sizeof(*w));
	int rc;

	if (!w)
		return ERR_NOMEM;
	*w = (struct loop_work){
	    .loop = l, .run = run, .on_done = on_done, .arg = arg};
	w->uv.data = w;
	rc = uv_queue_work(&l->uv, &w->uv, on_uv_work, on_uv_done);
	if (rc < 0) {
		free(w);
		return loop_uv_err(rc);
	}
	l->works++;
	if (out)
		*out = w;
	return 0;
}

int
loop_work_cancel(struct loop_work *w)
{
	return loop_uv_err(uv_cancel((uv_req_t *)&w->uv));
}

int
loop_work_threads(unsigned threads)
{
	char text[16];

	if (threads < 1 || threads > THREADS_MAX)
		return ERR_INVAL;
	/* libuv reads it when the first job comes, and has no call for it. */
	snprintf(text, sizeof(text), "%u", threads);
	return setenv("UV_THREADPOOL_SIZE", text, 1) ? ERR_NOMEM : 0;
}
