/* SPDX-License-Identifier: Apache-2.0 */
/*
 * thrift - memory that a busy time needed goes back when it is over.
 *
 * While a program is busy the allocator keeps what is freed, so that each
 * batch does not cost page faults anew.  When it has been idle for two
 * seconds, all free memory is given back to the system, once.
 */
#ifndef LIB_ROLE_THRIFT_H
#define LIB_ROLE_THRIFT_H

#include "lib/loop/loop.h"

struct thrift; /* opaque */

/* Set the allocator up and watch; a process has one. */
int thrift_new(struct loop *l, struct thrift **out);
void thrift_free(struct thrift *t);

/* Look now; the timer does it every two seconds. */
void thrift_look(struct thrift *t);

#endif
