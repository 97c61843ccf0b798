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
void sb__timestamp_remember(sb__timestamp *timestamp, int64_t value)
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

static sb_status fail_to_allocate(void)
{
    return sb__fail(SB_EINTEGRITY, "unable to generate unique timestamp");
}

/* ---- a high-water in the database, reached through a runner --------------------------------- */

typedef struct database {
    sb__runner *runner;
    const sb__sql *sql;
} database;

static sb_status read_database(void *payload, int64_t *out)
{
    const database *d = payload;

    return sb__run_int64(out, d->runner, d->sql->last_ts_get, NULL);
}

static sb_status advance_database(void *payload, int64_t value)
{
    const database *d = payload;
    sb_values params;
    int64_t changed = 0;
    sb_status status;

    sb__values_init(&params);
    sb__params_add_int64(&params, value);
    status = sb__run_changes(&changed, d->runner, d->sql->last_ts_advance,
                             d->sql->last_ts_advance_returning, &params);
    return status || changed > 0 ? status : SB_EMPTY;
}

sb_status sb__timestamp_raise(int *out_raised, sb__timestamp *timestamp, sb__runner *runner,
                              const sb__sql *sql, int64_t value)
{
    database d = {runner, sql};
    sb_status status = advance_database(&d, value);

    *out_raised = status == SB_OK;
    if (status == SB_OK) {
        sb__timestamp_remember(timestamp, value);
    }
    return status == SB_EMPTY ? SB_OK : status;
}

sb_status sb__timestamp_read(int64_t *out, sb__timestamp *timestamp, sb__runner *runner,
                             const sb__sql *sql)
{
    int64_t value = 0;
    sb_status status = sb__run_int64(&value, runner, sql->last_ts_get, NULL);

    if (status < 0) {
        return status;
    }
    sb__timestamp_remember(timestamp, value);
    *out = value;
    return SB_OK;
}

sb_status sb__timestamp_next(int64_t *out, sb__timestamp *timestamp, sb__runner *runner,
                             const sb__sql *sql)
{
    database d = {runner, sql};
    sb__high_water store = {read_database, advance_database, &d};
    sb_status status = sb__timestamp_allocate(out, timestamp, &store);

    return status == SB_EMPTY ? fail_to_allocate() : status;
}

/* ---- any high-water ------------------------------------------------------------------------- */

sb_status sb__timestamp_allocate(int64_t *out, sb__timestamp *timestamp,
                                 const sb__high_water *store)
{
    /* Before the first look the guarded update tells as well as a read whether 0 was too low. */
    int64_t last = atomic_load(&timestamp->last);

    if (last < 0) {
        last = 0;
    }
    for (int round = 0; round < ROUNDS; round++) {
        int64_t next = 0;
        sb_status status = candidate(&next, last);

        if (!status) {
            status = store->advance(store->payload, next);
        }
        if (!status) {
            sb__timestamp_remember(timestamp, next);
            *out = next;
        }
        if (status != SB_EMPTY) {
            return status;
        }
        status = store->read(store->payload, &last);
        if (status) {
            return status;
        }
    }
    return fail_to_allocate();
}
