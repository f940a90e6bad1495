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
for page in $(find doc -name '*.md'); do
	grep -q . "$page" || wrong "$page is empty"
done
exit $status
