/*
 * Write: allocate an id and insert the message under it, in one transaction, so that no reader can
 * see a later id before an earlier one. An id that is in use already, which takes a damaged or
 * foreign high-water, is retried after raising the high-water above everything stored.
 */
#include "arguments.h"
#include "clock.h"
#include "config.h"
#include "error.h"
#include "insert_rows.h"
#include "params.h"
#include "txn.h"

enum { ATTEMPTS = 3, FIRST_PAUSE_NS = 1000000, SECOND_PAUSE_NS = 2000000 };

typedef struct message {
    const char *queue;
    size_t queue_len;
    const char *body;
    size_t body_len;
    int64_t id;
} message;

typedef struct batch {
    const sb_messages *messages;
    int64_t *ids;
} batch;

static sb_status insert(sb__call *call, void *context)
{
    sb_broker *broker = call->broker;
    message *m = context;
    sb_values params;
    sb_status status =
        sb__timestamp_next(&m->id, &broker->timestamp, call->runner, broker->sql);

    if (status) {
        return status;
    }
    sb__values_init(&params);
    sb__params_add_text(&params, m->queue, m->queue_len);
    sb__params_add_text(&params, m->body, m->body_len);
    sb__params_add_int64(&params, m->id);
    status = sb__run(call->runner, broker->sql->insert, &params, NULL, NULL);
    sb__rings_add(&call->rings, m->queue, m->queue_len);
    call->rows = 1;
    call->mutated = 1;
    return status;
}

/* Ids for messages from `first` on, as many as the counter within them has room for. */
static sb_status allocate(size_t *out_end, sb__call *call, const batch *b, size_t first)
{
    sb_broker *broker = call->broker;
    size_t count = sb_messages_count(b->messages), room;
    int64_t id;
    int raised;
    sb_status status = sb__timestamp_next(&id, &broker->timestamp, call->runner, broker->sql);

    if (status) {
        return status;
    }
    room = (size_t)(SB__COUNTER_MASK - (id & SB__COUNTER_MASK)) + 1;
    *out_end = count - first < room ? count : first + room;
    for (size_t i = first; i < *out_end; i++) {
        b->ids[i] = id + (int64_t)(i - first);
    }
    return *out_end - first == 1
               ? SB_OK
               : sb__timestamp_raise(&raised, &broker->timestamp, call->runner, broker->sql,
                                     b->ids[*out_end - 1]);
}

static sb_status insert_batch(sb__call *call, void *context)
{
    const batch *b = context;
    size_t count = sb_messages_count(b->messages), end = 0;
    sb_status status = SB_OK;

    for (size_t first = 0; first < count && !status; first = end) {
        status = allocate(&end, call, b, first);
        if (!status) {
            status = sb__insert_rows(call, b->messages, b->ids, first, end);
        }
    }
    call->rows = call->mutated = (int64_t)count;
    return status;
}

static sb_status resynchronise(sb__call *call, void *context)
{
    sb_broker *broker = call->broker;
    int64_t stored = 0, greatest = 0;
    int raised = 0;
    sb_status status =
        sb__timestamp_read(&stored, &broker->timestamp, call->runner, broker->sql);

    (void)context;
    if (!status) {
        status = sb__run_int64(&greatest, call->runner, broker->sql->max_ts, NULL);
    }
    if (status < 0 || greatest <= stored) {
        return status < 0 ? status : SB_EMPTY;
    }
    status = sb__timestamp_raise(&raised, &broker->timestamp, call->runner, broker->sql,
                                 greatest);
    if (!status && raised) {
        atomic_fetch_add(&broker->resyncs, 1);
        sb__config_warn(broker->config, SB_WARN_TIMESTAMP,
                        "Timestamp generator resynchronized: last_ts was %lld, is now %lld",
                        (long long)stored, (long long)greatest);
    }
    return status;
}

/* After the first conflict wait a little, after the second repair the high-water. */
static sb_status prepare_retry(sb__call *call, const sb_options *options, int conflict)
{
    sb_broker *broker = call->broker;
    sb_status status;

    atomic_fetch_add(&broker->conflicts, 1);
    if (conflict == 1) {
        if (broker->settings->debug) {
            sb__config_warn(broker->config, SB_WARN_TIMESTAMP,
                            "Timestamp conflict detected (attempt 1), retrying");
        }
        return sb__sleep_ns(FIRST_PAUSE_NS, options ? options->cancel : NULL);
    }
    sb__config_warn(broker->config, SB_WARN_TIMESTAMP,
                    "Timestamp conflict persisted (attempt 2), resynchronizing state");
    status = sb__mutate(call, options, 2, resynchronise, NULL);
    if (status < 0) {
        return status;
    }
    return sb__sleep_ns(SECOND_PAUSE_NS, options ? options->cancel : NULL);
}

static sb_status write_at_last(sb__call *call, const sb_options *options, int statements,
                               sb__work_fn work, void *context)
{
    sb_status status = sb__mutate(call, options, statements, work, context);

    for (int conflict = 1; status == SB_EINTEGRITY && conflict < ATTEMPTS; conflict++) {
        status = prepare_retry(call, options, conflict);
        if (!status) {
            status = sb__mutate(call, options, statements, work, context);
        }
    }
    if (status == SB_EINTEGRITY) {
        atomic_fetch_add(&call->broker->conflicts, 1);
        sb__config_warn(call->broker->config, SB_WARN_TIMESTAMP,
                        "Timestamp conflict unresolvable after %d attempts!", ATTEMPTS);
        return sb__fail(SB_ERUNTIME, "Failed to write message after %d attempts due to timestamp "
                                     "conflicts; the database's high-water may be damaged",
                        ATTEMPTS);
    }
    return status;
}

sb_status sb_write(int64_t *out_id, sb_broker *broker, const char *queue, size_t queue_len,
                   const char *body, size_t body_len, const sb_options *options)
{
    message m = {queue, queue_len, body, body_len, 0};
    sb__call call;
    sb_status status = sb__enter(&call, broker, "write", options);

    if (status) {
        return status;
    }
    status = sb__argument_body(&m.body_len, body, broker);
    if (!status) {
        status = sb__argument_queue(&m.queue_len, queue, "queue");
    }
    if (!status) {
        status = write_at_last(&call, options, 1, insert, &m);
    }
    if (!status && out_id) {
        *out_id = m.id;
    }
    return sb__leave(&call, status);
}

static sb_status check_batch(const sb_messages *messages, const sb_broker *broker)
{
    sb_status status = SB_OK;

    for (size_t i = 0; i < sb_messages_count(messages) && !status; i++) {
        status = sb__batch_check_at(messages, i, broker);
    }
    return status;
}

sb_status sb_write_many(int64_t *out_ids, sb_broker *broker, const sb_messages *messages,
                        const sb_options *options)
{
    batch b = {messages, out_ids};
    sb__call call;
    sb_status status = sb__enter(&call, broker, "write_many", options);

    if (status) {
        return status;
    }
    if (!messages || !out_ids) {
        status = sb__fail(SB_EINVALID, "messages and out_ids must not be NULL");
    }
    if (!status) {
        status = check_batch(messages, broker);
    }
    if (!status && sb_messages_count(messages)) {
        status = write_at_last(&call, options, 2, insert_batch, &b);
    }
    return sb__leave(&call, status);
}
