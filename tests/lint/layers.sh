#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The layers hold: who includes whom, and one door for each foreign library.
set -eu
cd "${TOP_SRCDIR:-.}"
status=0

wrong() {
	echo "layers: $*" >&2
	status=1
}

# Which rooms of lib/ a room may include, besides itself and base.
may() {
	case $1 in
	base) echo "" ;;
	codec) echo "" ;;
	link) echo "codec loop tls" ;;
	check) echo "codec digest pack" ;;
	role) echo "codec loop link sandbox" ;;
	store) echo "codec digest" ;;
	*) echo "codec" ;;
	esac
}

for file in $(find lib -name '*.[ch]'); do
	room=$(echo "$file" | cut -d/ -f2)
	for other in $(sed -n 's|^#include "lib/\([a-z]*\)/.*|\1|p' "$file" |
		sort -u); do
		case " $room $(may "$room") " in
		*" $other "*) ;;
		*)
			[ "$other" = base ] ||
				wrong "$file includes lib/$other: lib/$room may not"
			;;
		esac
	done
	if grep -nE '^#include "(agentlink|spoold|forwarder|admin|tests)/' "$file"; then
		wrong "$file includes a program"
	fi
done

# Programs use lib/, never each other.
for file in $(find agentlink spoold forwarder admin -name '*.[ch]'); do
	case $file in
	agentlink/receiver/*) mine='agentlink/receiver' ;;
	agentlink/agent/*) mine='agentlink' ;;
	agentlink/*) mine='agentlink' ;;
	spoold/keeper/*) mine='spoold/keeper' ;;
	spoold/inspector/*) mine='spoold/inspector' ;;
	spoold/worker/*) mine='spoold/worker' ;;
	spoold/*) mine='spoold' ;;
	forwarder/resolver/*) mine='forwarder/resolver' ;;
	forwarder/*) mine='forwarder' ;;
	admin/*) mine='admin' ;;
	esac
	for other in $(sed -n 's|^#include "\([^"]*\)".*|\1|p' "$file"); do
		case $other in
		lib/* | config.h | "$mine"/*) ;;
		*) wrong "$file includes $other" ;;
		esac
	done
done

# One door for each foreign library.
door() {
	header=$1
	shift
	for file in $(grep -rlE "^#[[:space:]]*include <$header" \
		--include='*.[ch]' lib agentlink spoold forwarder admin || :); do
		ok=
		for room; do
			case $file in "$room"/*) ok=1 ;; esac
		done
		[ -n "$ok" ] || wrong "$file includes <$header>: not its door"
	done
}
door 'lmdb\.h' lib/store
door 'zstd' lib/pack
door 'openssl/ssl' lib/tls
door 'openssl/evp' lib/digest lib/tls
door 'uv\.h' lib/loop
door 'yaml\.h' lib/config
door 'seccomp\.h' lib/sandbox
door 'jansson\.h' admin spoold/keeper
door 'systemd/' spoold
exit $status
