/*
 * Delivering messages: claim, move and peek are one operation that differs in what happens to the
 * picked rows.
 */
#ifndef SB_DELIVERY_H
#define SB_DELIVERY_H

#include "pick.h"
#include "simplebroker.h"

typedef struct sb__delivery {
    sb_cursor_kind kind;
    sb__pick pick;
    const char *target; /* SB_CURSOR_MOVE: the other queue */
    size_t target_len;
    sb_messages *messages;
} sb__delivery;

/* Checks the other queue of a move; for the other kinds nothing. */
sb_status sb__delivery_set_target(sb__delivery *delivery, const char *target, size_t target_len);

/* Picks and changes rows: the work function of a delivery. SB_EMPTY when nothing was picked. */
sb_status sb__delivery_work(sb__call *call, void *delivery);

/* The whole of a public function: arguments, transaction, result. id is -1 for one by order. */
sb_status sb__deliver(sb_messages **out, sb_broker *broker, const char *operation,
                      sb_cursor_kind kind, const char *queue, size_t queue_len,
                      const char *target, size_t target_len, int64_t id, size_t limit,
                      const sb_options *options);

#endif
