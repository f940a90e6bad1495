/* SPDX-License-Identifier: Apache-2.0 */
/*
 * agentconfig - the file `agentlink run` reads, checked and typed.
 *
 * The table is agent.def; all else is as in config.h.
 */
#ifndef LIB_CONFIG_AGENTCONFIG_H
#define LIB_CONFIG_AGENTCONFIG_H

#include <stddef.h>

#include "lib/base/buf.h"
#include "lib/base/bytes.h"
#include "lib/config/schema.h"
#include "lib/config/value.h"

#define AGENTCONFIG_INPUTS_MAX 1024 /* open streams of an agent */

struct agentconfig_input {
	struct schema_item item; /* item.name is its name */
#define INPUT(kind, field, ...) VALUE_TYPE_##kind field;
#include "lib/config/agent.def"
};

struct agentconfig {
	struct schema_item item;
	size_t input_count;
	struct agentconfig_input *inputs; /* in the order of the file */
	char *why;
#define TOP(kind, field, ...) VALUE_TYPE_##kind field;
#include "lib/config/agent.def"
};

/* As config_parse: *out is the caller's also when ERR_INVAL is returned. */
int agentconfig_parse(
    const char *name, struct bytes text, struct agentconfig **out);
int agentconfig_load(const char *path, struct agentconfig **out);
void agentconfig_free(struct agentconfig *c);

/* All error lines, sorted, each with its LF; "" if there is none. */
const char *agentconfig_why(const struct agentconfig *c);

void agentconfig_print(const struct agentconfig *c, struct buf *b);
void agentconfig_sample(struct buf *b);
void agentconfig_man(struct buf *b);

#endif
