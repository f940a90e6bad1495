#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# What an acknowledgement may be made from: nothing else compiles (RULES.md 1).
# Each snippet below must be refused by the compiler; the last must compile,
# so that a refusal means what it says.
set -eu
: "${TOP_SRCDIR:=.}"
: "${TOP_BUILDDIR:=.}"
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
status=0

compiles() {
	${CC:-cc} -std=gnu11 -D_GNU_SOURCE -I"$TOP_SRCDIR" -I"$TOP_BUILDDIR" \
		-fsyntax-only "$dir/x.c" 2>"$dir/err"
}

must_not() {
	cat >"$dir/x.c"
	if compiles; then
		echo "proof: this compiles and must not:" >&2
		cat "$dir/x.c" >&2
		status=1
	fi
}

must_not <<'END'
#include "lib/codec/proof.h"
struct proof made_of_nothing = {0};
END
must_not <<'END'
#include <stdlib.h>
#include "lib/codec/proof.h"
struct proof *forge(void);
struct proof *forge(void) { return calloc(1, sizeof(struct proof)); }
END
must_not <<'END'
#include "lib/codec/proof.h"
struct ipc_msg m;
const struct ipc_msg *x;
const struct ipc_msg *f(void);
const struct ipc_msg *f(void) { return proof_msg(&m) + (int)"no"; }
_Static_assert(__builtin_types_compatible_p(
    struct proof *, struct ipc_msg *), "a message is no proof");
END
must_not <<'END'
#include "lib/store/store.h"
struct store_token made_of_nothing = {0};
END
must_not <<'END'
#include "lib/store/store.h"
unsigned long size = sizeof(struct store_token);
END
cat >"$dir/x.c" <<'END'
#include "lib/codec/proof.h"
#include "lib/store/store.h"
const struct ipc_msg *f(const struct proof *p);
const struct ipc_msg *f(const struct proof *p) { return proof_msg(p); }
unsigned long g(const struct store_token *t);
unsigned long g(const struct store_token *t) { return store_token_number(t); }
END
compiles || {
	cat "$dir/err" >&2
	status=1
}
exit $status
