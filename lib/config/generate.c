/* SPDX-License-Identifier: Apache-2.0 */
/*
 * generate - write what is made from the settings tables to standard output:
 * etc/spoold.yaml, etc/agentlink.yaml and their manual pages.  Not installed;
 * `make update-config` runs it.
 */
#include <stdio.h>

#include "lib/config/agentconfig.h"
#include "lib/config/config.h"

#define TEXT_MAX ((size_t)1 << 20)

static const struct {
	const char *name;
	void (*write)(struct buf *b);
} texts[] = {
    {"spoold.yaml", config_sample},
    {"spoold.yaml.5", config_man},
    {"agentlink.yaml", agentconfig_sample},
    {"agentlink.yaml.5", agentconfig_man},
};

int
main(int argc, char **argv)
{
	struct buf b;
	int rc = 2;

	buf_init(&b, TEXT_MAX);
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		if (argc != 2 || strcmp(argv[1], texts[i].name) != 0)
			continue;
		texts[i].write(&b);
		rc = b.err || fwrite(buf_ptr(&b), 1, b.len, stdout) != b.len;
	}
	if (rc == 2)
		fprintf(stderr, "usage: generate FILE\n");
	buf_fini(&b);
	return rc ? rc : fflush(stdout) != 0;
}
