/* SPDX-License-Identifier: Apache-2.0 */
/*
 * must - for calls of the library that cannot fail once a context is set up.
 *
 * Private to lib/digest.  A digest or a cipher that fails in the middle has
 * no safe continuation, and no honest caller can cause it: it is a bug.
 */
#ifndef LIB_DIGEST_MUST_H
#define LIB_DIGEST_MUST_H

#include <stdlib.h>

static inline void
must(int rc)
{
	if (rc != 1)
		abort();
}

#endif
