/* The actions on a whole target: --cleanup, --vacuum, --status. */
#ifndef BROKER_CLI_ACTIONS_H
#define BROKER_CLI_ACTIONS_H

#include "cli.h"

void action_cleanup(struct cli *cli);
void action_vacuum(struct cli *cli);
void action_status(struct cli *cli);

#endif
