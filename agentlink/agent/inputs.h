/* SPDX-License-Identifier: Apache-2.0 */
/*
 * inputs - all that `agentlink run` reads: files by patterns, and a pipe.
 *
 * It reads each input in turn and gives the records to the sender.  It says
 * when there is something to be read (on_due); it decides nothing about what
 * is sent.  One thread, the loop's.
 */
#ifndef AGENTLINK_AGENT_INPUTS_H
#define AGENTLINK_AGENT_INPUTS_H

#include <stdbool.h>
#include <stdint.h>

#include "agentlink/agent/follow.h"
#include "agentlink/agent/source.h"
#include "lib/config/agentconfig.h"
#include "lib/loop/loop.h"

struct inputs;

struct inputs_settings {
	const struct agentconfig *config; /* stays valid */
	struct agentlink_sender *sender;
	struct loop *loop;
	/* Come and read: something has changed. */
	void (*on_due)(void *arg);
	void *arg;
};

/* `pipe`: standard input, as inputs_take_pipe gave it; or NULL. */
int inputs_new(const struct inputs_settings *settings, struct source *pipe,
    struct inputs **out);
void inputs_free(struct inputs *in);

/*
 * Every input once.  1: there is more; 0: all is read; ERR_FULL: come again
 * after acknowledgements; others are of the outbox.
 */
int inputs_read(struct inputs *in, uint64_t now_ms);

/* Seal what a pipe has given.  0, ERR_FULL, or an error of the outbox. */
int inputs_flush(struct inputs *in);

/* Only a pipe was asked for, and it has ended. */
bool inputs_are_over(const struct inputs *in);
/* A pipe has ended, so its last records are not to wait. */
bool inputs_pipe_is_over(const struct inputs *in);
/* Some directory tells no changes: look more often. */
bool inputs_need_polling(const struct inputs *in);

/* Standard input for the inputs that come after these; NULL: none. */
struct source *inputs_take_pipe(struct inputs *in);

struct inputs_counts {
	const char *name, *stream;
	bool is_stdin;
	struct follow_counts counts; /* of a pipe: records only */
};
/* The i-th input in the order of the file, from 0; false past the last. */
bool inputs_counts(
    const struct inputs *in, size_t i, struct inputs_counts *counts);

#endif
