/*
 * Peek: look at messages and change nothing.
 */
#include "peek.h"

#include "delivery.h"
#include "error.h"
#include "messages.h"
#include "params.h"
#include "txn.h"

sb_status sb_peek(sb_messages **out, sb_broker *broker, const char *queue, size_t queue_len,
                  size_t limit, const sb_options *options)
{
    return sb__deliver(out, broker, "peek", SB_CURSOR_PEEK, queue, queue_len, NULL, 0, -1, limit,
                       options);
}

sb_status sb_peek_id(sb_messages **out, sb_broker *broker, const char *queue, size_t queue_len,
                     int64_t id, const sb_options *options)
{
    sb_status status = sb__id_check(id);

    return status ? status
                  : sb__deliver(out, broker, "peek_id", SB_CURSOR_PEEK, queue, queue_len, NULL, 0,
                                id, 1, options);
}

enum { PAGE_BYTES = 1024 * 1024 };

typedef struct page {
    const char *queue;
    size_t queue_len;
    int64_t above_ts, max_ts;
    size_t limit;
    sb_messages *messages;
} page;

/* A page ends early, with SB_EXISTS, where large bodies would make it too large for memory. */
static sb_status append_row(void *payload, const sb_values *row)
{
    size_t len = 0;
    sb_status status = sb__row_check(row, "it*");

    if (!status) {
        const char *body = sb_values_text(&len, row, 1);

        status = sb__messages_append(payload, NULL, 0, body, len, sb_values_int64(row, 2));
    }

    return status || sb__messages_bytes(payload) < PAGE_BYTES ? status : SB_EXISTS;
}

static sb_status read_page(sb__call *call, void *context)
{
    page *p = context;
    sb_values params;
    sb_status status;

    sb__messages_clear(p->messages);
    sb__values_init(&params);
    sb__params_add_text(&params, p->queue, p->queue_len);
    sb__params_add_int64(&params, p->above_ts);
    sb__params_add_int64(&params, p->max_ts);
    sb__params_add_int64(&params, (int64_t)p->limit);
    status = sb__run(call->runner, call->broker->sql->pending_by_ts, &params, append_row,
                     p->messages);
    call->rows = (int64_t)sb_messages_count(p->messages);
    if (status < 0) {
        return status;
    }
    return call->rows ? SB_OK : SB_EMPTY;
}

sb_status sb__peek_by_ts(sb_messages **out, sb_broker *broker, const char *queue, size_t queue_len,
                         int64_t above_ts, int64_t max_ts, size_t limit, const sb_options *options)
{
    page p = {queue, queue_len, above_ts, max_ts, limit, NULL};
    sb__call call;
    sb_status status = sb__enter(&call, broker, "peek", options);

    *out = NULL;
    if (status) {
        return status;
    }
    p.messages = sb_messages_new();
    status = p.messages ? sb__look(&call, options, read_page, &p) : sb__fail_nomem();
    if (status) {
        sb_messages_free(p.messages);
    } else {
        *out = p.messages;
    }
    return sb__leave(&call, status);
}
