/* SPDX-License-Identifier: Apache-2.0 */
#include "spoold/keeper/expiry.h"

#define DAY_S (24ll * 3600)

enum expiry
expiry_of(uint64_t ends_s, int64_t now_ns)
{
	int64_t left;

	if (!ends_s || ends_s > INT64_MAX)
		return EXPIRY_FAR;
	left = (int64_t)ends_s - now_ns / 1000000000;
	if (left <= 0)
		return EXPIRY_OVER;
	return left <= DAY_S	 ? EXPIRY_1_DAY
	    : left <= 7 * DAY_S	 ? EXPIRY_7_DAYS
	    : left <= 30 * DAY_S ? EXPIRY_30_DAYS
				 : EXPIRY_FAR;
}

const char *
expiry_text(enum expiry e)
{
	static const char *const text[] = {
	    [EXPIRY_FAR] = "",
	    [EXPIRY_30_DAYS] = "ends within 30 days",
	    [EXPIRY_7_DAYS] = "ends within 7 days",
	    [EXPIRY_1_DAY] = "ends within a day",
	    [EXPIRY_OVER] = "has ended: nobody believes it any more",
	};

	return text[e];
}
