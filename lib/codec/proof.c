/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/codec/proof.h"

#include <stdlib.h>

#include "lib/base/err.h"

struct proof {
	struct ipc_msg msg;
};

static bool
proves(uint16_t type)
{
	return type == IPC_COMMITTED || type == IPC_ALREADY ||
	    type == IPC_STREAM_STATE || type == IPC_CHAIN_STATE;
}

int
proof_decode(uint16_t type, struct bytes payload, struct proof **out)
{
	struct proof *p;
	int rc;

	if (!proves(type))
		return ERR_INVAL;
	p = calloc(1, sizeof(*p));
	if (!p)
		return ERR_NOMEM;
	rc = ipc_decode(type, payload, &p->msg);
	if (rc) {
		free(p);
		return rc;
	}
	*out = p;
	return 0;
}

void
proof_free(struct proof *p)
{
	free(p);
}

const struct ipc_msg *
proof_msg(const struct proof *p)
{
	return &p->msg;
}
