/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/bench/pem.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "lib/base/buf.h"
#include "lib/base/err.h"

#define PATH_SIZE 4096
#define PEM_MAX (1u << 20)
#define STEP 4096

static int
read_file(const char *dir, const char *name, const char *end, struct buf *b)
{
	char path[PATH_SIZE];
	ssize_t n = 1;
	int fd, rc = 0;

	snprintf(path, sizeof(path), "%s/%s%s", dir, name, end);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		rc = err_of_errno(errno);
	while (!rc && n > 0) {
		uint8_t *to = buf_reserve(b, STEP);

		n = to ? read(fd, to, STEP) : -1;
		if (n > 0)
			buf_claim(b, (size_t)n);
		if (n < 0)
			rc = b->err ? b->err : err_of_errno(errno);
	}
	if (rc)
		fprintf(stderr, "%s: %s\n", path, err_text(rc));
	if (fd >= 0)
		close(fd);
	return rc;
}

static int
load(struct buf pem[3], enum tls_config_side side, const char *protocol,
    struct tls_config **out)
{
	const struct tls_config_settings settings = {
	    .side = side,
	    .verify = TLS_CONFIG_REQUIRED,
	    .cert_pem = buf_bytes(&pem[0]),
	    .key_pem = buf_bytes(&pem[1]),
	    .ca_pem = buf_bytes(&pem[2]),
	    .protocols = {protocol},
	    .identity_required = true,
	};
	struct tls_config *c;
	int rc = tls_config_new(&c);

	if (rc)
		return rc;
	rc = tls_config_load(c, &settings);
	if (rc) {
		fprintf(stderr, "%s\n", tls_config_why(c));
		tls_config_free(c);
		return rc;
	}
	*out = c;
	return 0;
}

int
pem_load(const char *dir, const char *name, enum tls_config_side side,
    const char *protocol, struct tls_config **out)
{
	struct buf pem[3];
	int rc;

	for (int i = 0; i < 3; i++)
		buf_init(&pem[i], PEM_MAX);
	rc = read_file(dir, name, ".pem", &pem[0]);
	if (!rc)
		rc = read_file(dir, name, ".key", &pem[1]);
	if (!rc)
		rc = read_file(dir, "ca", ".pem", &pem[2]);
	if (!rc)
		rc = load(pem, side, protocol, out);
	for (int i = 0; i < 3; i++)
		buf_fini(&pem[i]);
	return rc;
}
