/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/config/agentconfig.h"

#include <stdio.h>
#include <stdlib.h>

#include "lib/base/err.h"
#include "lib/config/load.h"
#include "lib/config/man.h"
#include "lib/config/print.h"
#include "lib/config/row.h"

#define KEY_TEXT_MAX 160

static const struct schema_row top_rows[] = {
#define TOP(...) ROW(agentconfig, __VA_ARGS__)
#include "lib/config/agent.def"
};

static const struct schema_row input_rows[] = {
#define INPUT(...) ROW(agentconfig_input, __VA_ARGS__)
#include "lib/config/agent.def"
};

static const struct schema_section sections[] = {
#define SECTION(key, text) {key, text},
#include "lib/config/agent.def"
    {NULL, NULL},
};

static const struct schema_sample samples[] = {
#define SAMPLE(group, name, key, value) {group, name, key, value},
#include "lib/config/agent.def"
    {NULL, NULL, NULL, NULL},
};

static const struct schema_group top = {
    .key = "",
    .rows = top_rows,
    .row_count = sizeof(top_rows) / sizeof(top_rows[0]),
    .size = sizeof(struct agentconfig),
};

static const struct schema_group maps[] = {
    {
	.key = "inputs",
	.rows = input_rows,
	.row_count = sizeof(input_rows) / sizeof(input_rows[0]),
	.size = sizeof(struct agentconfig_input),
	.items_offset = offsetof(struct agentconfig, inputs),
	.count_offset = offsetof(struct agentconfig, input_count),
	.items_max = AGENTCONFIG_INPUTS_MAX,
    },
    {.key = NULL},
};

static const struct schema schema = {
    .top = &top,
    .maps = maps,
    .sections = sections,
    .samples = samples,
    .file = "agentlink.yaml",
    .about = "configuration of the log shipping agent",
    .install = "/etc/agentlink/agentlink.yaml",
    .program = "agentlink 1",
};

static void
complain(struct problem_list *problems, const struct agentconfig_input *in,
    const char *key, const char *wrong, const char *allowed)
{
	char path[KEY_TEXT_MAX];

	snprintf(path, sizeof(path), "inputs.%s.%s", in->item.name, key);
	problem_add(problems, schema_place_of(&maps[0], &in->item, key), path,
	    wrong, allowed, NULL);
}

static void
check_source(struct problem_list *problems, const struct agentconfig *c,
    const struct agentconfig_input *in)
{
	bool has_files = schema_is_in_file(&maps[0], &in->item, "files");

	if (has_files && in->is_stdin)
		complain(problems, in, "stdin", "set together with files",
		    "files or stdin");
	if (!has_files && !in->is_stdin &&
	    !schema_is_in_file(&maps[0], &in->item, "stdin"))
		complain(problems, in, "files", "neither files nor stdin",
		    "files: [PATTERN, ...] or stdin: true");
	else if (!has_files && !in->is_stdin)
		complain(problems, in, "stdin", "not true, and no files",
		    "files: [PATTERN, ...] or stdin: true");
	for (const struct agentconfig_input *o = c->inputs; o < in; o++) {
		if (in->is_stdin && o->is_stdin)
			complain(problems, in, "stdin",
			    "read by another input already", "one input");
	}
}

/* Two inputs in one stream would mix the order of both. */
static void
check_stream(struct problem_list *problems, const struct agentconfig *c,
    const struct agentconfig_input *in)
{
	char wrong[KEY_TEXT_MAX];

	for (const struct agentconfig_input *o = c->inputs; o < in; o++) {
		if (!in->stream || strcmp(o->stream, in->stream) != 0)
			continue;
		snprintf(wrong, sizeof(wrong), "the stream of input %s",
		    o->item.name);
		complain(problems, in, "stream", wrong, "a stream of its own");
	}
}

static int
check(void *arg, struct problem_list *problems)
{
	struct agentconfig *c = arg;

	for (size_t i = 0; i < c->input_count; i++) {
		struct agentconfig_input *in = &c->inputs[i];

		if (!in->stream)
			in->stream = strdup(in->item.name);
		if (!in->stream)
			return ERR_NOMEM;
		check_source(problems, c, in);
		check_stream(problems, c, in);
	}
	return problems->err;
}

static int
load(const struct load_input *input, struct agentconfig **out)
{
	struct agentconfig *c = calloc(1, sizeof(*c));
	int rc;

	if (!c)
		return ERR_NOMEM;
	rc = load_schema(&schema, input, check, c, &c->why);
	if (rc == ERR_NOMEM)
		agentconfig_free(c);
	else
		*out = c;
	return rc;
}

int
agentconfig_parse(const char *name, struct bytes text, struct agentconfig **out)
{
	struct load_input input = {.name = name, .text = text};

	return load(&input, out);
}

int
agentconfig_load(const char *path, struct agentconfig **out)
{
	struct load_input input = {.name = path, .is_file = true};

	return load(&input, out);
}

void
agentconfig_free(struct agentconfig *c)
{
	if (!c)
		return;
	schema_fini(&schema, c);
	free(c->why);
	free(c);
}

const char *
agentconfig_why(const struct agentconfig *c)
{
	return c->why ? c->why : "";
}

void
agentconfig_print(const struct agentconfig *c, struct buf *b)
{
	print_values(&schema, c, b);
}

void
agentconfig_sample(struct buf *b)
{
	print_sample(&schema, b);
}

void
agentconfig_man(struct buf *b)
{
	man_print(&schema, b);
}
