/* The table of commands. A new command is one file and one line in commands.c. */
#ifndef BROKER_CLI_COMMANDS_H
#define BROKER_CLI_COMMANDS_H

#include "command.h"
#include "output.h"

extern const struct command command_write;
extern const struct command command_read;
extern const struct command command_peek;
extern const struct command command_list;
extern const struct command command_exists;
extern const struct command command_stats;
extern const struct command command_delete;
extern const struct command command_move;
extern const struct command command_rename;
extern const struct command command_broadcast;
extern const struct command command_dump;
extern const struct command command_load;
extern const struct command command_alias;
extern const struct command command_backup;
extern const struct command command_init;
extern const struct command command_watch;

/* The command of that name, or NULL. */
const struct command *command_find(const char *name);

/* The subcommand of that name, or NULL. */
const struct command *command_find_sub(const struct command *command, const char *name);

/* Help on the whole program. */
void commands_help(struct output *out);

#endif
