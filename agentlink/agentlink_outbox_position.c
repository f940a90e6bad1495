/* SPDX-License-Identifier: Apache-2.0 */
#include "agentlink/agentlink_outbox_state.h"

#include <stdlib.h>

#include "lib/base/err.h"

static struct bytes
key_of(const struct agentlink_outbox_position *p)
{
	return bytes_of(p->mem, p->key_len);
}

static struct agentlink_outbox_position *
find(const struct agentlink_outbox *o, struct bytes key)
{
	/* The one that was used last is the likeliest: from the end. */
	for (size_t i = o->positions; i > 0; i--)
		if (bytes_equal(key_of(&o->position[i - 1]), key))
			return &o->position[i - 1];
	return NULL;
}

static int
set_value(
    struct agentlink_outbox_position *p, struct bytes key, struct bytes value)
{
	uint8_t *mem = malloc(key.len + value.len + 1);
	if (!mem)
		return ERR_NOMEM;
	memcpy(mem, key.ptr, key.len);
	memcpy(mem + key.len, value.ptr, value.len);
	free(p->mem);
	*p = (struct agentlink_outbox_position){
	    .mem = mem, .key_len = key.len, .value_len = value.len};
	return 0;
}

static int
append(struct agentlink_outbox *o, struct bytes key, struct bytes value)
{
	if (o->positions == o->positions_cap) {
		size_t cap = o->positions_cap ? 2 * o->positions_cap : 16;
		struct agentlink_outbox_position *all =
		    realloc(o->position, cap * sizeof(*all));
		if (!all)
			return ERR_NOMEM;
		o->position = all;
		o->positions_cap = cap;
	}
	o->position[o->positions] = (struct agentlink_outbox_position){0};
	int rc = set_value(&o->position[o->positions], key, value);
	if (!rc)
		o->positions++;
	return rc;
}

int
agentlink_outbox_position_set(
    struct agentlink_outbox *o, struct bytes key, struct bytes value)
{
	struct agentlink_outbox_position *p = find(o, key);
	if (p && !value.len) {
		free(p->mem);
		*p = o->position[--o->positions];
		return 0;
	}
	if (p)
		return set_value(p, key, value);
	return value.len ? append(o, key, value) : 0;
}

int
agentlink_outbox_find(
    const struct agentlink_outbox *o, struct bytes key, struct bytes *value)
{
	const struct agentlink_outbox_position *p = find(o, key);
	if (!p)
		return ERR_NOENT;
	*value = bytes_of(p->mem + p->key_len, p->value_len);
	return 0;
}

int
agentlink_outbox_position_at(const struct agentlink_outbox *o, size_t i,
    struct bytes *key, struct bytes *value)
{
	if (i >= o->positions)
		return ERR_NOENT;
	const struct agentlink_outbox_position *p = &o->position[i];
	*key = key_of(p);
	*value = bytes_of(p->mem + p->key_len, p->value_len);
	return 0;
}

void
agentlink_outbox_position_free_all(struct agentlink_outbox *o)
{
	for (size_t i = 0; i < o->positions; i++)
		free(o->position[i].mem);
	free(o->position);
	o->position = NULL;
	o->positions = o->positions_cap = 0;
}
