/*
 * Watchers: a waiter, a way of taking messages, and the function that they are handed to. A run is
 * drains with waits between; what fails is tried again, at first soon and then with a new start.
 */
#include <poll.h>
#include <stdatomic.h>
#include <string.h>

#include "alloc.h"
#include "arguments.h"
#include "broker.h"
#include "cancel.h"
#include "clock.h"
#include "cursor.h"
#include "error.h"
#include "open.h"
#include "queue_name.h"
#include "waiter.h"

enum {
    DRAIN_TRIES = 5,
    FIRST_DRAIN_PAUSE_MS = 50,
    RUNS = 3,
    FIRST_RUN_PAUSE_MS = 2000,
    LONG_RUN_MS = 300000, /* one that lasted is a new beginning */
    TRY_PEEK_AGAIN_MS = 1000,
    NS_PER_MS = 1000000,
    SHOWN_CHARACTERS = 1000
};

struct sb_watcher {
    sb_broker *broker;
    sb_waiter *waiter; /* NULL between runs */
    sb_cursor_kind kind;
    char *queue, *target; /* target: NULL unless it moves */
    size_t queue_len, target_len;
    size_t batch_size;
    int64_t after;          /* peeks: the greatest id that was handled */
    int64_t added_after;    /* as the waiter knows it */
    sb_cancel *stop;        /* thrown by sb_watcher_stop() */
    sb_cancel *outer;       /* the caller's switch; borrowed, may be NULL */
    sb_cancel *either;      /* asks both, for calls that know one switch; NULL without `outer` */
    sb_watch_fn handler;
    void *payload;
    sb_watch_error_fn on_error;
    void *error_payload;
    int64_t limit;
    int hangup_fd;
    _Atomic int64_t count;
    int ended;   /* by the handlers, the limit, or a hang-up */
    int must_look_again; /* soon: a peek failed, or could not check its file */
};

/* ---- opening and closing ---- */

static int is_stopped_by_either(void *payload)
{
    const sb_watcher *watcher = payload;

    return sb_cancel_is_set(watcher->stop) || sb_cancel_is_set(watcher->outer) ||
           sb__cancel_ask(watcher->outer);
}

static sb_status make_switches(sb_watcher *watcher)
{
    sb_status status = sb_cancel_new(&watcher->stop);

    if (!status && watcher->outer) {
        status = sb_cancel_new(&watcher->either);
    }
    sb_cancel_on_poll(watcher->either, is_stopped_by_either, watcher);
    return status;
}

static sb_status copy_name(char **out, size_t *out_len, const char *name, size_t len,
                           const char *what)
{
    sb_status status = sb__argument_queue(&len, name, what);

    if (!status) {
        *out = sb__strndup(name, len);
        *out_len = len;
        status = *out ? SB_OK : sb__fail_nomem();
    }
    return status;
}

static sb_status copy_names(sb_watcher *watcher, const char *queue, size_t queue_len,
                            const char *target, size_t target_len)
{
    sb_status status = copy_name(&watcher->queue, &watcher->queue_len, queue, queue_len, "queue");

    if (!status && watcher->kind == SB_CURSOR_MOVE) {
        status = copy_name(&watcher->target, &watcher->target_len, target, target_len, "target");
        if (!status && strcmp(watcher->queue, watcher->target) == 0) {
            status = sb__fail(SB_EINVALID, "Cannot move messages to the same queue");
        }
    }
    return status;
}

static sb_status set_up(sb_watcher *watcher, const sb_options *options)
{
    if (options) {
        watcher->after = options->after;
        watcher->outer = options->cancel;
    }
    watcher->hangup_fd = -1;
    return make_switches(watcher);
}

sb_status sb_watcher_open(sb_watcher **out, sb_broker *broker, sb_cursor_kind kind,
                          const char *queue, size_t queue_len, const char *target,
                          size_t target_len, size_t batch_size, const sb_options *options,
                          sb_watch_fn handler, void *payload)
{
    sb_watcher *watcher;
    sb__call call;
    sb_status status;

    sb__error_clear();
    if (out) {
        *out = NULL;
    }
    if (!out || !handler || kind < SB_CURSOR_CLAIM || kind > SB_CURSOR_MOVE) {
        return sb__fail(SB_EINVALID, !out       ? "out must not be NULL"
                                     : !handler ? "handler must not be NULL"
                                                : "unknown kind of watcher");
    }
    status = sb__enter(&call, broker, "watcher_open", options);
    if (status) {
        return status;
    }
    watcher = sb__zalloc(sizeof *watcher);
    if (!watcher) {
        return sb__leave(&call, sb__fail_nomem());
    }
    sb__broker_retain(broker);
    watcher->broker = broker;
    watcher->kind = kind;
    watcher->batch_size = batch_size;
    watcher->handler = handler;
    watcher->payload = payload;
    watcher->after = -1;
    status = copy_names(watcher, queue, queue_len, target, target_len);
    if (!status) {
        status = set_up(watcher, options);
    }
    if (status) {
        sb_watcher_close(watcher);
    } else {
        *out = watcher;
    }
    return sb__leave(&call, status);
}

void sb_watcher_close(sb_watcher *watcher)
{
    sb_error saved;

    if (!watcher) {
        return;
    }
    sb__error_stash(&saved);
    sb_cancel_free(watcher->either);
    sb_cancel_free(watcher->stop);
    sb_free(watcher->queue);
    sb_free(watcher->target);
    sb__broker_release(watcher->broker);
    sb_free(watcher);
    sb__error_unstash(&saved);
}

void sb_watcher_on_error(sb_watcher *watcher, sb_watch_error_fn fn, void *payload)
{
    if (watcher) {
        watcher->on_error = fn;
        watcher->error_payload = payload;
    }
}

void sb_watcher_set_limit(sb_watcher *watcher, int64_t max_messages)
{
    if (watcher) {
        watcher->limit = max_messages;
    }
}

void sb_watcher_end_on_hangup(sb_watcher *watcher, int fd)
{
    if (watcher) {
        watcher->hangup_fd = fd;
    }
}

void sb_watcher_stop(sb_watcher *watcher)
{
    if (watcher) {
        sb_cancel_set(watcher->stop);
    }
}

int64_t sb_watcher_count(const sb_watcher *watcher)
{
    return watcher ? atomic_load(&watcher->count) : 0;
}

/* ---- a message ---- */

static void report(sb_watcher *watcher, sb_status status, int64_t id, const char *body, size_t len)
{
    if (!sb_error_status(NULL)) {
        sb__fail(status, "the handler failed");
    }
    if (watcher->on_error &&
        watcher->on_error(watcher->error_payload, status, id, body, len) != 0) {
        watcher->ended = 1;
    }
}

/* Bytes of the first characters of a text. */
static size_t size_of_characters(const char *body, size_t len, size_t characters)
{
    size_t at = 0;

    for (; at < len; at++) {
        if (((unsigned char)body[at] & 0xC0) != 0x80 && characters-- == 0) {
            break;
        }
    }
    return at;
}

static void report_oversized(sb_watcher *watcher, int64_t id, const char *body, size_t len)
{
    char shown[4 * SHOWN_CHARACTERS + sizeof "..."];
    size_t size = size_of_characters(body, len, SHOWN_CHARACTERS);

    size = size < sizeof shown - sizeof "..." ? size : sizeof shown - sizeof "...";
    memcpy(shown, body, size);
    memcpy(shown + size, "...", sizeof "...");
    sb__fail(SB_EMESSAGE, "Message size (%zu bytes) exceeds %lld byte limit", len,
             (long long)watcher->broker->settings->max_message_size);
    report(watcher, SB_EMESSAGE, id, shown, size + strlen("..."));
}

/* Whether it was handled. */
static int handle(sb_watcher *watcher, int64_t id, const char *body, size_t len)
{
    int64_t most = watcher->broker->settings->max_message_size;
    sb_status status;

    if (watcher->limit > 0 && atomic_load(&watcher->count) + 1 >= watcher->limit) {
        watcher->ended = 1;
    }
    atomic_fetch_add(&watcher->count, 1);
    if (most >= 0 && len > (uint64_t)most) {
        report_oversized(watcher, id, body, len);
        return 0;
    }
    sb__error_clear();
    status = watcher->handler(watcher->payload, id, body, len);
    if (status < 0) {
        report(watcher, status, id, body, len);
        return 0;
    }
    if (status > 0) {
        watcher->ended = 1;
    }
    return 1;
}

/* ---- drains ---- */

static int must_end(const sb_watcher *watcher)
{
    return watcher->ended || sb_cancel_is_set(watcher->stop) ||
           sb_cancel_is_set(watcher->outer);
}

/* Before the next message too, which nobody would read. */
static int must_not_take(sb_watcher *watcher)
{
    struct pollfd fd = {watcher->hangup_fd, 0, 0};

    if (watcher->hangup_fd >= 0 && poll(&fd, 1, 0) > 0) {
        watcher->ended = 1;
    }
    return must_end(watcher);
}

static sb_options options_of(const sb_watcher *watcher)
{
    sb_options options;

    sb_options_init(&options, SB_OPTIONS_VERSION);
    options.cancel = watcher->either ? watcher->either : watcher->stop;
    options.after = watcher->kind == SB_CURSOR_MOVE ? -1 : watcher->after;
    return options;
}

/* A mere look takes no write lock, from which others would have to wait for nothing. The caller's
 * switch is asked here too: where there is always a message there is no wait to ask it. */
static sb_status look(const sb_watcher *watcher, const sb_options *options)
{
    sb_status status = sb__cancel_check_or_ask(watcher->outer);

    return status || watcher->broker->settings->skip_idle_check
               ? status
               : sb_has_pending(watcher->broker, watcher->queue, watcher->queue_len, options);
}

static sb_status take_one(sb_watcher *watcher, const sb_options *options)
{
    sb_messages *messages = NULL;
    sb_status status = look(watcher, options);
    const char *body;
    size_t len;

    if (status) {
        return status;
    }
    if (watcher->kind == SB_CURSOR_MOVE) {
        status = sb_move(&messages, watcher->broker, watcher->queue, watcher->queue_len,
                         watcher->target, watcher->target_len, 1, options);
    } else {
        status = sb_claim(&messages, watcher->broker, watcher->queue, watcher->queue_len, 1,
                          options);
    }
    if (!status) {
        body = sb_messages_body(&len, messages, 0);
        handle(watcher, sb_messages_id(messages, 0), body, len);
    }
    sb_messages_free(messages);
    return status;
}

static sb_status take_one_by_one(sb_watcher *watcher)
{
    sb_options options = options_of(watcher);
    sb_status status = SB_OK;

    while (!status && !must_not_take(watcher)) {
        status = take_one(watcher, &options);
    }
    return status;
}

static sb_status next_of_stream(sb_watcher *watcher, sb_cursor *cursor)
{
    int64_t id;
    const char *body;
    size_t len;
    sb_status status = sb__cancel_check_or_ask(watcher->outer);

    if (!status) {
        status = sb_cursor_next(&id, &body, &len, cursor);
    }
    if (status) {
        return status;
    }
    if (handle(watcher, id, body, len)) {
        watcher->after = watcher->kind == SB_CURSOR_PEEK ? id : watcher->after;
    } else if (watcher->kind == SB_CURSOR_PEEK) {
        watcher->must_look_again = 1;
        return SB_EMPTY;
    }
    return SB_OK;
}

static sb_status open_stream(sb_cursor **out, sb_watcher *watcher, size_t batch_size)
{
    sb_options options = options_of(watcher);
    sb_status status = watcher->kind == SB_CURSOR_PEEK ? SB_OK : look(watcher, &options);

    options.flags |= watcher->kind == SB_CURSOR_PEEK ? 0 : SB_AT_LEAST_ONCE;
    return status ? status
                  : sb_cursor_open(out, watcher->broker, watcher->kind, watcher->queue,
                                   watcher->queue_len, watcher->target, watcher->target_len,
                                   batch_size, &options);
}

static sb_status take_stream(sb_watcher *watcher)
{
    sb_cursor *cursor = NULL;
    sb_status status = open_stream(&cursor, watcher, 0);

    while (!status && !must_not_take(watcher)) {
        status = next_of_stream(watcher, cursor);
    }
    sb_cursor_close(cursor);
    return status;
}

/* No more than the limit lets through, or the rest would hold back the commit. */
static size_t size_of_batch(const sb_watcher *watcher)
{
    int64_t left = watcher->limit - atomic_load(&watcher->count);

    return watcher->limit > 0 && (uint64_t)left < watcher->batch_size ? (size_t)left
                                                                      : watcher->batch_size;
}

/* A batch that is left half-way is pending again; one whose last message was handled commits, also
 * when that message ended the watcher. */
static sb_status take_batch(sb_watcher *watcher)
{
    size_t left = size_of_batch(watcher);
    sb_cursor *cursor = NULL;
    sb_status status = open_stream(&cursor, watcher, left);

    for (; !status && left > 0 && !must_not_take(watcher); left--) {
        status = next_of_stream(watcher, cursor);
    }
    if (!status) {
        status = sb__cursor_finish(cursor);
    }
    sb_cursor_close(cursor);
    return status;
}

static sb_status take_batches(sb_watcher *watcher)
{
    sb_status status = SB_OK;

    while (!status && !must_not_take(watcher)) {
        status = take_batch(watcher);
    }
    return status;
}

/* Looks do not notice that their file is no longer the database. A peek does without a check rather
 * than wait for the batch of another thread. */
static sb_status check_file(sb_watcher *watcher)
{
    sb_options options = options_of(watcher);
    sb_status status =
        sb__broker_check_file(watcher->broker, &options, watcher->kind == SB_CURSOR_PEEK);

    watcher->must_look_again = status == SB_EMPTY;
    return status < 0 ? status : SB_OK;
}

static sb_status drain(sb_watcher *watcher)
{
    sb_status status = check_file(watcher);

    if (status) {
        return status;
    }
    if (watcher->kind == SB_CURSOR_PEEK) {
        return take_stream(watcher);
    }
    return watcher->batch_size > 1 ? take_batches(watcher) : take_one_by_one(watcher);
}

/* A pause that whatever ends the watcher ends too: what a wait on nothing but these says. */
static sb_status pause_ms(sb_watcher *watcher, int64_t ms)
{
    sb_status status = sb__sleep_ns(ms * NS_PER_MS,
                                    watcher->either ? watcher->either : watcher->stop);

    return must_end(watcher) ? SB_CANCELLED : status;
}

static sb_status drain_insistently(sb_watcher *watcher)
{
    int64_t pause = FIRST_DRAIN_PAUSE_MS;
    sb_status status = drain(watcher);

    for (int tries = 1;
         tries < DRAIN_TRIES && status == SB_EOPERATIONAL && !must_end(watcher); tries++) {
        sb_error saved;

        sb__error_stash(&saved);
        if (pause_ms(watcher, sb__random_between(0, pause + 1))) {
            return SB_CANCELLED;
        }
        sb__error_unstash(&saved);
        pause *= 2;
        status = drain(watcher);
    }
    return status < 0 ? status : SB_OK;
}

/* ---- runs ---- */

/* What comes from now on wakes the watcher; what is there already is drained. */
static sb_status listen(sb_watcher *watcher)
{
    sb_options options = options_of(watcher);
    sb_status status = watcher->waiter ? SB_OK : sb_waiter_open(&watcher->waiter, watcher->broker);

    options.cancel = NULL;
    options.flags = watcher->kind == SB_CURSOR_PEEK ? 0 : SB_TAKING;
    watcher->added_after = watcher->after;
    return status ? status
                  : sb_waiter_add(watcher->waiter, watcher->queue, watcher->queue_len, &options);
}

/* A peek's progress moves the bound: what was shown is no reason to wake. */
static sb_status wait_for_more(sb_watcher *watcher)
{
    sb_status status =
        watcher->after != watcher->added_after ? listen(watcher) : SB_OK;

    if (!status) {
        status = sb__waiter_wait(watcher->waiter, watcher->must_look_again ? TRY_PEEK_AGAIN_MS : -1,
                                 watcher->stop, watcher->outer, watcher->hangup_fd);
    }
    if (status == SB_EXISTS) {
        watcher->ended = 1;
    }
    return status < 0 ? status : SB_OK;
}

static sb_status work(sb_watcher *watcher)
{
    sb_status status = listen(watcher);

    while (!status && !must_end(watcher)) {
        status = drain_insistently(watcher);
        if (!status && !must_end(watcher)) {
            status = wait_for_more(watcher);
        }
    }
    return status;
}

/* Whether another run can do better. */
static int is_of_storage(sb_status status)
{
    switch (status) {
    case SB_CANCELLED:
    case SB_ECLOSED:
    case SB_EFORK:
    case SB_EINVALID:
    case SB_EQUEUENAME:
    case SB_EBUSY_OWNER:
    case SB_ETHREAD:
        return 0;
    default:
        return status < 0;
    }
}

/* What was told to the watcher and not taken is for others then. */
static void stop_listening(sb_watcher *watcher)
{
    sb_waiter_close(watcher->waiter);
    watcher->waiter = NULL;
}

static void start_anew(sb_watcher *watcher)
{
    sb_error saved;

    sb__error_stash(&saved);
    stop_listening(watcher);
    sb__broker_let_go_of_old_file(watcher->broker);
    sb__error_unstash(&saved);
}

static sb_status run(sb_watcher *watcher)
{
    int64_t pause = FIRST_RUN_PAUSE_MS;
    sb_status status;

    for (int runs = 1;; runs++) {
        int64_t began = sb__clock_monotonic_ns();
        sb_error saved;

        status = work(watcher);
        if (sb__clock_monotonic_ns() - began >= (int64_t)LONG_RUN_MS * NS_PER_MS) {
            runs = 1;
            pause = FIRST_RUN_PAUSE_MS;
        }
        if (must_end(watcher) || !is_of_storage(status) || runs == RUNS) {
            return status;
        }
        start_anew(watcher);
        sb__error_stash(&saved);
        if (pause_ms(watcher, pause)) {
            return SB_CANCELLED;
        }
        sb__error_unstash(&saved);
        pause *= 2;
    }
}

sb_status sb_watcher_run(sb_watcher *watcher)
{
    sb__call call;
    sb_status status;

    sb__error_clear();
    if (!watcher) {
        return sb__fail(SB_EINVALID, "watcher must not be NULL");
    }
    status = sb__enter(&call, watcher->broker, "watcher_run", NULL);
    if (status) {
        return status;
    }
    watcher->ended = watcher->limit > 0 && sb_watcher_count(watcher) >= watcher->limit;
    status = run(watcher);
    stop_listening(watcher);
    if (status >= 0 || sb_cancel_is_set(watcher->stop) ||
        (watcher->ended && status == SB_CANCELLED)) { /* not the commit of its last batch */
        sb__error_clear();
        status = SB_OK;
    }
    if (sb_cancel_is_set(watcher->outer) && !sb_cancel_is_set(watcher->stop)) {
        status = sb__check_cancel(watcher->outer);
    }
    return sb__leave(&call, status);
}
