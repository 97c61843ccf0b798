/* The inside of sb_waiter_wait(), for watchers. */
#ifndef SB_WAITER_H
#define SB_WAITER_H

#include <stdint.h>

#include "simplebroker.h"

/*
 * As sb_waiter_wait(), ended by either of two switches (may be NULL), and with SB_EXISTS when the
 * other end of a descriptor (-1: none) is gone. The thread's error is left alone unless it fails.
 */
sb_status sb__waiter_wait(sb_waiter *waiter, int64_t timeout_ms, const sb_cancel *cancel,
                          const sb_cancel *other, int hangup_fd);

#endif
