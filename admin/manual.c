/* SPDX-License-Identifier: Apache-2.0 */
#include "admin/manual.h"

#include <ctype.h>
#include <string.h>

#include "admin/command.h"

#define WIDTH 78

/* Where a sentence ends: the next one begins a line, as mdoc wants it. */
static bool
is_sentence_end(const char *at)
{
	return at[0] == '.' && at[1] == ' ' && isupper((unsigned char)at[2]);
}

/* One word, with what roff would take for itself escaped. */
static void
add_word(const char *word, size_t len, struct buf *b)
{
	if (len > 0 && (word[0] == '.' || word[0] == '\''))
		buf_add_str(b, "\\&");
	for (size_t i = 0; i < len; i++) {
		if (word[i] == '\\')
			buf_add_str(b, "\\e");
		else if (word[i] == '-' && (i == 0 || word[i - 1] == '-'))
			buf_add_str(b, "\\-");
		else
			buf_add_u8(b, (uint8_t)word[i]);
	}
}

/* Sentences, in lines. */
static void
add_text(const char *text, struct buf *b)
{
	size_t column = 0;

	while (*text) {
		size_t len = strcspn(text, " ");

		if (column > 0 && column + 1 + len > WIDTH) {
			buf_add_u8(b, '\n');
			column = 0;
		}
		if (column > 0)
			buf_add_u8(b, ' ');
		add_word(text, len, b);
		column += len + 1;
		if (len > 0 && is_sentence_end(text + len - 1)) {
			buf_add_u8(b, '\n');
			column = 0;
		}
		text += len + (text[len] == ' ');
	}
	if (column > 0)
		buf_add_u8(b, '\n');
}

/* "[FILE]", "FILE...", "OLD NEW" as macros. */
static void
add_arguments(const struct command *c, struct buf *b)
{
	const char *text = c->arguments;
	bool is_optional = *text == '[';

	if (!*text)
		return;
	buf_add_str(b, is_optional ? " Op Ar " : " Ar ");
	for (text += is_optional; *text && *text != ']'; text++) {
		if (!strcmp(text, "..."))
			buf_add_u8(b, ' ');
		buf_add_u8(b, (uint8_t)*text);
	}
}

static void
add_flag(const struct args_option_row *o, struct buf *b)
{
	if (o->letter)
		buf_add_fmt(b, "Fl %c , ", o->letter);
	buf_add_fmt(b, "Fl -%s", o->name);
	if (o->kind == ARGS_DURATION_MAYBE)
		buf_add_fmt(b, " Ns Op = Ns Ar %s", o->value);
	else if (o->kind != ARGS_FLAG)
		buf_add_fmt(b, " Ns = Ns Ar %s", o->value);
}

static void
add_option(const struct args_option_row *o, struct buf *b)
{
	buf_add_str(b, ".It ");
	add_flag(o, b);
	buf_add_u8(b, '\n');
	add_text(o->text, b);
	if (*o->words) {
		buf_add_str(b, "One of:\n");
		buf_add_fmt(b, ".Cm %s .\n", o->words);
	}
}

static void
add_options(uint32_t which, struct buf *b)
{
	for (size_t i = 0; i < ARGS_OPTION_COUNT; i++) {
		if (which >> i & 1)
			add_option(&args_options[i], b);
	}
}

/* "Options: --limit, --origin." */
static void
add_option_names(const struct command *c, struct buf *b)
{
	size_t left = 0;

	for (size_t i = 0; i < ARGS_OPTION_COUNT; i++)
		left += c->options >> i & 1;
	if (left)
		buf_add_str(b, "Options:\n");
	for (size_t i = 0; i < ARGS_OPTION_COUNT; i++) {
		if (c->options >> i & 1)
			buf_add_fmt(b, ".Fl -%s %s\n", args_options[i].name,
			    --left ? "," : ".");
	}
}

static void
add_command(const struct command *c, struct buf *b)
{
	buf_add_fmt(b, ".It Cm %s", c->name);
	add_arguments(c, b);
	buf_add_u8(b, '\n');
	buf_add_fmt(b, "%s.\n", c->summary);
	add_text(c->text, b);
	add_option_names(c, b);
}

static const char head[] =
    ".\\\" SPDX-License-Identifier: Apache-2.0\n"
    ".\\\" Made from the table of commands by admin/generate.\n"
    ".Dd November 26, 2026\n"
    ".Dt SPOOLCTL 1\n"
    ".Os\n"
    ".Sh NAME\n"
    ".Nm spoolctl\n"
    ".Nd look after a log spool daemon\n"
    ".Sh SYNOPSIS\n"
    ".Nm\n"
    ".Op Ar option ...\n"
    ".Ar command\n"
    ".Op Ar argument ...\n"
    ".Sh DESCRIPTION\n"
    ".Nm\n"
    "asks\n"
    ".Xr spoold 8\n"
    "through its control socket, and prints what it says: as a table for a\n"
    "person, or as JSON or CSV for a program.\n"
    "Options may stand anywhere on the command line;\n"
    ".Fl -\n"
    "ends them.\n"
    "What comes from records and names is made harmless to a terminal.\n"
    ".Sh COMMANDS\n"
    ".Bl -tag -width Ds\n";

static const char tail[] = ".Sh ENVIRONMENT\n"
			   ".Bl -tag -width SPOOLCTL_SOCKET\n"
			   ".It Ev SPOOLCTL_SOCKET\n"
			   "The control socket, if\n"
			   ".Fl -socket\n"
			   "is not given.\n"
			   ".It Ev NO_COLOR\n"
			   "If set and not empty, nothing is coloured.\n"
			   "Colour is for terminals only.\n"
			   ".El\n"
			   ".Sh FILES\n"
			   ".Bl -tag -width Ds\n"
			   ".It Pa /run/spoold/control.sock\n"
			   "The control socket.\n"
			   ".It Pa /run/spoold/status.json\n"
			   "The last status, renewed every two seconds.\n"
			   ".Cm status\n"
			   "shows it if the daemon does not answer.\n"
			   ".El\n";

static const char after[] =
    ".Sh EXAMPLES\n"
    "Is everything delivered?\n"
    ".Pp\n"
    ".Dl spoolctl wait --drained --timeout 10m\n"
    ".Pp\n"
    "The oldest records for one target, as JSON:\n"
    ".Pp\n"
    ".Dl spoolctl queue peek --target siem --limit 3 -o ndjson\n"
    ".Pp\n"
    "What a file target has, as it once came in:\n"
    ".Pp\n"
    ".Dl spoolctl decode /var/log/spoold-archive/archive-*.log*\n"
    ".Sh DIAGNOSTICS\n"
    "An error has a stable code, a message, and where it helps a cause and a\n"
    "hint, on standard error; as one JSON object with\n"
    ".Fl -output Ns = Ns Cm json .\n"
    ".Sh SEE ALSO\n"
    ".Xr spoold.yaml 5 ,\n"
    ".Xr spoold 8\n";

void
manual_print(struct buf *b)
{
	uint32_t all = (1u << ARGS_OPTION_COUNT) - 1;

	buf_add_str(b, head);
	for (size_t i = 0; i < command_count; i++)
		add_command(&command_table[i], b);
	buf_add_str(b,
	    ".El\n.Sh OPTIONS\n"
	    "Every command takes these:\n"
	    ".Bl -tag -width Ds\n");
	add_options(ARGS_COMMON, b);
	buf_add_str(b,
	    ".El\n.Pp\n"
	    "Some commands take these, as told there:\n"
	    ".Bl -tag -width Ds\n");
	add_options(all & ~(uint32_t)ARGS_COMMON, b);
	buf_add_str(b, ".El\n");
	buf_add_str(b, tail);
	buf_add_str(b, ".Sh EXIT STATUS\n.Bl -tag -width Ds\n");
#define X(name, value, text) buf_add_fmt(b, ".It %d\n%s\n", value, text);
	FAULT_EXITS(X)
#undef X
	buf_add_str(b, ".El\n");
	buf_add_str(b, after);
}
