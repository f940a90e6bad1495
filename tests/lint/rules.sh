#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Every file, test, case, mutant and fail point that doc/rules.md and
# doc/faults.md name exists.
set -eu
cd "${TOP_SRCDIR:-.}"
cases=$(cat tests/system/peers/cases_*.py)
status=0

wrong() {
	echo "rules: $page names $*" >&2
	status=1
}

# A cmocka test: a function in the program's file, in a list or a macro.
has_test() {
	file=$(find tests -name "$1.c" | head -n 1)
	[ -n "$file" ] && grep -qE "^$2\(" "$file"
}

# One name as it stands between backticks in a table.
check() {
	case $1 in
	"conformance: "*)
		echo "$cases" | grep -q "^def ${1#*: }(" || wrong "the case $1"
		;;
	"mutants: "*)
		grep -qE "^(table=\")?${1#*: } " tests/crash/mutants ||
			wrong "the mutant $1"
		;;
	"kill: "*)
		grep -qwF -- "${1#*: }" tests/crash/kill ||
			wrong "the fail point $1"
		;;
	"test_"*": "*)
		has_test "${1%%: *}" "${1#*: }" || wrong "the test $1"
		;;
	system/*)
		[ -f "tests/$1.test" ] || wrong "the test $1"
		;;
	*/*.*)
		[ -f "$1" ] || wrong "the file $1"
		;;
	esac
}

names=$(mktemp)
trap 'rm -f "$names"' EXIT
# Lines of tables but for their first column, which quotes the rule.
for page in doc/rules.md doc/faults.md; do
	sed -n 's/^| [^|]*|//p' "$page" | grep -o '`[^`]*`' | tr -d '`' |
		sort -u >"$names"
	[ "$(wc -l <"$names")" -gt 100 ] || wrong "next to nothing"
	while read -r name; do
		check "$name"
	done <"$names"
done
exit $status
