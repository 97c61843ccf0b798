/* Time and waiting. */
#ifndef SB_CLOCK_H
#define SB_CLOCK_H

#include <stdint.h>

#include "simplebroker.h"

int64_t sb__clock_wall_ns(void);
int64_t sb__clock_monotonic_ns(void);

/* Waits, or less if the switch (may be NULL) is thrown or its callback ends the wait: SB_OK, the
 * error untouched, or SB_CANCELLED, the error set. */
sb_status sb__sleep_ns(int64_t ns, const sb_cancel *cancel);

/* SB_CANCELLED, the error set, if the switch (may be NULL) is thrown. */
sb_status sb__check_cancel(const sb_cancel *cancel);

/* A number of [low, high), different on each call; not for secrets. */
int64_t sb__random_between(int64_t low, int64_t high);

#endif
