/*
 * Cursors: a stream of messages in bounded memory. Claims and moves are committed one by one, or in
 * batches that stay open until their last message has been worked on. Peeks read a page and let go
 * of the database, since an open SELECT would pin the WAL.
 */
#include <string.h>

#include "alloc.h"
#include "cursor.h"
#include "delivery.h"
#include "error.h"
#include "messages.h"
#include "params.h"
#include "txn.h"

enum { PAGE = 1000, PAGE_BYTES = 4 * 1024 * 1024 };

struct sb_cursor {
    sb_broker *broker;
    sb__delivery delivery;
    char *names; /* queue, NUL, target, NUL */
    sb_options options;
    int at_least_once;
    size_t batch_size;
    size_t batch_left; /* what the open batch may still take */
    size_t next;       /* in delivery.messages */
    sb_txn *batch;
    int finished;
};

static const char *const operations[] = {
    [SB_CURSOR_CLAIM] = "claim_cursor", [SB_CURSOR_PEEK] = "peek_cursor",
    [SB_CURSOR_MOVE] = "move_cursor"};

static const char *const batch_names[] = {
    [SB_CURSOR_CLAIM] = "an at_least_once claim_generator batch", [SB_CURSOR_PEEK] = "",
    [SB_CURSOR_MOVE] = "an at_least_once move_generator batch"};

static sb_status copy_names(sb_cursor *cursor)
{
    sb__delivery *d = &cursor->delivery;
    size_t queue_len = d->pick.queue_len;

    cursor->names = sb_alloc(queue_len + d->target_len + 2);
    if (!cursor->names) {
        return sb__fail_nomem();
    }
    memcpy(cursor->names, d->pick.queue, queue_len);
    cursor->names[queue_len] = '\0';
    if (d->target) {
        memcpy(cursor->names + queue_len + 1, d->target, d->target_len);
        d->target = cursor->names + queue_len + 1;
    }
    cursor->names[queue_len + 1 + d->target_len] = '\0';
    d->pick.queue = cursor->names;
    return SB_OK;
}

static void choose_batch_size(sb_cursor *cursor, size_t wanted)
{
    int64_t configured = cursor->broker->settings->generator_batch_size;

    if (cursor->delivery.kind == SB_CURSOR_PEEK) {
        cursor->batch_size = wanted ? wanted : PAGE;
    } else if (!cursor->at_least_once) {
        cursor->batch_size = 1;
    } else {
        cursor->batch_size = wanted ? wanted : configured < 1 ? 1 : (size_t)configured;
    }
    cursor->delivery.pick.limit = cursor->batch_size;
    cursor->delivery.pick.page_bytes = PAGE_BYTES;
    cursor->delivery.pick.is_bare = cursor->delivery.kind == SB_CURSOR_PEEK;
}

static sb_status set_up(sb_cursor *cursor, const char *queue, size_t queue_len, const char *target,
                        size_t target_len, const sb_options *options)
{
    sb__delivery *d = &cursor->delivery;
    sb_status status = sb__pick_init(&d->pick, queue, queue_len, -1, 1, options);

    if (!status) {
        status = sb__delivery_set_target(d, target, target_len);
    }
    if (!status) {
        status = copy_names(cursor);
    }
    if (!status) {
        d->messages = sb_messages_new();
        status = d->messages ? SB_OK : sb__fail_nomem();
    }
    return status;
}

sb_status sb_cursor_open(sb_cursor **out, sb_broker *broker, sb_cursor_kind kind,
                         const char *queue, size_t queue_len, const char *target,
                         size_t target_len, size_t batch_size, const sb_options *options)
{
    sb_cursor *cursor;
    sb__call call;
    sb_status status;

    sb__error_clear();
    if (out) {
        *out = NULL;
    }
    if (!out || kind < SB_CURSOR_CLAIM || kind > SB_CURSOR_MOVE) {
        return sb__fail(SB_EINVALID, out ? "unknown kind of cursor" : "out must not be NULL");
    }
    status = sb__enter(&call, broker, operations[kind], options);
    if (status) {
        return status;
    }
    cursor = sb__zalloc(sizeof *cursor);
    if (!cursor) {
        return sb__leave(&call, sb__fail_nomem());
    }
    sb__broker_retain(broker);
    cursor->broker = broker;
    cursor->delivery.kind = kind;
    sb_options_init(&cursor->options, SB_OPTIONS_VERSION);
    if (options) {
        cursor->options = *options;
    }
    cursor->at_least_once = kind != SB_CURSOR_PEEK && cursor->options.flags & SB_AT_LEAST_ONCE;
    if (cursor->at_least_once && cursor->options.txn) {
        status = sb__fail(SB_EINVALID, "an at-least-once cursor has its own transactions");
    }
    if (!status) {
        status = set_up(cursor, queue, queue_len, target, target_len, options);
    }
    if (kind == SB_CURSOR_CLAIM) {
        cursor->delivery.pick.any = SB__PENDING;
    }
    choose_batch_size(cursor, batch_size);
    if (status) {
        sb_cursor_close(cursor);
    } else {
        *out = cursor;
    }
    return sb__leave(&call, status);
}

/* Commits the batch whose last message the caller has had. */
static sb_status finish_batch(sb_cursor *cursor)
{
    sb_txn *batch = cursor->batch;

    cursor->batch = NULL;
    return batch ? sb__txn_end(batch, 1) : SB_OK;
}

/* A batch may be larger than what should be in memory: it is taken page by page. */
static sb_status fill_page_of_batch(sb__call *call, sb_cursor *cursor)
{
    sb__delivery *d = &cursor->delivery;
    sb_options options = cursor->options;
    sb_status status;

    options.txn = cursor->batch;
    d->pick.limit = cursor->batch_left < PAGE ? cursor->batch_left : PAGE;
    status = sb__mutate(call, &options, 1, sb__delivery_work, d);
    if (!status) {
        cursor->batch_left -= sb_messages_count(d->messages);
    }
    return status;
}

static sb_status open_batch(sb__call *call, sb_cursor *cursor)
{
    sb_options options = cursor->options;
    sb_status status = sb__txn_start(&cursor->batch, call, &options,
                                     batch_names[cursor->delivery.kind]);

    if (status) {
        return status;
    }
    cursor->batch_left = cursor->batch_size;
    status = fill_page_of_batch(call, cursor);
    if (status) {
        sb_txn_rollback(cursor->batch);
        cursor->batch = NULL;
    }
    return status;
}

/* The next page of the open batch, or its commit when there is no more for it. */
static sb_status go_on_in_batch(sb__call *call, sb_cursor *cursor)
{
    sb_status status = fill_page_of_batch(call, cursor);

    if (status == SB_EMPTY) {
        status = finish_batch(cursor);
        return status ? status : SB_EMPTY;
    }
    if (status) {
        sb_txn_rollback(cursor->batch);
        cursor->batch = NULL;
    }
    return status;
}

static sb_status take_one(sb__call *call, sb_cursor *cursor)
{
    return sb__mutate(call, &cursor->options, 1, sb__delivery_work, &cursor->delivery);
}

/* A claim or move that did not commit leaves no messages here for the next call to hand out. */
static sb_status fill_taken(sb__call *call, sb_cursor *cursor,
                            sb_status (*take)(sb__call *call, sb_cursor *cursor))
{
    sb_status status = take(call, cursor);

    if (status) {
        sb__messages_clear(cursor->delivery.messages);
    }
    return status;
}

static sb_status take_row(void *payload, const sb_values *row)
{
    *(int64_t *)payload = sb_values_int64(row, 0);
    return sb__row_check(row, "i");
}

/* The storage id of the last message, which came without; 0 if it has gone meanwhile. */
static sb_status find_last(sb__call *call, void *context)
{
    sb__pick *pick = &((sb_cursor *)context)->delivery.pick;
    const sb_messages *messages = ((sb_cursor *)context)->delivery.messages;
    sb_values params;

    pick->above_id = 0;
    sb__params_text(&params, pick->queue, pick->queue_len);
    sb__params_add_int64(&params, sb_messages_id(messages, sb_messages_count(messages) - 1));
    return sb__run(call->runner, call->broker->sql->by_ts[SB__ANY], &params, take_row,
                   &pick->above_id);
}

/* Reads a page, from after the last message of the one before. */
static sb_status show_page(sb__call *call, sb_cursor *cursor)
{
    sb__delivery *d = &cursor->delivery;
    int64_t above_id = d->pick.above_id;
    sb_status status = sb__look(call, &cursor->options, sb__delivery_work, d);
    size_t count = sb_messages_count(d->messages);

    cursor->finished = !status && !sb__pick_is_full(&d->pick, d->messages);
    if (status || cursor->finished) {
        return status;
    }
    d->pick.above_id = sb__messages_row(d->messages, count - 1);
    if (!d->pick.above_id) {
        status = sb__look(call, &cursor->options, find_last, cursor);
    }
    if (!d->pick.above_id) { /* once more, with storage ids; after a failure, when it is asked again */
        d->pick.is_bare = 0;
        d->pick.above_id = above_id;
        sb__messages_clear(d->messages);
        return status ? status : show_page(call, cursor);
    }
    return status;
}

static sb_status fill(sb__call *call, sb_cursor *cursor)
{
    sb__delivery *d = &cursor->delivery;
    sb_status status;

    cursor->next = 0;
    sb__messages_clear(d->messages);
    if (cursor->batch && cursor->batch_left > 0) {
        return fill_taken(call, cursor, go_on_in_batch);
    }
    status = finish_batch(cursor);
    if (status) {
        return status;
    }
    if (d->kind != SB_CURSOR_PEEK) {
        return fill_taken(call, cursor, cursor->at_least_once ? open_batch : take_one);
    }
    return show_page(call, cursor);
}

static void hand_out(int64_t *out_id, const char **out_body, size_t *out_len, sb_cursor *cursor)
{
    const sb_messages *messages = cursor->delivery.messages;
    const char *body = sb_messages_body(out_len, messages, cursor->next);

    if (out_body) {
        *out_body = body;
    }
    if (out_id) {
        *out_id = sb_messages_id(messages, cursor->next);
    }
    cursor->next++;
}

/* Whether there is nothing to do but to hand out: this is most calls, so that they come first. */
static int is_only_to_hand_out(const sb_cursor *cursor)
{
    const sb_broker *broker = cursor->broker;

    return sb_cursor_at_hand(cursor) && !broker->trace && !atomic_load(&broker->closed) &&
           (!cursor->batch || sb__txn_is_mine(cursor->batch));
}

sb_status sb_cursor_next(int64_t *out_id, const char **out_body, size_t *out_len,
                         sb_cursor *cursor)
{
    sb__call call;
    sb_status status = SB_OK;

    sb__error_clear();
    if (!cursor) {
        return sb__fail(SB_EINVALID, "cursor must not be NULL");
    }
    if (is_only_to_hand_out(cursor)) {
        hand_out(out_id, out_body, out_len, cursor);
        return SB_OK;
    }
    status = sb__enter(&call, cursor->broker, operations[cursor->delivery.kind],
                       &cursor->options);
    if (status) {
        return status;
    }
    if (cursor->batch && !sb__txn_is_mine(cursor->batch)) {
        status = sb__fail(SB_ETHREAD, "the cursor's batch was taken by another thread");
    } else if (!sb_cursor_at_hand(cursor)) {
        status = cursor->finished ? SB_EMPTY : fill(&call, cursor);
    }
    if (!status) {
        hand_out(out_id, out_body, out_len, cursor);
    }
    return sb__leave(&call, status);
}

sb_status sb__cursor_finish(sb_cursor *cursor)
{
    sb__call call;
    sb_status status;

    if (!cursor->batch || sb_cursor_at_hand(cursor)) {
        return SB_OK;
    }
    status = sb__enter(&call, cursor->broker, operations[cursor->delivery.kind],
                       &cursor->options);
    if (status) {
        return status;
    }
    status = sb__txn_is_mine(cursor->batch)
                 ? finish_batch(cursor)
                 : sb__fail(SB_ETHREAD, "the cursor's batch was taken by another thread");
    return sb__leave(&call, status);
}

size_t sb_cursor_at_hand(const sb_cursor *cursor)
{
    return cursor ? sb_messages_count(cursor->delivery.messages) - cursor->next : 0;
}

void sb_cursor_close(sb_cursor *cursor)
{
    sb_error saved;

    if (!cursor) {
        return;
    }
    sb__error_stash(&saved);
    sb_txn_rollback(cursor->batch);
    sb_messages_free(cursor->delivery.messages);
    sb_free(cursor->names);
    sb__broker_release(cursor->broker);
    sb_free(cursor);
    sb__error_unstash(&saved);
}
