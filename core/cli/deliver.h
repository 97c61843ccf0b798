/* Delivery of messages to standard output, as read, peek and move share it. */
#ifndef BROKER_CLI_DELIVER_H
#define BROKER_CLI_DELIVER_H

#include "cli.h"

/* Runs read (SB_CURSOR_CLAIM) or peek (SB_CURSOR_PEEK). */
void deliver(struct cli *cli, sb_cursor_kind kind);

/* Prints the one message that an operation gave and frees it; otherwise reports `status`. */
void deliver_one(struct cli *cli, sb_status status, sb_messages *messages, bool warns);

#endif
