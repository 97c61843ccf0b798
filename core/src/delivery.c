/*
 * Delivery in two steps inside one transaction: pick the oldest rows, then change each by its
 * primary key. The single UPDATE with a subselect and RETURNING that one might expect costs six
 * times as much.
 */
#include "delivery.h"

#include <string.h>

#include "arguments.h"
#include "error.h"
#include "messages.h"
#include "params.h"
#include "txn.h"

sb_status sb__delivery_set_target(sb__delivery *delivery, const char *target, size_t target_len)
{
    const sb__pick *pick = &delivery->pick;
    sb_status status;

    delivery->target = target;
    delivery->target_len = target_len;
    if (delivery->kind != SB_CURSOR_MOVE) {
        delivery->target_len = 0;
        return SB_OK;
    }
    status = sb__argument_queue(&delivery->target_len, target, "target");
    if (!status && delivery->target_len == pick->queue_len &&
        memcmp(target, pick->queue, pick->queue_len) == 0) {
        status = sb__fail(SB_EINVALID, "Source and target queues cannot be the same");
    }
    return status;
}

static sb_status change_rows(sb__call *call, const sb__delivery *delivery)
{
    sb__runner *runner = call->runner;
    const char *sql = delivery->kind == SB_CURSOR_MOVE ? call->broker->sql->mark_moved
                                                       : call->broker->sql->mark_claimed;
    size_t count = sb_messages_count(delivery->messages);
    sb_status status = SB_OK;
    sb_values params;

    sb__values_init(&params);
    sb__params_add_int64(&params, 0);
    if (delivery->kind == SB_CURSOR_MOVE) {
        sb__params_add_text(&params, delivery->target, delivery->target_len);
    }
    for (size_t i = 0; i < count && !status; i++) {
        params.items[0].as.integer = sb__messages_row(delivery->messages, i);
        status = sb__run(runner, sql, &params, NULL, NULL);
    }
    return status;
}

static sb_status append_taken(void *payload, const sb_values *row)
{
    size_t len;
    sb_status status = sb__row_check(row, "iti");

    if (!status) {
        const char *body = sb_values_text(&len, row, 1);

        status = sb__messages_append_row(payload, sb_values_int64(row, 0), body, len,
                                         sb_values_int64(row, 2));
    }
    return status;
}

/* Calls on a foreign runner cost so much that for several messages the one large statement pays. */
static int is_for_one_statement(const sb__call *call, const sb__delivery *delivery)
{
    const sb__pick *pick = &delivery->pick;

    return !call->runner->sqlite && delivery->kind != SB_CURSOR_PEEK && pick->limit > 2 &&
           pick->id < 0 && pick->above_id <= 0 && pick->after < 0 && pick->before < 0 &&
           !pick->page_bytes && pick->any == SB__PENDING;
}

static sb_status take_in_one_statement(sb__call *call, const sb__delivery *delivery)
{
    const sb__sql *sql = call->broker->sql;
    const sb__pick *pick = &delivery->pick;
    int moves = delivery->kind == SB_CURSOR_MOVE;
    sb_values params;
    sb_status status;

    sb__values_init(&params);
    sb__params_add_text(&params, pick->queue, pick->queue_len);
    sb__params_add_int64(&params, (int64_t)pick->limit);
    if (moves) {
        sb__params_add_text(&params, delivery->target, delivery->target_len);
    }
    status = sb__run(call->runner, moves ? sql->move_oldest : sql->claim_oldest, &params,
                     append_taken, delivery->messages);
    sb__messages_sort(delivery->messages);
    call->rows = call->mutated = (int64_t)sb_messages_count(delivery->messages);
    return status || call->rows ? status : SB_EMPTY;
}

sb_status sb__delivery_work(sb__call *call, void *context)
{
    sb__delivery *delivery = context;
    sb_status status;

    sb__messages_clear(delivery->messages);
    if (is_for_one_statement(call, delivery)) {
        return take_in_one_statement(call, delivery);
    }
    status = sb__pick_run(delivery->messages, call, &delivery->pick);
    call->rows = (int64_t)sb_messages_count(delivery->messages);
    if (status || call->rows == 0) {
        return status ? status : SB_EMPTY;
    }
    if (delivery->kind != SB_CURSOR_PEEK) {
        status = change_rows(call, delivery);
        call->mutated = call->rows;
    }
    return status;
}

static sb_status run(sb__call *call, sb__delivery *delivery, const sb_options *options)
{
    delivery->messages = sb_messages_new();
    if (!delivery->messages) {
        return sb__fail_nomem();
    }
    return delivery->kind == SB_CURSOR_PEEK
               ? sb__look(call, options, sb__delivery_work, delivery)
               : sb__mutate(call, options, delivery->pick.limit > 1 ? 2 : 1, sb__delivery_work,
                           delivery);
}

sb_status sb__deliver(sb_messages **out, sb_broker *broker, const char *operation,
                      sb_cursor_kind kind, const char *queue, size_t queue_len,
                      const char *target, size_t target_len, int64_t id, size_t limit,
                      const sb_options *options)
{
    sb__delivery delivery = {.kind = kind};
    sb__call call;
    sb_status status;

    if (!out) {
        return sb__fail(SB_EINVALID, "out must not be NULL");
    }
    *out = NULL;
    status = sb__enter(&call, broker, operation, options);
    if (status) {
        return status;
    }
    status = sb__pick_init(&delivery.pick, queue, queue_len, id, limit, options);
    if (kind == SB_CURSOR_CLAIM) {
        delivery.pick.any = SB__PENDING;
    }
    if (!status) {
        status = sb__delivery_set_target(&delivery, target, target_len);
    }
    if (!status) {
        status = run(&call, &delivery, options);
    }
    if (status) {
        sb_messages_free(delivery.messages);
    } else {
        *out = delivery.messages;
    }
    return sb__leave(&call, status);
}
