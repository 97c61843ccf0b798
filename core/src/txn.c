/*
 * Transactions. A mutation takes the turn, begins immediately, works, and commits; a lock error at
 * any of these steps starts it over within the retry budget. Anything but success rolls back, so an
 * empty claim writes nothing.
 */
#include "txn.h"

#include "alloc.h"
#include "clock.h"
#include "error.h"
#include "open.h"
#include "retry.h"
#include "runner_sqlite.h"

struct sb_txn {
    sb_broker *broker;
    pthread_t thread;
    const char *what;
    int64_t mutated;
    sb__rings rings;
    int dead; /* nothing but its end is possible any more */
};

enum { TURN_WAIT_MS = 30000 };

int sb__txn_is_mine(const sb_txn *txn)
{
    return pthread_equal(txn->thread, pthread_self());
}

void sb__txn_count(sb_txn *txn, int64_t mutated)
{
    txn->mutated += mutated;
}

/* Wakes who waits for what a commit has made pending. With the turn. */
static void ring(sb_broker *broker, const sb__rings *rings)
{
    const char *file;

    if (!rings->count) {
        return;
    }
    atomic_fetch_add_explicit(&broker->pending_commits, 1, memory_order_relaxed);
    file = sb__broker_file(broker);
    if (file) {
        sb__doorbell_ring(&broker->doorbell, file, rings);
    }
}

static int64_t turn_timeout(const sb_options *options)
{
    return options && options->timeout_ms >= 0 ? options->timeout_ms : TURN_WAIT_MS;
}

static sb_status explain_owner(const sb__call *call)
{
    const sb_txn *txn = call->broker->txn;

    return sb__fail(SB_EBUSY_OWNER,
                    "Cannot perform %s while %s is open in this thread; end it first, or use a "
                    "separate broker",
                    call->operation, txn ? txn->what : "another operation of this broker");
}

static sb_status refuse_forked(void)
{
    return sb__fail(SB_EFORK, "the broker was in use when the process forked; it cannot be used in "
                              "the forked process");
}

sb_status sb__take_turn(sb__call *call, const sb_options *options)
{
    sb_broker *broker = call->broker;
    sb_status status;

    if (atomic_load(&broker->forked)) {
        return refuse_forked();
    }
    status = sb__turn_take(&broker->turn, turn_timeout(options), options ? options->cancel : NULL);
    if (status) {
        return status == SB_EBUSY_OWNER ? explain_owner(call) : status;
    }
    if (atomic_load(&broker->reopen)) {
        status = sb__broker_reconnect(broker, options);
        if (status) {
            sb__turn_give(&broker->turn);
        }
    }
    return status;
}

static void set_wait(const sb__call *call, const sb__retry *retry)
{
    if (call->runner->sqlite) {
        sb__sqlite_set_wait(call->runner->sqlite, retry->deadline_ns, retry->cancel);
    }
}

static int64_t data_version(const sb__call *call)
{
    return call->runner->sqlite ? sb__sqlite_data_version(call->runner->sqlite) : -1;
}

/* As sb__retry_wait(); what SQLite itself has waited in the first attempt is part of the budget. */
static sb_status wait_again(const sb__call *call, sb__retry *retry, sb_status status)
{
    if (retry->start_ns < 0 && call->runner->sqlite) {
        retry->start_ns = sb__sqlite_first_wait_ns(call->runner->sqlite);
    }
    return sb__retry_wait(retry, status, data_version(call));
}

static sb_status check_identity(sb_broker *broker)
{
    return broker->runner.sqlite ? sb__sqlite_check_identity(broker->runner.sqlite) : SB_OK;
}

/* Tries until something else than a lock error comes of it, or the time is over. */
static sb_status try_again(sb__call *call, sb__retry *retry, sb__work_fn one_try, void *context)
{
    sb_status status;

    set_wait(call, retry);
    do {
        call->rows = 0;
        call->mutated = 0;
        call->rings.count = call->rings.moved = 0;
        status = one_try(call, context);
        if (status >= 0) {
            break;
        }
        status = wait_again(call, retry, status);
    } while (!status);
    call->retries = retry->count;
    if (status) {
        call->mutated = 0;
    }
    return status;
}

typedef struct mutation {
    sb__work_fn work;
    void *context;
} mutation;

/*
 * One attempt: begin, work, commit; rolled back unless it committed. A child whose callback forked
 * inside the work does neither: the transaction is the parent's.
 */
static sb_status attempt(sb__call *call, void *context)
{
    const mutation *m = context;
    sb__runner *runner = call->runner;
    sb_status status = sb__begin(runner);

    if (status) {
        return status;
    }
    status = m->work(call, m->context);
    if (atomic_load(&call->broker->forked)) {
        return refuse_forked();
    }
    if (!status) {
        status = sb__commit(runner);
    }
    if (status) {
        sb__rollback(runner);
    } else {
        ring(call->broker, &call->rings);
    }
    return status;
}

/*
 * After some failures (disk full, I/O error, no memory), be it of a mere question, SQLite leaves no
 * transaction to go on with; what came next would be committed by itself.
 */
static int is_dead(const sb_txn *txn)
{
    sb__sqlite *sqlite = txn->broker->runner.sqlite;

    return txn->dead || (sqlite && !sb__sqlite_in_transaction(sqlite));
}

static sb_status refuse_dead(void)
{
    return sb__fail(SB_EOPERATIONAL, "the transaction was rolled back after a failure");
}

static sb_status check_txn(const sb__call *call, const sb_txn *txn)
{
    if (txn->broker != call->broker) {
        return sb__fail(SB_EINVALID, "the transaction belongs to another broker");
    }
    if (!sb__txn_is_mine(txn)) {
        return sb__fail(SB_ETHREAD, "the transaction belongs to another thread");
    }
    if (atomic_load(&call->broker->forked)) {
        return refuse_forked();
    }
    return is_dead(txn) ? refuse_dead() : SB_OK;
}

/* Undoes what was done since the savepoint; the whole transaction, if only that can be undone. */
static void undo(sb_txn *txn)
{
    sb__runner *runner = &txn->broker->runner;
    const sb__sql *sql = txn->broker->sql;
    sb_error saved;

    sb__error_stash(&saved);
    if (sb__run(runner, sql->savepoint_rollback, NULL, NULL, NULL) ||
        sb__run(runner, sql->savepoint_release, NULL, NULL, NULL)) {
        sb__rollback(runner);
        txn->dead = 1;
    }
    sb__error_unstash(&saved);
}

static sb_status run_in_savepoint(sb__call *call, sb_txn *txn, sb__work_fn work, void *context)
{
    sb__runner *runner = call->runner;
    const sb__sql *sql = call->broker->sql;
    sb_status status = sb__run(runner, sql->savepoint, NULL, NULL, NULL);

    if (status) {
        return status;
    }
    status = work(call, context);
    if (!status) {
        status = sb__run(runner, sql->savepoint_release, NULL, NULL, NULL);
    }
    if (status) {
        undo(txn);
    }
    return status;
}

static sb_status run_inside(sb__call *call, sb_txn *txn, int statements, sb__work_fn work,
                            void *context)
{
    sb_status status = check_txn(call, txn);

    if (status) {
        return status;
    }
    status = statements > 1 ? run_in_savepoint(call, txn, work, context) : work(call, context);
    if (!status) {
        sb__txn_count(txn, call->mutated);
        sb__rings_merge(&txn->rings, &call->rings);
    }
    call->mutated = 0;
    call->rings.count = call->rings.moved = 0;
    return status;
}

sb_status sb__mutate(sb__call *call, const sb_options *options, int statements, sb__work_fn work,
                     void *context)
{
    mutation m = {work, context};
    sb__retry retry;
    sb_status status;

    if (options && options->txn) {
        return run_inside(call, options->txn, statements, work, context);
    }
    sb__retry_init(&retry, options);
    status = sb__take_turn(call, options);
    if (status) {
        return status;
    }
    status = check_identity(call->broker);
    if (!status) {
        status = try_again(call, &retry, attempt, &m);
    }
    sb__turn_give(&call->broker->turn);
    return status;
}

sb_status sb__ask(sb__call *call, const sb_options *options, sb__work_fn work, void *context)
{
    sb__retry retry;
    sb_status status;

    if (options && options->txn) {
        status = check_txn(call, options->txn);
        return status ? status : work(call, context);
    }
    sb__retry_init(&retry, options);
    status = sb__take_turn(call, options);
    if (status == SB_EBUSY_OWNER) {
        /* Inside this thread's own batch or callback: read on its connection. */
        sb__error_clear();
        return work(call, context);
    }
    if (status) {
        return status;
    }
    status = try_again(call, &retry, work, context);
    sb__turn_give(&call->broker->turn);
    return status;
}

/* On the reading connection, while another thread works on the broker's own. */
static sb_status look_aside(sb__call *call, const sb_options *options, sb__work_fn work,
                            void *context)
{
    sb_broker *broker = call->broker;
    sb__reader *reader = &broker->reader;
    sb__retry retry;
    sb_status status;
    int nested;

    sb__retry_init(&retry, options);
    status = sb__turn_take(&reader->turn, turn_timeout(options), options ? options->cancel : NULL);
    nested = status == SB_EBUSY_OWNER;
    if (nested) {
        sb__error_clear();
    } else if (status) {
        return status;
    }
    status = sb__reader_connect(reader, broker->runner.sqlite, broker->settings);
    if (!status) {
        call->runner = &reader->runner;
        status = try_again(call, &retry, work, context);
        call->runner = &broker->runner;
    }
    if (!nested) {
        sb__turn_give(&reader->turn);
    }
    return status;
}

sb_status sb__look(sb__call *call, const sb_options *options, sb__work_fn work, void *context)
{
    sb_broker *broker = call->broker;
    int has_own_file = broker->runner.sqlite && !sb__sqlite_is_adopted(broker->runner.sqlite);

    if ((options && options->txn) || !has_own_file || atomic_load(&broker->forked) ||
        atomic_load(&broker->reopen) || !sb__turn_is_anothers(&broker->turn)) {
        return sb__ask(call, options, work, context);
    }
    return look_aside(call, options, work, context);
}

static sb_status begin(sb__call *call, void *context)
{
    (void)context;
    return sb__begin(call->runner);
}

sb_status sb__txn_start(sb_txn **out, sb__call *call, const sb_options *options, const char *what)
{
    sb_broker *broker = call->broker;
    sb__retry retry;
    sb_txn *txn;
    sb_status status;

    if (options && options->txn) {
        return sb__fail(SB_EINVALID, "transactions cannot be nested");
    }
    txn = sb__zalloc(sizeof *txn);
    if (!txn) {
        return sb__fail_nomem();
    }
    sb__retry_init(&retry, options);
    status = sb__take_turn(call, options);
    if (!status) {
        status = check_identity(broker);
        if (!status) {
            status = try_again(call, &retry, begin, NULL);
        }
        if (status) {
            sb__turn_give(&broker->turn);
        }
    }
    if (status) {
        sb_free(txn);
        return status;
    }
    sb__broker_retain(broker);
    txn->broker = broker;
    txn->thread = pthread_self();
    txn->what = what;
    broker->txn = txn;
    *out = txn;
    return SB_OK;
}

sb_status sb__txn_end(sb_txn *txn, int commit)
{
    sb_broker *broker = txn->broker;
    sb_status status = SB_OK;
    int64_t mutated = txn->mutated;

    if (atomic_load(&broker->forked)) {
        /* The connection is the parent's: neither commit nor roll back. */
        status = refuse_forked();
    } else {
        if (commit) {
            status = is_dead(txn) ? refuse_dead() : sb__commit(&broker->runner);
        }
        if (!commit || status) {
            sb__rollback(&broker->runner);
        } else {
            ring(broker, &txn->rings);
        }
        broker->txn = NULL;
        sb__turn_give(&broker->turn);
        if (commit && !status && mutated > 0 && !atomic_load(&broker->closed)) {
            sb__maintenance_after(broker, mutated);
        }
    }
    sb_free(txn);
    sb__broker_release(broker);
    return status;
}

sb_status sb_txn_begin(sb_txn **out, sb_broker *broker, const sb_options *options)
{
    sb__call call;
    sb_status status;

    sb__error_clear();
    if (!out) {
        return sb__fail(SB_EINVALID, "out must not be NULL");
    }
    *out = NULL;
    status = sb__enter(&call, broker, "txn_begin", options);
    if (status) {
        return status;
    }
    return sb__leave(&call, sb__txn_start(out, &call, options, "a transaction"));
}

sb_status sb_txn_commit(sb_txn *txn)
{
    sb__error_clear();
    if (!txn) {
        return sb__fail(SB_EINVALID, "txn must not be NULL");
    }
    if (!sb__txn_is_mine(txn)) {
        /* Its thread may be inside an operation of it right now. */
        return sb__fail(SB_ETHREAD, "the transaction belongs to another thread");
    }
    return sb__txn_end(txn, 1);
}

void sb_txn_rollback(sb_txn *txn)
{
    sb_error saved;

    if (txn) {
        sb__error_stash(&saved);
        sb__txn_end(txn, 0);
        sb__error_unstash(&saved);
    }
}
