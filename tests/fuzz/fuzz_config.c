/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any text is a configuration or gives error lines; what is a configuration
 * is printed, and what is printed is the same configuration.  The first byte
 * chooses between spoold.yaml and agentlink.yaml.
 */
#include <stdlib.h>

#include "lib/base/err.h"
#include "lib/config/agentconfig.h"
#include "lib/config/config.h"

/* A value of 1 MiB in quotes can double when it is printed. */
#define PRINT_MAX ((size_t)8 << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Each line begins with the file's name and ends with LF. */
static void
check_lines(const char *why)
{
	if (!*why)
		abort();
	for (; *why; why = strchr(why, '\n') + 1) {
		if (strncmp(why, "f:", 2) != 0 || !strchr(why, '\n'))
			abort();
	}
}

/* Parse and print; false if the text is wrong. */
static bool
spoold(struct bytes text, struct buf *printed)
{
	struct config *c;
	int rc = config_parse("f", text, &c);

	if (rc == ERR_INVAL)
		check_lines(config_why(c));
	else if (rc || *config_why(c))
		abort();
	else
		config_print(c, printed);
	config_free(c);
	return rc == 0;
}

static bool
agentlink(struct bytes text, struct buf *printed)
{
	struct agentconfig *c;
	int rc = agentconfig_parse("f", text, &c);

	if (rc == ERR_INVAL)
		check_lines(agentconfig_why(c));
	else if (rc || *agentconfig_why(c))
		abort();
	else
		agentconfig_print(c, printed);
	agentconfig_free(c);
	return rc == 0;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	bool (*parse)(struct bytes text, struct buf * printed);
	struct buf first, second;

	if (size == 0)
		return 0;
	parse = data[0] == 'a' ? agentlink : spoold;
	buf_init(&first, PRINT_MAX);
	buf_init(&second, PRINT_MAX);
	if (parse(bytes_of(data + 1, size - 1), &first) &&
	    first.len <= CONFIG_FILE_MAX &&
	    (!parse(buf_bytes(&first), &second) ||
		!bytes_equal(buf_bytes(&first), buf_bytes(&second))))
		abort();
	buf_fini(&first);
	buf_fini(&second);
	return 0;
}
