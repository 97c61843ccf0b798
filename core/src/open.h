/* Opening brokers. */
#ifndef SB_OPEN_H
#define SB_OPEN_H

#include "broker.h"
#include "simplebroker.h"

/* An empty broker with one reference, or NULL. */
sb_broker *sb__broker_new_shell(void);

/* Connects an inherited broker again after fork(). With the turn. */
sb_status sb__broker_reconnect(sb_broker *broker, const sb_options *options);

#endif
