/*
 * The life of a broker: opener, child handles and running calls share it, the last one frees what
 * it holds. The struct itself is a shell that stays until sb_close(), and is not returned to the
 * allocator even then but waits among the most recently closed ones, so that a call on a closed
 * handle, which happens to programs with garbage collectors, finds the mark and answers SB_ECLOSED.
 */
#include "broker.h"

#include <stdlib.h>
#include <stdatomic.h>
#include <string.h>

#include "alloc.h"
#include "clock.h"
#include "error.h"
#include "lineage.h"
#include "open.h"
#include "runner_sqlite.h"

enum { SHELLS_KEPT = 32, CLOSE_WAIT_MS = 5000, NS_PER_MS = 1000000 };

static void (*_Atomic on_close)(const sb_broker *broker);

static pthread_mutex_t shells_mutex = PTHREAD_MUTEX_INITIALIZER;
static sb_broker *shells[SHELLS_KEPT]; /* a ring of closed ones */
static size_t next_shell;

/* Shells come from malloc() itself: they outlive what the process-wide allocator hands out. */
sb_broker *sb__broker_new_shell(void)
{
    sb_broker *broker = calloc(1, sizeof *broker);

    if (broker) {
        atomic_init(&broker->references, 1);
        atomic_init(&broker->shell_references, 1);
    }
    return broker;
}

void sb__broker_hand_over(sb_broker *broker)
{
    atomic_fetch_add(&broker->shell_references, 1);
    atomic_store(&broker->handed_over, 1);
}

static void release_shell(sb_broker *broker)
{
    sb_broker *oldest;

    if (atomic_fetch_sub(&broker->shell_references, 1) != 1) {
        return;
    }
    pthread_mutex_lock(&shells_mutex);
    oldest = shells[next_shell];
    shells[next_shell] = broker;
    next_shell = (next_shell + 1) % SHELLS_KEPT;
    pthread_mutex_unlock(&shells_mutex);
    free(oldest);
}

/*
 * Not in a child that inherited them at work: to close them would roll the parent's transaction
 * back, in memory that the two share.
 */
static void close_connections(sb_broker *broker)
{
    const sb__sqlite *sqlite = broker->runner.sqlite;

    sb__doorbell_close(&broker->doorbell);
    if (atomic_load(&broker->forked) && sqlite && !sb__sqlite_is_adopted(sqlite)) {
        return;
    }
    if (broker->runner.payload || broker->runner.calls.run) {
        sb__runner_dispose(&broker->runner);
    }
    sb__reader_close(&broker->reader);
}

/* A fork finds the connections either open, in the list and idle, or gone. */
static void free_contents(sb_broker *broker)
{
    int has_turn;

    sb__turn_close(&broker->turn);
    has_turn = sb__turn_take_closed(&broker->turn, CLOSE_WAIT_MS);
    close_connections(broker);
    if (has_turn) {
        sb__turn_give(&broker->turn);
    }
    sb__lineage_remove(broker);
    if (broker->trace_destroy) {
        broker->trace_destroy(broker->trace_payload);
    }
    sb_target_free(broker->target);
    sb_config_free(broker->config);
    sb__reader_dispose(&broker->reader);
    sb__turn_dispose(&broker->turn);
    release_shell(broker);
}

void sb__broker_retain(sb_broker *broker)
{
    atomic_fetch_add(&broker->references, 1);
}

void sb__broker_release(sb_broker *broker)
{
    if (atomic_fetch_sub(&broker->references, 1) == 1 && !atomic_exchange(&broker->freed, 1)) {
        free_contents(broker);
    }
}

void sb__broker_on_close(void (*fn)(const sb_broker *broker))
{
    atomic_store(&on_close, fn);
}

static void tell_of_close(const sb_broker *broker)
{
    void (*fn)(const sb_broker *broker) = atomic_load(&on_close);

    if (fn) {
        fn(broker);
    }
}

void sb_shut(sb_broker *broker)
{
    int64_t start;

    if (!broker || atomic_exchange(&broker->closed, 1)) {
        return;
    }
    sb__turn_close(&broker->turn);
    sb__turn_close(&broker->reader.turn);
    tell_of_close(broker);
    start = sb__clock_monotonic_ns();
    sb__turn_wait_idle(&broker->turn, CLOSE_WAIT_MS);
    sb__turn_wait_idle(&broker->reader.turn,
                       CLOSE_WAIT_MS - (sb__clock_monotonic_ns() - start) / NS_PER_MS);
    sb__broker_release(broker);
}

void sb_close(sb_broker *broker)
{
    sb_shut(broker);
    if (broker && atomic_exchange(&broker->handed_over, 0)) {
        release_shell(broker);
    }
}

sb_config *sb__broker_config(sb_broker *broker)
{
    return broker->config;
}

const char *sb__broker_file(const sb_broker *broker)
{
    const char *file = broker->runner.sqlite ? sb__sqlite_file(broker->runner.sqlite) : NULL;

    return file && *file ? file : NULL;
}

size_t sb__length(const char *text, size_t len)
{
    return !text ? 0 : len == (size_t)SB_NTS ? strlen(text) : len;
}

sb_status sb__options_check(const sb_options *options)
{
    if (!options) {
        return SB_OK;
    }
    if (options->version != SB_OPTIONS_VERSION || options->size < sizeof *options) {
        return sb__fail(SB_EINVALID, "sb_options must be initialised with sb_options_init()");
    }
    if (options->after < -1 || options->before < -1) {
        return sb__fail(SB_EINVALID, "%s must be non-negative",
                        options->after < -1 ? "after_timestamp" : "before_timestamp");
    }
    return sb__check_cancel(options->cancel);
}

sb_status sb__enter(sb__call *call, sb_broker *broker, const char *operation,
                    const sb_options *options)
{
    sb_status status;

    *call = (sb__call){.broker = broker, .operation = operation};
    sb__error_clear();
    if (!broker) {
        return sb__fail(SB_EINVALID, "broker must not be NULL");
    }
    call->runner = &broker->runner;
    if (atomic_load(&broker->closed)) {
        return sb__fail(SB_ECLOSED, "the broker is closed");
    }
    sb__broker_retain(broker);
    if (atomic_load(&broker->closed)) {
        sb__broker_release(broker);
        return sb__fail(SB_ECLOSED, "the broker is closed");
    }
    status = sb__options_check(options);
    if (status) {
        sb__broker_release(broker);
        return status;
    }
    call->start_ns = broker->trace ? sb__clock_monotonic_ns() : 0;
    return SB_OK;
}

static void trace(const sb__call *call, sb_status status)
{
    sb_error saved;

    sb__error_stash(&saved);
    call->broker->trace(call->broker->trace_payload, call->operation,
                        sb__clock_monotonic_ns() - call->start_ns, call->rows, call->retries,
                        status);
    sb__error_unstash(&saved);
}

sb_status sb__leave(sb__call *call, sb_status status)
{
    if (call->mutated > 0) {
        sb__maintenance_after(call->broker, call->mutated);
    }
    if (call->start_ns && call->broker->trace) {
        trace(call, status);
    }
    sb__broker_release(call->broker);
    return status;
}

sb_status sb_broker_on_trace(sb_broker *broker, sb_trace_fn fn, void *payload,
                             sb_destroy_fn destroy)
{
    sb_destroy_fn old_destroy;
    void *old_payload;
    sb__call call;
    sb_status status = sb__enter(&call, broker, "broker_on_trace", NULL);

    if (status) {
        if (destroy) {
            destroy(payload);
        }
        return status;
    }
    old_destroy = broker->trace_destroy;
    old_payload = broker->trace_payload;
    broker->trace = fn;
    broker->trace_payload = payload;
    broker->trace_destroy = destroy;
    if (old_destroy) {
        old_destroy(old_payload);
    }
    call.start_ns = 0;
    return sb__leave(&call, SB_OK);
}

int sb_broker_has_safe_checkpoints(const sb_broker *broker)
{
    return broker && broker->runner.sqlite && !sb__sqlite_is_adopted(broker->runner.sqlite);
}
