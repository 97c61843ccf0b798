/*
 * Questions about one queue and about the whole broker. Each is one statement, so that the numbers
 * of an answer belong together.
 */
#include <sqlite3.h>

#include "arguments.h"
#include "broker.h"
#include "error.h"
#include "params.h"
#include "runner.h"
#include "runner_sqlite.h"
#include "simplebroker.h"
#include "sql.h"
#include "txn.h"

/* A question about a queue, and the numbers of the one row that answers it. */
typedef struct question {
    const char *queue;
    size_t queue_len;
    int64_t after, before;
    int bounded;
    int64_t answer[2];
} question;

static sb_status take_answer(void *payload, const sb_values *row)
{
    question *q = payload;

    q->answer[0] = sb_values_int64(row, 0);
    q->answer[1] = sb_values_int64(row, 1);
    return sb__row_check(row, "i*");
}

static sb_status ask_queue(sb_broker *broker, const char *operation, question *q,
                           const sb_options *options, sb__work_fn work)
{
    sb__call call;
    sb_status status = sb__enter(&call, broker, operation, options);

    if (status) {
        return status;
    }
    status = sb__argument_queue(&q->queue_len, q->queue, "queue");
    if (!status) {
        sb__option_bounds(&q->after, &q->before, &q->bounded, options);
        status = sb__look(&call, options, work, q);
    }
    return sb__leave(&call, status);
}

static sb_status ask_broker(sb_broker *broker, const char *operation, question *q,
                            const sb_options *options, sb__work_fn work)
{
    sb__call call;
    sb_status status = sb__enter(&call, broker, operation, options);

    return status ? status : sb__leave(&call, sb__look(&call, options, work, q));
}

static sb_status exists_work(sb__call *call, void *context)
{
    question *q = context;
    sb_values params;

    sb__params_text(&params, q->queue, q->queue_len);
    return sb__run_int64(&q->answer[0], call->runner, call->broker->sql->exists, &params);
}

sb_status sb_exists(sb_broker *broker, const char *queue, size_t queue_len,
                    const sb_options *options)
{
    question q = {.queue = queue, .queue_len = queue_len};

    return ask_queue(broker, "exists", &q, options, exists_work);
}

static sb_status has_pending_work(sb__call *call, void *context)
{
    question *q = context;
    const sb__sql *sql = call->broker->sql;
    sb_values params;

    sb__params_text(&params, q->queue, q->queue_len);
    if (q->bounded) {
        sb__params_add_int64(&params, q->after);
        sb__params_add_int64(&params, q->before);
    }
    return sb__run_int64(&q->answer[0], call->runner,
                         q->bounded ? sql->has_pending_bounded : sql->has_pending, &params);
}

sb_status sb_has_pending(sb_broker *broker, const char *queue, size_t queue_len,
                         const sb_options *options)
{
    question q = {.queue = queue, .queue_len = queue_len};

    return ask_queue(broker, "has_pending", &q, options, has_pending_work);
}

static sb_status latest_pending_work(sb__call *call, void *context)
{
    question *q = context;
    sb_values params;

    sb__params_text(&params, q->queue, q->queue_len);
    return sb__run_int64(&q->answer[0], call->runner, call->broker->sql->latest_pending,
                         &params);
}

sb_status sb_latest_pending(int64_t *out, sb_broker *broker, const char *queue, size_t queue_len,
                            const sb_options *options)
{
    question q = {.queue = queue, .queue_len = queue_len};
    sb_status status = ask_queue(broker, "latest_pending", &q, options, latest_pending_work);

    if (!status && out) {
        *out = q.answer[0];
    }
    return status;
}

static sb_status queue_stats_work(sb__call *call, void *context)
{
    question *q = context;
    sb_values params;

    sb__params_text(&params, q->queue, q->queue_len);
    return sb__run(call->runner, call->broker->sql->queue_stats, &params, take_answer, q);
}

sb_status sb_queue_stats(int64_t *out_pending, int64_t *out_claimed, sb_broker *broker,
                         const char *queue, size_t queue_len, const sb_options *options)
{
    question q = {.queue = queue, .queue_len = queue_len};
    sb_status status = ask_queue(broker, "queue_stats", &q, options, queue_stats_work);

    if (!status && out_pending) {
        *out_pending = q.answer[0];
    }
    if (!status && out_claimed) {
        *out_claimed = q.answer[1] - q.answer[0];
    }
    return status;
}

static sb_status overall_work(sb__call *call, void *context)
{
    return sb__run(call->runner, call->broker->sql->overall_stats, NULL, take_answer,
                   context);
}

sb_status sb_overall_stats(int64_t *out_claimed, int64_t *out_total, sb_broker *broker,
                           const sb_options *options)
{
    question q = {0};
    sb_status status = ask_broker(broker, "overall_stats", &q, options, overall_work);

    if (!status && out_claimed) {
        *out_claimed = q.answer[1] - q.answer[0];
    }
    if (!status && out_total) {
        *out_total = q.answer[1];
    }
    return status;
}

/*
 * Size of the main file as it is, without what waits in the WAL. Asked of SQLite's own descriptor:
 * opening the file by other means would drop SQLite's locks, and its path may have been replaced.
 */
static sb_status file_size(int64_t *out, sb__call *call)
{
    sb__runner *runner = call->runner;
    sqlite3_file *file = NULL;
    sqlite3_int64 size;

    if (runner->sqlite &&
        sqlite3_file_control(sb__sqlite_db(runner->sqlite), "main", SQLITE_FCNTL_FILE_POINTER,
                             &file) == SQLITE_OK &&
        file && file->pMethods && file->pMethods->xFileSize(file, &size) == SQLITE_OK) {
        *out = size;
        return SB_OK;
    }
    return sb__run_int64(out, runner, call->broker->sql->database_size, NULL);
}

typedef struct broker_state {
    question counts;
    int64_t size;
} broker_state;

static sb_status status_work(sb__call *call, void *context)
{
    broker_state *state = context;
    sb_status status = sb__run(call->runner, call->broker->sql->broker_status, NULL,
                               take_answer, &state->counts);

    return status ? status : file_size(&state->size, call);
}

sb_status sb_broker_status(int64_t *out_total_messages, int64_t *out_last_timestamp,
                           int64_t *out_db_size, sb_broker *broker, const sb_options *options)
{
    broker_state state = {0};
    sb__call call;
    sb_status status = sb__enter(&call, broker, "broker_status", options);

    if (status) {
        return status;
    }
    status = sb__look(&call, options, status_work, &state);
    if (!status) {
        if (out_total_messages) {
            *out_total_messages = state.counts.answer[0];
        }
        if (out_last_timestamp) {
            *out_last_timestamp = state.counts.answer[1];
        }
        if (out_db_size) {
            *out_db_size = state.size;
        }
    }
    return sb__leave(&call, status);
}

static sb_status data_version_work(sb__call *call, void *context)
{
    return sb__run_int64(context, call->runner, call->broker->sql->data_version, NULL);
}

sb_status sb_data_version(int64_t *out, sb_broker *broker)
{
    int64_t version = 0;
    sb__call call;
    sb_status status = sb__enter(&call, broker, "data_version", NULL);

    if (status) {
        return status;
    }
    status = sb__ask(&call, NULL, data_version_work, &version);
    if (!status && out) {
        *out = version;
    }
    return sb__leave(&call, status);
}

/* Hands the rows of a question to a caller's callback. */
typedef struct row_listener {
    sb_row_fn fn;
    void *payload;
} row_listener;

static sb_status tell(void *payload, const sb_values *row)
{
    const row_listener *listener = payload;

    if (listener->fn && listener->fn(listener->payload, row)) {
        return sb_error_status(NULL) ? SB_EUSER : sb__fail(SB_EUSER, "the callback ended the list");
    }
    return SB_OK;
}

static sb_status meta_work(sb__call *call, void *context)
{
    return sb__run(call->runner, call->broker->sql->meta_list, NULL, tell, context);
}

sb_status sb_meta_list(sb_broker *broker, const sb_options *options, sb_row_fn fn, void *payload)
{
    row_listener listener = {fn, payload};
    sb__call call;
    sb_status status = sb__enter(&call, broker, "meta_list", options);

    return status ? status : sb__leave(&call, sb__look(&call, options, meta_work, &listener));
}

sb_status sb_conflict_metrics(int64_t *out_conflicts, int64_t *out_resyncs, sb_broker *broker,
                              int reset)
{
    sb__call call;
    sb_status status = sb__enter(&call, broker, "conflict_metrics", NULL);

    if (status) {
        return status;
    }
    if (out_conflicts) {
        *out_conflicts = atomic_load(&broker->conflicts);
    }
    if (out_resyncs) {
        *out_resyncs = atomic_load(&broker->resyncs);
    }
    if (reset) {
        atomic_store(&broker->conflicts, 0);
        atomic_store(&broker->resyncs, 0);
    }
    return sb__leave(&call, SB_OK);
}
