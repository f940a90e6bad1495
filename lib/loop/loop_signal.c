/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "lib/base/err.h"
#include "lib/loop/loop_uv.h"

struct loop_signal {
	uv_signal_t uv;
	void (*on_signal)(int signum, void *arg);
	void *arg;
};

static void
on_uv_signal(uv_signal_t *uv, int signum)
{
	struct loop_signal *s = uv->data;

	s->on_signal(signum, s->arg);
}

int
loop_signal_new(struct loop *l, int signum,
    void (*on_signal)(int signum, void *arg), void *arg,
    struct loop_signal **out)
{
	struct loop_signal *s = calloc(1, sizeof(*s));
	int rc;

	if (!s)
		return ERR_NOMEM;
	s->on_signal = on_signal;
	s->arg = arg;
	rc = uv_signal_init(&l->uv, &s->uv);
	if (rc < 0) {
		free(s);
		return loop_uv_err(rc);
	}
	s->uv.data = s;
	rc = uv_signal_start(&s->uv, on_uv_signal, signum);
	if (rc < 0) {
		loop_signal_free(s);
		return loop_uv_err(rc);
	}
	uv_unref((uv_handle_t *)&s->uv);
	*out = s;
	return 0;
}

void
loop_signal_free(struct loop_signal *s)
{
	if (s)
		uv_close((uv_handle_t *)&s->uv, loop_uv_gone);
}
