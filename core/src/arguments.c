/*
 * Checks of arguments that many operations share.
 */
#include "arguments.h"

#include "error.h"
#include "queue_name.h"

sb_status sb__argument_queue(size_t *len, const char *queue, const char *what)
{
    if (!queue) {
        return sb__fail(SB_EINVALID, "%s must not be NULL", what);
    }
    *len = sb__length(queue, *len);
    return sb__queue_name_check(queue, *len);
}

/* A limit of 0 or below leaves room for nothing but empty bodies. */
static size_t body_limit(const sb_broker *broker)
{
    int64_t limit = broker->settings->max_message_size;

    if (limit < 0) {
        return 0;
    }
    return (uint64_t)limit < SIZE_MAX / 2 ? (size_t)limit : SIZE_MAX / 2;
}

sb_status sb__argument_body(size_t *len, const char *body, const sb_broker *broker)
{
    if (!body) {
        return sb__fail(SB_EINVALID, "body must not be NULL");
    }
    *len = sb__length(body, *len);
    return sb__body_check(body, *len, body_limit(broker));
}

void sb__option_bounds(int64_t *after, int64_t *before, int *bounded, const sb_options *options)
{
    *after = options ? options->after : -1;
    *before = options && options->before >= 0 ? options->before : INT64_MAX;
    *bounded = options && (options->after >= 0 || options->before >= 0);
}
