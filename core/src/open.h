/* Opening brokers. */
#ifndef SB_OPEN_H
#define SB_OPEN_H

#include "broker.h"
#include "simplebroker.h"

/* An empty broker with one reference, or NULL. */
sb_broker *sb__broker_new_shell(void);

/* Connects an inherited broker again after fork(). With the turn. */
sb_status sb__broker_reconnect(sb_broker *broker, const sb_options *options);

/* Closes the connection if its file was deleted or replaced: the next use opens what is there then,
 * which would otherwise be refused for good. For those who work on by themselves. */
void sb__broker_let_go_of_old_file(sb_broker *broker);

/*
 * SB_EOPERATIONAL if the file of the broker's connection was deleted or replaced, of which readers
 * would not know. With if_free, SB_EMPTY if another thread works on the connection just now.
 */
sb_status sb__broker_check_file(sb_broker *broker, const sb_options *options, int if_free);

#endif
