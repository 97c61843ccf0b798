/*
 * Options before the command. Their grammar is not getopt's: the first word that names a command
 * ends them, nothing is abbreviated, and a value never begins with '-' unless attached.
 */
#ifndef BROKER_CLI_GLOBALS_H
#define BROKER_CLI_GLOBALS_H

#include "args.h"
#include "command.h"

struct globals {
    const char *directory;
    const char *file;
    bool quiet;
    bool version;
    bool cleanup;
    bool vacuum;
    bool compact;
    bool status;
    bool json; /* of --status and --cleanup only */
    const struct command *command;
    struct tokens rest; /* the command's name and what follows it */
};

enum parsed globals_parse(struct globals *globals, int argc, char **argv);

void globals_dispose(struct globals *globals);

#endif
