/* SPDX-License-Identifier: Apache-2.0 */
#include "agentlink/agentlink_material.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "config.h"

#include "lib/base/buf.h"
#include "lib/base/err.h"
#include "lib/base/uuid.h"
#include "lib/codec/agentlink_msg.h"
#include "lib/digest/digest.h"
#include "lib/tls/tls.h"

#define PEM_MAX ((size_t)1 << 20)

static int
read_file(const char *path, struct buf *b, char *why, size_t why_size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : 1;
	while (n > 0) {
		uint8_t *to = buf_reserve(b, 16384);
		n = to ? read(fd, to, 16384) : -1;
		if (n > 0)
			buf_claim(b, (size_t)n);
	}
	int rc = n < 0 ? err_of_errno(errno) : 0;
	if (b->err)
		rc = b->err;
	if (rc)
		snprintf(why, why_size, "%s: %s", path,
		    b->err ? err_text(b->err) : strerror(errno));
	if (fd >= 0)
		close(fd);
	return rc;
}

static int
load_config(
    struct buf pem[3], char *why, size_t why_size, struct tls_config **tls)
{
	struct tls_config *c;
	int rc = tls_config_new(&c);
	if (rc)
		return rc;
	const struct tls_config_settings settings = {
	    .side = TLS_CONFIG_CLIENT,
	    .verify = TLS_CONFIG_REQUIRED,
	    .cert_pem = buf_bytes(&pem[0]),
	    .key_pem = buf_bytes(&pem[1]),
	    .ca_pem = buf_bytes(&pem[2]),
	    .protocols = {AGENTLINK_ALPN},
	    .identity_required = true,
	};
	rc = tls_config_load(c, &settings);
	if (rc) {
		snprintf(why, why_size, "%s", tls_config_why(c));
		tls_config_free(c);
		return rc;
	}
	*tls = c;
	return 0;
}

static int
own_identity(const struct tls_config *tls, const char *certificate,
    struct agentlink_settings *settings, char *why, size_t why_size)
{
	enum tls_identity kind;
	struct uuid id;
	int rc = tls_own_identity(tls, &kind, &id);
	if (!rc && kind != TLS_IDENTITY_AGENT)
		rc = ERR_FORMAT;
	if (rc) {
		snprintf(why, why_size,
		    "%s: the certificate's only URI must be spool:agent:UUID",
		    certificate);
		return ERR_INVAL;
	}
	memcpy(settings->agent, id.byte, sizeof(settings->agent));
	return 0;
}

static void
machine(struct agentlink_settings *settings)
{
	static struct utsname uts;
	settings->software = PACKAGE_NAME " agentlink " PACKAGE_VERSION;
	if (!uname(&uts))
		settings->host = uts.nodename;
}

int
agentlink_material_load(const char *certificate, const char *key,
    const char *ca, struct agentlink_settings *settings, char *why,
    size_t why_size, struct tls_config **tls)
{
	const char *path[3] = {certificate, key, ca};
	struct buf pem[3];
	int rc = 0;
	for (int i = 0; i < 3; i++)
		buf_init(&pem[i], PEM_MAX);
	for (int i = 0; !rc && i < 3; i++)
		rc = read_file(path[i], &pem[i], why, why_size);
	struct tls_config *loaded = NULL;
	if (!rc)
		rc = load_config(pem, why, why_size, &loaded);
	if (!rc)
		rc = own_identity(loaded, certificate, settings, why, why_size);
	digest_wipe(pem[1].mem, pem[1].mem ? pem[1].cap : 0);
	for (int i = 0; i < 3; i++)
		buf_fini(&pem[i]);
	if (rc) {
		tls_config_free(loaded);
		return rc;
	}
	machine(settings);
	*tls = loaded;
	return 0;
}
