#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Every room has a README that lists its source files; every file its licence.
set -eu
cd "${TOP_SRCDIR:-.}"
status=0

wrong() {
	echo "rooms: $*" >&2
	status=1
}

for file in $(find lib agentlink spoold forwarder admin -name '*.c' | sort); do
	room=$(dirname "$file")
	name=$(basename "$file" .c)
	[ -f "$room/README.md" ] || {
		wrong "$room has no README.md"
		continue
	}
	grep -qw -- "$name" "$room/README.md" ||
		wrong "$room/README.md does not list $name"
done
for file in $(find lib agentlink spoold forwarder admin tests \
	-name '*.[ch]' -o -name '*.sh' -o -name '*.py' -o -name '*.test' -o \
	-name '*.def' -o -name 'Makefile.inc'); do
	head -n 3 "$file" | grep -q 'SPDX-License-Identifier: Apache-2.0' ||
		wrong "$file has no SPDX line"
done
# What ARCHITECTURE.md names exists; a file without its folder, in some room.
grep -o '`[^` ]*`' ARCHITECTURE.md | tr -d '`' | sort -u |
	while read -r name; do
		case $name in
		*/*) found=$(find . -path "./${name%/}" | head -n 1) ;;
		*.[ch]) found=$(find lib agentlink spoold forwarder admin \
			-name "$name" | head -n 1) ;;
		*) continue ;;
		esac
		[ -n "$found" ] || echo "$name"
	done >"${TMPDIR:-/tmp}/rooms.$$"
while read -r name; do
	wrong "ARCHITECTURE.md names $name"
done <"${TMPDIR:-/tmp}/rooms.$$"
rm -f "${TMPDIR:-/tmp}/rooms.$$"
for page in $(find doc -name '*.md'); do
	grep -q . "$page" || wrong "$page is empty"
done
exit $status
