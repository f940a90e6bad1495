/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pace - the bandwidth limit of a target: a token bucket.
 *
 * Rules only; the time is an argument.  A send may put the bucket in debt by
 * its own size, so that a large batch passes a narrow line; the next waits.
 */
#ifndef FORWARDER_PACE_H
#define FORWARDER_PACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct pace {
	uint64_t bytes_per_second; /* 0: no limit */
	int64_t tokens; /* bytes; negative: debt */
	uint32_t rest; /* thousandths of a byte */
	uint64_t at_ms;
};

void pace_init(struct pace *p, uint64_t bits_per_second, uint64_t now_ms);
void pace_set(struct pace *p, uint64_t bits_per_second, uint64_t now_ms);

/* Take `bytes` if nothing is owed; false: wait pace_wait_ms. */
bool pace_take(struct pace *p, size_t bytes, uint64_t now_ms);
uint64_t pace_wait_ms(struct pace *p, uint64_t now_ms);

#endif
