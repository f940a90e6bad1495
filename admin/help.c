/* SPDX-License-Identifier: Apache-2.0 */
#include "admin/help.h"

#include <string.h>

#include "lib/config/print.h"

#define WIDTH 80
#define NAME_WIDTH 16 /* the longest name of a command, and spaces */

static void
add_summary(const struct command *c, struct buf *b)
{
	buf_add_fmt(b, "  %-*s %s\n", NAME_WIDTH, c->name, c->summary);
}

static void
add_option(const struct args_option_row *o, struct buf *b)
{
	static const char *const equals[] = {
	    [ARGS_FLAG] = "",
	    [ARGS_TEXT] = "=",
	    [ARGS_NUMBER] = "=",
	    [ARGS_DURATION] = "=",
	    [ARGS_DURATION_MAYBE] = "[=",
	    [ARGS_WORD] = "=",
	};
	bool is_open = o->kind == ARGS_DURATION_MAYBE;

	buf_add_str(b, "  ");
	if (o->letter)
		buf_add_fmt(b, "-%c, ", o->letter);
	buf_add_fmt(b, "--%s%s%s%s\n", o->name, equals[o->kind], o->value,
	    is_open ? "]" : "");
	print_wrapped(o->text, "      ", WIDTH, b);
	if (*o->words) {
		buf_add_str(b, "      One of: ");
		buf_add_fmt(b, "%s.\n", o->words);
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

void
help_overview(struct buf *b)
{
	buf_add_str(b,
	    "usage: spoolctl [OPTION...] COMMAND [ARGUMENT...]\n\n"
	    "Look after a spoold.  The commands:\n\n");
	for (size_t i = 0; i < command_count; i++)
		add_summary(&command_table[i], b);
	buf_add_str(b, "\nOptions of every command:\n\n");
	add_options(ARGS_COMMON, b);
	buf_add_str(b, "\nExit status:\n\n");
#define X(name, value, text) buf_add_fmt(b, "  %2d  %s\n", value, text);
	FAULT_EXITS(X)
#undef X
	buf_add_str(b,
	    "\nspoolctl help COMMAND explains one; spoolctl(1) all of it.\n");
}

bool
help_noun(const char *noun, struct buf *b)
{
	size_t len = strlen(noun);
	bool is_found = false;

	for (size_t i = 0; i < command_count; i++) {
		const struct command *c = &command_table[i];

		if (strncmp(c->name, noun, len) != 0 || c->name[len] != ' ')
			continue;
		add_summary(c, b);
		is_found = true;
	}
	return is_found;
}

void
help_command(const struct command *c, struct buf *b)
{
	buf_add_fmt(b, "usage: spoolctl %s%s%s%s\n\n", c->name,
	    *c->arguments ? " " : "", c->arguments,
	    c->options ? " [OPTION...]" : "");
	buf_add_fmt(b, "%s.\n", c->summary);
	if (*c->text) {
		buf_add_u8(b, '\n');
		print_wrapped(c->text, "", WIDTH, b);
	}
	if (c->options) {
		buf_add_str(b, "\nOptions:\n\n");
		add_options(c->options, b);
	}
	buf_add_str(b, "\nOptions of every command: spoolctl help.\n");
}
