/*
 * When automatic vacuum is due: mutations are counted, and at each interval the claimed rows are
 * counted and perhaps removed, within bounds of time so that no operation pays for a large queue.
 */
#ifndef SB_MAINTENANCE_H
#define SB_MAINTENANCE_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

typedef struct sb__maintenance {
    _Atomic int64_t count;         /* mutations since the last check */
    atomic_int running;            /* a thread is at it; what follows is its */
    int64_t not_before_ns;         /* monotonic: the next count of rows comes no sooner */
    int unfinished;                /* the last sweep ran out of time at the place below */
    int64_t ts;
    size_t queue_len;
    char queue[512];
} sb__maintenance;

struct sb_broker;

/* Counts `mutated` messages, and checks and vacuums if that is due. Without the turn, after the
 * commit; never fails the operation that triggered it, and leaves the error detail alone. */
void sb__maintenance_after(struct sb_broker *broker, int64_t mutated);

#endif
