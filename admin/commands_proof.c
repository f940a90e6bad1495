/* SPDX-License-Identifier: Apache-2.0 */
/* verify and prove: 0 it holds, 9 it is broken, 8 it cannot be told. */
#include "admin/commands.h"

#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>

#include "admin/ask.h"
#include "admin/human.h"
#include "admin/json.h"
#include "admin/view.h"
#include "lib/base/clock.h"

#define RESTART_US UINT64_C(10000000) /* how long a keeper may be away */
#define PAUSE_MS 200
#define TEXT_MAX ((size_t)4096)

/* What is asked, and the streams that come before the answer. */
struct proof {
	const char *verb;
	const char *broken; /* what to say if it is */
	json_t *args; /* or NULL */
	json_t *streams;
};

static int
on_frame(const struct ctl_frame *frame, void *arg, struct fault *fault)
{
	struct proof *p = arg;
	json_t *row;
	int rc = ask_stream(frame, &row, fault);

	if (rc)
		return rc;
	json_array_append_new(p->streams, row);
	return FAULT_OK;
}

/* Reading everything takes as long as it takes, unless --timeout. */
static int
ask_once(struct command_context *cx, struct proof *p, json_t **result)
{
	struct client *c = NULL;
	int rc = client_open(cx->socket,
	    cx->args->given[ARGS_TIMEOUT] ? cx->args->number[ARGS_TIMEOUT] : 0,
	    &c, &cx->fault);

	json_array_clear(p->streams);
	if (!rc)
		rc = client_ask(c, p->verb, json_incref(p->args), on_frame, p,
		    result, &cx->fault);
	client_close(c);
	return rc;
}

/* What is away for longer than a restart cannot be asked: exit status 8. */
static int
ask(struct command_context *cx, struct proof *p, json_t **result)
{
	uint64_t end = clock_now().mono_us + RESTART_US;
	int rc;

	while ((rc = ask_once(cx, p, result)) &&
	    cx->fault.exit == FAULT_UNREACHABLE && clock_now().mono_us < end)
		poll(NULL, 0, PAUSE_MS);
	if (rc && cx->fault.exit == FAULT_UNREACHABLE)
		cx->fault.exit = FAULT_PARTIAL;
	return rc ? (int)cx->fault.exit : FAULT_OK;
}

/* ---- prove: equations in words ---- */

/* Terms that are 0 are left out, but for those that one looks for. */
static const struct term {
	const char *key, *word;
	bool always;
} listener_terms[] =
    {
	{"stored", "stored", true},
	{"duplicate", "duplicate", true},
	{"refused", "refused", true},
	{"quarantined", "quarantined", false},
	{NULL, NULL, false},
},
  target_terms[] = {
      {"delivered", "delivered", true},
      {"unconfirmed", "unconfirmed", false},
      {"filtered", "filtered", false},
      {"dead_lettered", "dead-lettered", false},
      {"expired", "expired", false},
      {"shed", "shed", false},
      {"quarantined", "quarantined", false},
      {"pending", "pending", true},
      {NULL, NULL, false},
};

static void
add_count(struct buf *b, const json_t *terms, const char *key, const char *word)
{
	human_exact(json_u64(terms, key, 0), b);
	buf_add_str(b, " ");
	buf_add_str(b, word);
}

/* "12 received = 10 stored + 2 duplicate + 0 refused" */
static void
add_terms(struct buf *b, const json_t *terms, const char *left,
    const struct term *term)
{
	const char *between = " = ";

	add_count(b, terms, left, left);
	for (; term->key; term++) {
		if (!term->always && !json_u64(terms, term->key, 0))
			continue;
		buf_add_str(b, between);
		add_count(b, terms, term->key, term->word);
		between = " + ";
	}
}

static void
say(struct writer *w, enum writer_tone tone, struct buf *b)
{
	buf_add(b, "", 1);
	if (!b->err)
		writer_data(w, tone, (const char *)buf_ptr(b));
	buf_fini(b);
}

static const char *
verdict(const json_t *row, enum writer_tone *tone)
{
	const json_t *holds = json_at(row, "holds");

	*tone = json_is_true(holds) ? WRITER_GOOD
	    : json_is_false(holds)  ? WRITER_BAD
				    : WRITER_WARN;
	return json_is_true(holds) ? "holds   "
	    : json_is_false(holds) ? "BROKEN  "
				   : "UNKNOWN ";
}

/* A counter that is not what was counted breaks it as well. */
static void
add_counter(struct buf *b, const json_t *terms)
{
	uint64_t counter = json_u64(terms, "stored_counter", 0);

	if (!json_at(terms, "stored_counter") ||
	    counter ==
		json_u64(terms, "stored", 0) +
		    json_u64(terms, "quarantined", 0))
		return;
	buf_add_str(b, "; but ");
	human_exact(counter, b);
	buf_add_str(b, " were counted as they were stored");
}

static void
print_equation(struct writer *w, const json_t *e)
{
	const json_t *terms = json_at(e, "terms");
	bool is_target = json_at(terms, "pending") != NULL;
	enum writer_tone tone;
	struct buf b;

	buf_init(&b, TEXT_MAX);
	buf_add_str(&b, verdict(e, &tone));
	buf_add_str(&b, json_str(e, "name", "?"));
	buf_add_str(&b, ": ");
	add_terms(&b, terms, is_target ? "stored" : "received",
	    is_target ? target_terms : listener_terms);
	add_counter(&b, terms);
	say(w, tone, &b);
}

/* Of the streams, those that do not hold, one by one. */
static void
print_stream(struct writer *w, const json_t *row)
{
	enum writer_tone tone;
	struct buf b;

	buf_init(&b, TEXT_MAX);
	buf_add_str(&b, verdict(row, &tone));
	buf_add_str(&b, "stream ");
	buf_add_str(&b, json_str(row, "stream", "?"));
	buf_add_str(&b, " of ");
	buf_add_str(&b, json_str(row, "origin", "?"));
	buf_add_str(&b, ", epoch ");
	buf_add_str(&b, json_str(row, "epoch", "?"));
	buf_add_str(&b, ": ");
	add_terms(&b, row, "received", listener_terms);
	add_counter(&b, row);
	say(w, tone, &b);
}

static void
print_streams(struct writer *w, const json_t *streams)
{
	uint64_t hold = json_u64(streams, "hold", 0);
	const json_t *row;
	char text[256];
	size_t i;

	if (!streams)
		return;
	json_array_foreach(json_at(streams, "list"), i, row)
	{
		if (writer_form(w) == WRITER_WIDE ||
		    !json_flag(row, "holds", false))
			print_stream(w, row);
	}
	snprintf(text, sizeof(text),
	    "holds   %" PRIu64 " stream%s: received = stored + duplicate + "
	    "refused, for each",
	    hold, hold == 1 ? "" : "s");
	writer_data(w, WRITER_GOOD, text);
}

static void
print_unreadable(struct writer *w, const json_t *result)
{
	uint64_t lost = json_u64(result, "unreadable", 0);
	uint64_t open = json_u64(result, "not_set_aside", 0);
	char text[256];

	if (!lost)
		return;
	snprintf(text, sizeof(text),
	    "%" PRIu64 " records cannot be read: known by number, not by whom; "
	    "%" PRIu64 " of them are set aside as quarantined",
	    lost, lost - open);
	writer_data(w, WRITER_WARN, text);
}

static void
print_bad(struct writer *w, const json_t *bad)
{
	char text[1024];

	snprintf(text, sizeof(text),
	    "DAMAGED segment %" PRIu64 ", batch %" PRIu64 ", rec %" PRIu64
	    ": %.512s",
	    json_u64(bad, "segment", 0), json_u64(bad, "batch", 0),
	    json_u64(bad, "rec", 0), json_str(bad, "text", ""));
	writer_data(w, WRITER_BAD, text);
}

static void
print_prose(struct writer *w, const json_t *result)
{
	const json_t *row;
	struct buf b;
	size_t i;

	json_array_foreach(json_at(result, "equations"), i, row)
	    print_equation(w, row);
	print_streams(w, json_at(result, "streams"));
	json_array_foreach(json_at(result, "bad"), i, row) print_bad(w, row);
	json_array_foreach(json_at(result, "damage"), i, row) print_bad(w, row);
	print_unreadable(w, result);
	if (!json_at(result, "batches"))
		return;
	buf_init(&b, TEXT_MAX);
	human_exact(json_u64(result, "records", 0), &b);
	buf_add_str(&b, " records in ");
	human_exact(json_u64(result, "batches", 0), &b);
	buf_add_str(&b,
	    json_at(result, "equations") ? " batches were counted"
					 : " batches were read");
	say(w, WRITER_PLAIN, &b);
	if (!json_at(result, "inspected"))
		return;
	buf_init(&b, TEXT_MAX);
	human_exact(json_u64(result, "inspected", 0), &b);
	buf_add_str(&b, " batches of records were unpacked and compared");
	say(w, WRITER_PLAIN, &b);
}

/* ---- prove: equations as rows, for a spreadsheet ---- */

static const struct writer_column proof_columns[] = {
    {"name", NULL, WRITER_TEXT, false, 0},
    {"left", NULL, WRITER_COUNT, false, 0},
    {"right", NULL, WRITER_COUNT, false, 0},
    {"holds", NULL, WRITER_YES, false, 0},
};

static void
give_row(struct writer *w, const json_t *row)
{
	size_t i;

	writer_start(w, WRITER_ROW, NULL);
	for (i = 0; i < sizeof(proof_columns) / sizeof(proof_columns[0]); i++)
		writer_attr(
		    w, &proof_columns[i], json_at(row, proof_columns[i].key));
	writer_end(w);
}

static json_t *
stream_row(const json_t *s)
{
	char name[1024];

	snprintf(name, sizeof(name), "stream %.255s %.36s %.32s",
	    json_str(s, "stream", "?"), json_str(s, "origin", "?"),
	    json_str(s, "epoch", "?"));
	return json_pack("{s:o, s:I, s:I, s:O?}", "name",
	    json_text(bytes_of_str(name)), "left",
	    (json_int_t)json_u64(s, "received", 0), "right",
	    (json_int_t)(json_u64(s, "stored", 0) +
		json_u64(s, "duplicate", 0) + json_u64(s, "refused", 0) +
		json_u64(s, "quarantined", 0)),
	    "holds", json_object_get(s, "holds"));
}

static void
print_rows(struct writer *w, const json_t *result)
{
	const json_t *e;
	json_t *row;
	size_t i;

	writer_start(w, WRITER_LIST, "equations");
	json_array_foreach(json_at(result, "equations"), i, e) give_row(w, e);
	json_array_foreach(json_at(result, "streams.list"), i, e)
	{
		row = stream_row(e);
		give_row(w, row);
		json_decref(row);
	}
	writer_end(w);
}

static int
print(struct command_context *cx, const json_t *result)
{
	struct writer *w;
	int rc = ask_open(cx, &w);

	if (rc)
		return rc;
	if (writer_is_prose(w))
		print_prose(w, result);
	else if (writer_form(w) == WRITER_CSV && json_at(result, "equations"))
		print_rows(w, result);
	else
		view_object(w, result);
	return ask_close(cx, w);
}

static int
cannot_tell(struct command_context *cx, const json_t *result)
{
	uint64_t untold = json_u64(result, "streams.untold", 0);

	fault_set(
	    &cx->fault, FAULT_PARTIAL, "CANNOT_TELL", "it cannot be told");
	if (json_at(result, "unchecked"))
		fault_cause(&cx->fault,
		    "%" PRIu64 " batches could not be unpacked: the worker "
		    "is away",
		    json_u64(result, "unchecked", 0));
	else if (!json_array_size(json_at(result, "equations")))
		fault_cause(&cx->fault,
		    "no segment has a checkpoint that can be read: there is "
		    "nothing to begin the count with");
	else
		fault_cause(&cx->fault,
		    "%" PRIu64 " streams were forgotten for a while, and how "
		    "much they had before is not known",
		    untold);
	return FAULT_PARTIAL;
}

static int
judge(struct command_context *cx, const json_t *result, const char *broken)
{
	const json_t *ok = json_at(result, "ok");

	if (json_is_true(ok))
		return FAULT_OK;
	if (json_is_false(ok))
		return fault_set(
		    &cx->fault, FAULT_INVALID, "PROOF_FAILED", "%s", broken);
	return cannot_tell(cx, result);
}

static int
run(struct command_context *cx, struct proof *p)
{
	json_t *result = NULL;
	json_t *streams;
	int rc;

	p->streams = json_array();
	rc = ask(cx, p, &result);
	streams = json_object_get(result, "streams");
	if (!rc && streams)
		json_object_set(streams, "list", p->streams);
	if (!rc)
		rc = print(cx, result);
	if (!rc)
		rc = judge(cx, result, p->broken);
	json_decref(result);
	json_decref(p->streams);
	return rc;
}

int
commands_verify(struct command_context *cx)
{
	struct proof p = {
	    .verb = "verify", .broken = "what is stored is damaged"};

	return run(cx, &p);
}

/* JSON has all streams, a table only those that do not hold. */
int
commands_prove(struct command_context *cx)
{
	bool all = cx->args->form != WRITER_TABLE;
	struct proof p = {.verb = "prove",
	    .broken = "records are unaccounted for",
	    .args = json_pack("{s:b}", "streams", all)};
	int rc = run(cx, &p);

	json_decref(p.args);
	return rc;
}
