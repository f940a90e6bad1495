/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/store/slots.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/err.h"
#include "lib/base/failpoint.h"
#include "lib/digest/digest.h"
#include "lib/digest/digest_wrap.h"
#include "lib/store/fileio.h"
#include "lib/store/segfmt.h"

#define FILES 2
#define GROW 64 /* blocks added at once */
#define MAX_SLOTS (1u << 20)

static const char *const names[FILES] = {"keys.a", "keys.b"};

enum state { FREE, USED, BAD };

struct slot {
	enum state state[FILES]; /* as read; USED means MAC and CRC hold */
	struct segfmt_slot content;
};

struct slots {
	int dirfd; /* borrowed */
	int fd[FILES];
	bool missing[FILES];
	uint8_t kek[SLOTS_KEY_SIZE];
	uint8_t key_id[SLOTS_KEY_ID_SIZE];
	struct digest_mac *mac;
	struct slot *slot;
	size_t n;
};

static int
derive(const uint8_t kek[static SLOTS_KEY_SIZE], const char *what,
    uint8_t out[static DIGEST_SIZE])
{
	struct digest_mac *mac;
	int rc = digest_mac_new(bytes_of(kek, SLOTS_KEY_SIZE), &mac);

	if (rc)
		return rc;
	digest_mac_of(mac, bytes_of_str(what), out);
	digest_mac_free(mac);
	return 0;
}

int
slots_key_id(const uint8_t kek[static SLOTS_KEY_SIZE],
    uint8_t id[static SLOTS_KEY_ID_SIZE])
{
	uint8_t full[DIGEST_SIZE];
	int rc = derive(kek, "spoold key id v1", full);

	if (!rc)
		memcpy(id, full, SLOTS_KEY_ID_SIZE);
	return rc;
}

static int
mac_init(struct slots *s)
{
	uint8_t key[DIGEST_SIZE];
	int rc = derive(s->kek, "spoold key slot mac v1", key);

	if (!rc)
		rc = digest_mac_new(bytes_of(key, sizeof(key)), &s->mac);
	digest_wipe(key, sizeof(key));
	return rc;
}

static void
mac_of(const struct slots *s, const uint8_t *block, uint8_t mac[DIGEST_SIZE])
{
	digest_mac_of(s->mac, bytes_of(block, SEGFMT_SLOT_MAC_LEN), mac);
}

static enum state
judge(const struct slots *s, const uint8_t *block, struct segfmt_slot *content)
{
	uint8_t mac[DIGEST_SIZE];
	int rc = segfmt_slot_decode(bytes_of(block, SEGFMT_SLOT_SIZE), content);

	if (rc)
		return rc == ERR_NOENT ? FREE : BAD;
	mac_of(s, block, mac);
	return digest_equal(mac, content->mac, sizeof(mac)) ? USED : BAD;
}

static int
grow(struct slots *s, size_t n)
{
	struct slot *slot;

	if (n <= s->n)
		return 0;
	if (n > MAX_SLOTS)
		return ERR_LIMIT;
	slot = realloc(s->slot, n * sizeof(*slot));
	if (!slot)
		return ERR_NOMEM;
	memset(slot + s->n, 0, (n - s->n) * sizeof(*slot));
	s->slot = slot;
	s->n = n;
	return 0;
}

static int
read_slot(struct slots *s, int file, size_t i)
{
	uint8_t block[SEGFMT_SLOT_SIZE];
	struct segfmt_slot content;
	struct slot *slot = &s->slot[i];
	int rc = fileio_read(
	    s->fd[file], block, sizeof(block), (uint64_t)i * sizeof(block));

	if (rc) {
		slot->state[file] = BAD; /* an unreadable sector */
		return 0;
	}
	slot->state[file] = judge(s, block, &content);
	if (slot->state[file] == USED)
		slot->content = content;
	return 0;
}

static int
read_file(struct slots *s, int file)
{
	uint64_t size;
	size_t n;
	int rc;

	s->fd[file] =
	    openat(s->dirfd, names[file], O_RDWR | O_CLOEXEC | O_NOFOLLOW);
	if (s->fd[file] < 0) {
		s->missing[file] = true;
		return errno == ENOENT ? 0 : err_of_errno(errno);
	}
	rc = fileio_size(s->fd[file], &size);
	if (rc)
		return rc;
	n = (size_t)(size / SEGFMT_SLOT_SIZE);
	rc = grow(s, n);
	for (size_t i = 0; !rc && i < n; i++)
		rc = read_slot(s, file, i);
	return rc;
}

/* Both copies used, and of different segments: keep the one in a. */
int
slots_open(
    int dirfd, const uint8_t kek[static SLOTS_KEY_SIZE], struct slots **out)
{
	struct slots *s = calloc(1, sizeof(*s));
	int rc;

	if (!s)
		return ERR_NOMEM;
	s->dirfd = dirfd;
	s->fd[0] = s->fd[1] = -1;
	memcpy(s->kek, kek, sizeof(s->kek));
	rc = slots_key_id(kek, s->key_id);
	if (!rc)
		rc = mac_init(s);
	if (!rc)
		rc = read_file(s, 1);
	if (!rc)
		rc = read_file(s, 0);
	if (rc) {
		slots_close(s);
		return rc;
	}
	*out = s;
	return 0;
}

void
slots_close(struct slots *s)
{
	if (!s)
		return;
	for (int f = 0; f < FILES; f++)
		if (s->fd[f] >= 0)
			close(s->fd[f]);
	digest_mac_free(s->mac);
	free(s->slot);
	digest_wipe(s->kek, sizeof(s->kek));
	free(s);
}

static bool
is_used(const struct slot *slot)
{
	return slot->state[0] == USED || slot->state[1] == USED;
}

static bool
is_odd(const struct slot *slot)
{
	return is_used(slot) && slot->state[0] != slot->state[1];
}

static int
write_block(struct slots *s, int file, size_t i, const uint8_t *block)
{
	int rc = fileio_write(s->fd[file], block, SEGFMT_SLOT_SIZE,
	    (uint64_t)i * SEGFMT_SLOT_SIZE);

	return rc ? rc : fileio_sync(s->fd[file]);
}

static int
extend(struct slots *s, size_t n)
{
	static const uint8_t zeros[SEGFMT_SLOT_SIZE];

	for (int f = 0; f < FILES; f++) {
		uint64_t size;
		int rc = fileio_size(s->fd[f], &size);

		for (size_t i = (size_t)(size / SEGFMT_SLOT_SIZE); !rc && i < n;
		     i++)
			rc = fileio_write(s->fd[f], zeros, sizeof(zeros),
			    (uint64_t)i * sizeof(zeros));
		if (!rc)
			rc = fileio_sync(s->fd[f]);
		if (rc)
			return rc;
	}
	return grow(s, n);
}

static int
make_files(struct slots *s)
{
	bool made = false;

	for (int f = 0; f < FILES; f++) {
		if (s->fd[f] >= 0)
			continue;
		s->fd[f] = openat(s->dirfd, names[f],
		    O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
		if (s->fd[f] < 0)
			return err_of_errno(errno);
		s->missing[f] = false;
		made = true;
	}
	return made ? fileio_sync_dir(s->dirfd) : 0;
}

/* Write one slot to both files; a crash in between leaves a twin to mend. */
static int
store_slot(struct slots *s, size_t i, const uint8_t *block, enum state state)
{
	for (int f = 0; f < FILES; f++) {
		int rc = write_block(s, f, i, block);

		if (rc) {
			s->slot[i].state[f] = BAD;
			return rc;
		}
		s->slot[i].state[f] = state;
		if (f == 0)
			FAILPOINT("store-keys-between");
	}
	return 0;
}

int
slots_mend(struct slots *s, size_t *mended)
{
	uint8_t block[SEGFMT_SLOT_SIZE];
	int rc = make_files(s);

	*mended = 0;
	if (!rc)
		rc = extend(s, s->n ? s->n : GROW);
	for (size_t i = 0; !rc && i < s->n; i++) {
		if (!is_odd(&s->slot[i]))
			continue;
		segfmt_slot_encode(&s->slot[i].content, block);
		rc = store_slot(s, i, block, USED);
		*mended += !rc;
	}
	return rc;
}

static struct slot *
find(const struct slots *s, const struct uuid *segment)
{
	for (size_t i = 0; i < s->n; i++)
		if (is_used(&s->slot[i]) &&
		    uuid_equal(&s->slot[i].content.segment, segment))
			return &s->slot[i];
	return NULL;
}

int
slots_get(const struct slots *s, const struct uuid *segment,
    uint8_t key[static SLOTS_KEY_SIZE])
{
	const struct slot *slot = find(s, segment);

	return slot ? digest_wrap_open(s->kek, slot->content.wrapped, key)
		    : ERR_NOENT;
}

int
slots_uuid_of(const struct slots *s, uint64_t segment_id, struct uuid *segment)
{
	for (size_t i = 0; i < s->n; i++) {
		if (!is_used(&s->slot[i]) ||
		    s->slot[i].content.id != segment_id)
			continue;
		*segment = s->slot[i].content.segment;
		return 0;
	}
	return ERR_NOENT;
}

/* A place for one more key; bad blocks of another key are left alone. */
static int
find_free(struct slots *s, size_t *out)
{
	size_t i;
	int rc;

	for (i = 0; i < s->n; i++)
		if (s->slot[i].state[0] == FREE && s->slot[i].state[1] == FREE)
			break;
	if (i == s->n) {
		rc = extend(s, s->n + GROW);
		if (rc)
			return rc;
	}
	*out = i;
	return 0;
}

int
slots_add(struct slots *s, uint64_t segment_id, const struct uuid *segment,
    int64_t now_ns, uint8_t key[static SLOTS_KEY_SIZE])
{
	struct segfmt_slot c = {
	    .id = segment_id, .segment = *segment, .created_ns = now_ns};
	uint8_t block[SEGFMT_SLOT_SIZE];
	size_t i = 0;
	int rc = find_free(s, &i);

	if (!rc)
		rc = digest_random(key, SLOTS_KEY_SIZE);
	if (!rc)
		rc = digest_wrap(s->kek, key, c.wrapped);
	if (rc)
		return rc;
	memcpy(c.key_id, s->key_id, sizeof(c.key_id));
	segfmt_slot_encode(&c, block);
	mac_of(s, block, c.mac);
	segfmt_slot_encode(&c, block);
	s->slot[i].content = c;
	return store_slot(s, i, block, USED);
}

static int
erase(struct slots *s, size_t i)
{
	static const uint8_t zeros[SEGFMT_SLOT_SIZE];
	int rc = store_slot(s, i, zeros, FREE);

	if (!rc)
		digest_wipe(&s->slot[i].content, sizeof(s->slot[i].content));
	return rc;
}

int
slots_erase(struct slots *s, const struct uuid *segment)
{
	struct slot *slot = find(s, segment);

	return slot ? erase(s, (size_t)(slot - s->slot)) : 0;
}

int
slots_sweep(struct slots *s, bool (*keep)(void *arg, uint64_t id), void *arg)
{
	int rc = 0;

	for (size_t i = 0; !rc && i < s->n; i++)
		if (is_used(&s->slot[i]) && !keep(arg, s->slot[i].content.id))
			rc = erase(s, i);
	return rc;
}

uint64_t
slots_bytes(const struct slots *s)
{
	return s ? (uint64_t)s->n * SEGFMT_SLOT_SIZE * FILES : 0;
}
