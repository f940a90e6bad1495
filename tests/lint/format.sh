#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# clang-format decides the layout.
set -eu
cd "${TOP_SRCDIR:-.}"
command -v clang-format >/dev/null 2>&1 || {
	echo "skipped: clang-format is not installed"
	[ -z "${CI:-}" ] && exit 77
	exit 1
}
find lib agentlink spoold forwarder admin tests -name '*.[ch]' -print0 |
	xargs -0 clang-format --dry-run --Werror
