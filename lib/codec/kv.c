/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/codec/kv.h"

#include <stdlib.h>

#include "lib/base/err.h"
#include "lib/codec/cursor.h"

struct pair {
	char *key;
	uint8_t *value; /* a NUL follows that does not count */
	size_t len;
};

struct kv {
	struct pair *pairs;
	size_t count;
	size_t size; /* of the pairs as they are encoded */
};

int
kv_new(struct kv **out)
{
	struct kv *kv = calloc(1, sizeof(*kv));

	if (!kv)
		return ERR_NOMEM;
	*out = kv;
	return 0;
}

void
kv_free(struct kv *kv)
{
	if (!kv)
		return;
	for (size_t i = 0; i < kv->count; i++) {
		explicit_bzero(kv->pairs[i].value, kv->pairs[i].len);
		free(kv->pairs[i].value);
		free(kv->pairs[i].key);
	}
	free(kv->pairs);
	free(kv);
}

static size_t
encoded_size(size_t len)
{
	return cursor_varint_size(len) + len;
}

/* Room for one more pair, and for its bytes within the limit. */
static int
make_room(struct kv *kv, size_t key_len, size_t value_len)
{
	size_t head = 1 + cursor_varint_size(kv->count + 1);
	struct pair *grown;

	if (kv->count == KV_PAIRS_MAX || value_len > KV_BYTES_MAX ||
	    head + kv->size + encoded_size(key_len) + encoded_size(value_len) >
		KV_BYTES_MAX)
		return ERR_LIMIT;
	if (kv->count % 32 == 0) {
		grown = reallocarray(kv->pairs, kv->count + 32, sizeof(*grown));
		if (!grown)
			return ERR_NOMEM;
		kv->pairs = grown;
	}
	return 0;
}

static bool
is_key(struct bytes key)
{
	return key.len >= 1 && key.len <= KV_KEY_MAX &&
	    !memchr(key.ptr, '\0', key.len);
}

static int
add(struct kv *kv, struct bytes key, struct bytes value)
{
	struct pair pair = {.len = value.len};
	int rc;

	if (!is_key(key))
		return ERR_INVAL;
	rc = make_room(kv, key.len, value.len);
	if (rc)
		return rc;
	pair.key = strndup((const char *)key.ptr, key.len);
	pair.value = malloc(value.len + 1);
	if (!pair.key || !pair.value) {
		free(pair.key);
		free(pair.value);
		return ERR_NOMEM;
	}
	if (value.len)
		memcpy(pair.value, value.ptr, value.len);
	pair.value[value.len] = '\0';
	kv->pairs[kv->count++] = pair;
	kv->size += encoded_size(key.len) + encoded_size(value.len);
	return 0;
}

int
kv_add_bytes(struct kv *kv, const char *key, struct bytes value)
{
	return add(kv, bytes_of_str(key), value);
}

int
kv_add_str(struct kv *kv, const char *key, const char *value)
{
	return add(kv, bytes_of_str(key), bytes_of_str(value));
}

int
kv_add_u64(struct kv *kv, const char *key, uint64_t value)
{
	uint8_t varint[CURSOR_VARINT_MAX];
	size_t len = cursor_varint_at(varint, value);

	return add(kv, bytes_of_str(key), bytes_of(varint, len));
}

size_t
kv_count(const struct kv *kv)
{
	return kv->count;
}

const char *
kv_key_at(const struct kv *kv, size_t index)
{
	return kv->pairs[index].key;
}

struct bytes
kv_value_at(const struct kv *kv, size_t index)
{
	return bytes_of(kv->pairs[index].value, kv->pairs[index].len);
}

static int
find(const struct kv *kv, const char *key, size_t n, struct bytes *value)
{
	for (size_t i = 0; i < kv->count; i++) {
		if (strcmp(kv->pairs[i].key, key) != 0 || n-- > 0)
			continue;
		*value = kv_value_at(kv, i);
		return 0;
	}
	return ERR_NOENT;
}

int
kv_get_bytes(const struct kv *kv, const char *key, struct bytes *value)
{
	return find(kv, key, 0, value);
}

int
kv_get_nth(const struct kv *kv, const char *key, size_t n, const char **value)
{
	struct bytes text;
	int rc = find(kv, key, n, &text);

	if (rc)
		return rc;
	if (memchr(text.ptr, '\0', text.len))
		return ERR_FORMAT;
	*value = (const char *)text.ptr;
	return 0;
}

int
kv_get_str(const struct kv *kv, const char *key, const char **value)
{
	return kv_get_nth(kv, key, 0, value);
}

int
kv_get_u64(const struct kv *kv, const char *key, uint64_t *value)
{
	struct bytes varint;
	struct cursor c;
	uint64_t x;
	int rc = find(kv, key, 0, &varint);

	if (rc)
		return rc;
	cursor_init(&c, varint);
	x = cursor_varint(&c);
	rc = cursor_end(&c);
	if (rc)
		return rc;
	*value = x;
	return 0;
}

void
kv_encode(const struct kv *kv, struct buf *b)
{
	cursor_put_u8(b, KV_VERSION);
	cursor_put_varint(b, kv->count);
	for (size_t i = 0; i < kv->count; i++) {
		cursor_put_string(b, bytes_of_str(kv->pairs[i].key));
		cursor_put_string(b, kv_value_at(kv, i));
	}
}

static int
decode_pairs(struct cursor *c, struct kv *kv)
{
	uint64_t count = cursor_varint(c);
	int rc = 0;

	if (!cursor_err(c) && count > KV_PAIRS_MAX)
		return ERR_LIMIT;
	for (uint64_t i = 0; i < count && !rc; i++) {
		struct bytes key = cursor_string(c, KV_KEY_MAX);
		struct bytes value = cursor_string(c, KV_BYTES_MAX);

		rc = cursor_err(c);
		if (!rc)
			rc = add(kv, key, value);
	}
	if (rc == ERR_INVAL)
		return ERR_FORMAT;
	return rc ? rc : cursor_end(c);
}

int
kv_decode(struct bytes in, struct kv **out)
{
	struct kv *kv;
	struct cursor c;
	uint8_t version;
	int rc;

	if (in.len > KV_BYTES_MAX)
		return ERR_LIMIT;
	cursor_init(&c, in);
	version = cursor_u8(&c);
	if (cursor_err(&c))
		return cursor_err(&c);
	if (version != KV_VERSION)
		return ERR_VERSION;
	rc = kv_new(&kv);
	if (rc)
		return rc;
	rc = decode_pairs(&c, kv);
	if (rc)
		kv_free(kv);
	else
		*out = kv;
	return rc;
}
