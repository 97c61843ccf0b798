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

/* The clock is read only where it is needed: most calls meet no lock. */
void sb__retry_init(sb__retry *retry, const sb_options *options)
{
    int64_t timeout_ms = options ? options->timeout_ms : -1;

    retry->budget_ns = (int64_t)BUDGET_MS * NS_PER_MS;
    retry->start_ns = -1;
    retry->deadline_ns = INT64_MAX;
    retry->pause_ns = (int64_t)FIRST_PAUSE_MS * NS_PER_MS;
    retry->cancel = options ? options->cancel : NULL;
    retry->data_version = -1;
    retry->count = 0;
    if (timeout_ms >= 0) {
        int64_t now = sb__clock_monotonic_ns();

        if (timeout_ms <= (INT64_MAX - now) / NS_PER_MS) {
            retry->deadline_ns = now + timeout_ms * NS_PER_MS;
        }
    }
}

/* The budget starts at the first failure, and again with every foreign commit. */
static void watch_progress(sb__retry *retry, int64_t now, int64_t data_version)
{
    int progress = data_version >= 0 && data_version != retry->data_version;

    if (retry->start_ns < 0 || (progress && retry->data_version >= 0)) {
        retry->start_ns = now;
    }
    if (progress) {
        retry->data_version = data_version;
    }
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
    watch_progress(retry, now, data_version);
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
    retry->pause_ns *= 2;
    if (retry->pause_ns > (int64_t)MAX_PAUSE_MS * NS_PER_MS) {
        retry->pause_ns = (int64_t)MAX_PAUSE_MS * NS_PER_MS;
    }
    retry->count++;
    return SB_OK;
}
