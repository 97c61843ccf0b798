/*
 * The public questions and orders about the high-water of message ids.
 */
#include "error.h"
#include "txn.h"

static sb_status generate(sb__call *call, void *context)
{
    sb_broker *broker = call->broker;

    return sb__timestamp_next(context, &broker->timestamp, call->runner, broker->sql);
}

static sb_status read(sb__call *call, void *context)
{
    sb_broker *broker = call->broker;

    return sb__timestamp_read(context, &broker->timestamp, call->runner, broker->sql);
}

typedef struct advance_context {
    int64_t floor;
    int64_t stored;
} advance_context;

static sb_status advance(sb__call *call, void *context)
{
    sb_broker *broker = call->broker;
    advance_context *a = context;
    int raised;

    return sb__timestamp_raise(&raised, &broker->timestamp, call->runner, broker->sql,
                               a->floor);
}

/* Enters, runs and leaves: what all these functions have in common. */
static sb_status run(int64_t *out, sb_broker *broker, const char *operation,
                     const sb_options *options, sb__work_fn work, int mutates)
{
    sb__call call;
    int64_t value = 0;
    sb_status status = sb__enter(&call, broker, operation, options);

    if (status) {
        return status;
    }
    status = mutates ? sb__mutate(&call, options, 1, work, &value)
                     : sb__look(&call, options, work, &value);
    if (!status && out) {
        *out = value;
    }
    return sb__leave(&call, status);
}

sb_status sb_timestamp_generate(int64_t *out, sb_broker *broker, const sb_options *options)
{
    return run(out, broker, "timestamp_generate", options, generate, 1);
}

sb_status sb_timestamp_refresh(int64_t *out, sb_broker *broker, const sb_options *options)
{
    return run(out, broker, "timestamp_refresh", options, read, 0);
}

sb_status sb_timestamp_cached(int64_t *out, sb_broker *broker, const sb_options *options)
{
    sb__call call;
    int64_t known;
    sb_status status = sb__enter(&call, broker, "timestamp_cached", options);

    if (status) {
        return status;
    }
    known = atomic_load(&broker->timestamp.last);
    if (known < 0) {
        status = sb__look(&call, options, read, &known);
    }
    if (!status && out) {
        *out = known;
    }
    return sb__leave(&call, status);
}

static sb_status confirm_floor(sb__call *call, const sb_options *options, advance_context *a)
{
    sb_status status = sb__look(call, options, read, &a->stored);

    if (status) {
        sb__error_set_ambiguous();
        return status;
    }
    return a->stored < a->floor
               ? sb__fail(SB_ETIMESTAMP, "stored timestamp %lld is below requested floor %lld",
                          (long long)a->stored, (long long)a->floor)
               : SB_OK;
}

sb_status sb_timestamp_advance(int64_t *out, sb_broker *broker, int64_t floor,
                               const sb_options *options)
{
    advance_context a = {floor, 0};
    sb__call call;
    sb_status status = sb__enter(&call, broker, "timestamp_advance", options);

    if (status) {
        return status;
    }
    if (floor < 0) {
        status = sb__fail(SB_EINVALID, "timestamp must be non-negative");
    }
    if (!status) {
        status = sb__mutate(&call, options, 1, advance, &a);
    }
    if (!status) {
        status = confirm_floor(&call, options, &a);
    }
    if (!status && out) {
        *out = a.stored;
    }
    return sb__leave(&call, status);
}
