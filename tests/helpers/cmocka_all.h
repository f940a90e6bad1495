/* SPDX-License-Identifier: Apache-2.0 */
/* cmocka and the headers that it needs first, in the right order. */
#ifndef TESTS_HELPERS_CMOCKA_ALL_H
#define TESTS_HELPERS_CMOCKA_ALL_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#endif
