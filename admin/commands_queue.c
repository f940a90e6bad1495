/* SPDX-License-Identifier: Apache-2.0 */
#include "admin/commands.h"

#include "admin/ask.h"
#include "admin/json.h"
#include "admin/nouns.h"
#include "admin/peek.h"
#include "admin/rows.h"
#include "lib/base/err.h"

#define PEEK_LIMIT 10

int
commands_queue_ls(struct command_context *cx)
{
	json_t *result = NULL;
	int rc = rows_check(cx, &nouns_queues);

	if (!rc)
		rc = ask_keeper(cx, "queue.ls", NULL, NULL, NULL, &result);
	if (!rc)
		rc = rows_print(cx, &nouns_queues, json_at(result, "queues"));
	json_decref(result);
	return rc;
}

struct peeking {
	struct peek *peek;
	struct writer *writer;
	struct view_choice choice;
	uint64_t left;
	uint64_t shown;
};

static int
on_record(const struct peek_record *record, void *arg)
{
	struct peeking *p = arg;
	json_t *row;

	if (!p->left)
		return 0;
	row = peek_row(record);
	if (!row)
		return ERR_NOMEM;
	view_row(p->writer, &nouns_records, &p->choice, row);
	json_decref(row);
	p->left--;
	p->shown++;
	return 0;
}

static int
on_frame(const struct ctl_frame *frame, void *arg, struct fault *fault)
{
	struct peeking *p = arg;
	int rc = frame->kind == CTL_STREAM
	    ? peek_stream(p->peek, frame->payload)
	    : peek_batch(p->peek, frame->payload, on_record, p);

	return rc ? fault_of_err(fault, rc, "a batch cannot be read")
		  : FAULT_OK;
}

static json_t *
request(const struct args *a, uint64_t limit)
{
	json_t *args =
	    json_pack("{s:I}", "limit", (json_int_t)(limit & INT64_MAX));

	if (a->given[ARGS_TARGET])
		json_object_set_new(
		    args, "target", json_string(a->text[ARGS_TARGET]));
	if (a->given[ARGS_FROM])
		json_object_set_new(args, "from_rec",
		    json_integer((json_int_t)a->number[ARGS_FROM]));
	return args;
}

static int
run(struct command_context *cx, struct peeking *p)
{
	json_t *result = NULL;
	int rc, closed;

	rc = ask_open(cx, &p->writer);
	if (rc)
		return rc;
	view_list_start(p->writer, &nouns_records, &p->choice);
	rc = ask_keeper(
	    cx, "queue.peek", request(cx->args, p->left), on_frame, p, &result);
	writer_end(p->writer);
	if (!rc && !p->shown)
		writer_data(p->writer, WRITER_PLAIN, nouns_records.none);
	json_decref(result);
	closed = ask_close(cx, p->writer);
	return rc ? rc : closed;
}

int
commands_queue_peek(struct command_context *cx)
{
	const struct args *a = cx->args;
	struct peeking p = {.left = PEEK_LIMIT};
	int rc = view_choose(&nouns_records, a, &p.choice, &cx->fault);

	if (a->given[ARGS_LIMIT])
		p.left = a->number[ARGS_LIMIT];
	if (!rc && peek_new(&p.peek))
		rc = fault_of_err(&cx->fault, ERR_NOMEM, "cannot look");
	if (!rc)
		rc = run(cx, &p);
	peek_free(p.peek);
	return rc;
}
