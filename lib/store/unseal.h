/* SPDX-License-Identifier: Apache-2.0 */
/*
 * unseal - check and decrypt the payload of one batch at a time.
 *
 * It remembers the data key of the segment that it worked on last.  One
 * thread at a time.
 */
#ifndef LIB_STORE_UNSEAL_H
#define LIB_STORE_UNSEAL_H

#include "lib/store/store_internal.h"

struct unseal {
	struct digest_aead *aead; /* made when first needed */
	struct digest_sha256 *sha;
	struct uuid segment; /* whose key aead has */
	bool have_key;
};

int unseal_init(struct unseal *u);
void unseal_fini(struct unseal *u);

/*
 * Check the view's payload, and decrypt it in place (`at` is where it lies in
 * the caller's buffer).  *why is static.  ERR_AUTH, ERR_KEY: damage.
 */
int unseal_payload(struct unseal *u, struct store *s, struct segment *seg,
    const struct batch_view *view, uint8_t *at, const char **why);

#endif
