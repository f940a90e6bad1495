/* SPDX-License-Identifier: Apache-2.0 */
#include "spoold/keeper/jsonput.h"

#include "lib/base/clock.h"

void
jsonput_u64(json_t *o, const char *key, uint64_t x)
{
	json_object_set_new(o, key, json_integer((json_int_t)x));
}

void
jsonput_text(json_t *o, const char *key, const char *text)
{
	json_t *j = json_string(text);

	json_object_set_new(o, key, j ? j : json_string("?"));
}

void
jsonput_text_or_null(json_t *o, const char *key, const char *text)
{
	if (*text)
		jsonput_text(o, key, text);
	else
		json_object_set_new(o, key, json_null());
}

void
jsonput_real(json_t *o, const char *key, double x)
{
	json_object_set_new(o, key, json_real(x));
}

void
jsonput_time(json_t *o, const char *key, int64_t ns)
{
	char text[CLOCK_TEXT_SIZE];

	if (ns)
		jsonput_text(o, key, clock_format(ns, text));
	else
		json_object_set_new(o, key, json_null());
}

json_t *
jsonput_stream(const struct entry_stream_key *key, size_t id,
    const char *listener, const char *peer)
{
	char origin[UUID_TEXT_SIZE], epoch[2 * UUID_SIZE + 1];
	json_t *name = json_stringn((const char *)key->name.ptr, key->name.len);

	return json_pack("{s:I, s:s, s:o, s:s, s:s, s:s}", "id", (json_int_t)id,
	    "origin", uuid_format(&key->origin, origin), "stream",
	    name ? name : json_string("?"), "epoch",
	    uuid_hex_format(&key->epoch, UUID_SIZE, epoch), "listener",
	    listener, "peer", peer);
}
