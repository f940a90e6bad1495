#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# A program of somebody else's: the installed header, the installed library
# and what agentlink.pc names are all that it needs.
set -eu
: "${TOP_SRCDIR:=.}"
: "${TOP_BUILDDIR:=.}"
grep -q 'define WITH_SANITIZER' "$TOP_BUILDDIR/config.h" && exit 77
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
mkdir "$dir/include"
cp "$TOP_SRCDIR/agentlink/agentlink.h" "$dir/include"
cp "$TOP_BUILDDIR/agentlink/agentlink.pc" "$dir"
# build NAME: from $dir/NAME.c, as a stranger's makefile would.
build() {
	# shellcheck disable=SC2046
	${CC:-cc} -Wall -Wextra -Werror "$dir/$1.c" $(PKG_CONFIG_PATH=$dir \
		pkg-config --define-variable=includedir="$dir/include" \
		--define-variable=libdir="$TOP_BUILDDIR/agentlink" \
		--cflags --libs agentlink) -o "$dir/$1"
}

cat >"$dir/x.c" <<'END'
#include <agentlink.h>
/* The library must not take such a name from its user. */
int buf_add(void);
int buf_add(void) { return 1; }
int main(void)
{
	struct agentlink_client_settings s = {.servers = "localhost:1",
	    .certificate = "/none", .key = "/none", .ca = "/none"};
	struct agentlink_client *c;
	return agentlink_client_open(&s, 0, 0, &c) != AGENTLINK_RESULT_NOENT;
}
END
build x
"$dir/x"

# The example builds, and says what is wrong; system/175 lets it send.
cp "$TOP_SRCDIR/agentlink/examples/send.c" "$dir"
build send
status=0
"$dir/send" localhost:1 /none /none /none 2>"$dir/said" || status=$?
[ $status = 1 ] && grep -q /none "$dir/said"
