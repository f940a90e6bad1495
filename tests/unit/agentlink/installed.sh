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
cat >"$dir/x.c" <<'END'
#include <agentlink.h>
#include <stdio.h>
/* The library must not take such a name from its user. */
int buf_add(void);
int buf_add(void) { return 1; }
int main(void)
{
	struct agentlink_client_settings s = {.servers = "localhost:1",
	    .certificate = "/none", .key = "/none", .ca = "/none"};
	struct agentlink_client *c;
	char why[100];
	int rc = agentlink_client_open(&s, why, sizeof(why), &c);
	puts(why);
	return rc == AGENTLINK_RESULT_NOENT ? 0 : 1;
}
END
libs=$(pkg-config --libs libssl libcrypto libzstd)
# shellcheck disable=SC2086
${CC:-cc} -I"$dir/include" "$dir/x.c" "$TOP_BUILDDIR/agentlink/libagentlink.a" \
	$libs -o "$dir/x"
"$dir/x"
