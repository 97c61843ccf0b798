/*
 * Explicit vacuum: removes what has been claimed, and on request rebuilds the file. One process of
 * a database vacuums at a time; a second one has nothing to do.
 */
#include <sqlite3.h>

#include "alloc.h"
#include "arguments.h"
#include "broker.h"
#include "cancel.h"
#include "clock.h"
#include "error.h"
#include "runner.h"
#include "runner_sqlite.h"
#include "setup_lock.h"
#include "simplebroker.h"
#include "sql.h"
#include "sweep.h"
#include "turn.h"
#include "txn.h"
#include "vacuum.h"

enum { PAUSE_NS = 1000000, CANCEL_CHECK_OPCODES = 10000, CLAIMED_MAX = 10000 };

int sb_vacuum_is_eligible(int64_t claimed, int64_t total, double threshold)
{
    return total > 0 && ((double)claimed >= (double)total * threshold || claimed > CLAIMED_MAX);
}

sb_status sb__vacuum_lock(sb__file_lock *lock, const sb_broker *broker)
{
    const sb__sqlite *sqlite = broker->runner.sqlite;

    *lock = (sb__file_lock){.fd = -1};
    /* Over a connection or runner of the application's the files' place is not ours to know. */
    return sqlite && !sb__sqlite_is_adopted(sqlite)
               ? sb__vacuum_lock_take(lock, sb__sqlite_path(sqlite))
               : SB_OK;
}

void sb__vacuum_unlock(sb__file_lock *lock)
{
    if (lock->pid) {
        sb__file_lock_release(lock);
    }
}

static sb_status count_claimed(void *payload, const sb_values *row)
{
    *(int64_t *)payload = sb_values_int64(row, 1) - sb_values_int64(row, 0);
    return sb__row_check(row, "ii");
}

static sb_status count_work(sb__call *call, void *context)
{
    return sb__run(call->runner, call->broker->sql->overall_stats, NULL, count_claimed,
                   context);
}

static sb_status report(const sb_options *options, int64_t done, int64_t total)
{
    if (options && options->progress && options->progress(options->progress_payload, done, total)) {
        return sb__fail(SB_CANCELLED, "cancelled");
    }
    return SB_OK;
}

static sb_status sweep_all(int64_t *out_removed, sb__call *call, const sb_options *options)
{
    int64_t total = -1;
    sb__sweep sweep;
    sb_status status = sb__sweep_init(&sweep, call->broker->settings->vacuum_batch_size);

    if (!status && options && options->progress) {
        status = sb__ask(call, options, count_work, &total);
    }
    while (!status && !sweep.ended) {
        status = sb__sweep_step(&sweep, call, options, INT64_MAX);
        if (!status) {
            status = report(options, sweep.removed, total);
        }
        if (!status && !sweep.ended) {
            status = sb__sleep_ns(PAUSE_NS, options ? options->cancel : NULL);
        }
    }
    *out_removed = sweep.removed;
    sb__sweep_dispose(&sweep);
    return status;
}

typedef struct compaction {
    const sb_options *options;
    int64_t removed;
    int ended;      /* by a callback or the switch */
    sb_error error; /* then: with the callback's message */
} compaction;

/* SQLite rebuilds the file in one statement and does not say how far it is: progress during it only
 * shows that it goes on. */
static int on_compact_progress(void *payload)
{
    compaction *c = payload;
    const sb_options *options = c->options;

    if (!c->ended && (report(options, c->removed, -1) || sb__cancel_check_or_ask(options->cancel))) {
        c->ended = 1;
        sb__error_stash(&c->error);
    }
    return c->ended;
}

static sb_status compact_work(sb__call *call, void *context)
{
    sb__runner *runner = call->runner;
    const sb__sql *sql = call->broker->sql;
    compaction *c = context;
    sqlite3 *db = runner->sqlite && !sb__sqlite_is_adopted(runner->sqlite)
                      ? sb__sqlite_db(runner->sqlite)
                      : NULL;
    sb_status status = sql->compact_prepare
                           ? sb__run(runner, sql->compact_prepare, NULL, NULL, NULL)
                           : SB_OK;

    if (status) {
        return status;
    }
    if (db && c->options) {
        sqlite3_progress_handler(db, CANCEL_CHECK_OPCODES, on_compact_progress, c);
    }
    status = sb__run(runner, sql->compact, NULL, NULL, NULL);
    if (db && c->options) {
        sqlite3_progress_handler(db, 0, NULL, NULL);
    }
    if (status && c->ended) {
        sb__error_unstash(&c->error);
        return SB_CANCELLED;
    }
    return status;
}

/* Vacuum and compaction run their own transactions: not within one of this thread's. */
static sb_status check_free(sb__call *call, const sb_options *options)
{
    sb_status status;

    if (options && options->txn) {
        return sb__fail(SB_EINVALID, "vacuum cannot be part of a transaction");
    }
    status = sb__take_turn(call, options);
    if (!status) {
        sb__turn_give(&call->broker->turn);
    }
    return status;
}

sb_status sb_vacuum(int64_t *out_removed, sb_broker *broker, const sb_options *options)
{
    int64_t removed = 0;
    sb__file_lock lock;
    sb__call call;
    sb_status status = sb__enter(&call, broker, "vacuum", options);

    if (status) {
        return status;
    }
    status = check_free(&call, options);
    if (!status) {
        status = sb__vacuum_lock(&lock, broker);
        if (status == SB_EMPTY) {
            status = SB_OK;
        } else if (!status) {
            status = sweep_all(&removed, &call, options);
            if (!status && removed) {
                sb__release_pages(&call, options);
            }
            if (!status && sb__option_flags(options) & SB_COMPACT) {
                compaction c = {.options = options, .removed = removed};

                status = sb__ask(&call, options, compact_work, &c);
            }
            sb__vacuum_unlock(&lock);
            status = status || removed ? status : SB_EMPTY;
        }
    }
    call.rows = removed;
    call.mutated = 0;
    if (out_removed && status >= 0) {
        *out_removed = removed;
    }
    return sb__leave(&call, status);
}
