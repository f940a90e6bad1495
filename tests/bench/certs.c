/* SPDX-License-Identifier: Apache-2.0 */
/*
 * certs - a throw-away CA, spools and very many agents, in a second.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "lib/base/uuid.h"
#include "lib/digest/digest.h"
#include "tests/helpers/pki.h"

#define PATH_SIZE 4096
#define LIFE_S (30L * 86400)
#define EXIT_USAGE 2

static void
write_file(
    const char *dir, const char *name, const char *end, struct bytes text)
{
	char path[PATH_SIZE];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s%s", dir, name, end);
	f = fopen(path, "we");
	if (!f || fwrite(text.ptr, 1, text.len, f) != text.len || fclose(f)) {
		perror(path);
		exit(EXIT_FAILURE);
	}
}

static void
make(const char *dir, const struct pki *ca, const char *kind, const char *name)
{
	bool is_spool = !strcmp(kind, "spool");
	char uuid[UUID_TEXT_SIZE], alt[128];
	struct uuid id;

	if (digest_uuid(&id))
		exit(EXIT_FAILURE);
	snprintf(alt, sizeof(alt), "URI:spool:%s:%s%s", kind,
	    uuid_format(&id, uuid),
	    is_spool ? ",DNS:localhost,IP:127.0.0.1" : "");
	const struct pki_request request = {
	    .issuer = ca,
	    .name = name,
	    .alt = alt,
	    .usage = is_spool ? "serverAuth,clientAuth" : "clientAuth",
	    .from_s = -3600,
	    .until_s = LIFE_S,
	};
	struct pki *p = pki_new(&request);

	write_file(dir, name, ".pem", pki_cert(p));
	write_file(dir, name, ".key", pki_key(p));
	pki_free(p);
}

int
main(int argc, char **argv)
{
	const struct pki_request request = {
	    .name = "bench CA",
	    .is_authority = true,
	    .from_s = -3600,
	    .until_s = LIFE_S,
	};
	struct pki *ca;
	unsigned long agents;
	char name[32];

	if (argc < 4) {
		fputs("usage: certs DIR AGENTS SPOOL...\n", stderr);
		return EXIT_USAGE;
	}
	agents = strtoul(argv[2], NULL, 10);
	umask(S_IRWXG | S_IRWXO); /* the keys are nobody else's */
	mkdir(argv[1], 0700);
	ca = pki_new(&request);
	write_file(argv[1], "ca", ".pem", pki_cert(ca));
	for (int i = 3; i < argc; i++)
		make(argv[1], ca, "spool", argv[i]);
	for (unsigned long i = 0; i < agents; i++) {
		snprintf(name, sizeof(name), "agent-%lu", i);
		make(argv[1], ca, "agent", name);
	}
	pki_free(ca);
	return EXIT_SUCCESS;
}
