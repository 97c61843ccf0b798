/* The table itself, and the help that lists it. */
#include "commands.h"

#include "streams.h"

#include <stdio.h>
#include <string.h>

static const struct command *const commands[] = {
    &command_write,  &command_read,   &command_peek,      &command_list, &command_exists,
    &command_stats,  &command_delete, &command_move,      &command_rename,
    &command_broadcast, &command_dump, &command_load,     &command_alias,
    &command_backup, &command_init,   &command_watch,     NULL,
};

static const char help_before[] =
    "usage: simplebroker [-h] [-d DIR] [-f FILE] [-q] [--version] COMMAND ...\n"
    "       simplebroker [-d DIR] [-f FILE] [-q] --status [--json]\n"
    "       simplebroker [-d DIR] [-f FILE] [-q] --vacuum [--compact]\n"
    "       simplebroker [-d DIR] [-f FILE] [-q] --cleanup [--json]\n"
    "\n"
    "A durable message queue in one SQLite file.\n"
    "\n"
    "commands:\n";

static const char help_after[] =
    "\n"
    "options, given before the command:\n"
    "  -h, --help            show this help, or with a command its help, and exit\n"
    "  -d DIR, --dir DIR     working directory (default: the current directory)\n"
    "  -f FILE, --file FILE  database file, or its absolute path (default:\n"
    "                        .broker.db)\n"
    "  -q, --quiet           suppress non-error commentary\n"
    "  --version             show the version and exit\n"
    "\n"
    "actions, given instead of a command:\n"
    "  --status              show the state of the database and exit\n"
    "  --vacuum              remove messages that have been read, and exit\n"
    "  --compact             with --vacuum, also give unused disk space back\n"
    "  --cleanup             destructively delete configured backend target state\n"
    "                        and exit\n"
    "\n"
    "Exit codes: 0 success, 1 error, 2 empty queue or nothing matched.\n"
    "\n"
    "Try:  simplebroker write tasks 'hello'\n"
    "      simplebroker read tasks\n"
    "      simplebroker COMMAND --help\n";

static bool is_there(const struct command *command)
{
    return (command->flags & COMMAND_ASKS_HOST) == 0 || !streams_redirected() ||
           streams_can_watch();
}

static const struct command *find(const struct command *const *table, const char *name)
{
    for (; *table != NULL; table++) {
        if (strcmp((*table)->name, name) == 0 && is_there(*table)) {
            return *table;
        }
    }
    return NULL;
}

const struct command *command_find(const char *name)
{
    return find(commands, name);
}

const struct command *command_find_sub(const struct command *command, const char *name)
{
    return find(command->subcommands, name);
}

void commands_help(struct output *out)
{
    char line[100];
    size_t i;

    output_text(out, help_before);
    for (i = 0; commands[i] != NULL; i++) {
        if (is_there(commands[i])) {
            snprintf(line, sizeof line, "  %-20s  %s\n", commands[i]->name, commands[i]->summary);
            output_text(out, line);
        }
    }
    output_text(out, help_after);
}
