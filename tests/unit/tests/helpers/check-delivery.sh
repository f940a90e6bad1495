#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The program check-delivery: perfect runs pass, each fault is told.
set -eu

dir=$(mktemp -d)
trap 'rm -r "$dir"' EXIT
check="$TOP_BUILDDIR/tests/system/check-delivery"
sample="$TOP_BUILDDIR/tests/bench/sample"

# expect CODE ARGUMENT...
expect() {
	want=$1
	shift
	got=0
	"$check" "$@" >"$dir/out" 2>&1 || got=$?
	[ "$got" = "$want" ] && return
	echo "check-delivery $*: exit $got, not $want"
	cat "$dir/out"
	exit 1
}

mkdir "$dir/hosts"
"$sample" --corpus mix-dup --seed 4 --records 20000 --hosts 20 \
	--per-host-dir "$dir/hosts"
"$sample" --corpus mix-dup --seed 4 --records 20000 --hosts 20 >"$dir/all"
grep -v type=ITM2 "$dir/all" >"$dir/arrived"
sent=
for file in "$dir"/hosts/*.winlog.log "$dir"/hosts/*.syslog.log; do
	sent="$sent --sent $file"
done

# shellcheck disable=SC2086 # the list is split on purpose
{
	expect 0 $sent --framing lf --arrived "$dir/arrived"
	sed 100d "$dir/arrived" >"$dir/less"
	expect 1 $sent --framing lf --arrived "$dir/less"
	grep -q '^lost [a-z]* 1$' "$dir/out"
	sed '1000s/1/2/' "$dir/arrived" >"$dir/altered"
	expect 1 $sent --framing lf --arrived "$dir/altered"
	grep -q '^altered 1$' "$dir/out"
	sed '$p' "$dir/arrived" >"$dir/more"
	expect 1 $sent --framing lf --arrived "$dir/more"
	grep -q '^repeats 1$' "$dir/out"
	expect 0 --allow-repeats $sent --framing lf --arrived "$dir/more"
}

printf 'a\nb\nc\n' >"$dir/sent"
printf 'a\nc\n' >"$dir/two"
expect 0 --sent s="$dir/sent" --allow-loss s:2-2 --framing lf \
	--arrived "$dir/two"
expect 0 --sent s="$dir/two" --sent s="$dir/two" --framing lf \
	--arrived "$dir/two" --arrived "$dir/two"
expect 3 --sent s="$dir/sent" --arrived "$dir/two"
expect 3 --sent "$dir/none"
expect 2 --sent "$dir/sent" --framing what
expect 2
