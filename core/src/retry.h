/*
 * How long a lock error is waited out: pauses of jittered, doubling length, until the budget passes
 * without any foreign commit, the caller's own limit is reached, or its switch is thrown.
 */
#ifndef SB_RETRY_H
#define SB_RETRY_H

#include <stdint.h>

#include "simplebroker.h"

typedef struct sb__retry {
    int64_t budget_ns;
    int64_t start_ns;       /* of the budget; -1 before the first failure */
    int64_t deadline_ns;    /* the caller's limit; INT64_MAX without */
    int64_t pause_ns;       /* the next one's upper end */
    const sb_cancel *cancel;
    int64_t data_version;   /* last seen; -1 before */
    int32_t count;
} sb__retry;

/* The budget of data operations (30 s), narrowed by options (may be NULL). */
void sb__retry_init(sb__retry *retry, const sb_options *options);

/*
 * After a failure `status`, whose error is still set: SB_OK after a pause if trying again is worth
 * it, else `status` with the error untouched, or SB_CANCELLED. `data_version` is the connection's
 * change counter, -1 where there is none.
 */
sb_status sb__retry_wait(sb__retry *retry, sb_status status, int64_t data_version);

#endif
