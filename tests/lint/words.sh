#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Banned functions, the design's words, and what must never be committed.
set -eu
cd "${TOP_SRCDIR:-.}"
status=0
programs='lib agentlink spoold forwarder admin'

ban() {
	what=$1
	why=$2
	shift 2
	# shellcheck disable=SC2086
	if grep -rnE --include='*.[ch]' "$what" "$@"; then
		echo "words: $why" >&2
		status=1
	fi
}

# Functions without bounds, with hidden state, or that stop a process.
ban '\b(strcpy|strcat|sprintf|vsprintf|gets|strtok|alloca|atoi|atol|system|popen|tmpnam|mktemp)[[:space:]]*\(' \
	'a banned function; see HACKING.md' $programs
ban '\b(sleep|usleep|nanosleep)[[:space:]]*\(' \
	'nothing sleeps: wait for an event' $programs
# The design has one word for each thing (DESIGN.md 3).
ban '\b(chunks?|event queue|sinks?)\b' \
	'not a word of this design: batch, segment, target' $programs
ban '\b(TODO|FIXME|XXX|HACK)\b' 'unfinished by its own words' $programs tests
# lib/ never logs; only programs do.
if grep -rnE '\blog_(error|warn|info|debug)[[:space:]]*\(' \
	--include='*.c' lib | grep -vE '^lib/(base/log|role/)'; then
	echo 'words: lib/ does not log' >&2
	status=1
fi
exit $status
