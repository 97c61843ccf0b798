/*
 * Physical removal of messages, pending and claimed: of a queue, of many queues, of all, or by id.
 * Each call is one transaction, whatever its number of queues or ids.
 */
#include "arguments.h"
#include "broker.h"
#include "error.h"
#include "params.h"
#include "queue_name.h"
#include "runner.h"
#include "simplebroker.h"
#include "sql.h"
#include "string_list.h"
#include "txn.h"

typedef struct deletion {
    const char *queue;
    size_t queue_len;
    const sb_strings *queues;
    const int64_t *ids;
    size_t count;
    int64_t before; /* -1: none */
} deletion;

static sb_status removed(sb__call *call, int64_t count)
{
    call->rows = count;
    return count ? SB_OK : SB_EMPTY;
}

/* Every public function ends here. */
static sb_status leave(sb__call *call, int64_t *out_removed, sb_status status)
{
    if (out_removed && status >= 0) {
        *out_removed = status ? 0 : call->rows;
    }
    return sb__leave(call, status);
}

static sb_status delete_from(int64_t *out, sb__call *call, const char *queue, size_t len,
                             int64_t before)
{
    const sb__sql *sql = call->broker->sql;
    sb_values params;

    sb__params_text(&params, queue, len);
    if (before < 0) {
        return sb__run_counted(out, call->runner, sql->delete_queue, &params,
                               sql->queue_count, 1);
    }
    sb__params_add_int64(&params, before);
    return sb__run_counted(out, call->runner, sql->delete_queue_before, &params,
                           sql->delete_queue_before_count, 2);
}

static sb_status delete_queue_work(sb__call *call, void *context)
{
    const deletion *d = context;
    int64_t count;
    sb_status status = delete_from(&count, call, d->queue, d->queue_len, -1);

    return status ? status : removed(call, count);
}

sb_status sb_delete_queue(int64_t *out_removed, sb_broker *broker, const char *queue,
                          size_t queue_len, const sb_options *options)
{
    deletion d = {.queue = queue, .queue_len = queue_len};
    sb__call call;
    sb_status status = sb__enter(&call, broker, "delete_queue", options);

    if (status) {
        return status;
    }
    status = sb__argument_queue(&d.queue_len, queue, "queue");
    if (!status) {
        status = sb__mutate(&call, options, 1, delete_queue_work, &d);
    }
    return leave(&call, out_removed, status);
}

static sb_status delete_ids_work(sb__call *call, void *context)
{
    const deletion *d = context;
    const sb__sql *sql = call->broker->sql;
    int64_t total = 0;
    sb_values params;

    sb__params_text(&params, d->queue, d->queue_len);
    sb__params_add_int64(&params, 0);
    for (size_t i = 0; i < d->count; i++) {
        int64_t count;
        sb_status status;

        params.items[1].as.integer = d->ids[i];
        status = sb__run_changes(&count, call->runner, sql->delete_id,
                                 sql->delete_id_returning, &params);
        if (status) {
            return status;
        }
        total += count;
    }
    return removed(call, total);
}

static sb_status check_ids(const int64_t *ids, size_t count)
{
    if (!ids && count) {
        return sb__fail(SB_EINVALID, "ids must not be NULL");
    }
    for (size_t i = 0; i < count; i++) {
        if (ids[i] < 0) {
            return sb__fail(SB_EINVALID, "message_id must be non-negative");
        }
    }
    return SB_OK;
}

sb_status sb_delete_ids(int64_t *out_removed, sb_broker *broker, const char *queue,
                        size_t queue_len, const int64_t *ids, size_t count,
                        const sb_options *options)
{
    deletion d = {.queue = queue, .queue_len = queue_len, .ids = ids, .count = count};
    sb__call call;
    sb_status status = sb__enter(&call, broker, "delete_ids", options);

    if (status) {
        return status;
    }
    status = sb__argument_queue(&d.queue_len, queue, "queue");
    if (!status) {
        status = check_ids(ids, count);
    }
    if (!status) {
        status = count ? sb__mutate(&call, options, count == 1 ? 1 : 2, delete_ids_work, &d)
                       : SB_EMPTY;
    }
    return leave(&call, out_removed, status);
}

static sb_status delete_queues_work(sb__call *call, void *context)
{
    const deletion *d = context;
    int64_t total = 0;

    for (size_t i = 0; i < d->queues->count; i++) {
        int64_t count;
        sb_status status = delete_from(&count, call, d->queues->items[i].data,
                                       d->queues->items[i].len, d->before);

        if (status) {
            return status;
        }
        total += count;
    }
    return removed(call, total);
}

sb_status sb_delete_queues(int64_t *out_removed, sb_broker *broker, const sb_strings *queues,
                           const sb_options *options)
{
    deletion d = {.queues = queues, .before = options ? options->before : -1};
    sb__call call;
    sb_status status = sb__enter(&call, broker, "delete_queues", options);

    if (status) {
        return status;
    }
    if (!queues) {
        status = sb__fail(SB_EINVALID, "queues must not be NULL");
    }
    for (size_t i = 0; !status && i < queues->count; i++) {
        status = sb__queue_name_check(queues->items[i].data, queues->items[i].len);
    }
    if (!status) {
        status = queues->count ? sb__mutate(&call, options, queues->count == 1 ? 1 : 2,
                                            delete_queues_work, &d)
                               : SB_EMPTY;
    }
    return leave(&call, out_removed, status);
}

static sb_status delete_all_work(sb__call *call, void *context)
{
    const sb__sql *sql = call->broker->sql;
    int64_t count;
    sb_status status = sb__run_counted(&count, call->runner, sql->delete_all, NULL,
                                       sql->delete_all_count, 0);

    (void)context;
    return status ? status : removed(call, count);
}

sb_status sb_delete_all(int64_t *out_removed, sb_broker *broker, const sb_options *options)
{
    sb__call call;
    sb_status status = sb__enter(&call, broker, "delete_all", options);

    if (status) {
        return status;
    }
    return leave(&call, out_removed, sb__mutate(&call, options, 1, delete_all_work, NULL));
}
