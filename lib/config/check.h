/* SPDX-License-Identifier: Apache-2.0 */
/*
 * check - how the values of one configuration must go together.
 *
 * Above all: a configuration that cannot authenticate agents is refused.
 */
#ifndef LIB_CONFIG_CHECK_H
#define LIB_CONFIG_CHECK_H

#include "lib/config/config.h"
#include "lib/config/problem.h"

/* Fill in defaults that depend on other values, and judge.  ERR_NOMEM. */
int check_config(struct config *c, struct problem_list *problems);

#endif
