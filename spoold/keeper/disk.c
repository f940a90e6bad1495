/* SPDX-License-Identifier: Apache-2.0 */
#include "spoold/keeper/disk.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include "lib/base/err.h"
#include "lib/base/failpoint.h"
#include "lib/base/log.h"
#include "lib/digest/digest.h"
#include "spoold/keeper/key_file.h"
#include "spoold/keeper/mem.h"
#include "spoold/keeper/upkeep.h"

#define EVENTS_MAX 1024
#define BLAME_SIZE (STORE_BLAME_SLOTS * 2 * sizeof(uint64_t))

struct event {
	struct event *next;
	enum store_event what;
	uint64_t from, to;
	char text[256];
};

struct disk {
	pthread_mutex_t lock;
	struct event *first, **last;
	size_t n;
};

/* ---- events ---- */

static void
on_event(void *arg, enum store_event what, const char *text, uint64_t from,
    uint64_t to)
{
	struct keeper *k = arg;
	struct disk *d = k->disk;
	struct event *e = mem_new(sizeof(*e));

	e->what = what;
	e->from = from;
	e->to = to;
	snprintf(e->text, sizeof(e->text), "%s", text ? text : "");
	pthread_mutex_lock(&d->lock);
	if (d->n < EVENTS_MAX) {
		*d->last = e;
		d->last = &e->next;
		d->n++;
		e = NULL;
	}
	pthread_mutex_unlock(&d->lock);
	free(e);
}

static void
record_alarm(struct keeper *k, enum entry_alarm_kind kind, struct event *ev)
{
	struct entry e = {.type = ENTRY_ALARM};

	e.u.alarm = (struct entry_alarm){.kind = (uint8_t)kind,
	    .from = ev->from,
	    .to = ev->to,
	    .wall_ns = keeper_now(k).wall_ns,
	    .text = bytes_of_str(ev->text)};
	keeper_entry(k, &e, NULL, NULL);
}

static void
set_aside(struct keeper *k, const struct event *ev)
{
	struct entry_quarantine q = {
	    .from = ev->from,
	    .to = ev->to,
	    .count = ev->to - ev->from,
	    .why = bytes_of_str(ev->text),
	};

	if (q.from < q.to)
		keeper_quarantine(k, &q);
	else
		keeper_alarm(k, "QUARANTINE: %s", ev->text);
}

static void
take(struct keeper *k, struct event *ev)
{
	switch (ev->what) {
	case STORE_EVENT_SEGMENT_OPENED:
		upkeep_want_spares(k->upkeep);
		log_debug("%s", ev->text);
		break;
	case STORE_EVENT_SEGMENT_SEALED:
		log_debug("%s", ev->text);
		break;
	case STORE_EVENT_SEGMENT_QUARANTINED:
		set_aside(k, ev);
		break;
	case STORE_EVENT_DISK_LIED:
		record_alarm(k, ENTRY_ALARM_DISK_LIED, ev);
		keeper_alarm(k, "DISK_LIED: %s (%llu to %llu)", ev->text,
		    (unsigned long long)ev->from, (unsigned long long)ev->to);
		break;
	case STORE_EVENT_UNCLEAN_START:
		log_info("%s", ev->text);
		break;
	case STORE_EVENT_COMMIT_FAILED: /* the writer's failure alarms */
		log_warn("%s", ev->text);
		break;
	case STORE_EVENT_KEY_SLOT_MENDED:
		keeper_alarm(k, "KEY_SLOT_MENDED: %s", ev->text);
		break;
	case STORE_EVENT_SPARE_SHORT:
		keeper_alarm(k, "SPARE_SHORT: %s", ev->text);
		break;
	case STORE_EVENT_META_REBUILT:
		keeper_alarm(k, "META_REBUILT: %s", ev->text);
		break;
	}
}

void
disk_take_events(struct keeper *k)
{
	struct disk *d = k->disk;
	struct event *ev, *next;

	pthread_mutex_lock(&d->lock);
	ev = d->first;
	d->first = NULL;
	d->last = &d->first;
	d->n = 0;
	pthread_mutex_unlock(&d->lock);
	for (; ev; ev = next) {
		next = ev->next;
		take(k, ev);
		free(ev);
	}
}

/* ---- opening ---- */

static uint64_t
quota_of(const struct settings *s)
{
	struct statvfs fs;

	if (s->quota_bytes || statvfs(s->directory, &fs))
		return s->quota_bytes;
	return (uint64_t)fs.f_blocks * fs.f_frsize / 100 * s->quota_percent;
}

static int
get_key(struct settings *s, struct store_options *o, char *why, size_t size)
{
	o->encrypt = s->encryption != SETTINGS_KEY_OFF;
	if (s->encryption == SETTINGS_KEY_BESIDE_DATA) {
		int rc = key_file_get(
		    s->directory, s->key, &o->key_is_new, why, size);

		if (rc)
			return rc;
	}
	memcpy(o->key, s->key, sizeof(o->key));
	return 0;
}

static volatile uint64_t *
map_blame(int fd)
{
	void *page;

	if (fd < 0)
		return NULL;
	page =
	    mmap(NULL, BLAME_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	return page == MAP_FAILED ? NULL : page;
}

static struct disk *
disk_new(void)
{
	struct disk *d = mem_new(sizeof(*d));

	pthread_mutex_init(&d->lock, NULL);
	d->last = &d->first;
	return d;
}

/* Crash tests turn segments over quickly; 0 leaves it to the store. */
static uint64_t
segment_bytes(void)
{
#ifdef WITH_FAILPOINTS
	const char *text = getenv("SPOOLD_SEGMENT_BYTES");

	return text ? strtoull(text, NULL, 10) : 0;
#else
	return 0;
#endif
}

int
disk_open(struct keeper *k)
{
	struct settings *s = k->settings;
	struct store_options o = {
	    .dir = s->directory,
	    .allow_any_filesystem = s->allow_any_filesystem,
	    .on_event = on_event,
	    .arg = k,
	    .blame = map_blame(k->blame_fd),
	    .bad_segments = s->bad_segment,
	    .bad_count = s->bad_segments,
	    .meta_is_bad = s->bad_meta,
	};
	struct uuid id;
	char why[512] = "";
	int rc;

	k->disk = disk_new();
	if (mkdir(s->directory, 0700) && errno != EEXIST)
		log_error("%s: %s", s->directory, strerror(errno));
	o.quota_bytes = quota_of(s);
	o.segment_bytes = segment_bytes();
	o.new_spool_id = &id;
	rc = digest_uuid(&id);
	if (!rc)
		rc = get_key(s, &o, why, sizeof(why));
	if (!rc)
		rc = store_open(&o, why, sizeof(why), &k->store);
	digest_wipe(o.key, sizeof(o.key));
	digest_wipe(s->key, sizeof(s->key));
	if (rc)
		log_error("the spool cannot be opened: %s",
		    *why ? why : err_text(rc));
	return rc;
}

void
disk_free(struct disk *d)
{
	struct event *ev;

	if (!d)
		return;
	while ((ev = d->first)) {
		d->first = ev->next;
		free(ev);
	}
	pthread_mutex_destroy(&d->lock);
	free(d);
}
