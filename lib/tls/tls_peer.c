/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/base/err.h"
#include "lib/tls/tls_private.h"

static const struct {
	const char *scheme;
	enum tls_identity kind;
} schemes[] = {
    {"spool:agent:", TLS_IDENTITY_AGENT},
    {"spool:spool:", TLS_IDENTITY_SPOOL},
};

/* Exactly the text that uuid_format would give: so lower case, no rest. */
static bool
parse_uuid(struct bytes text, struct uuid *id)
{
	char again[UUID_TEXT_SIZE];
	struct uuid read;

	if (uuid_parse(text, &read) || uuid_is_zero(&read) ||
	    !bytes_equal_str(text, uuid_format(&read, again)))
		return false;
	*id = read;
	return true;
}

static int
parse_uri(struct bytes uri, enum tls_identity *kind, struct uuid *id)
{
	for (size_t i = 0; i < sizeof(schemes) / sizeof(*schemes); i++) {
		size_t len = strlen(schemes[i].scheme);

		if (uri.len < len || memcmp(uri.ptr, schemes[i].scheme, len))
			continue;
		if (!parse_uuid(bytes_of(uri.ptr + len, uri.len - len), id))
			return ERR_FORMAT;
		*kind = schemes[i].kind;
		return 0;
	}
	return ERR_FORMAT;
}

/* The one URI; the result is borrowed from `names`. */
static int
find_uri(const GENERAL_NAMES *names, struct bytes *uri)
{
	struct bytes found = {NULL, 0};

	for (int i = 0; i < sk_GENERAL_NAME_num(names); i++) {
		const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, i);
		const ASN1_STRING *text;

		if (name->type != GEN_URI)
			continue;
		if (found.ptr)
			return ERR_FORMAT;
		text = name->d.uniformResourceIdentifier;
		found = bytes_of(ASN1_STRING_get0_data(text),
		    (size_t)ASN1_STRING_length(text));
		if (!found.ptr)
			return ERR_FORMAT;
	}
	if (!found.ptr)
		return ERR_NOENT;
	*uri = found;
	return 0;
}

int
tls_peer_read(X509 *cert, enum tls_identity *kind, struct uuid *id)
{
	int critical; /* -1: there is none; -2: there are several */
	GENERAL_NAMES *names =
	    X509_get_ext_d2i(cert, NID_subject_alt_name, &critical, NULL);
	struct bytes uri;
	int rc;

	if (!names)
		return critical == -1 ? ERR_NOENT : ERR_FORMAT;
	rc = find_uri(names, &uri);
	if (!rc)
		rc = parse_uri(uri, kind, id);
	GENERAL_NAMES_free(names);
	return rc;
}

int
tls_peer_identity(const struct tls *t, enum tls_identity *kind, struct uuid *id)
{
	X509 *cert = SSL_get0_peer_certificate(t->ssl);

	if (!t->is_ready)
		return ERR_STATE;
	return cert ? tls_peer_read(cert, kind, id) : ERR_NOENT;
}

int
tls_own_identity(
    const struct tls_config *config, enum tls_identity *kind, struct uuid *id)
{
	X509 *cert = config->ctx ? SSL_CTX_get0_certificate(config->ctx) : NULL;

	return cert ? tls_peer_read(cert, kind, id) : ERR_NOENT;
}

int
tls_peer_fingerprint(
    const struct tls *t, uint8_t fingerprint[static TLS_FINGERPRINT_SIZE])
{
	X509 *cert = SSL_get0_peer_certificate(t->ssl);

	if (!t->is_ready)
		return ERR_STATE;
	if (!cert)
		return ERR_NOENT;
	if (X509_digest(cert, EVP_sha256(), fingerprint, NULL) != 1)
		return ERR_NOMEM;
	return 0;
}
