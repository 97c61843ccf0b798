/* What those who wait ask a switch: whether it is thrown, and whether its callback lets them go on. */
#ifndef SB_CANCEL_H
#define SB_CANCEL_H

#include "simplebroker.h"

/* The shortest time between two questions of one thread. */
enum { SB__POLL_NS = 10000000 };

/* Whether the switch (may be NULL) has a callback: waits are then cut in pieces. */
int sb__cancel_polls(const sb_cancel *cancel);

/* Whether it is time for this thread to ask. */
int sb__cancel_poll_is_due(const sb_cancel *cancel);

/*
 * SB_CANCELLED, the error set, if the switch (may be NULL) is thrown, or if its callback, asked
 * when that is due, says so; else SB_OK, the error untouched. @locks none may be held.
 */
sb_status sb__cancel_check_or_ask(const sb_cancel *cancel);

/* Whether the switch's callback (if any) ends what waits; from within the callback of another. */
int sb__cancel_ask(const sb_cancel *cancel);

/*
 * From now on no thread begins to ask; returns when none but this one is inside a callback, or after
 * timeout_ms. Until sb__cancel_ask_again(): in the parent of a fork, or in the child.
 */
void sb__cancel_stop_asking(int64_t timeout_ms);
int sb__cancel_nobody_asks(void);
void sb__cancel_ask_again(int in_child);

#endif
