#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Scripts pass shellcheck at the level of warnings.
set -eu
cd "${TOP_SRCDIR:-.}"
. tests/lint/need
need shellcheck
{ find tests -name '*.sh'; echo bootstrap etc/demo/run tests/system/run tests/lint/need; } | sort |
	xargs shellcheck -S warning -s sh -e SC2034,SC2044,SC2048,SC2154
