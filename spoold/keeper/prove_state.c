/* SPDX-License-Identifier: Apache-2.0 */
/* The live state, copied: prove counts while it moves on. */
#include <stdlib.h>
#include <string.h>

#include "spoold/keeper/mem.h"
#include "spoold/keeper/prove.h"

static bool
is_stream(const struct htable_node *node, const void *key)
{
	return streams_key_equal(
	    &((const struct prove_stream *)node)->key, key);
}

struct prove_stream *
prove_state_find(
    const struct prove_state *s, const struct entry_stream_key *key)
{
	return (struct prove_stream *)htable_find(
	    &s->by_key, streams_key_hash(s->by_key.seed, key), is_stream, key);
}

/* Three strings a stream, with their ends. */
static size_t
names_size(const struct streams *live)
{
	const struct stream *st = NULL;
	size_t size = 0;

	while ((st = streams_next(live, st)))
		size += st->key.name.len + strlen(st->listener) +
		    strlen(st->peer) + 3;
	return size;
}

static char *
put(char **at, struct bytes text)
{
	char *here = *at;

	if (text.len)
		memcpy(here, text.ptr, text.len);
	here[text.len] = '\0';
	*at += text.len + 1;
	return here;
}

static void
copy_streams(struct prove_state *to, const struct streams *live)
{
	const struct stream *st = NULL;
	struct prove_stream *p;
	char *at;

	to->stream = mem_new(streams_count(live) * sizeof(*to->stream) + 1);
	to->names = at = mem_new(names_size(live) + 1);
	while ((st = streams_next(live, st))) {
		p = &to->stream[to->streams++];
		p->key = st->key;
		p->key.name =
		    bytes_of(put(&at, st->key.name), st->key.name.len);
		p->listener = put(&at, bytes_of_str(st->listener));
		p->peer = put(&at, bytes_of_str(st->peer));
		p->live = st->counts;
		htable_add(&to->by_key, &p->node, st->node.hash);
	}
}

void
prove_state_copy(struct prove_state *to, const struct prove_live *live)
{
	const struct counters *counters = live->counters;
	struct entry e;
	size_t i;

	*to = (struct prove_state){
	    .next_number = live->next_number, .next_rec = live->next_rec};
	for (i = 0; i < counters->n; i++)
		*counters_of(&to->counters,
		    bytes_of_str(counters->row[i].name)) = counters->row[i];
	for (i = 0; i < live->cursors->n; i++) {
		e = cursors_entry(live->cursors->target[i]);
		cursors_apply(&to->cursors, &e);
	}
	htable_init(&to->by_key, live->streams->by_key.seed);
	copy_streams(to, live->streams);
}

void
prove_state_fini(struct prove_state *s)
{
	counters_fini(&s->counters);
	cursors_fini(&s->cursors);
	htable_fini(&s->by_key);
	free(s->stream);
	free(s->names);
}
