/* SPDX-License-Identifier: Apache-2.0 */
/* What of a target's configuration is the pump's own. */
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

#include "forwarder/pump_internal.h"
#include "lib/base/err.h"

void
pump_settings_free(struct target_host *h)
{
	for (size_t i = 0; i < h->n_patterns; i++)
		free(h->patterns[i]);
	h->n_patterns = 0;
}

int
pump_settings_take(struct target_host *h, const struct kv *kv)
{
	uint64_t bandwidth = 0, retry_max = 30000;
	const char *pattern;

	kv_get_u64(kv, "bandwidth", &bandwidth);
	kv_get_u64(kv, "retry_max", &retry_max);
	pace_set(&h->pace, bandwidth, loop_now_ms(h->loop));
	backoff_init(&h->backoff, (uint32_t)retry_max);
	pump_settings_free(h);
	while (!kv_get_nth(kv, "streams", h->n_patterns, &pattern)) {
		if (h->n_patterns == PUMP_PATTERNS_MAX)
			return ERR_LIMIT;
		h->patterns[h->n_patterns] = strdup(pattern);
		if (!h->patterns[h->n_patterns])
			return ERR_NOMEM;
		h->n_patterns++;
	}
	return 0;
}

bool
pump_settings_wants(const struct target_host *h, struct bytes stream)
{
	char name[ENTRY_STREAM_MAX + 1];

	if (!h->n_patterns)
		return true;
	if (stream.len > ENTRY_STREAM_MAX)
		return false;
	memcpy(name, stream.ptr, stream.len);
	name[stream.len] = '\0';
	for (size_t i = 0; i < h->n_patterns; i++)
		if (!fnmatch(h->patterns[i], name, 0))
			return true;
	return false;
}

/* What of the configuration is about the target itself. */
void
pump_settings_digest(
    struct target_host *h, const struct kv *kv, uint8_t out[static DIGEST_SIZE])
{
	digest_sha256_start(h->sha);
	for (size_t i = 0; i < kv_count(kv); i++) {
		const char *key = kv_key_at(kv, i);
		struct bytes value = kv_value_at(kv, i);
		uint64_t len = value.len;

		if (!strncmp(key, "log.", 4) || !strncmp(key, "limits.", 7))
			continue;
		digest_sha256_add(h->sha, key, strlen(key) + 1);
		digest_sha256_add(h->sha, &len, sizeof(len));
		digest_sha256_add(h->sha, value.ptr, value.len);
	}
	digest_sha256_finish(h->sha, out);
}
