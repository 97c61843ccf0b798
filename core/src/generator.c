/*
 * Message ids over a high-water that the caller keeps: the broker's own allocation, with two
 * functions in the place of the database.
 */
#include "alloc.h"
#include "error.h"
#include "retry.h"
#include "runner.h"
#include "timestamp.h"

struct sb_generator {
    sb__timestamp timestamp;
    sb__high_water store;
    sb_destroy_fn destroy;
};

/* What a caller's function answered: SB_OK, SB_EMPTY, or a failure with a text. */
static sb_status answer(sb_status status)
{
    return status == SB_EMPTY ? status : sb__runner_result(status);
}

static sb_status read_store(void *payload, int64_t *out)
{
    const sb_generator *generator = payload;

    return answer(generator->store.read(generator->store.payload, out));
}

static sb_status advance_store(void *payload, int64_t value)
{
    const sb_generator *generator = payload;

    return answer(generator->store.advance(generator->store.payload, value));
}

sb_status sb_generator_new(sb_generator **out, sb_high_water_read_fn read,
                           sb_high_water_advance_fn advance, void *payload, sb_destroy_fn destroy)
{
    sb_generator *generator = NULL;
    sb_status status = SB_OK;

    sb__error_clear();
    if (!out || !read || !advance) {
        status = sb__fail(SB_EINVALID, "out, read and advance must not be NULL");
    } else {
        generator = sb__zalloc(sizeof *generator);
        *out = generator;
        status = generator ? SB_OK : sb__fail_nomem();
    }
    if (status) {
        sb_error saved;

        sb__error_stash(&saved);
        if (destroy) {
            destroy(payload);
        }
        sb__error_unstash(&saved);
        return status;
    }
    sb__timestamp_init(&generator->timestamp);
    generator->store = (sb__high_water){read, advance, payload};
    generator->destroy = destroy;
    return SB_OK;
}

void sb_generator_free(sb_generator *generator)
{
    if (generator) {
        if (generator->destroy) {
            generator->destroy(generator->store.payload);
        }
        sb_free(generator);
    }
}

/* A missing high-water reads as 0. */
static sb_status refresh(sb_generator *generator, int64_t *value)
{
    int64_t stored = 0;
    sb_status status = read_store(generator, &stored);

    if (status < 0) {
        return status;
    }
    *value = status == SB_EMPTY ? 0 : stored;
    if (*value < 0) {
        return sb__fail(SB_ETIMESTAMP, "the stored timestamp %lld is negative",
                        (long long)*value);
    }
    sb__timestamp_remember(&generator->timestamp, *value);
    return SB_OK;
}

static sb_status cached(sb_generator *generator, int64_t *value)
{
    *value = atomic_load(&generator->timestamp.last);
    return *value < 0 ? refresh(generator, value) : SB_OK;
}

static sb_status next(sb_generator *generator, int64_t *value)
{
    sb__high_water store = {read_store, advance_store, generator};
    sb_status status = cached(generator, value);

    if (!status) {
        status = sb__timestamp_allocate(value, &generator->timestamp, &store);
    }
    return status == SB_EMPTY ? sb__fail(SB_ETIMESTAMP, "meta.last_ts missing") : status;
}

static sb_status advance(sb_generator *generator, int64_t *value)
{
    int64_t floor = *value;
    sb_status status = advance_store(generator, floor);

    if (status >= 0) {
        status = refresh(generator, value);
    }
    if (!status && *value < floor) {
        int64_t stored = *value;

        *value = floor; /* for another try */
        status = sb__fail(SB_ETIMESTAMP, "stored timestamp %lld is below requested floor %lld",
                          (long long)stored, (long long)floor);
    }
    return status;
}

/* Enters, tries until something else than a lock error comes of it, and leaves. */
static sb_status run(int64_t *out, sb_generator *generator, int64_t value,
                     sb_status (*work)(sb_generator *generator, int64_t *value))
{
    sb__retry retry;
    sb_status status;

    if (!generator) {
        return sb__fail(SB_EINVALID, "generator must not be NULL");
    }
    sb__retry_init(&retry, NULL);
    do {
        sb__error_clear();
        status = work(generator, &value);
        if (!status) {
            break;
        }
        status = sb__retry_wait(&retry, status, -1);
    } while (!status);
    if (!status && out) {
        *out = value;
    }
    return status;
}

sb_status sb_generator_next(int64_t *out, sb_generator *generator)
{
    return run(out, generator, 0, next);
}

sb_status sb_generator_cached(int64_t *out, sb_generator *generator)
{
    return run(out, generator, 0, cached);
}

sb_status sb_generator_refresh(int64_t *out, sb_generator *generator)
{
    return run(out, generator, 0, refresh);
}

sb_status sb_generator_advance(int64_t *out, sb_generator *generator, int64_t floor)
{
    if (floor < 0) {
        return sb__fail(SB_EINVALID, "timestamp must be non-negative");
    }
    return run(out, generator, floor, advance);
}
