/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ask - what nearly every command does: ask the keeper, open the output.
 */
#ifndef ADMIN_ASK_H
#define ADMIN_ASK_H

#include <jansson.h>

#include "admin/client.h"
#include "admin/command.h"
#include "admin/writer.h"

/* Connect, ask, close.  `args` is taken over, NULL for none. */
int ask_keeper(struct command_context *cx, const char *verb, json_t *args,
    client_frame_fn *on_frame, void *arg, json_t **result);

/* The same for "status", whose schema is checked. */
int ask_status(struct command_context *cx, json_t **status);

/* The row of a stream that comes before the answer; the caller's. */
int ask_stream(
    const struct ctl_frame *frame, json_t **row, struct fault *fault);

/* ERR_ codes of a status that is none of ours become a fault. */
int ask_check_status(const json_t *status, struct fault *fault);

/* The output as the options say; the caller ends it with ask_close. */
int ask_open(struct command_context *cx, struct writer **out);
int ask_close(struct command_context *cx, struct writer *w);

/* One object as the whole output, such as {"target":...,"state":...}. */
int ask_print(struct command_context *cx, const json_t *object,
    const char *sentence, ...) __attribute__((format(printf, 3, 4)));

#endif
