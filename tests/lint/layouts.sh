#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Every layout has what the table in doc/README.md says: page, code, golden
# file, fuzz target and its corpus; and none of these is missing there.
set -eu
cd "${TOP_SRCDIR:-.}"
table=doc/README.md
status=0

wrong() {
	echo "layouts: $*" >&2
	status=1
}

for name in $(grep '^|' "$table" | grep -o '`[^`]*`' | tr -d '`' | sort -u); do
	case $name in
	fuzz_*)
		[ -f "tests/fuzz/$name.c" ] || wrong "$table names $name"
		grep -qw "$name" tests/fuzz/Makefile.inc ||
			wrong "$name is not run by make check"
		[ -n "$(ls "tests/fuzz/corpus/${name#fuzz_}" 2>/dev/null)" ] ||
			wrong "$name has no corpus"
		;;
	*) [ -f "$name" ] || wrong "$table names $name" ;;
	esac
done
for file in doc/format-*.md doc/protocol-*.md tests/golden/* \
	tests/fuzz/fuzz_*.c; do
	name=$file
	case $file in
	tests/fuzz/*) name=$(basename "$file" .c) ;;
	esac
	grep -qF "\`$name\`" "$table" || wrong "$table does not name $name"
done
exit $status
