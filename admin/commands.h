/* SPDX-License-Identifier: Apache-2.0 */
/*
 * commands - the functions of the commands, one file a noun.
 *
 * commands_x_y is in commands_x.c; verbs of their own are in the file that
 * the room's README tells.  For command.c only.
 */
#ifndef ADMIN_COMMANDS_H
#define ADMIN_COMMANDS_H

#include "admin/command.h"

command_fn commands_status;
command_fn commands_wait;
command_fn commands_listener_ls, commands_listener_show;
command_fn commands_stream_ls, commands_stream_show;
command_fn commands_target_ls, commands_target_show;
command_fn commands_target_pause, commands_target_resume;
command_fn commands_target_retry;
command_fn commands_target_remove, commands_target_rename;
command_fn commands_queue_ls, commands_queue_peek;
command_fn commands_verify, commands_prove;
command_fn commands_decode;
command_fn commands_config_check, commands_config_show;
command_fn commands_version, commands_help, commands_completion;

#endif
