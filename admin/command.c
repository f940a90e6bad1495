/* SPDX-License-Identifier: Apache-2.0 */
#include "admin/command.h"

#include <string.h>

#include "admin/commands.h"

#define BIT(name) ARGS_BIT(name)
#define MANY SIZE_MAX

const struct command command_table[] = {
    {"status", "", 0, 0, COMMAND_NOTHING, ARGS_ROWS, commands_status,
	"Show how the spool is, at one glance",
	"The first line says whether the daemon is ready and how many days "
	"the spool could still take in records if every target died now. "
	"Then come the spool, the listeners and the targets, with what is "
	"pending for each and its last error. If the daemon does not answer, "
	"the last status file is shown with its age, and the exit status is "
	"5."},
    {"wait", "", 0, 0, COMMAND_NOTHING,
	BIT(READY) | BIT(DRAINED) | BIT(TARGET) | BIT(TIMEOUT), commands_wait,
	"Wait until the daemon is ready, or the targets have everything",
	"A daemon that is absent, refuses or breaks the connection is taken "
	"as not yet. With --target the wait is for that target alone, also "
	"if it is paused. Without --timeout it waits for ever."},
    {"listener ls", "", 0, 0, COMMAND_NOTHING, ARGS_ROWS | BIT(LIMIT),
	commands_listener_ls, "List the listeners", ""},
    {"listener show", "NAME", 1, 1, COMMAND_LISTENER, ARGS_ROWS,
	commands_listener_show, "Show all about a listener", ""},
    {"stream ls", "", 0, 0, COMMAND_NOTHING,
	ARGS_ROWS | BIT(LIMIT) | BIT(LISTENER) | BIT(ORIGIN),
	commands_stream_ls, "List the streams that the spool knows", ""},
    {"stream show", "NAME", 1, 1, COMMAND_STREAM, ARGS_ROWS | BIT(ORIGIN),
	commands_stream_show,
	"Show the epochs of a stream, and how far each is durable", ""},
    {"target ls", "", 0, 0, COMMAND_NOTHING, ARGS_ROWS | BIT(LIMIT),
	commands_target_ls, "List the targets", ""},
    {"target show", "NAME", 1, 1, COMMAND_TARGET, ARGS_ROWS,
	commands_target_show,
	"Show all about a target: every term of its account", ""},
    {"target pause", "NAME", 1, 1, COMMAND_TARGET, BIT(REASON),
	commands_target_pause, "Deliver nothing to a target until resumed",
	"What it is owed stays in the spool and counts for the quota."},
    {"target resume", "NAME", 1, 1, COMMAND_TARGET, BIT(REASON),
	commands_target_resume, "Deliver to a paused target again", ""},
    {"target retry", "NAME", 1, 1, COMMAND_TARGET, BIT(REASON),
	commands_target_retry, "Try a target now, without waiting any longer",
	"Ends the pause between two attempts, and a hold."},
    {"target remove", "NAME", 1, 1, COMMAND_TARGET,
	BIT(DRY_RUN) | BIT(YES) | BIT(REASON), commands_target_remove,
	"Give up all that is pending for an orphaned target",
	"A target that is no longer in the configuration keeps its backlog "
	"until this is done. On a terminal its name has to be typed; "
	"elsewhere --yes is needed. What is given up cannot be brought back."},
    {"target rename", "OLD NEW", 2, 2, COMMAND_TARGET, BIT(REASON),
	commands_target_rename,
	"Give a target another name, before it is edited in the file",
	"The new name keeps what the old one was owed."},
    {"queue ls", "", 0, 0, COMMAND_NOTHING, ARGS_ROWS | BIT(LIMIT),
	commands_queue_ls, "List what is pending for each target", ""},
    {"queue peek", "", 0, 0, COMMAND_NOTHING,
	BIT(COLUMNS) | BIT(NO_HEADERS) | BIT(LIMIT) | BIT(TARGET) | BIT(FROM),
	commands_queue_peek, "Look at records without taking them",
	"The oldest that are held, or those pending for a target; 10 if no "
	"limit is given. Seeing records is a right of its own, and audited."},
    {"verify", "", 0, 0, COMMAND_NOTHING, BIT(TIMEOUT), commands_verify,
	"Read all that is stored and check every digest",
	"Checks tags, checksums and the chain, and has the worker unpack each "
	"batch and compare its records, lengths, ranges and content digest. "
	"One at a time: a second one ends with 7. "
	"Exit status 9 if anything is damaged, 8 if it cannot be told."},
    {"prove", "", 0, 0, COMMAND_NOTHING, BIT(TIMEOUT), commands_prove,
	"Count the records and check that none is unaccounted for",
	"For each listener and each stream, received = stored + duplicate + "
	"refused; for each target, stored = delivered + unconfirmed + "
	"filtered + pending + dead-lettered + expired + shed + quarantined. "
	"Stored and pending are counted from the batches. The table has the "
	"streams that do not hold, wide and JSON all of them. Records that "
	"cannot be read any more are told place by place. Waits 10s for a "
	"keeper that restarts. Exit status 9 if an equation does not hold, "
	"8 if it cannot be told."},
    {"decode", "FILE...", 1, MANY, COMMAND_FILE, BIT(FRAMING), commands_decode,
	"Give back the records of a file target, byte by byte",
	"Reads the files that a target of protocol file wrote, in order, also "
	"those compressed with zstd; - is standard input. Lines and lengths "
	"are told apart by themselves."},
    {"config check", "[FILE]", 0, 1, COMMAND_FILE, 0, commands_config_check,
	"Check a configuration and tell every error",
	"By default the file that spoold reads. Exit status 9 if it is "
	"wrong, 3 if there is none."},
    {"config show", "[FILE]", 0, 1, COMMAND_FILE, 0, commands_config_show,
	"Print a configuration with every default", ""},
    {"version", "", 0, 0, COMMAND_NOTHING, 0, commands_version,
	"Print the version", ""},
    {"help", "[COMMAND]", 0, 2, COMMAND_COMMAND, 0, commands_help,
	"Explain a command, or list them all", ""},
    {"completion", "SHELL", 1, 1, COMMAND_SHELL, 0, commands_completion,
	"Print the completion script for bash, zsh or fish", ""},
};

const size_t command_count = sizeof(command_table) / sizeof(command_table[0]);

const struct command *
command_find(const char *name)
{
	for (size_t i = 0; i < command_count; i++) {
		if (!strcmp(command_table[i].name, name))
			return &command_table[i];
	}
	return NULL;
}

bool
command_takes(const struct command *c, enum args_option option)
{
	return ((c->options | ARGS_COMMON) >> option & 1) != 0;
}
