/* SPDX-License-Identifier: Apache-2.0 */
#include "spoold/keeper/refusal.h"

static const struct refusal_row rows[REFUSALS] = {
#define X(name, exit, message, hint) \
	[REFUSAL_##name] = {#name, (exit), message, hint},
    REFUSAL_LIST(X)
#undef X
};

const struct refusal_row *
refusal_row(enum refusal what)
{
	return &rows[what];
}
