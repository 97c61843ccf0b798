/* What the table of commands holds about each of them. */
#ifndef BROKER_CLI_COMMAND_H
#define BROKER_CLI_COMMAND_H

#include "args.h"

#define PROGRAM "simplebroker"

struct cli;

enum {
    COMMAND_PIPE_MAY_CLOSE = 1, /* a reader that went away ends the command in peace */
    COMMAND_INIT = 2,           /* creates its target: selected and checked differently */
    COMMAND_TELLS_FAILURES = 4, /* prints every failure, embedded too */
    COMMAND_ASKS_HOST = 8       /* exists embedded only where the host can watch */
};

/* Rewrites the tokens of a command so that operands beginning with '-' survive the parsing. */
typedef bool (*command_protect_fn)(struct tokens *out, int argc, char **argv);

/* Does a part of the work; on failure reports, sets the exit code and returns false. */
typedef bool (*command_check_fn)(struct cli *cli);

/* Does the work and sets the exit code. */
typedef void (*command_run_fn)(struct cli *cli);

struct command {
    const char *name;
    const char *summary; /* its line in the list of commands */
    const char *help;    /* the whole answer to --help */
    struct grammar grammar;
    uint32_t checks;     /* of sb_target_check() */
    uint32_t flags;
    command_protect_fn protect;
    command_check_fn prepare; /* before the target is looked at */
    command_run_fn run;
    const struct command *const *subcommands; /* NULL-terminated */
};

#endif
