/* SPDX-License-Identifier: Apache-2.0 */
#include "admin/args.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "admin/command.h"
#include "lib/base/err.h"
#include "lib/config/suggest.h"
#include "lib/config/unit.h"
#include "lib/config/utf8.h"

#define NAME_MAX_LEN 64

const struct args_option_row args_options[] = {
#define X(name, ...) {__VA_ARGS__},
    ARGS_OPTIONS(X)
#undef X
};

/* "--limit needs a value" */
static int
wrong(struct fault *f, const char *code, const char *subject, const char *what)
{
	fault_set(f, FAULT_USAGE, code, "%s%s", subject, what);
	fault_hint(f, "spoolctl help shows what there is");
	return FAULT_USAGE;
}

static int
wrong_use(struct fault *f, const struct args_option_row *row, const char *code,
    const char *what)
{
	char subject[NAME_MAX_LEN];

	snprintf(subject, sizeof(subject), "--%s", row->name);
	return wrong(f, code, subject, what);
}

/* Words are "one two three". */
static bool
is_word_of(const char *word, const char *words)
{
	size_t len = strlen(word);

	for (const char *p = words; *p;) {
		size_t n = strcspn(p, " ");

		if (n == len && !memcmp(p, word, n))
			return true;
		p += n + (p[n] == ' ');
	}
	return false;
}

static void
hint_meant(struct fault *f, const char *prefix, const char *meant)
{
	if (meant)
		fault_hint(f, "did you mean %s%s?", prefix, meant);
}

static int
no_such_option(struct bytes name, struct fault *f)
{
	unsigned distance = UINT_MAX;
	const char *meant = NULL;

	fault_set(f, FAULT_USAGE, "OPTION_UNKNOWN", "there is no option --%.*s",
	    (int)(name.len > NAME_MAX_LEN ? NAME_MAX_LEN : name.len),
	    (const char *)name.ptr);
	for (size_t i = 0; i < ARGS_OPTION_COUNT; i++) {
		if (suggest_is_nearer(name, args_options[i].name, &distance))
			meant = args_options[i].name;
	}
	hint_meant(f, "--", meant);
	return FAULT_USAGE;
}

static int
wrong_value(const struct args_option_row *row, const char *value,
    const char *allowed, struct fault *f)
{
	fault_set(f, FAULT_USAGE, "OPTION_VALUE", "--%s: %.64s is not allowed",
	    row->name, value);
	fault_hint(f, "allowed: %s", allowed);
	return FAULT_USAGE;
}

static int
set_value(
    struct args *a, enum args_option o, const char *value, struct fault *f)
{
	const struct args_option_row *row = &args_options[o];
	struct bytes text = bytes_of_str(value);

	switch (row->kind) {
	case ARGS_NUMBER:
		if (unit_integer(text, &a->number[o]))
			return wrong_value(row, value, "a whole number", f);
		break;
	case ARGS_DURATION:
	case ARGS_DURATION_MAYBE:
		if (unit_parse(UNIT_DURATION, text, &a->number[o]) ||
		    a->number[o] > INT64_MAX)
			return wrong_value(row, value,
			    "a whole number and ms, s, m, h or d", f);
		break;
	case ARGS_WORD:
		if (!is_word_of(value, row->words))
			return wrong_value(row, value, row->words, f);
		break;
	case ARGS_TEXT:
		if (!text.len)
			return wrong_value(row, "\"\"", row->value, f);
		break;
	case ARGS_FLAG:
		break;
	}
	a->text[o] = value;
	return FAULT_OK;
}

/* *at: the option's place in argv, moved on if the value is the next word. */
static int
take_option(int argc, char **argv, int *at, enum args_option o,
    const char *value, struct args *a, struct fault *f)
{
	const struct args_option_row *row = &args_options[o];

	if (a->given[o])
		return wrong_use(f, row, "OPTION_TWICE", " is given twice");
	a->given[o] = true;
	if (row->kind == ARGS_FLAG && value)
		return wrong_use(f, row, "OPTION_VALUE", " takes no value");
	if (row->kind == ARGS_FLAG ||
	    (!value && row->kind == ARGS_DURATION_MAYBE))
		return FAULT_OK;
	if (!value && *at + 1 < argc)
		value = argv[++*at];
	if (!value)
		return wrong_use(f, row, "OPTION_VALUE", " needs a value");
	return set_value(a, o, value, f);
}

static int
take_long(int argc, char **argv, int *at, struct args *a, struct fault *f)
{
	const char *text = argv[*at] + 2;
	size_t len = strcspn(text, "=");
	const char *value = text[len] ? text + len + 1 : NULL;

	for (size_t i = 0; i < ARGS_OPTION_COUNT; i++) {
		if (strlen(args_options[i].name) == len &&
		    !memcmp(args_options[i].name, text, len))
			return take_option(
			    argc, argv, at, (enum args_option)i, value, a, f);
	}
	return no_such_option(bytes_of(text, len), f);
}

/* -o json or -ojson; flags may not be joined. */
static int
take_short(int argc, char **argv, int *at, struct args *a, struct fault *f)
{
	const char *text = argv[*at] + 1;

	for (size_t i = 0; i < ARGS_OPTION_COUNT; i++) {
		if (args_options[i].letter == text[0])
			return take_option(argc, argv, at, (enum args_option)i,
			    text[1] ? text + 1 : NULL, a, f);
	}
	fault_set(
	    f, FAULT_USAGE, "OPTION_UNKNOWN", "there is no option -%.1s", text);
	return FAULT_USAGE;
}

static int
take_all(int argc, char **argv, struct args *a, struct fault *f)
{
	bool only_words = false;
	int rc = FAULT_OK;

	for (int i = 1; i < argc && !rc; i++) {
		const char *arg = argv[i];

		if (only_words || arg[0] != '-' || !arg[1])
			a->words[a->word_count++] = arg;
		else if (!strcmp(arg, "--"))
			only_words = true;
		else if (arg[1] == '-')
			rc = take_long(argc, argv, &i, a, f);
		else
			rc = take_short(argc, argv, &i, a, f);
	}
	return rc;
}

/* "target pa": say which verbs there are, or which word was meant. */
static int
no_such_command(const struct args *a, struct fault *f)
{
	const char *first = a->words[0];
	const char *second = a->word_count > 1 ? a->words[1] : "";
	size_t len = strlen(first);
	unsigned distance = UINT_MAX;
	const char *meant = NULL;
	char typed[2 * NAME_MAX_LEN], verbs[256] = "";

	snprintf(typed, sizeof(typed), "%.60s%s%.60s", first,
	    *second ? " " : "", second);
	for (size_t i = 0; i < command_count; i++) {
		const char *name = command_table[i].name;
		size_t n = strlen(verbs);

		if (!strncmp(name, first, len) && name[len] == ' ')
			snprintf(verbs + n, sizeof(verbs) - n, "%s%s",
			    n ? ", " : "", name + len + 1);
		if (suggest_is_nearer(bytes_of_str(typed), name, &distance) ||
		    (!*verbs &&
			suggest_is_nearer(
			    bytes_of_str(first), name, &distance)))
			meant = name;
	}
	if (*verbs && !*second) {
		fault_set(f, FAULT_USAGE, "COMMAND_INCOMPLETE",
		    "%.64s needs a verb", first);
		fault_hint(f, "one of: %s", verbs);
		return FAULT_USAGE;
	}
	wrong(f, "COMMAND_UNKNOWN", "there is no command ", typed);
	if (meant)
		hint_meant(f, "spoolctl ", meant);
	else if (*verbs)
		fault_hint(f, "one of: %s", verbs);
	return FAULT_USAGE;
}

static void
drop_words(struct args *a, size_t count)
{
	a->words += count;
	a->word_count -= count;
}

/* The longest row that the words begin with; its arguments are left. */
static int
find_command(struct args *a, struct fault *f)
{
	char name[NAME_MAX_LEN];

	if (!a->word_count)
		return wrong(f, "COMMAND_MISSING", "say what to do",
		    ": spoolctl status, for one");
	if (a->word_count > 1 &&
	    (size_t)snprintf(name, sizeof(name), "%s %s", a->words[0],
		a->words[1]) < sizeof(name)) {
		a->command = command_find(name);
		if (a->command)
			drop_words(a, 2);
	}
	if (!a->command) {
		a->command = command_find(a->words[0]);
		if (a->command)
			drop_words(a, 1);
	}
	return a->command ? FAULT_OK : no_such_command(a, f);
}

/* What goes into JSON must be text; paths may be any bytes. */
static int
check_text(const struct args *a, struct fault *f)
{
	bool is_text = true;

	for (size_t i = 0; i < ARGS_OPTION_COUNT; i++) {
		if (a->text[i] && i != ARGS_SOCKET)
			is_text &= utf8_is_text(bytes_of_str(a->text[i]));
	}
	for (size_t i = 0; i < a->word_count; i++) {
		if (a->command->completes != COMMAND_FILE)
			is_text &= utf8_is_text(bytes_of_str(a->words[i]));
	}
	return is_text ? FAULT_OK
		       : wrong(f, "ARGUMENT_NOT_TEXT", "an argument is not ",
			     "text in UTF-8 without control characters");
}

static int
check_command(const struct args *a, struct fault *f)
{
	const struct command *c = a->command;

	for (size_t i = 0; i < ARGS_OPTION_COUNT; i++) {
		if (!a->given[i] || command_takes(c, (enum args_option)i))
			continue;
		fault_set(f, FAULT_USAGE, "OPTION_NOT_HERE",
		    "%s has no option --%s", c->name, args_options[i].name);
		fault_hint(f, "spoolctl help %s shows what it has", c->name);
		return FAULT_USAGE;
	}
	if (a->word_count >= c->least && a->word_count <= c->most)
		return check_text(a, f);
	if (a->word_count < c->least)
		fault_set(f, FAULT_USAGE, "ARGUMENT_MISSING",
		    "%s needs an argument", c->name);
	else
		fault_set(f, FAULT_USAGE, "ARGUMENT_EXTRA",
		    "%s: %.64s is one argument too many", c->name,
		    a->words[c->most]);
	fault_hint(f, "spoolctl %s %s", c->name, c->arguments);
	return FAULT_USAGE;
}

/* `--help` and `--version` are commands too. */
static bool
is_other_command(struct args *a)
{
	if (a->given[ARGS_HELP])
		a->command = command_find("help");
	else if (a->given[ARGS_VERSION])
		a->command = command_find("version");
	if (a->given[ARGS_VERSION] && !a->given[ARGS_HELP])
		a->word_count = 0;
	return a->command != NULL;
}

/* Before all else, so that errors have the form that was asked for. */
static void
set_form(struct args *a)
{
	static const char *const forms[] = {
	    "table", "wide", "json", "ndjson", "csv"};

	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
		if (a->text[ARGS_OUTPUT] &&
		    !strcmp(a->text[ARGS_OUTPUT], forms[i]))
			a->form = (enum writer_form)i;
	}
}

int
args_parse(int argc, char **argv, struct args *args, struct fault *fault)
{
	struct args a = {.number[ARGS_WATCH] = 2000};
	const char **words;
	int rc;

	*args = a;
	words = calloc((size_t)argc + 1, sizeof(*words));
	if (!words)
		return fault_of_err(fault, ERR_NOMEM, "cannot start");
	a.words = words;
	rc = take_all(argc, argv, &a, fault);
	set_form(&a);
	if (!rc && !is_other_command(&a)) {
		rc = find_command(&a, fault);
		if (!rc)
			rc = check_command(&a, fault);
	}
	/* The arguments move to the front, where args_fini finds them. */
	memmove(words, a.words, (a.word_count + 1) * sizeof(*words));
	words[a.word_count] = NULL;
	a.words = words;
	*args = a;
	return rc;
}

void
args_fini(struct args *args)
{
	free(args->words);
	args->words = NULL;
}
