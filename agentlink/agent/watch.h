/* SPDX-License-Identifier: Apache-2.0 */
/*
 * watch - tells that something has changed in directories (inotify(7)).
 *
 * A hint and no more: whoever uses it looks at the files, and looks at them
 * from time to time without a hint too, since a network file system tells
 * nothing about what others write, and the kernel's queue may overflow.
 * Directories are watched, never files, so thousands of files are one watch.
 */
#ifndef AGENTLINK_AGENT_WATCH_H
#define AGENTLINK_AGENT_WATCH_H

#include <stdbool.h>

#include "lib/loop/loop.h"

struct watch; /* opaque */

/* on_change comes once, and again only after watch_take. */
int watch_new(struct loop *loop, void (*on_change)(void *arg), void *arg,
    struct watch **out);
void watch_free(struct watch *w);

/*
 * Watch this directory, or go on watching it.  False: changes may go
 * unnoticed (it cannot be watched, or others may write to it by a network).
 */
bool watch_add(struct watch *w, const char *dir);

/* True: names have come or gone, or it is not known what has changed. */
bool watch_take(struct watch *w);

#endif
