/*
 * Delivery in two steps inside one transaction: pick the oldest rows, then change them: few by
 * their primary keys, many as the range of the queue's pending ones that they are. The single
 * UPDATE with a subselect and RETURNING that one might expect costs more, for one message six
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

static int moves(const sb__delivery *delivery)
{
    return delivery->kind == SB_CURSOR_MOVE;
}

static void add_target(sb_values *params, const sb__delivery *delivery)
{
    if (moves(delivery)) {
        sb__params_add_text(params, delivery->target, delivery->target_len);
    }
}

static sb_status change_each(sb__call *call, const sb__delivery *delivery)
{
    const sb__sql *sql = call->broker->sql;
    size_t count = sb_messages_count(delivery->messages);
    sb_status status = SB_OK;
    sb_values params;

    sb__values_init(&params);
    sb__params_add_int64(&params, 0);
    add_target(&params, delivery);
    for (size_t i = 0; i < count && !status; i++) {
        params.items[0].as.integer = sb__messages_row(delivery->messages, i);
        status = sb__run(call->runner, moves(delivery) ? sql->mark_moved : sql->mark_claimed,
                         &params, NULL, NULL);
    }
    return status;
}

static int is_bounded(const sb__pick *pick)
{
    return pick->after >= 0 || pick->before >= 0;
}

/* Whether a batch is all that is pending in the queue, and within the bounds, between its first and
 * its last message. */
static int is_without_gaps(const sb__delivery *delivery)
{
    const sb_messages *messages = delivery->messages;

    if (delivery->pick.id >= 0 || delivery->pick.any != SB__PENDING) {
        return 0;
    }
    for (size_t i = 1; i < sb_messages_count(messages); i++) {
        if (sb__messages_row(messages, i) <= sb__messages_row(messages, i - 1)) {
            return 0; /* a foreign runner that hands out rows as it likes */
        }
    }
    return 1;
}

static sb_status change_range(sb__call *call, const sb__delivery *delivery)
{
    const sb__sql *sql = call->broker->sql;
    const char *const statements[2][2] = {{sql->mark_range_claimed, sql->mark_range_moved},
                                          {sql->mark_bounded_claimed, sql->mark_bounded_moved}};
    const sb__pick *pick = &delivery->pick;
    sb__runner *runner = call->runner;
    size_t count = sb_messages_count(delivery->messages);
    sb_values params;
    sb_status status;

    sb__params_text(&params, pick->queue, pick->queue_len);
    sb__params_add_int64(&params, sb__messages_row(delivery->messages, 0));
    sb__params_add_int64(&params, sb__messages_row(delivery->messages, count - 1));
    if (is_bounded(pick)) {
        sb__pick_add_bounds(&params, pick);
    }
    add_target(&params, delivery);
    status = sb__run(runner, statements[is_bounded(pick)][moves(delivery)], &params, NULL, NULL);
    if (!status && runner->calls.changes &&
        runner->calls.changes(runner->payload) != (int64_t)count) {
        return sb__fail(SB_EDATABASE, "an index of the messages does not agree with their table");
    }
    return status;
}

/* A call on a foreign runner costs more than looking for one row many times. */
static sb_status change_some(sb__call *call, const sb__delivery *delivery)
{
    const sb__sql *sql = call->broker->sql;
    size_t count = sb_messages_count(delivery->messages);
    sb_status status = SB_OK;
    sb_values params;

    sb__values_init(&params);
    for (size_t done = 0; done < count && !status; done += SB__SOME) {
        sb_values_clear(&params);
        for (size_t i = done; i < done + SB__SOME && !status; i++) {
            status = sb_values_add_int64(
                &params, sb__messages_row(delivery->messages, i < count ? i : count - 1));
        }
        if (!status && moves(delivery)) {
            status = sb__values_borrow(&params, SB_TEXT, delivery->target, delivery->target_len);
        }
        if (!status) {
            status = sb__run(call->runner,
                             moves(delivery) ? sql->mark_some_moved : sql->mark_some_claimed,
                             &params, NULL, NULL);
        }
    }
    sb__values_dispose(&params);
    return status;
}

static sb_status change_rows(sb__call *call, const sb__delivery *delivery)
{
    int is_foreign = !call->runner->sqlite;

    if (sb_messages_count(delivery->messages) <= 2) {
        return change_each(call, delivery);
    }
    /* Messages within bounds may lie far apart, and what is between them is looked at as well. */
    if ((is_foreign || !is_bounded(&delivery->pick)) && is_without_gaps(delivery)) {
        return change_range(call, delivery);
    }
    return is_foreign ? change_some(call, delivery) : change_each(call, delivery);
}

sb_status sb__delivery_work(sb__call *call, void *context)
{
    sb__delivery *delivery = context;
    sb_status status;

    sb__messages_clear(delivery->messages);
    status = sb__pick_run(delivery->messages, call, &delivery->pick);
    call->rows = (int64_t)sb_messages_count(delivery->messages);
    if (status || call->rows == 0) {
        return status ? status : SB_EMPTY;
    }
    if (moves(delivery)) {
        sb__rings_add(&call->rings, delivery->target, delivery->target_len);
        call->rings.moved = 1;
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
    delivery.pick.is_bare = kind == SB_CURSOR_PEEK;
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
