/* SPDX-License-Identifier: Apache-2.0 */
#include "forwarder/pace.h"

void
pace_init(struct pace *p, uint64_t bits_per_second, uint64_t now_ms)
{
	*p = (struct pace){
	    .bytes_per_second = bits_per_second / 8, .at_ms = now_ms};
}

/* The bucket holds a quarter of a second, at most. */
static void
fill(struct pace *p, uint64_t now_ms)
{
	int64_t most = (int64_t)(p->bytes_per_second / 4) + 1;
	uint64_t ms = now_ms - p->at_ms, thousandths;

	if (ms > 3600000)
		ms = 3600000;
	thousandths = p->bytes_per_second * ms + p->rest;
	p->tokens += (int64_t)(thousandths / 1000);
	if (p->tokens > most)
		p->tokens = most;
	p->rest = (uint32_t)(thousandths % 1000);
	p->at_ms = now_ms;
}

void
pace_set(struct pace *p, uint64_t bits_per_second, uint64_t now_ms)
{
	fill(p, now_ms);
	p->bytes_per_second = bits_per_second / 8;
}

bool
pace_take(struct pace *p, size_t bytes, uint64_t now_ms)
{
	if (!p->bytes_per_second)
		return true;
	fill(p, now_ms);
	if (p->tokens <= 0)
		return false;
	p->tokens -= (int64_t)bytes;
	return true;
}

uint64_t
pace_wait_ms(struct pace *p, uint64_t now_ms)
{
	if (!p->bytes_per_second)
		return 0;
	fill(p, now_ms);
	if (p->tokens > 0)
		return 0;
	return (uint64_t)(1 - p->tokens) * 1000 / p->bytes_per_second + 1;
}
