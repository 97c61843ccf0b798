/*
 * Bounded retry with jittered backoff. The budget counts only time in which nobody else committed:
 * a busy database makes progress, a stuck one does not.
 */
#include "retry.h"

#include "clock.h"
#include "error.h"

enum {
    NS_PER_MS = 1000000,
    BUDGET_MS = 30000,
    FIRST_PAUSE_MS = 50,
    MAX_PAUSE_MS = 250,
    MIN_PAUSE_MS = 5
};

void sb__retry_init(sb__retry *retry, const sb_options *options)
{
    int64_t now = sb__clock_monotonic_ns();
    int64_t timeout_ms = options ? options->timeout_ms : -1;

    retry->budget_ns = (int64_t)BUDGET_MS * NS_PER_MS;
    retry->start_ns = now;
    retry->deadline_ns = timeout_ms < 0 || timeout_ms > (INT64_MAX - now) / NS_PER_MS
                             ? INT64_MAX
                             : now + timeout_ms * NS_PER_MS;
    retry->pause_ns = (int64_t)FIRST_PAUSE_MS * NS_PER_MS;
    retry->max_pause_ns = (int64_t)MAX_PAUSE_MS * NS_PER_MS;
    retry->cancel = options ? options->cancel : NULL;
    retry->data_version = -1;
    retry->count = 0;
}

sb_status sb__retry_wait(sb__retry *retry, sb_status status, int64_t data_version)
{
    int64_t now = sb__clock_monotonic_ns();
    int64_t pause;
    sb_status waited;

    waited = sb__check_cancel(retry->cancel);
    if (waited || !sb__error_is_lock(status)) {
        return waited ? waited : status;
    }
    if (data_version >= 0 && data_version != retry->data_version) {
        if (retry->data_version >= 0) {
            retry->start_ns = now;
        }
        retry->data_version = data_version;
    }
    pause = sb__random_between((int64_t)MIN_PAUSE_MS * NS_PER_MS, retry->pause_ns);
    if (now - retry->start_ns >= retry->budget_ns || now >= retry->deadline_ns) {
        return status;
    }
    if (pause > retry->deadline_ns - now) {
        pause = retry->deadline_ns - now;
    }
    waited = sb__sleep_ns(pause, retry->cancel);
    if (waited) {
        return waited;
    }
    retry->pause_ns = retry->pause_ns * 2 < retry->max_pause_ns ? retry->pause_ns * 2
                                                                : retry->max_pause_ns;
    retry->count++;
    return SB_OK;
}
