/* SPDX-License-Identifier: Apache-2.0 */
/*
 * store_expect - what the tests of a store expect again and again of a
 * storerig.  A test in which it is not so fails.
 */
#ifndef TESTS_COMPONENT_STORE_EXPECT_H
#define TESTS_COMPONENT_STORE_EXPECT_H

#include "tests/helpers/storerig.h"

/* It opens. */
void store_expect_open(struct storerig *r);

/* A fresh one opens, and takes that many transactions of three batches. */
void store_expect_begin(struct storerig *r, bool encrypt, int transactions);
void store_expect_put(struct storerig *r, int transactions);

/* What was acknowledged is there, once and unaltered, and nothing else. */
void store_expect_perfect(struct storerig *r);

#endif
