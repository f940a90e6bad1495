/* SPDX-License-Identifier: Apache-2.0 */
/*
 * expiry - how near is the end of a certificate that we show to others?
 *
 * Thirty days, seven days, one day before, and after it, an operator is told.
 * Rules: the time is an argument.
 */
#ifndef SPOOLD_KEEPER_EXPIRY_H
#define SPOOLD_KEEPER_EXPIRY_H

#include <stdint.h>

enum expiry {
	EXPIRY_FAR,
	EXPIRY_30_DAYS,
	EXPIRY_7_DAYS,
	EXPIRY_1_DAY,
	EXPIRY_OVER,
};

/* `ends_s`: seconds since 1970 UTC; 0: there is no certificate. */
enum expiry expiry_of(uint64_t ends_s, int64_t now_ns);

/* "ends within 7 days"; "" if it is far. */
const char *expiry_text(enum expiry e);

#endif
