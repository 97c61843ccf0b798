/* Selections of messages, shared by peek, claim, move, cursors and dump. */
#ifndef SB_PEEK_H
#define SB_PEEK_H

#include <stddef.h>
#include <stdint.h>

#include "broker.h"
#include "simplebroker.h"

/* What to select. Bounds are exclusive; -1 means none. */
typedef struct sb__selection {
    const char *queue;
    size_t queue_len;
    int64_t id;       /* exact id, or -1 */
    int64_t after;
    int64_t before;
    size_t limit;
    size_t offset;
    int any;          /* SB__PENDING or SB__ANY */
} sb__selection;

/* Runs a selection in the calling work function; `fn` sees rows of (id, body, ts). */
sb_status sb__select(sb__call *call, const sb__selection *selection, sb_row_fn fn, void *payload);

/*
 * Pending messages of a queue with above_ts < ts <= max_ts, in ascending ts: the next page of a
 * dump. SB_EMPTY when there is none.
 */
sb_status sb__peek_by_ts(sb_messages **out, sb_broker *broker, const char *queue, size_t queue_len,
                         int64_t above_ts, int64_t max_ts, size_t limit,
                         const sb_options *options);

#endif
