/*
 * Broadcast: a copy of a message for each of many queues, each with its own id. Choosing the queues
 * and writing to them is one transaction, so that a queue gets its copy or all stay as they were.
 */
#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "arguments.h"
#include "broker.h"
#include "error.h"
#include "params.h"
#include "queue_name.h"
#include "queues.h"
#include "runner.h"
#include "simplebroker.h"
#include "sql.h"
#include "string_list.h"
#include "timestamp.h"
#include "txn.h"

typedef struct broadcast {
    const char *body;
    size_t body_len;
    sb__queue_filter filter;
    sb_queues *found;
    const sb_strings *names;
    const unsigned char *repeated; /* 1 for a name that stands earlier in the list */
    int create_missing;
} broadcast;

static sb_status write_copy(sb__call *call, const broadcast *b, const char *queue, size_t len)
{
    sb_broker *broker = call->broker;
    int64_t id;
    sb_values params;
    sb_status status = sb__timestamp_next(&id, &broker->timestamp, call->runner, broker->sql);

    if (status) {
        return status;
    }
    sb__params_text(&params, queue, len);
    sb__params_add_text(&params, b->body, b->body_len);
    sb__params_add_int64(&params, id);
    status = sb__run(call->runner, broker->sql->insert, &params, NULL, NULL);
    sb__rings_add(&call->rings, queue, len);
    call->mutated++;
    return status;
}

static sb_status reached(sb__call *call)
{
    call->rows = call->mutated;
    return call->rows ? SB_OK : SB_EMPTY;
}

static sb_status leave(sb__call *call, int64_t *out_reached, sb_status status)
{
    if (out_reached && status >= 0) {
        *out_reached = status ? 0 : call->rows;
    }
    return sb__leave(call, status);
}

static sb_status existing_work(sb__call *call, void *context)
{
    const broadcast *b = context;
    sb_status status = sb__queues_read(b->found, call, &b->filter, 0);

    call->mutated = 0;
    for (size_t i = 0; !status && i < sb_queues_count(b->found); i++) {
        size_t len;
        const char *name = sb_queues_name(&len, b->found, i);

        status = write_copy(call, b, name, len);
    }
    return status ? status : reached(call);
}

sb_status sb_broadcast(int64_t *out_reached, sb_broker *broker, const char *body, size_t body_len,
                       const char *pattern, size_t pattern_len, const sb_options *options)
{
    broadcast b = {.body = body, .body_len = body_len};
    sb__call call;
    sb_status status = sb__enter(&call, broker, "broadcast", options);

    if (status) {
        return status;
    }
    pattern_len = sb__length(pattern, pattern_len);
    if (pattern_len) {
        b.filter = sb__queue_filter_of(pattern, pattern_len);
    }
    status = sb__argument_body(&b.body_len, body, broker);
    if (!status) {
        b.found = sb__queues_new();
        status = b.found ? sb__mutate(&call, options, 2, existing_work, &b) : sb__fail_nomem();
    }
    sb_queues_free(b.found);
    return leave(&call, out_reached, status);
}

static sb_status named_work(sb__call *call, void *context)
{
    const broadcast *b = context;
    const sb__sql *sql = call->broker->sql;

    call->mutated = 0;
    for (size_t i = 0; i < b->names->count; i++) {
        const char *name = b->names->items[i].data;
        size_t len = b->names->items[i].len;
        sb_status status = SB_OK;

        if (b->repeated[i]) {
            continue;
        }
        if (!b->create_missing) {
            sb_values params;
            int64_t one;

            sb__params_text(&params, name, len);
            status = sb__run_int64(&one, call->runner, sql->exists, &params);
        }
        if (!status) {
            status = write_copy(call, b, name, len);
        }
        if (status < 0) {
            return status;
        }
    }
    return reached(call);
}

typedef struct named_place {
    const char *name;
    size_t len;
    size_t index;
} named_place;

static int compare_places(const void *a, const void *b)
{
    const named_place *x = a, *y = b;
    size_t shorter = x->len < y->len ? x->len : y->len;
    int order = memcmp(x->name, y->name, shorter);

    if (order || x->len != y->len) {
        return order ? order : x->len < y->len ? -1 : 1;
    }
    return x->index < y->index ? -1 : x->index > y->index;
}

/* Marks every name that stands earlier in the list too. The caller frees the marks. */
static sb_status mark_repeated(unsigned char **out, const sb_strings *names)
{
    size_t count = names->count;
    named_place *places = sb_alloc(count * sizeof *places);

    *out = sb__zalloc(count);
    if (!places || !*out) {
        sb_free(places);
        return sb__fail_nomem();
    }
    for (size_t i = 0; i < count; i++) {
        places[i] = (named_place){names->items[i].data, names->items[i].len, i};
    }
    if (count) {
        qsort(places, count, sizeof *places, compare_places);
    }
    for (size_t i = 1; i < count; i++) {
        const named_place *previous = &places[i - 1];

        if (places[i].len == previous->len &&
            memcmp(places[i].name, previous->name, previous->len) == 0) {
            (*out)[places[i].index] = 1;
        }
    }
    sb_free(places);
    return SB_OK;
}

static sb_status check_names(const sb_strings *names)
{
    sb_status status = SB_OK;

    if (!names) {
        return sb__fail(SB_EINVALID, "queues must not be NULL");
    }
    for (size_t i = 0; !status && i < names->count; i++) {
        status = sb__queue_name_check(names->items[i].data, names->items[i].len);
    }
    return status;
}

sb_status sb_broadcast_to(int64_t *out_reached, sb_broker *broker, const char *body,
                          size_t body_len, const sb_strings *queues, const sb_options *options)
{
    broadcast b = {.body = body, .body_len = body_len, .names = queues};
    unsigned char *repeated = NULL;
    sb__call call;
    sb_status status = sb__enter(&call, broker, "broadcast_to", options);

    if (status) {
        return status;
    }
    status = sb__argument_body(&b.body_len, body, broker);
    if (!status) {
        status = check_names(queues);
    }
    if (!status) {
        status = mark_repeated(&repeated, queues);
    }
    if (!status) {
        b.repeated = repeated;
        b.create_missing = (sb__option_flags(options) & SB_CREATE_MISSING) != 0;
        status = queues->count ? sb__mutate(&call, options, 2, named_work, &b) : SB_EMPTY;
    }
    sb_free(repeated);
    return leave(&call, out_reached, status);
}
