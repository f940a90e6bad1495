/* SPDX-License-Identifier: Apache-2.0 */
/*
 * loop_uv - what the files of this room share; nobody else includes it.
 *
 * Each part embeds its libuv handle first and points to itself in uv.data.
 * _free closes the handle, which ends the callbacks at once; libuv lets go of
 * the memory in a later turn, and loop_uv_gone frees it then.
 */
#ifndef LIB_LOOP_LOOP_UV_H
#define LIB_LOOP_LOOP_UV_H

#include <uv.h>

#include "lib/loop/loop.h"

struct loop {
	uv_loop_t uv;
	uv_timer_t wait; /* bounds loop_run_once */
	size_t works; /* given to the pool, on_done not yet called */
};

/* The code of the project for one of libuv's. */
int loop_uv_err(int rc);

/* Close callback: frees the part that uv.data points to. */
void loop_uv_gone(uv_handle_t *handle);

#endif
