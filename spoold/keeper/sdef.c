/* SPDX-License-Identifier: Apache-2.0 */
#include "spoold/keeper/sdef.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "spoold/keeper/mem.h"
#include "spoold/keeper/streams.h"

/* Copy x to *at, and move on. */
static struct bytes
place(uint8_t **at, struct bytes x)
{
	struct bytes copy = bytes_of(*at, x.len);

	if (x.len)
		memcpy(*at, x.ptr, x.len);
	*at += x.len;
	return copy;
}

struct sdef *
sdef_new(const struct entry_stream_key *key, struct bytes listener,
    struct bytes peer, struct bytes identity, struct bytes path)
{
	size_t extra =
	    key->name.len + listener.len + peer.len + identity.len + path.len;
	struct sdef *d = mem_new(sizeof(*d) + extra);
	uint8_t *at = (uint8_t *)(d + 1);

	atomic_init(&d->refs, 1);
	d->key = *key;
	d->key.name = place(&at, key->name);
	d->listener = place(&at, listener);
	d->peer = place(&at, peer);
	d->identity = place(&at, identity);
	d->path = place(&at, path);
	return d;
}

struct sdef *
sdef_ref(struct sdef *d)
{
	atomic_fetch_add_explicit(&d->refs, 1, memory_order_relaxed);
	return d;
}

void
sdef_unref(struct sdef *d)
{
	if (d &&
	    atomic_fetch_sub_explicit(&d->refs, 1, memory_order_acq_rel) == 1)
		free(d);
}

bool
sdef_equal(const struct sdef *a, const struct sdef *b)
{
	return streams_key_equal(&a->key, &b->key) &&
	    bytes_equal(a->listener, b->listener) &&
	    bytes_equal(a->peer, b->peer) &&
	    bytes_equal(a->identity, b->identity) &&
	    bytes_equal(a->path, b->path);
}

uint64_t
sdef_hash(const struct sdef *d, uint64_t seed)
{
	uint64_t h = streams_key_hash(seed, &d->key);

	h = htable_hash(h, d->listener);
	h = htable_hash(h, d->peer);
	h = htable_hash(h, d->identity);
	return htable_hash(h, d->path);
}

struct entry
sdef_entry(const struct sdef *d, uint32_t ref)
{
	struct entry e = {.type = ENTRY_STREAM_DEF};

	e.u.stream_def = (struct entry_stream_def){
	    .ref = ref,
	    .key = d->key,
	    .listener = d->listener,
	    .peer = d->peer,
	    .identity = d->identity,
	    .path = d->path,
	};
	return e;
}
