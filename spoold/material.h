/* SPDX-License-Identifier: Apache-2.0 */
/*
 * material - what a configuration names must be there and be good: the files
 * with certificates, keys and lists, and the groups of the control socket.
 *
 * Looked at before anything is started, by --check, and before a reload, so
 * that a configuration that cannot authenticate agents is refused as a whole
 * and says which key is wrong, instead of a role that refuses its part later.
 * The private keys are read, and wiped again.
 */
#ifndef SPOOLD_MATERIAL_H
#define SPOOLD_MATERIAL_H

#include <stdint.h>

#include "lib/base/buf.h"
#include "lib/config/config.h"

#define MATERIAL_LINES_MAX ((size_t)1 << 20) /* bytes */

/*
 * Append lines as those of config_why to `errors`, and to `warnings` what is
 * bad and yet of use: an own certificate that has expired at now_s (seconds
 * since 1970), a private key that everybody may read.  0, ERR_INVAL if there
 * is an error, ERR_NOMEM.
 */
int material_check(const struct config *c, int64_t now_s, struct buf *errors,
    struct buf *warnings);

#endif
