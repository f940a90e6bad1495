/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/config/config.h"

#include <stdlib.h>

#include "lib/base/err.h"
#include "lib/config/check.h"
#include "lib/config/load.h"
#include "lib/config/man.h"
#include "lib/config/print.h"
#include "lib/config/row.h"

static const struct schema_row top_rows[] = {
#define TOP(...) ROW(config, __VA_ARGS__)
#include "lib/config/settings.def"
};

static const struct schema_row listener_rows[] = {
#define LISTENER(...) ROW(config_listener, __VA_ARGS__)
#include "lib/config/settings.def"
};

static const struct schema_row target_rows[] = {
#define TARGET(...) ROW(config_target, __VA_ARGS__)
#include "lib/config/settings.def"
};

static const char *const later_listener[] = {
#define LATER_LISTENER(key) key,
#include "lib/config/settings.def"
    NULL,
};

static const char *const later_target[] = {
#define LATER_TARGET(key) key,
#include "lib/config/settings.def"
    NULL,
};

static const struct schema_section sections[] = {
#define SECTION(key, text) {key, text},
#include "lib/config/settings.def"
    {NULL, NULL},
};

static const struct schema_sample samples[] = {
#define SAMPLE(group, name, key, value) {group, name, key, value},
#include "lib/config/settings.def"
    {NULL, NULL, NULL, NULL},
};

static const struct schema_group top = {
    .key = "",
    .rows = top_rows,
    .row_count = sizeof(top_rows) / sizeof(top_rows[0]),
    .size = sizeof(struct config),
};

static const struct schema_group maps[] = {
    {
	.key = "listeners",
	.rows = listener_rows,
	.row_count = sizeof(listener_rows) / sizeof(listener_rows[0]),
	.later = later_listener,
	.size = sizeof(struct config_listener),
	.items_offset = offsetof(struct config, listeners),
	.count_offset = offsetof(struct config, listener_count),
	.items_max = CONFIG_ITEMS_MAX,
    },
    {
	.key = "targets",
	.rows = target_rows,
	.row_count = sizeof(target_rows) / sizeof(target_rows[0]),
	.later = later_target,
	.size = sizeof(struct config_target),
	.items_offset = offsetof(struct config, targets),
	.count_offset = offsetof(struct config, target_count),
	.items_max = CONFIG_ITEMS_MAX,
    },
    {.key = NULL},
};

static const struct schema schema = {
    .top = &top,
    .maps = maps,
    .sections = sections,
    .samples = samples,
    .file = "spoold.yaml",
    .about = "configuration of the log spool daemon",
    .install = "/etc/spoold/spoold.yaml",
    .program = "spoold 8",
};

const struct schema *
config_schema(void)
{
	return &schema;
}

static int
check(void *c, struct problem_list *problems)
{
	return check_config(c, problems);
}

static int
load(const struct load_input *input, struct config **out)
{
	struct config *c = calloc(1, sizeof(*c));
	int rc;

	if (!c)
		return ERR_NOMEM;
	c->file = strdup(input->name);
	rc = c->file ? load_schema(&schema, input, check, c, &c->why)
		     : ERR_NOMEM;
	if (rc == ERR_NOMEM)
		config_free(c);
	else
		*out = c;
	return rc;
}

int
config_parse(const char *name, struct bytes text, struct config **out)
{
	struct load_input input = {.name = name, .text = text};

	return load(&input, out);
}

int
config_load(const char *path, struct config **out)
{
	struct load_input input = {.name = path, .is_file = true};

	return load(&input, out);
}

void
config_free(struct config *c)
{
	if (!c)
		return;
	schema_fini(&schema, c);
	free(c->file);
	free(c->why);
	free(c);
}

const char *
config_why(const struct config *c)
{
	return c->why ? c->why : "";
}

void
config_print(const struct config *c, struct buf *b)
{
	print_values(&schema, c, b);
}

void
config_sample(struct buf *b)
{
	print_sample(&schema, b);
}

void
config_man(struct buf *b)
{
	man_print(&schema, b);
}

int
config_quota_bytes(
    const struct config *c, uint64_t total_bytes, uint64_t *bytes)
{
	uint64_t quota = c->spool_quota.bytes;

	if (c->spool_quota.percent)
		quota = total_bytes / 100 * c->spool_quota.percent;
	if (quota < CONFIG_QUOTA_MIN)
		return ERR_RANGE;
	*bytes = quota;
	return 0;
}
