/* SPDX-License-Identifier: Apache-2.0 */
/*
 * change - what of the configuration a spoold that runs cannot take over.
 *
 * A reload takes the whole file or nothing of it.  Some settings are looked
 * at only once, when spoold starts: a file that changes one of them is refused
 * with a line as those of config_why, so that nobody believes it in use.
 */
#ifndef LIB_CONFIG_CHANGE_H
#define LIB_CONFIG_CHANGE_H

#include "lib/base/buf.h"
#include "lib/config/config.h"

/* Append a line to `lines` for each; ERR_INVAL if there is one, ERR_NOMEM. */
int change_check(
    const struct config *now, const struct config *next, struct buf *lines);

#endif
