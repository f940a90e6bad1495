#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Install what the build, the demonstration, the tests or the measurement of
# speed need on Debian 12.
#   install.sh [--missing] build|demo|test|bench
# As a plain user, or with --missing, it only says what is missing.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
only_say=
if [ "${1:-}" = --missing ]; then
	only_say=1
	shift
fi
case ${1:-test} in
build) kinds='build' ;;
demo) kinds='build|demo' ;;
test) kinds='build|demo|test' ;;
bench) kinds='build|demo|bench' ;;
*)
	echo "usage: install.sh [--missing] build|demo|test|bench" >&2
	exit 2
	;;
esac

missing=
for package in $(awk -v k="^($kinds)\$" '$1 ~ k {print $2}' "$here/packages" |
	sort -u); do
	state=$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null || :)
	[ "$state" = installed ] || missing="$missing $package"
done
[ -n "$missing" ] || exit 0
if [ -n "$only_say" ]; then
	echo "${missing# }"
	exit 0
fi
[ "$(id -u)" = 0 ] || {
	echo "install.sh: missing packages; as root: apt-get install$missing" >&2
	exit 1
}
export DEBIAN_FRONTEND=noninteractive
# A daemon that comes with a package is not to run here.
policy=/usr/sbin/policy-rc.d
made=
if [ ! -e "$policy" ]; then
	printf '#!/bin/sh\nexit 101\n' >"$policy"
	chmod +x "$policy"
	made=1
fi
status=0
# shellcheck disable=SC2086
apt-get -q update && apt-get -q -y --no-install-recommends install $missing ||
	status=$?
[ -z "$made" ] || rm -f "$policy"
exit $status
