/*
 * Message ids. The wall clock is only a lower bound: what is allocated is always above what any
 * process has stored, because the guarded update and the insert share one transaction. The value
 * kept in memory may run ahead of the file after a rollback; that is harmless.
 */
#include "timestamp.h"

#include <time.h>

#include "clock.h"
#include "error.h"
#include "params.h"

enum { ROUNDS = 6, COUNTER_WAITS = 100000 };

void sb__timestamp_init(sb__timestamp *timestamp)
{
    atomic_init(&timestamp->last, -1);
}

/* The value in memory only grows. */
static void remember(sb__timestamp *timestamp, int64_t value)
{
    int64_t seen = atomic_load(&timestamp->last);

    while (seen < value && !atomic_compare_exchange_weak(&timestamp->last, &seen, value)) {
    }
}

static sb_status wait_for_clock(int64_t *out, int64_t physical)
{
    for (int i = 0; i < COUNTER_WAITS; i++) {
        struct timespec pause = {0, (long)sb__random_between(500, 1000)};
        int64_t now = sb__clock_wall_ns() & ~(int64_t)SB__COUNTER_MASK;

        if (now > physical) {
            *out = now;
            return SB_OK;
        }
        nanosleep(&pause, NULL);
    }
    return sb__fail(SB_ETIMESTAMP,
                    "Logical counter exhausted: more than 4096 ids for one clock reading, and the "
                    "clock stands still or is far behind the last id");
}

static sb_status candidate(int64_t *out, int64_t last)
{
    int64_t physical = last & ~(int64_t)SB__COUNTER_MASK;
    int64_t now = sb__clock_wall_ns() & ~(int64_t)SB__COUNTER_MASK;

    if (now < 0 || (last == INT64_MAX && now <= physical)) {
        return sb__fail(SB_ETIMESTAMP, "Timestamp exceeds maximum value");
    }
    if (now > physical) {
        *out = now;
        return SB_OK;
    }
    if ((last & SB__COUNTER_MASK) == SB__COUNTER_MASK) {
        return wait_for_clock(out, physical);
    }
    *out = last + 1;
    return SB_OK;
}

sb_status sb__timestamp_raise(int *out_raised, sb__timestamp *timestamp, sb__runner *runner,
                              const sb__sql *sql, int64_t value)
{
    sb_values params;
    int64_t changed = 0;
    sb_status status;

    sb__values_init(&params);
    sb__params_add_int64(&params, value);
    status = sb__run_changes(&changed, runner, sql->last_ts_advance,
                             sql->last_ts_advance_returning, &params);
    *out_raised = changed > 0;
    if (!status && changed > 0) {
        remember(timestamp, value);
    }
    return status;
}

sb_status sb__timestamp_read(int64_t *out, sb__timestamp *timestamp, sb__runner *runner,
                             const sb__sql *sql)
{
    int64_t value = 0;
    sb_status status = sb__run_int64(&value, runner, sql->last_ts_get, NULL);

    if (status < 0) {
        return status;
    }
    remember(timestamp, value);
    *out = value;
    return SB_OK;
}

sb_status sb__timestamp_next(int64_t *out, sb__timestamp *timestamp, sb__runner *runner,
                             const sb__sql *sql)
{
    /* Before the first look the guarded update tells as well as a read whether 0 was too low. */
    int64_t last = atomic_load(&timestamp->last);

    if (last < 0) {
        last = 0;
    }
    for (int round = 0; round < ROUNDS; round++) {
        int64_t next = 0;
        int raised = 0;
        sb_status status = candidate(&next, last);

        if (!status) {
            status = sb__timestamp_raise(&raised, timestamp, runner, sql, next);
        }
        if (status || raised) {
            *out = next;
            return status;
        }
        status = sb__run_int64(&last, runner, sql->last_ts_get, NULL);
        if (status < 0) {
            return status;
        }
        if (status == SB_EMPTY) {
            break;
        }
    }
    return sb__fail(SB_EINTEGRITY, "unable to generate unique timestamp");
}
