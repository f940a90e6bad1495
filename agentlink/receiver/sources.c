/* SPDX-License-Identifier: Apache-2.0 */
#include "agentlink/receiver/sources.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/crc32c.h"
#include "lib/base/err.h"

#define BUCKETS 4096u
#define HOST_SIZE 64
#define FORGET_MS 60000u

struct source {
	struct source *next;
	char host[HOST_SIZE];
	uint32_t open;
	uint64_t milli_tokens; /* a connection costs 1,000 */
	uint64_t seen_ms;
};

struct sources {
	struct source *bucket[BUCKETS];
	uint32_t n;
};

int
sources_new(struct sources **out)
{
	struct sources *s = calloc(1, sizeof(*s));

	if (!s)
		return ERR_NOMEM;
	*out = s;
	return 0;
}

void
sources_free(struct sources *s)
{
	if (!s)
		return;
	for (uint32_t i = 0; i < BUCKETS; i++)
		while (s->bucket[i]) {
			struct source *x = s->bucket[i];

			s->bucket[i] = x->next;
			free(x);
		}
	free(s);
}

static struct source **
find(struct sources *s, const char *host)
{
	uint32_t h = crc32c(0, host, strlen(host)) % BUCKETS;
	struct source **p = &s->bucket[h];

	while (*p && strcmp((*p)->host, host))
		p = &(*p)->next;
	return p;
}

static int
add(struct sources *s, struct source **place, const char *host, uint32_t rate,
    uint64_t now_ms)
{
	struct source *x;

	if (s->n >= SOURCES_MAX || strlen(host) >= HOST_SIZE)
		return ERR_LIMIT;
	x = calloc(1, sizeof(*x));
	if (!x)
		return ERR_NOMEM;
	memcpy(x->host, host, strlen(host) + 1);
	x->milli_tokens = (uint64_t)rate * 1000;
	x->seen_ms = now_ms;
	x->next = *place;
	*place = x;
	s->n++;
	return 0;
}

int
sources_open(struct sources *s, const char *host, uint32_t max_open,
    uint32_t rate, uint32_t sharers, uint64_t now_ms)
{
	struct source **place = find(s, host);
	struct source *x;
	uint64_t full = (uint64_t)rate * 1000, gain;
	int rc;

	if (!*place) {
		rc = add(s, place, host, rate, now_ms);
		if (rc)
			return rc;
	}
	x = *place;
	/* One token a second and unit of rate is one a millisecond here. */
	gain = (now_ms - x->seen_ms) * rate / sharers;
	x->milli_tokens += gain;
	if (x->milli_tokens > full)
		x->milli_tokens = full;
	if (gain)
		x->seen_ms = now_ms;
	if (x->open >= max_open || x->milli_tokens < 1000)
		return ERR_LIMIT;
	x->milli_tokens -= 1000;
	x->open++;
	return 0;
}

void
sources_close(struct sources *s, const char *host)
{
	struct source *x = *find(s, host);

	if (x && x->open)
		x->open--;
}

void
sources_tidy(struct sources *s, uint64_t now_ms)
{
	for (uint32_t i = 0; i < BUCKETS; i++) {
		struct source **p = &s->bucket[i];

		while (*p) {
			struct source *x = *p;

			if (x->open || now_ms - x->seen_ms < FORGET_MS) {
				p = &x->next;
				continue;
			}
			*p = x->next;
			free(x);
			s->n--;
		}
	}
}
