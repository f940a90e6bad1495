/* SPDX-License-Identifier: Apache-2.0 */
/*
 * confirm - before something is destroyed.
 *
 * On a terminal the person is asked; elsewhere --yes is needed.
 */
#ifndef ADMIN_CONFIRM_H
#define ADMIN_CONFIRM_H

#include "admin/command.h"

/*
 * Say `what` (a sentence with exact figures) and have `name` typed.  0 to go
 * on; FAULT_CANCELLED, or FAULT_USAGE where nobody can be asked.
 */
int confirm_by_name(
    struct command_context *cx, const char *what, const char *name);

#endif
