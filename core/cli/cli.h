/*
 * One run of the command: what was asked for, and what is open. Steps that can fail report the
 * failure, leave the exit code here, and return false.
 */
#ifndef BROKER_CLI_CLI_H
#define BROKER_CLI_CLI_H

#include "args.h"
#include "command.h"
#include "globals.h"
#include "output.h"

#include <simplebroker.h>
#include <stdbool.h>

enum { EXIT_DONE = 0, EXIT_FAILED = 1, EXIT_NOTHING = 2 };

struct cli {
    struct globals globals;
    struct args args;
    const struct command *command; /* the one to run, a subcommand possibly; NULL for actions */
    bool json;                     /* errors as JSON */
    int exit_code;
    struct output out;
    sb_config *config;
    sb_target *target;
    bool target_given; /* by who embeds the command: neither selected nor checked */
    sb_broker *broker;
    sb_cancel *cancel;
    sb_status *raised; /* where failures go that the caller raises; NULL: all are printed */
};

#endif
