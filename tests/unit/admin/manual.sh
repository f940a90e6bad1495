#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The manual pages are well formed, where there is something to say so.
# That a page refers to one that is not installed here is no fault of it.
set -eu
command -v mandoc >/dev/null || exit 77
status=0
for page in "${TOP_SRCDIR:-.}"/man/*.[1-8]; do
	if mandoc -T lint -W style "$page" 2>/dev/null |
		grep -v 'referenced manual not found'; then
		echo "manual: $page is not well formed" >&2
		status=1
	fi
done
exit $status
