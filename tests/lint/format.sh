#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# clang-format decides the layout.
set -eu
cd "${TOP_SRCDIR:-.}"
. tests/lint/need
need clang-format
find lib agentlink spoold forwarder admin tests -name '*.[ch]' -print0 |
	xargs -0 clang-format --dry-run --Werror
