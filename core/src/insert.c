/*
 * Insert: messages under ids that the caller brings, for loading dumps and for copying between
 * brokers. All or none; the high-water is raised first, so that no new id can meet an inserted one.
 */
#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "broker.h"
#include "error.h"
#include "insert_rows.h"
#include "messages.h"
#include "simplebroker.h"
#include "timestamp.h"
#include "txn.h"

typedef struct insertion {
    const sb_messages *messages;
    int64_t high_water;
} insertion;

static sb_status check_id(int64_t id)
{
    if (id < 0) {
        return sb__fail(SB_EINVALID, "message_id must be non-negative");
    }
    if (id == 0) {
        return sb__fail(SB_EINVALID, "message_id 0 is reserved; use a positive compatible "
                                     "SimpleBroker message ID");
    }
    return SB_OK;
}

static int compare_ids(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

    return x < y ? -1 : x > y;
}

/* The greatest id, and whether one stands twice. Ids mostly come in ascending order. */
static sb_status check_distinct(int64_t *out_max, const sb_messages *messages, size_t count)
{
    size_t ascending = 1;
    int64_t *ids;

    while (ascending < count &&
           sb_messages_id(messages, ascending - 1) < sb_messages_id(messages, ascending)) {
        ascending++;
    }
    if (ascending == count) {
        *out_max = sb_messages_id(messages, count - 1);
        return SB_OK;
    }
    ids = sb_alloc(count * sizeof *ids);
    if (!ids) {
        return sb__fail_nomem();
    }
    for (size_t i = 0; i < count; i++) {
        ids[i] = sb_messages_id(messages, i);
    }
    qsort(ids, count, sizeof *ids, compare_ids);
    *out_max = ids[count - 1];
    for (size_t i = 1; i < count; i++) {
        if (ids[i] == ids[i - 1]) {
            sb_free(ids);
            return sb__fail(SB_EINTEGRITY, "duplicate message ID in insert batch");
        }
    }
    sb_free(ids);
    return SB_OK;
}

/* Of several things wrong with a batch, the first one in its order is reported. */
static sb_status report_first(sb_status status, const sb_messages *messages, size_t index)
{
    int64_t max;
    sb_error saved;

    sb__error_stash(&saved);
    if (index && check_distinct(&max, messages, index)) {
        return sb_error_status(NULL);
    }
    sb__error_unstash(&saved);
    return status;
}

static sb_status check(insertion *in, const sb_broker *broker)
{
    size_t count = sb_messages_count(in->messages);
    int64_t max = 0;
    sb_status status = SB_OK;

    for (size_t i = 0; i < count; i++) {
        status = sb__batch_check_at(in->messages, i, broker);
        if (!status) {
            status = check_id(sb_messages_id(in->messages, i));
        }
        if (status) {
            return report_first(status, in->messages, i);
        }
    }
    status = check_distinct(&max, in->messages, count);
    if (!status && max == INT64_MAX) {
        status = sb__fail(SB_EINVALID, "insert high-water timestamp exceeds maximum timestamp "
                                       "value");
    }
    in->high_water = status ? 0 : max + 1;
    return status;
}

static sb_status insert_work(sb__call *call, void *context)
{
    const insertion *in = context;
    sb_broker *broker = call->broker;
    size_t count = sb_messages_count(in->messages);
    int raised;
    sb_status status = sb__timestamp_raise(&raised, &broker->timestamp, call->runner,
                                           broker->sql, in->high_water);

    if (!status) {
        status = sb__insert_rows(call, in->messages, NULL, 0, count);
    }
    call->rows = call->mutated = (int64_t)count;
    return status;
}

sb_status sb_insert(sb_broker *broker, const sb_messages *messages, const sb_options *options)
{
    insertion in = {.messages = messages};
    sb__call call;
    sb_status status = sb__enter(&call, broker, "insert", options);

    if (status) {
        return status;
    }
    if (!messages) {
        status = sb__fail(SB_EINVALID, "messages must not be NULL");
    } else if (sb_messages_count(messages)) {
        status = check(&in, broker);
        if (!status) {
            status = sb__mutate(&call, options, 2, insert_work, &in);
        }
    }
    return sb__leave(&call, status);
}
