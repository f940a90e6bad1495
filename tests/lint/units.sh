#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The units are understood, whole, by the systemd of this machine, and ask for
# nothing that spoold cannot do without.
set -eu
. "${TOP_SRCDIR:-.}/tests/lint/need"
need systemd-analyze
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
for unit in etc/systemd/*.service; do
	copy=$dir/${unit##*/}
	# The programs are not where they will be installed.
	sed 's|^ExecStart=[^ ]*|ExecStart=/bin/true|' "$unit" >"$copy"
	said=$(systemd-analyze verify --man=no "$copy" 2>&1) || :
	case $said in
	*"${copy##*/}"*)
		echo "$unit: $said"
		exit 1
		;;
	esac
done
