/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/digest/digest.h"

#include "lib/base/err.h"
#include "lib/digest/must.h"
#include "lib/digest/openssl.h"

struct digest_mac {
	EVP_MAC_CTX *ctx;
};

int
digest_mac_new(struct bytes key, struct digest_mac **out)
{
	char name[] = "SHA2-256";
	const OSSL_PARAM params[] = {
	    OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, name, 0),
	    OSSL_PARAM_construct_end(),
	};
	static const uint8_t none[1];
	struct digest_mac *m = calloc(1, sizeof(*m));
	EVP_MAC *hmac = EVP_MAC_fetch(NULL, "HMAC", NULL);

	if (m && hmac)
		m->ctx = EVP_MAC_CTX_new(hmac);
	EVP_MAC_free(hmac);
	/* A NULL key would mean "the one from before". */
	if (!m || !m->ctx ||
	    EVP_MAC_init(m->ctx, key.ptr ? key.ptr : none, key.len, params) !=
		1) {
		digest_mac_free(m);
		return ERR_NOMEM;
	}
	*out = m;
	return 0;
}

void
digest_mac_free(struct digest_mac *m)
{
	if (m) {
		EVP_MAC_CTX_free(m->ctx);
		free(m);
	}
}

void
digest_mac_of(
    struct digest_mac *m, struct bytes x, uint8_t mac[static DIGEST_SIZE])
{
	must(EVP_MAC_init(m->ctx, NULL, 0, NULL));
	must(EVP_MAC_update(m->ctx, x.ptr, x.len));
	must(EVP_MAC_final(m->ctx, mac, NULL, DIGEST_SIZE));
}
