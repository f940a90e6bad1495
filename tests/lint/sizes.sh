#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Functions have at most 60 lines and files 600 (tests: 80 and 700).
set -eu
cd "${TOP_SRCDIR:-.}"
status=0
for file in $(find lib agentlink spoold forwarder admin tests -name '*.[ch]'); do
	lines=$(wc -l <"$file")
	case $file in
	tests/*) most=700 longest=80 ;;
	*) most=600 longest=60 ;;
	esac
	if [ "$lines" -gt $most ]; then
		echo "sizes: $file has $lines lines" >&2
		status=1
	fi
	awk -v f="$file" -v longest="$longest" '/^{/ {s = NR} /^}/ && s {
		if (NR - s > longest) {print "sizes: " f ":" s " " NR - s " lines"; bad = 1}
		s = 0} END {exit bad}' "$file" >&2 || status=1
done
exit $status
