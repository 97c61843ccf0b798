/*
 * Time and waiting. Waits end early when the caller's switch is thrown, through its descriptor, or
 * when its callback says so, which is asked between pieces of the wait.
 */
#include "clock.h"

#include <errno.h>
#include <poll.h>
#include <stdatomic.h>
#include <time.h>

#include "cancel.h"
#include "error.h"

enum { NS_PER_S = 1000000000 };

static int64_t read_clock(clockid_t id)
{
    struct timespec now;

    clock_gettime(id, &now);
    return (int64_t)now.tv_sec * NS_PER_S + now.tv_nsec;
}

int64_t sb__clock_wall_ns(void)
{
    return read_clock(CLOCK_REALTIME);
}

int64_t sb__clock_monotonic_ns(void)
{
    return read_clock(CLOCK_MONOTONIC);
}

sb_status sb__check_cancel(const sb_cancel *cancel)
{
    return cancel && sb_cancel_is_set(cancel) ? sb__fail(SB_CANCELLED, "cancelled") : SB_OK;
}

sb_status sb__sleep_ns(int64_t ns, const sb_cancel *cancel)
{
    int64_t end = sb__clock_monotonic_ns() + ns;

    for (;;) {
        int64_t left = end - sb__clock_monotonic_ns();
        sb_status status = sb__cancel_check_or_ask(cancel);

        if (status || left <= 0) {
            return status;
        }
        if (left > SB__POLL_NS && sb__cancel_polls(cancel)) {
            left = SB__POLL_NS;
        }
        if (cancel && left >= 1000000) {
            struct pollfd fd = {sb_cancel_fd(cancel), POLLIN, 0};

            poll(&fd, 1, (int)(left / 1000000 < 60000 ? left / 1000000 : 60000));
        } else {
            struct timespec pause = {left / NS_PER_S, left % NS_PER_S};

            nanosleep(&pause, NULL);
        }
    }
}

int64_t sb__random_between(int64_t low, int64_t high)
{
    /* splitmix64 over a counter and the clock: spreads threads and processes apart. */
    static _Atomic uint64_t counter;
    uint64_t z = atomic_fetch_add(&counter, 0x9E3779B97F4A7C15u) +
                 (uint64_t)sb__clock_monotonic_ns();

    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    z ^= z >> 31;
    return high > low ? low + (int64_t)(z % (uint64_t)(high - low)) : low;
}
