#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Everything that CI runs, and you run: installs what the tests need, builds
# with gcc and clang, plain and with sanitizers, runs all tests, fuzzes each
# decoder for ten seconds, and breaks the store on purpose.
# The last line is `N passed, N failed, N skipped`.
#   tests/ci/run.sh [STAGE...]     stages: see the end of this file
set -eu

src=$(cd "$(dirname "$0")/../.." && pwd)
work=${CI_WORK:-$src/build-ci}
jobs=$(nproc)
passed=0 failed=0 skipped=0 broken=

"$src/tests/ci/install.sh" test
mkdir -p "$work"
cd "$src"
./bootstrap >"$work/bootstrap.log" 2>&1 || {
	cat "$work/bootstrap.log"
	exit 1
}

# build NAME CONFIGURE-ARGUMENTS...: configure and compile in work/NAME.
build() {
	name=$1
	shift
	mkdir -p "$work/$name"
	cd "$work/$name"
	[ -f Makefile ] || "$src/configure" -q --enable-werror "$@"
	make -s -j"$jobs"
}

# count LOG: add up automake's summary.
count() {
	for word in PASS FAIL ERROR SKIP; do
		n=$(sed -n "s/^# $word: *\([0-9]*\)$/\1/p" "$1" | tail -n 1)
		case $word in
		PASS) passed=$((passed + ${n:-0})) ;;
		SKIP) skipped=$((skipped + ${n:-0})) ;;
		*) failed=$((failed + ${n:-0})) ;;
		esac
	done
}

# check NAME: make check in work/NAME, its summary counted.
check() {
	cd "$work/$1"
	status=0
	make -s -j"$jobs" check VERBOSE=1 >"$work/$1.log" 2>&1 || status=$?
	count "$work/$1.log"
	grep -E '^(FAIL|SKIP|ERROR):' "$work/$1.log" || :
	if [ $status != 0 ]; then
		tail -n 300 "$work/$1.log"
		broken="$broken $1"
	fi
}

# one NAME COMMAND...: a test of its own kind.
one() {
	name=$1
	shift
	if "$@" >"$work/$name.log" 2>&1; then
		passed=$((passed + 1))
		tail -n 12 "$work/$name.log"
	else
		failed=$((failed + 1))
		broken="$broken $name"
		tail -n 200 "$work/$name.log"
	fi
}

stage_gcc() {
	build gcc CC=gcc
	check gcc
}

stage_asan() {
	build asan CC=clang --with-sanitizer=address,undefined \
		--disable-system-tests CFLAGS='-g -O1'
	check asan
}

stage_tsan() {
	build tsan CC=clang --with-sanitizer=thread --disable-system-tests \
		CFLAGS='-g -O1'
	check tsan
}

stage_fuzz() {
	mkdir -p "$work/fuzz"
	cd "$work/fuzz"
	[ -f Makefile ] || "$src/configure" -q
	one fuzz-10s make -s fuzz SECONDS="${FUZZ_SECONDS:-10}"
}

stage_crash() {
	build crash CC=gcc --enable-failpoints
	cd "$work/crash"
	make -s -j"$jobs" tests/component/test_keeper_failpoints \
		tests/component/test_store_failpoints
	one keeper-failpoints tests/component/test_keeper_failpoints
	one store-failpoints tests/component/test_store_failpoints
	one crash "$src/tests/crash/run"
}

# Not in every run: it takes some minutes.
stage_mutants() {
	mkdir -p "$work/mutants"
	cd "$work/mutants"
	one mutants "$src/tests/crash/mutants"
}

for stage in ${*:-gcc asan tsan fuzz crash}; do
	start=$(date +%s)
	echo "== $stage"
	"stage_$stage"
	echo "== $stage took $(($(date +%s) - start)) s"
done

[ -z "$broken" ] || echo "broken:$broken"
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" = 0 ] && [ -z "$broken" ]
