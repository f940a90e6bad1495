/* SPDX-License-Identifier: Apache-2.0 */
#include "admin/when.h"

#include <stddef.h>
#include <time.h>

#include "lib/base/err.h"

int
when_parse(const char *text, int64_t *wall_s)
{
	struct tm tm = {.tm_isdst = 0};
	const char *end =
	    text ? strptime(text, "%Y-%m-%dT%H:%M:%S", &tm) : NULL;

	if (!end || (*end != '.' && *end != 'Z'))
		return ERR_FORMAT;
	*wall_s = timegm(&tm);
	return 0;
}
