#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Scripts pass shellcheck at the level of warnings.
set -eu
cd "${TOP_SRCDIR:-.}"
command -v shellcheck >/dev/null 2>&1 || {
	echo "skipped: shellcheck is not installed"
	[ -z "${CI:-}" ] && exit 77
	exit 1
}
{ find tests -name '*.sh'; echo bootstrap etc/demo/run tests/system/run; } | sort |
	xargs shellcheck -S warning -s sh -e SC2034,SC2044,SC2048,SC2154
