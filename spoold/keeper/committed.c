/* SPDX-License-Identifier: Apache-2.0 */
#include "spoold/keeper/committed.h"

#include <assert.h>
#include <stdlib.h>

#include "lib/codec/ipc.h"
#include "spoold/keeper/mem.h"

struct committed *
committed_new(const struct store_token *token, uint64_t link, uint64_t number,
    uint64_t batch_number)
{
	struct committed *c = mem_new(sizeof(*c));
	struct ipc_msg m = {.type = IPC_COMMITTED};

#ifndef MUTANT_ACK_BEFORE_COMMIT
	assert(token && batch_number < store_token_number(token));
#else
	(void)token;
	(void)batch_number;
#endif
	c->link = link;
	buf_init(&c->message, 64);
	m.u.number.number = number;
	ipc_encode(&c->message, &m);
	return c;
}

void
committed_free(struct committed *c)
{
	if (!c)
		return;
	buf_fini(&c->message);
	free(c);
}
