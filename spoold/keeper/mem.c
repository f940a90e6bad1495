/* SPDX-License-Identifier: Apache-2.0 */
#include "spoold/keeper/mem.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

void *
mem_new(size_t size)
{
	void *p = calloc(1, size ? size : 1);

	if (!p)
		abort();
	return p;
}

void *
mem_grow(void *ptr, size_t count, size_t size)
{
	void *p = reallocarray(ptr, count ? count : 1, size);

	if (!p)
		abort();
	return p;
}

char *
mem_dup(struct bytes x)
{
	char *p = mem_new(x.len + 1);

	if (x.len)
		memcpy(p, x.ptr, x.len);
	return p;
}
