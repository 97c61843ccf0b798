/*
 * A sweep over all messages that removes the claimed ones, a batch a transaction. It goes by queue
 * and ts, along an index that holds no bodies, and can stop and go on later at the same place.
 */
#ifndef SB_SWEEP_H
#define SB_SWEEP_H

#include <stddef.h>
#include <stdint.h>

#include "broker.h"
#include "simplebroker.h"
#include "str.h"

typedef struct sb__sweep {
    sb__str queue; /* the place: all rows up to here have been looked at */
    int64_t ts;
    int ended; /* there are no rows behind it */
    int64_t removed;

    sb__str seen_queue; /* the same, of a page not yet done */
    int64_t seen_ts;
    size_t page_rows;
    size_t page_limit;
    int64_t *ids; /* of claimed rows found */
    size_t count;
    size_t page_count;
    size_t batch;
} sb__sweep;

/* Begins at the first message; `batch` is at most how many are removed at a time. */
sb_status sb__sweep_init(sb__sweep *sweep, int64_t batch);
void sb__sweep_dispose(sb__sweep *sweep);

/* Looks for claimed rows until a batch is full, the messages end, or the time (monotonic) has come,
 * and removes them. Rows that are pending again by then stay. */
sb_status sb__sweep_step(sb__sweep *sweep, sb__call *call, const sb_options *options,
                         int64_t deadline_ns);

/* Gives some free pages back to the file system where the database allows it. Failure is ignored:
 * nothing depends on it. */
void sb__release_pages(sb__call *call, const sb_options *options);

#endif
