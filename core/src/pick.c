/*
 * Picking messages. Delivery order is by storage id, bounds are on message ids, and no index has
 * both. A bounded pick therefore looks at the oldest few messages first, which is where consumers
 * that go on from a checkpoint find theirs; then, if the range is short, sorts it; else looks at
 * more of the oldest; and only then visits the whole range in its index.
 */
#include "pick.h"

#include "arguments.h"
#include "error.h"
#include "messages.h"
#include "params.h"
#include "text.h"

enum { SHORT_RANGE = 1000, NEAR = 16, FAR = 4096 };

sb_status sb__id_check(int64_t id)
{
    return id < 0 ? sb__fail(SB_EINVALID,
                             "invalid message ID: expected exactly 19 digits within range")
                  : SB_OK;
}

sb_status sb__pick_init(sb__pick *pick, const char *queue, size_t queue_len, int64_t id,
                        size_t limit, const sb_options *options)
{
    sb_status status;

    pick->queue = queue;
    pick->queue_len = queue_len;
    pick->id = id;
    pick->above_id = 0;
    pick->page_bytes = 0;
    pick->is_bare = 0;
    pick->after = options ? options->after : -1;
    pick->before = options ? options->before : -1;
    pick->limit = limit > INT64_MAX ? INT64_MAX : limit;
    pick->utf8 = options && options->flags & SB_UTF8;
    pick->any = options && options->flags & SB_INCLUDE_CLAIMED ? SB__ANY : SB__PENDING;
    status = sb__argument_queue(&pick->queue_len, queue, "queue");
    if (!status && limit < 1) {
        status = sb__fail(SB_EINVALID, "limit must be at least 1");
    }
    return status;
}

int sb__pick_is_full(const sb__pick *pick, const sb_messages *messages)
{
    return sb_messages_count(messages) >= pick->limit ||
           (pick->page_bytes && sb__messages_bytes(messages) >= pick->page_bytes);
}

typedef struct picked {
    sb_messages *messages;
    const sb__pick *pick;
    const char *columns;
} picked;

/* A message whose id somebody else's program has spoilt is handed out all the same, or it would be
 * in the way for ever; a foreign runner has no such excuse. */
static const char *columns(const sb__call *call)
{
    return call->runner->sqlite ? "it*" : "iti";
}

/* Ends the statement with the last row, instead of asking SQLite for one that cannot come. */
static sb_status append_row(void *payload, const sb_values *row)
{
    picked *p = payload;
    size_t len = 0;
    sb_status status = sb__row_check(row, p->columns);

    if (!status) {
        const char *body = sb_values_text(&len, row, 1);

        if (p->pick->utf8 && !sb__utf8_is_valid(body, len)) {
            return sb__fail(SB_EOPERATIONAL, "Could not decode to UTF-8 the body of message %lld",
                            (long long)sb_values_int64(row, 2));
        }
        status = sb__messages_append_row(p->messages, sb_values_int64(row, 0), body, len,
                                         sb_values_int64(row, 2));
    }

    return status || !sb__pick_is_full(p->pick, p->messages) ? status : SB__ENOUGH;
}

/* Of a foreign runner, where each column of each row costs something. */
static sb_status append_bare(void *payload, const sb_values *row)
{
    picked *p = payload;
    size_t len = 0;
    sb_status status = sb__row_check(row, "ti");

    if (!status) {
        const char *body = sb_values_text(&len, row, 0);

        status = sb__messages_append_row(p->messages, 0, body, len, sb_values_int64(row, 1));
    }
    return status || !sb__pick_is_full(p->pick, p->messages) ? status : SB__ENOUGH;
}

void sb__pick_add_bounds(sb_values *params, const sb__pick *pick)
{
    sb__params_add_int64(params, pick->after);
    sb__params_add_int64(params, pick->before < 0 ? INT64_MAX : pick->before);
}

/* How many rows are in the range; SHORT_RANGE: that many or more. */
static sb_status probe(int64_t *out, sb__call *call, const sb__pick *pick)
{
    sb_values params;

    *out = 0;
    sb__values_init(&params);
    sb__params_add_text(&params, pick->queue, pick->queue_len);
    sb__pick_add_bounds(&params, pick);
    sb__params_add_int64(&params, SHORT_RANGE);
    return sb__run_int64(out, call->runner, call->broker->sql->range_probe[pick->any], &params);
}

/* The only one in the range needs no sorting, which takes SQLite more memory than many messages. */
static sb_status run_single(sb_messages *messages, sb__call *call, const sb__pick *pick)
{
    picked result = {messages, pick, columns(call)};
    sb_values params;

    sb__values_init(&params);
    sb__params_add_text(&params, pick->queue, pick->queue_len);
    sb__params_add_int64(&params, pick->after);
    sb__params_add_int64(&params, pick->before < 0 ? INT64_MAX : pick->before - 1);
    sb__params_add_int64(&params, 1);
    return sb__run(call->runner, call->broker->sql->pending_by_ts, &params, append_row, &result);
}

static sb_status run_range(sb_messages *messages, sb__call *call, const sb__pick *pick,
                           const char *sql, int64_t depth)
{
    picked result = {messages, pick, columns(call)};
    sb_values params;

    sb__values_init(&params);
    sb__params_add_text(&params, pick->queue, pick->queue_len);
    sb__params_add_int64(&params, pick->above_id);
    sb__pick_add_bounds(&params, pick);
    sb__params_add_int64(&params, (int64_t)pick->limit);
    if (depth) {
        sb__params_add_int64(&params, depth);
    }
    return sb__run(call->runner, sql, &params, append_row, &result);
}

/* Looks at the oldest `depth` messages; whether that was enough goes to *out_done. */
static sb_status look_near(int *out_done, sb_messages *messages, sb__call *call,
                           const sb__pick *pick, int64_t depth)
{
    sb_status status = run_range(messages, call, pick, call->broker->sql->range_head, depth);

    *out_done = sb__pick_is_full(pick, messages);
    if (!status && !*out_done) {
        sb__messages_clear(messages);
    }
    return status;
}

static sb_status pick_pending_range(sb_messages *messages, sb__call *call, const sb__pick *pick)
{
    int64_t rows = SHORT_RANGE;
    int done = 0;
    sb_status status = SB_OK;

    if (pick->limit <= NEAR) {
        status = look_near(&done, messages, call, pick, NEAR);
    } else if (!call->runner->sqlite && pick->limit <= FAR) {
        /* Looking in vain costs less than asking first. */
        status = look_near(&done, messages, call, pick, (int64_t)pick->limit + NEAR);
    }
    if (!status && !done) {
        status = probe(&rows, call, pick);
    }
    if (!status && !done && rows <= 1) {
        return rows ? run_single(messages, call, pick) : SB_OK;
    }
    if (!status && !done && rows >= SHORT_RANGE && pick->limit <= FAR) {
        status = look_near(&done, messages, call, pick, FAR);
    }
    return status || done ? status
                          : run_range(messages, call, pick,
                                      call->broker->sql->range_sort[SB__PENDING], 0);
}

static sb_status pick_range(sb_messages *messages, sb__call *call, const sb__pick *pick)
{
    const sb__sql *sql = call->broker->sql;
    int64_t rows;
    sb_status status;

    if (pick->above_id > 0) {
        /* The pages of a stream after its first go on from where that ended. */
        return run_range(messages, call, pick, sql->range_walk[pick->any], 0);
    }
    if (pick->any == SB__PENDING) {
        return pick_pending_range(messages, call, pick);
    }
    status = probe(&rows, call, pick);
    return status ? status
                  : run_range(messages, call, pick,
                              (rows < SHORT_RANGE ? sql->range_sort : sql->range_walk)[SB__ANY],
                              0);
}

static int can_be_bare(const sb__pick *pick, const sb__call *call)
{
    return pick->is_bare && !call->runner->sqlite && pick->limit > 1 && pick->id < 0 &&
           pick->after < 0 && pick->before < 0 && pick->any == SB__PENDING;
}

static sb_status run_bare(sb_messages *messages, sb__call *call, const sb__pick *pick)
{
    picked result = {messages, pick, NULL};
    sb_values params;

    sb__params_text(&params, pick->queue, pick->queue_len);
    sb__params_add_int64(&params, pick->above_id);
    sb__params_add_int64(&params, (int64_t)pick->limit);
    return sb__run(call->runner, call->broker->sql->oldest_bare, &params, append_bare, &result);
}

sb_status sb__pick_run(sb_messages *messages, sb__call *call, const sb__pick *pick)
{
    const sb__sql *sql = call->broker->sql;
    picked result = {messages, pick, columns(call)};
    const char *statement = sql->oldest_one;
    sb_values params;

    if (can_be_bare(pick, call)) {
        return run_bare(messages, call, pick);
    }
    if (pick->id < 0 && (pick->after >= 0 || pick->before >= 0 || pick->above_id > 0 ||
                         pick->any == SB__ANY)) {
        return pick_range(messages, call, pick);
    }
    sb__params_text(&params, pick->queue, pick->queue_len);
    if (pick->id >= 0) {
        statement = sql->by_ts[pick->any];
        sb__params_add_int64(&params, pick->id);
    } else if (pick->limit > 1) {
        statement = sql->oldest;
        sb__params_add_int64(&params, (int64_t)pick->limit);
    }
    return sb__run(call->runner, statement, &params, append_row, &result);
}
