/*
 * Automatic vacuum. Deciding needs a count of rows, which visits them all: it is repeated no sooner
 * than a hundred times its own duration later. Removing is cut off after a while, and goes on at
 * the same place the next time.
 */
#include "maintenance.h"

#include <string.h>

#include "broker.h"
#include "clock.h"
#include "error.h"
#include "runner.h"
#include "runner_sqlite.h"
#include "simplebroker.h"
#include "sql.h"
#include "sweep.h"
#include "turn.h"
#include "txn.h"
#include "vacuum.h"

enum {
    BUDGET_NS = 50000000,
    LOCK_WAIT_MS = 50,
    BATCH_MAX = 1000,
    PAUSE_NS = 1000000,
    COUNT_RARITY = 100,
    CHEAP_ROWS = 5000 /* counting so few may be repeated each time */
};

typedef struct row_counts {
    int64_t claimed, total;
} row_counts;

static sb_status take_counts(void *payload, const sb_values *row)
{
    row_counts *counts = payload;

    counts->total = sb_values_int64(row, 1);
    counts->claimed = counts->total - sb_values_int64(row, 0);
    return sb__row_check(row, "ii");
}

static sb_status count_work(sb__call *call, void *context)
{
    return sb__run(call->runner, call->broker->sql->overall_stats, NULL, take_counts,
                   context);
}

static sb_status is_eligible(int *out, sb__call *call, const sb_options *options)
{
    sb_broker *broker = call->broker;
    sb__maintenance *m = &broker->maintenance;
    int64_t start = sb__clock_monotonic_ns(), end;
    row_counts counts = {0};
    sb_status status = sb__ask(call, options, count_work, &counts);

    end = sb__clock_monotonic_ns();
    m->not_before_ns = counts.total > CHEAP_ROWS ? end + (end - start) * COUNT_RARITY : 0;
    *out = sb_vacuum_is_eligible(counts.claimed, counts.total, broker->settings->vacuum_threshold);
    return status;
}

static void keep_place(sb__maintenance *m, const sb__sweep *sweep)
{
    m->unfinished = !sweep->ended && sweep->queue.len <= sizeof m->queue;
    if (m->unfinished) {
        memcpy(m->queue, sweep->queue.data, sweep->queue.len);
        m->queue_len = sweep->queue.len;
        m->ts = sweep->ts;
    }
}

static sb_status sweep_on(sb__call *call, const sb_options *options)
{
    sb__maintenance *m = &call->broker->maintenance;
    int64_t deadline = sb__clock_monotonic_ns() + BUDGET_NS;
    int64_t batch = call->broker->settings->vacuum_batch_size;
    sb__sweep sweep;
    sb_status status = sb__sweep_init(&sweep, batch < BATCH_MAX ? batch : BATCH_MAX);

    if (!status && m->unfinished) {
        sb__str_append(&sweep.queue, m->queue, m->queue_len);
        sweep.ts = m->ts;
        status = sb__str_check(&sweep.queue);
    }
    while (!status) {
        status = sb__sweep_step(&sweep, call, options, deadline);
        if (status || sweep.ended || sb__clock_monotonic_ns() >= deadline) {
            break;
        }
        status = sb__sleep_ns(PAUSE_NS, NULL);
    }
    if (!status) {
        keep_place(m, &sweep);
        if (sweep.removed) {
            sb__release_pages(call, options);
        }
    }
    sb__sweep_dispose(&sweep);
    return status;
}

static sb_status check_and_sweep(sb_broker *broker)
{
    sb__call call = {.broker = broker, .runner = &broker->runner, .operation = "vacuum"};
    sb_options options;
    int wanted = 1;
    sb__file_lock lock;
    sb_status status = sb_options_init(&options, SB_OPTIONS_VERSION);

    /* Whoever has just finished an operation does not wait long for a chance to clean up. */
    options.timeout_ms = LOCK_WAIT_MS;
    if (!status && !broker->maintenance.unfinished) {
        status = is_eligible(&wanted, &call, &options);
    }
    if (status || !wanted) {
        return status;
    }
    status = sb__vacuum_lock(&lock, broker);
    if (status) {
        return status < 0 ? status : SB_OK;
    }
    status = sweep_on(&call, &options);
    sb__vacuum_unlock(&lock);
    return status;
}

/* Inside a transaction, the caller's or the application's, vacuum would become part of it. */
static int is_inside_transaction(sb_broker *broker)
{
    sb__sqlite *sqlite = broker->runner.sqlite;

    return sb__turn_is_mine(&broker->turn) ||
           (sqlite && sb__sqlite_is_adopted(sqlite) && sb__sqlite_in_transaction(sqlite));
}

void sb__maintenance_after(sb_broker *broker, int64_t mutated)
{
    sb__maintenance *m = &broker->maintenance;
    int64_t interval = broker->settings->auto_vacuum_interval;
    int64_t count;
    sb_error saved;

    if (broker->settings->auto_vacuum != 1 || mutated <= 0) {
        return;
    }
    interval = interval < 1 ? 1 : interval;
    count = atomic_fetch_add(&m->count, mutated) + mutated;
    if (count < interval || is_inside_transaction(broker) || atomic_exchange(&m->running, 1)) {
        return;
    }
    if (m->unfinished || sb__clock_monotonic_ns() >= m->not_before_ns) {
        sb__error_stash(&saved);
        if (check_and_sweep(broker) == SB_OK) {
            atomic_fetch_sub(&m->count, count - count % interval);
        }
        sb__error_unstash(&saved);
    }
    atomic_store(&m->running, 0);
}
