/* A whole run, on whatever streams are in force. */
#ifndef BROKER_CLI_RUN_H
#define BROKER_CLI_RUN_H

#include "cli.h"
#include "embed.h"

/* As broker_command_run(), on the streams in force. */
int run_command_line(int argc, char **argv, const sb_config *config, sb_target *target,
                     sb_status *raised);

#endif
