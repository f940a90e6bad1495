/* SPDX-License-Identifier: Apache-2.0 */
#include "agentlink/agent/watch.h"

#include <errno.h>
#include <limits.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/inotify.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "lib/base/err.h"

#define NAMES (IN_CREATE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE | IN_ATTRIB)
#define LOST (IN_Q_OVERFLOW | IN_IGNORED | IN_DELETE_SELF | IN_MOVE_SELF)
#define READ_SIZE (16 * (sizeof(struct inotify_event) + NAME_MAX + 1))

struct watch {
	int fd;
	struct loop_poll *poll;
	void (*on_change)(void *arg);
	void *arg;
};

static void
on_readable(unsigned events, void *arg)
{
	struct watch *w = arg;
	(void)events;
	loop_poll_set(w->poll, 0); /* until watch_take */
	w->on_change(w->arg);
}

int
watch_new(struct loop *loop, void (*on_change)(void *arg), void *arg,
    struct watch **out)
{
	struct watch *w = calloc(1, sizeof(*w));
	if (!w)
		return ERR_NOMEM;
	w->on_change = on_change;
	w->arg = arg;
	w->fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	int rc = w->fd < 0 ? err_of_errno(errno) : 0;
	if (!rc)
		rc = loop_poll_new(loop, w->fd, on_readable, w, &w->poll);
	if (!rc)
		rc = loop_poll_set(w->poll, LOOP_READABLE);
	if (rc) {
		watch_free(w);
		return rc;
	}
	*out = w;
	return 0;
}

void
watch_free(struct watch *w)
{
	if (!w)
		return;
	loop_poll_free(w->poll);
	if (w->fd >= 0)
		close(w->fd);
	free(w);
}

/* File systems that others can write to behind this kernel's back. */
static bool
is_network(const char *dir)
{
	static const uint32_t kinds[] = {
	    0x6969, /* NFS */
	    0x517b, 0xff534d42, 0xfe534d42, /* SMB, CIFS, SMB2 */
	    0x65735546, /* FUSE */
	    0x00c36400, /* Ceph */
	    0x01021997, /* 9P */
	    0x5346414f, 0x6b414653, /* AFS */
	    0x0bd00bd0, /* Lustre */
	    0x01161970, 0x7461636f, /* GFS2, OCFS2 */
	};
	struct statfs st;
	if (statfs(dir, &st))
		return true; /* not known: look for oneself */
	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++)
		if ((uint32_t)st.f_type == kinds[i])
			return true;
	return false;
}

bool
watch_add(struct watch *w, const char *dir)
{
	return w &&
	    inotify_add_watch(w->fd, dir,
		NAMES | IN_MODIFY | IN_DELETE_SELF | IN_MOVE_SELF |
		    IN_ONLYDIR) >= 0 &&
	    !is_network(dir);
}

bool
watch_take(struct watch *w)
{
	char mem[READ_SIZE]
	    __attribute__((aligned(__alignof__(struct inotify_event))));
	bool has_names = false;
	if (!w)
		return false;
	for (ssize_t n; (n = read(w->fd, mem, sizeof(mem))) > 0;)
		for (const char *p = mem; p < mem + n;) {
			const struct inotify_event *e = (const void *)p;
			has_names |= (e->mask & (NAMES | LOST)) != 0;
			p += sizeof(*e) + e->len;
		}
	loop_poll_set(w->poll, LOOP_READABLE);
	return has_names;
}
