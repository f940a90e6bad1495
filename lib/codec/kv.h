/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kv - an ordered list of pairs, key and bytes: how a role is configured.
 *
 * The supervisor fills one and sends its encoding over IPC; the role decodes
 * and asks by key.  A key may come more than once: that is a list.  Limits:
 * 4,096 pairs, keys of 1 to 255 bytes without NUL, 1 MiB encoded.  Private
 * keys travel in it, so memory is wiped before it is given back.
 * The bytes are specified in doc/format-kv.md.
 */
#ifndef LIB_CODEC_KV_H
#define LIB_CODEC_KV_H

#include <stddef.h>
#include <stdint.h>

#include "lib/base/buf.h"
#include "lib/base/bytes.h"

#define KV_VERSION 1
#define KV_PAIRS_MAX 4096
#define KV_KEY_MAX 255
#define KV_BYTES_MAX ((size_t)1 << 20) /* encoded */

struct kv; /* opaque */

int kv_new(struct kv **out);
void kv_free(struct kv *kv);

/* Append a pair, copied.  ERR_LIMIT, ERR_INVAL (the key) or ERR_NOMEM. */
int kv_add_bytes(struct kv *kv, const char *key, struct bytes value);
int kv_add_str(struct kv *kv, const char *key, const char *value);
int kv_add_u64(struct kv *kv, const char *key, uint64_t value);

size_t kv_count(const struct kv *kv);

/* The index-th pair; index < kv_count.  Valid until kv changes. */
const char *kv_key_at(const struct kv *kv, size_t index);
struct bytes kv_value_at(const struct kv *kv, size_t index);

/*
 * The first pair of that key.  ERR_NOENT if there is none; ERR_FORMAT if the
 * value is not a text without NUL, or not a number.  What is handed out is
 * valid until kv changes.
 */
int kv_get_bytes(const struct kv *kv, const char *key, struct bytes *value);
int kv_get_str(const struct kv *kv, const char *key, const char **value);
int kv_get_u64(const struct kv *kv, const char *key, uint64_t *value);

/* The n-th (from 0) pair of that key: the items of a list. */
int kv_get_nth(
    const struct kv *kv, const char *key, size_t n, const char **value);

/* Append the encoding to b; b->err tells whether it found room. */
void kv_encode(const struct kv *kv, struct buf *b);

/* ERR_FORMAT, ERR_VERSION, ERR_LIMIT or ERR_NOMEM. */
int kv_decode(struct bytes in, struct kv **out);

#endif
