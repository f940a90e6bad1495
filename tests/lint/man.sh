#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Every manual page is one to mandoc, and says where to read on; all are
# installed; agentlink.3 has every function of the client.
set -eu
cd "${TOP_SRCDIR:-.}"
. tests/lint/need
need mandoc
status=0
for page in man/*.[1-9]; do
	if mandoc -T lint -W style "$page" 2>&1 |
		grep -v 'referenced manual not found\|outdated mandoc.db'; then
		status=1
	fi
	grep -q '^\.Sh SEE ALSO' "$page" || {
		echo "$page: does not say where to read on"
		status=1
	}
	grep -q "${page#man/}" man/Makefile.inc || {
		echo "$page: is not installed"
		status=1
	}
done
for name in $(grep -o 'agentlink_client_[a-z]*(' agentlink/agentlink.h |
	tr -d '(' | sort -u); do
	grep -q "^\.F[no] $name" man/agentlink.3 || {
		echo "man/agentlink.3: $name is missing"
		status=1
	}
done
exit $status
