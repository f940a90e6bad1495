/* SPDX-License-Identifier: Apache-2.0 */
#include "admin/completion.h"

#include <stdio.h>
#include <string.h>

#include "admin/command.h"

/* Single quotes, for each of the shells. */
static void
add_quoted(const char *text, struct buf *b)
{
	buf_add_u8(b, '\'');
	for (; *text; text++) {
		if (*text == '\'')
			buf_add_str(b, "'\\''");
		else
			buf_add_u8(b, (uint8_t)*text);
	}
	buf_add_u8(b, '\'');
}

/* The first word of a command that no earlier row has. */
static bool
is_first_of_noun(size_t row, size_t *len)
{
	const char *name = command_table[row].name;

	*len = strcspn(name, " ");
	for (size_t i = 0; i < row; i++) {
		if (!strncmp(command_table[i].name, name, *len + 1))
			return false;
	}
	return true;
}

static const char *
verb_of(const struct command *c)
{
	const char *space = strchr(c->name, ' ');

	return space ? space + 1 : NULL;
}

/* The words that may come first. */
static void
add_first_words(struct buf *b)
{
	size_t len;

	for (size_t i = 0, n = 0; i < command_count; i++) {
		if (is_first_of_noun(i, &len))
			buf_add_fmt(b, "%s%.*s", n++ ? " " : "", (int)len,
			    command_table[i].name);
	}
}

static void
add_verbs(const char *noun, size_t len, struct buf *b)
{
	for (size_t i = 0, n = 0; i < command_count; i++) {
		const char *name = command_table[i].name;

		if (!strncmp(name, noun, len) && name[len] == ' ')
			buf_add_fmt(b, "%s%s", n++ ? " " : "", name + len + 1);
	}
}

static void
add_options(const struct command *c, struct buf *b)
{
	for (size_t i = 0, n = 0; i < ARGS_OPTION_COUNT; i++) {
		if (command_takes(c, (enum args_option)i))
			buf_add_fmt(
			    b, "%s--%s", n++ ? " " : "", args_options[i].name);
	}
}

/* What gives the words of an argument, for bash and zsh alike; "" files. */
static const char *
source_of(enum command_completes completes)
{
	static const char *const sources[] = {
	    [COMMAND_NOTHING] = ":",
	    [COMMAND_TARGET] = "_spoolctl_names target name",
	    [COMMAND_LISTENER] = "_spoolctl_names listener name",
	    [COMMAND_STREAM] = "_spoolctl_names stream stream",
	    [COMMAND_FILE] = "",
	    [COMMAND_COMMAND] = "_spoolctl_commands",
	    [COMMAND_SHELL] = "echo bash zsh fish",
	};

	return sources[completes];
}

static const char *
source_of_option(enum args_option o)
{
	switch (o) {
	case ARGS_TARGET:
		return source_of(COMMAND_TARGET);
	case ARGS_LISTENER:
		return source_of(COMMAND_LISTENER);
	case ARGS_SOCKET:
		return "";
	default:
		return ":";
	}
}

/* `words_of` CONTEXT prints the words; the function both shells share. */
static void
add_cases(struct buf *b)
{
	size_t len;

	buf_add_str(b, "_spoolctl_words() {\n\tcase $1 in\n\t'') echo ");
	add_first_words(b);
	buf_add_str(b, " ;;\n");
	for (size_t i = 0; i < command_count; i++) {
		const struct command *c = &command_table[i];

		if (verb_of(c) && is_first_of_noun(i, &len)) {
			buf_add_fmt(b, "\t%.*s) echo ", (int)len, c->name);
			add_verbs(c->name, len, b);
			buf_add_str(b, " ;;\n");
		}
		if (!*source_of(c->completes))
			buf_add_fmt(b, "\t'%s'*) echo '<files>' ;;\n", c->name);
		else if (c->most > 0)
			buf_add_fmt(b, "\t'%s') %s ;;\n", c->name,
			    source_of(c->completes));
	}
	buf_add_str(b, "\tesac\n}\n_spoolctl_options() {\n\tcase $1 in\n");
	for (size_t i = 0; i < command_count; i++) {
		buf_add_fmt(b, "\t'%s'*) echo ", command_table[i].name);
		add_options(&command_table[i], b);
		buf_add_str(b, " ;;\n");
	}
	buf_add_str(b,
	    "\t*) echo --socket --output --quiet --help "
	    "--version ;;\n\tesac\n}\n");
}

/* Values of options: prints nothing and fails if it is none of them. */
static void
add_values(struct buf *b)
{
	buf_add_str(b, "_spoolctl_values() {\n\tcase $1 in\n");
	for (size_t i = 0; i < ARGS_OPTION_COUNT; i++) {
		const struct args_option_row *o = &args_options[i];
		const char *source = source_of_option((enum args_option)i);

		if (o->kind == ARGS_FLAG || o->kind == ARGS_DURATION_MAYBE)
			continue;
		buf_add_fmt(b, "\t--%s", o->name);
		if (o->letter)
			buf_add_fmt(b, "|-%c", o->letter);
		if (*o->words)
			buf_add_fmt(b, ") echo %s ;;\n", o->words);
		else if (*source)
			buf_add_fmt(b, ") %s ;;\n", source);
		else
			buf_add_str(b, ") echo '<files>' ;;\n");
	}
	buf_add_str(b, "\t*) return 1 ;;\n\tesac\n}\n");
}

static void
add_shared(struct buf *b)
{
	buf_add_str(b,
	    "_spoolctl_names() {\n"
	    "\tspoolctl \"$1\" ls --output csv --no-headers --columns \"$2\" "
	    "2>/dev/null\n}\n"
	    "_spoolctl_commands() {\n\techo ");
	add_first_words(b);
	buf_add_str(b, "\n}\n");
	add_values(b);
	add_cases(b);
}

static void
print_bash(struct buf *b)
{
	buf_add_str(b,
	    "# bash completion for spoolctl, made from its table "
	    "of commands.\n");
	add_shared(b);
	buf_add_str(b,
	    "_spoolctl() {\n"
	    "\tlocal cur=${COMP_WORDS[COMP_CWORD]} at='' found w i\n"
	    "\tlocal before=${COMP_WORDS[COMP_CWORD-1]}\n"
	    "\t[[ $cur == '=' ]] && cur=\n"
	    "\t[[ $before == '=' ]] && before=${COMP_WORDS[COMP_CWORD-2]}\n"
	    "\tfor ((i = 1; i < COMP_CWORD; i++)); do\n"
	    "\t\tw=${COMP_WORDS[i]}\n"
	    "\t\t[[ $w == '=' ]] && { ((i++)); continue; }\n"
	    "\t\tif [[ $w == -* ]]; then\n"
	    "\t\t\t_spoolctl_values \"$w\" >/dev/null && "
	    "[[ ${COMP_WORDS[i+1]} != '=' ]] && ((i++))\n"
	    "\t\t\tcontinue\n"
	    "\t\tfi\n"
	    "\t\tat+=${at:+ }$w\n"
	    "\tdone\n"
	    "\tif [[ $before == -* ]] && found=$(_spoolctl_values "
	    "\"$before\"); then :\n"
	    "\telif [[ $cur == -* ]]; then "
	    "found=$(_spoolctl_options \"$at\")\n"
	    "\telse found=$(_spoolctl_words \"$at\"); fi\n"
	    "\tif [[ $found == '<files>' ]]; then\n"
	    "\t\tmapfile -t COMPREPLY < <(compgen -f -- \"$cur\")\n"
	    "\telse\n"
	    "\t\tmapfile -t COMPREPLY < <(compgen -W \"$found\" -- "
	    "\"$cur\")\n"
	    "\tfi\n"
	    "}\n"
	    "complete -o filenames -F _spoolctl spoolctl\n");
}

static void
print_zsh(struct buf *b)
{
	buf_add_str(b,
	    "#compdef spoolctl\n"
	    "# zsh completion for spoolctl, made from its table "
	    "of commands.\n");
	add_shared(b);
	buf_add_str(b,
	    "_spoolctl() {\n"
	    "\tlocal at='' found w i before=${words[CURRENT-1]}\n"
	    "\tfor ((i = 2; i < CURRENT; i++)); do\n"
	    "\t\tw=${words[i]}\n"
	    "\t\tif [[ $w == -* ]]; then\n"
	    "\t\t\t_spoolctl_values \"$w\" >/dev/null && ((i++))\n"
	    "\t\t\tcontinue\n"
	    "\t\tfi\n"
	    "\t\tat+=${at:+ }$w\n"
	    "\tdone\n"
	    "\tif [[ $before == -* ]] && found=$(_spoolctl_values "
	    "\"$before\"); then :\n"
	    "\telif [[ ${words[CURRENT]} == --*=* ]]; then\n"
	    "\t\tcompset -P '*='\n"
	    "\t\tfound=$(_spoolctl_values \"${words[CURRENT]%%=*}\")\n"
	    "\telif [[ ${words[CURRENT]} == -* ]]; then "
	    "found=$(_spoolctl_options \"$at\")\n"
	    "\telse found=$(_spoolctl_words \"$at\"); fi\n"
	    "\tif [[ $found == '<files>' ]]; then _files\n"
	    "\telse compadd -- ${=found}; fi\n"
	    "}\n"
	    "if [[ $zsh_eval_context[-1] == loadautofunc ]]; then "
	    "_spoolctl \"$@\"\n"
	    "else compdef _spoolctl spoolctl; fi\n");
}

static void
fish_line(const char *at, const char *words, const char *text, struct buf *b)
{
	buf_add_str(b, "complete -c spoolctl -n ");
	buf_add_fmt(b, "\"__spoolctl_at '%s'\" -a ", at);
	add_quoted(words, b);
	if (*text) {
		buf_add_str(b, " -d ");
		add_quoted(text, b);
	}
	buf_add_u8(b, '\n');
}

static void
fish_command(size_t row, struct buf *b)
{
	static const char *const words[] = {
	    [COMMAND_NOTHING] = "",
	    [COMMAND_TARGET] = "(__spoolctl_names target name)",
	    [COMMAND_LISTENER] = "(__spoolctl_names listener name)",
	    [COMMAND_STREAM] = "(__spoolctl_names stream stream)",
	    [COMMAND_FILE] = "(__fish_complete_path)",
	    [COMMAND_COMMAND] = "(__spoolctl_commands)",
	    [COMMAND_SHELL] = "bash zsh fish",
	};
	const struct command *c = &command_table[row];
	char noun[64];
	size_t len;
	bool is_first = is_first_of_noun(row, &len);

	snprintf(noun, sizeof(noun), "%.*s", (int)len, c->name);
	if (is_first)
		fish_line("", noun, verb_of(c) ? "" : c->summary, b);
	if (verb_of(c))
		fish_line(noun, verb_of(c), c->summary, b);
	if (*words[c->completes])
		fish_line(c->name, words[c->completes], "", b);
}

static void
fish_option(enum args_option o, struct buf *b)
{
	const struct args_option_row *row = &args_options[o];
	size_t len = strcspn(row->text, ".");
	char text[256];

	snprintf(text, sizeof(text), "%.*s", (int)len, row->text);
	buf_add_fmt(b, "complete -c spoolctl -l %s", row->name);
	if (row->letter)
		buf_add_fmt(b, " -s %c", row->letter);
	if (row->kind != ARGS_FLAG && row->kind != ARGS_DURATION_MAYBE)
		buf_add_str(b, o == ARGS_SOCKET ? " -r -F" : " -x");
	if (*row->words)
		buf_add_fmt(b, " -a '%s'", row->words);
	if (o == ARGS_TARGET || o == ARGS_LISTENER)
		buf_add_fmt(b, " -a '(__spoolctl_names %s name)'", row->name);
	buf_add_str(b, " -d ");
	add_quoted(text, b);
	buf_add_u8(b, '\n');
}

static void
print_fish(struct buf *b)
{
	buf_add_str(b,
	    "# fish completion for spoolctl, made from its table of "
	    "commands.\n"
	    "function __spoolctl_at\n"
	    "\tset -l words (commandline -opc)[2..-1]\n"
	    "\tset -l at (string match -rv -- '^-' $words)\n"
	    "\ttest \"$at\" = \"$argv[1]\"\n"
	    "end\n"
	    "function __spoolctl_names\n"
	    "\tspoolctl $argv[1] ls --output csv --no-headers --columns "
	    "$argv[2] 2>/dev/null\n"
	    "end\n"
	    "function __spoolctl_commands\n"
	    "\tstring split ' ' '");
	add_first_words(b);
	buf_add_str(b, "'\nend\ncomplete -c spoolctl -f\n");
	for (size_t i = 0; i < command_count; i++)
		fish_command(i, b);
	for (size_t i = 0; i < ARGS_OPTION_COUNT; i++)
		fish_option((enum args_option)i, b);
}

bool
completion_print(const char *shell, struct buf *b)
{
	static const struct {
		const char *shell;
		void (*print)(struct buf *b);
	} shells[] = {
	    {"bash", print_bash},
	    {"zsh", print_zsh},
	    {"fish", print_fish},
	};

	for (size_t i = 0; i < sizeof(shells) / sizeof(shells[0]); i++) {
		if (strcmp(shell, shells[i].shell) != 0)
			continue;
		shells[i].print(b);
		return true;
	}
	return false;
}
