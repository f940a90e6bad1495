/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/store/unseal.h"

#include <string.h>

#include "lib/base/err.h"

int
unseal_init(struct unseal *u)
{
	*u = (struct unseal){0};
	return digest_sha256_new(&u->sha);
}

void
unseal_fini(struct unseal *u)
{
	digest_aead_free(u->aead);
	digest_sha256_free(u->sha);
	*u = (struct unseal){0};
}

static int
set_key(struct unseal *u, const uint8_t key[static SLOTS_KEY_SIZE])
{
	if (!u->aead)
		return digest_aead_new(key, &u->aead);
	digest_aead_set_key(u->aead, key);
	return 0;
}

static int
find_key(struct unseal *u, struct store *s, struct segment *seg)
{
	uint8_t key[SLOTS_KEY_SIZE];
	int rc;

	if (u->have_key && uuid_equal(&u->segment, &seg->header.segment))
		return 0;
	u->have_key = false;
	pthread_mutex_lock(&s->lock);
	rc =
	    s->slots ? slots_get(s->slots, &seg->header.segment, key) : ERR_KEY;
	pthread_mutex_unlock(&s->lock);
	if (rc)
		return ERR_KEY;
	rc = set_key(u, key);
	digest_wipe(key, sizeof(key));
	if (rc)
		return rc;
	u->segment = seg->header.segment;
	u->have_key = true;
	return 0;
}

static int
check_plain(struct unseal *u, const struct batch_view *v, const uint8_t *aad)
{
	uint8_t digest[DIGEST_SIZE];

	digest_sha256_start(u->sha);
	digest_sha256_add(u->sha, aad, v->header_bytes.len);
	digest_sha256_add(u->sha, v->ranges.ptr, v->ranges.len);
	digest_sha256_add(u->sha, v->payload.ptr, v->payload.len);
	digest_sha256_finish(u->sha, digest);
	return memcmp(digest, v->header.tag, sizeof(v->header.tag)) ? ERR_AUTH
								    : 0;
}

int
unseal_payload(struct unseal *u, struct store *s, struct segment *seg,
    const struct batch_view *v, uint8_t *at, const char **why)
{
	uint8_t aad[BATCH_HEADER_MAX];
	struct bytes pieces[2] = {
	    bytes_of(aad, v->header_bytes.len), v->ranges};
	int rc = 0;

	*why = "its content is not what was stored";
	if (v->header.cipher != seg->header.cipher)
		return ERR_AUTH;
	batch_aad(&v->header, aad);
	if (v->header.cipher == BATCH_CIPHER_NONE)
		return check_plain(u, v, aad);
	rc = find_key(u, s, seg);
	if (rc == ERR_KEY)
		*why = "its key is gone from both slot files";
	if (!rc)
		rc = digest_aead_open(u->aead, v->header.nonce, pieces, 2,
		    v->payload, v->header.tag, at);
	return rc;
}
