/*
 * Search: messages whose body contains a text, literally. Every body in question has to be looked
 * at; what must not be looked at are rows that bounds rule out, and rows beyond the limit.
 */
#include "alloc.h"
#include "arguments.h"
#include "broker.h"
#include "error.h"
#include "messages.h"
#include "params.h"
#include "runner.h"
#include "simplebroker.h"
#include "sql.h"
#include "text.h"
#include "txn.h"

enum { MIN_TEXT = 3, MAX_TEXT = 1024, MAX_LIMIT = 1000, SHORT_RANGE = 1000 };

typedef struct search {
    const char *queue;
    size_t queue_len;
    const char *text;
    size_t text_len;
    size_t limit;
    int64_t after, before;
    int bounded;
    int any;
    sb_messages *found;
} search;

static sb_status check_text(const char *text, size_t len)
{
    size_t solid = 0;

    if (!sb__utf8_is_valid(text, len)) {
        return sb__fail(SB_EINVALID, "body_contains must be valid UTF-8");
    }
    for (size_t i = 0; i < len && solid < MIN_TEXT;) {
        uint32_t c;

        i += sb__utf8_decode(&c, text + i, len - i);
        solid += !sb__is_unicode_space(c);
    }
    if (solid < MIN_TEXT) {
        return sb__fail(SB_EINVALID,
                        "body_contains must contain at least %d non-whitespace characters",
                        (int)MIN_TEXT);
    }
    if (sb__utf8_count(text, len) > MAX_TEXT) {
        return sb__fail(SB_EINVALID, "body_contains must be at most %d characters", (int)MAX_TEXT);
    }
    return SB_OK;
}

static sb_status check_limit(size_t limit)
{
    if (limit < 1) {
        return sb__fail(SB_EINVALID, "limit must be at least 1");
    }
    if (limit > MAX_LIMIT) {
        return sb__fail(SB_EINVALID, "limit must be at most %d", (int)MAX_LIMIT);
    }
    return SB_OK;
}

static sb_status take_id(void *payload, const sb_values *row)
{
    sb_status status = sb__row_check(row, "i");

    return status ? status : sb__messages_append(payload, NULL, 0, "", 0, sb_values_int64(row, 0));
}

/*
 * Matches come in ascending id, which no index has together with ts. Pending rows of a long range
 * are walked in the order of their ids; everything else is found by ts, and the matches are sorted.
 */
static sb_status choose(const char **out, sb__call *call, const search *s)
{
    const sb__sql *sql = call->broker->sql;
    int64_t rows = 0;
    sb_values params;
    sb_status status;

    *out = sql->search_sort[s->any];
    if (s->any) {
        return SB_OK;
    }
    sb__params_text(&params, s->queue, s->queue_len);
    sb__params_add_int64(&params, s->after);
    sb__params_add_int64(&params, s->before);
    sb__params_add_int64(&params, SHORT_RANGE);
    status = sb__run_int64(&rows, call->runner, sql->range_probe[SB__PENDING], &params);
    if (rows >= SHORT_RANGE) {
        *out = sql->search_walk;
    }
    return status;
}

static sb_status search_work(sb__call *call, void *context)
{
    const search *s = context;
    const char *statement = call->broker->sql->search_oldest;
    sb_values params;
    sb_status status = SB_OK;

    sb__messages_clear(s->found);
    sb__params_text(&params, s->queue, s->queue_len);
    sb__params_add_text(&params, s->text, s->text_len);
    if (s->any || s->bounded) {
        sb__params_add_int64(&params, s->after);
        sb__params_add_int64(&params, s->before);
        status = choose(&statement, call, s);
    }
    sb__params_add_int64(&params, (int64_t)s->limit);
    if (!status) {
        status = sb__run(call->runner, statement, &params, take_id, s->found);
    }
    call->rows = (int64_t)sb_messages_count(s->found);
    return status || call->rows ? status : SB_EMPTY;
}

static sb_status prepare(search *s, const sb_options *options)
{
    sb_status status = sb__argument_queue(&s->queue_len, s->queue, "queue");

    if (!status && !s->text) {
        status = sb__fail(SB_EINVALID, "text must not be NULL");
    }
    if (!status) {
        s->text_len = sb__length(s->text, s->text_len);
        status = check_text(s->text, s->text_len);
    }
    if (!status) {
        status = check_limit(s->limit);
    }
    sb__option_bounds(&s->after, &s->before, &s->bounded, options);
    s->any = sb__option_flags(options) & SB_INCLUDE_CLAIMED ? SB__ANY : SB__PENDING;
    return status;
}

sb_status sb_search(sb_messages **out, sb_broker *broker, const char *queue, size_t queue_len,
                    const char *text, size_t text_len, size_t limit, const sb_options *options)
{
    search s = {.queue = queue, .queue_len = queue_len, .text = text, .text_len = text_len,
                .limit = limit};
    sb__call call;
    sb_status status;

    if (out) {
        *out = NULL;
    }
    status = sb__enter(&call, broker, "search", options);
    if (status) {
        return status;
    }
    status = out ? prepare(&s, options) : sb__fail(SB_EINVALID, "out must not be NULL");
    if (!status) {
        s.found = sb_messages_new();
        status = s.found ? sb__look(&call, options, search_work, &s) : sb__fail_nomem();
    }
    if (!status) {
        *out = s.found;
    } else {
        sb_messages_free(s.found);
    }
    return sb__leave(&call, status);
}
