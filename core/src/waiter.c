/*
 * Waiters: the sleep itself. A thread sleeps on its own bell, on what may end its wait, and, if it
 * leads, on the hub's events too, until the hub has to look again anyway.
 */
#if defined(__linux__) && !defined(_GNU_SOURCE)
#define _GNU_SOURCE /* ppoll() */
#endif
#include "waiter.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <time.h>

#include "alloc.h"
#include "arguments.h"
#include "broker.h"
#include "cancel.h"
#include "clock.h"
#include "error.h"
#include "hub.h"
#include "queue_name.h"
#include "wake_fd.h"

enum {
    NS_PER_MS = 1000000,
    NS_PER_S = 1000000000,
    DEAF_NS = 20000000, /* the longest sleep of a thread that cannot be woken */
    MOST_FDS = 5
};

/* A wait under way. */
typedef struct wait {
    sb_waiter *waiter;
    int64_t timeout_ms, deadline_ns; /* INT64_MAX: none */
    int if_changed;
    const sb_cancel *switches[2];
    int hangup_fd;
    int interrupted, hung_up;
    int holds_signals;
    sigset_t mask; /* of signals, as it was before */
} wait;

static sb_status closed(void)
{
    return sb__fail(SB_ECLOSED, "the broker is closed");
}

/* Tells once that the hub polls. @locks releases the hub's mutex meanwhile */
static void warn_if_polling(const sb_waiter *waiter)
{
    sb__hub *hub = waiter->hub;

    if (!hub->must_warn) {
        return;
    }
    hub->must_warn = 0;
    pthread_mutex_unlock(&hub->mutex);
    sb__config_warn(waiter->broker->config, SB_WARN_POLLING,
                    "waiters poll, since there are no file events or descriptors left for them; "
                    "raise the limits of open files or of inotify instances: %s",
                    hub->path ? hub->path : "no file");
    pthread_mutex_lock(&hub->mutex);
}

sb_status sb_waiter_open(sb_waiter **out, sb_broker *broker)
{
    sb_waiter *waiter = NULL;
    sb__call call;
    sb_status status;

    sb__error_clear();
    if (!out) {
        return sb__fail(SB_EINVALID, "out must not be NULL");
    }
    *out = NULL;
    status = sb__enter(&call, broker, "waiter_open", NULL);
    if (status) {
        return status;
    }
    waiter = sb__zalloc(sizeof *waiter);
    status = waiter ? sb__hub_get(&waiter->hub, broker) : sb__fail_nomem();
    if (status) {
        sb_free(waiter);
        return sb__leave(&call, status);
    }
    sb__broker_retain(broker);
    waiter->broker = broker;
    waiter->bell = waiter->pollable = -1;
    pthread_mutex_lock(&waiter->hub->mutex);
    sb__hub_enter(waiter->hub, waiter);
    warn_if_polling(waiter);
    pthread_mutex_unlock(&waiter->hub->mutex);
    *out = waiter;
    return sb__leave(&call, SB_OK);
}

static void unlink_ready(sb_waiter *waiter, const sb__subscription *subscription)
{
    sb__subscription **link = &waiter->ready;

    while (*link && *link != subscription) {
        link = &(*link)->next_ready;
    }
    if (*link) {
        *link = subscription->next_ready;
    }
}

static void unlink_reported(sb_waiter *waiter, const sb__subscription *subscription)
{
    sb__subscription **link = &waiter->reported;

    while (*link && *link != subscription) {
        link = &(*link)->next_reported;
    }
    if (*link) {
        *link = subscription->next_reported;
    }
    if (waiter->next_to_name == subscription) {
        waiter->next_to_name = subscription->next_reported;
    }
}

static void drop(sb_waiter *waiter, sb__subscription *subscription)
{
    unlink_ready(waiter, subscription);
    unlink_reported(waiter, subscription);
    sb__hub_unsubscribe(waiter->hub, subscription);
    sb_free(subscription);
}

void sb_waiter_close(sb_waiter *waiter)
{
    sb_broker *broker;
    sb_error saved;

    if (!waiter) {
        return;
    }
    sb__error_stash(&saved);
    broker = waiter->broker;
    pthread_mutex_lock(&waiter->hub->mutex);
    for (sb__subscription *s = waiter->first, *next; s; s = next) {
        next = s->next_of_owner;
        drop(waiter, s);
    }
    sb__hub_leave(waiter->hub, waiter);
    pthread_mutex_unlock(&waiter->hub->mutex);
    sb__hub_put(waiter->hub);
    sb__wake_fd_close(&waiter->pollable);
    sb__wake_fd_close(&waiter->bell);
    sb_free(waiter);
    sb__broker_release(broker);
    sb__error_unstash(&saved);
}

/* The subscription to a queue, and where it is linked in. */
static sb__subscription **find(sb_waiter *waiter, const char *queue, size_t len)
{
    sb__topic *topic = sb__topics_find(&waiter->hub->topics, queue, len);
    sb__subscription **link = &waiter->first;
    sb__subscription *mine = topic ? topic->first : NULL;

    while (mine && mine->owner != waiter) {
        mine = mine->next;
    }
    if (!mine) {
        return NULL;
    }
    while (*link != mine) {
        link = &(*link)->next_of_owner;
    }
    return link;
}

static sb_status add(sb_waiter *waiter, const char *queue, size_t len, const sb_options *options)
{
    sb__subscription **link = find(waiter, queue, len);
    sb__subscription *subscription = link ? *link : NULL;
    sb_status status;

    if (subscription) {
        *link = subscription->next_of_owner;
        drop(waiter, subscription);
    }
    subscription = sb__zalloc(sizeof *subscription);
    if (!subscription) {
        return sb__fail_nomem();
    }
    subscription->after = options ? options->after : -1;
    subscription->taking = (sb__option_flags(options) & SB_TAKING) != 0;
    status = sb__hub_subscribe(waiter->hub, waiter, subscription, queue, len);
    if (status) {
        sb_free(subscription);
        return status;
    }
    subscription->next_of_owner = waiter->first;
    waiter->first = subscription;
    return SB_OK;
}

static sb_status check_queue(const char **queue, size_t *len, const sb_waiter *waiter)
{
    if (!waiter) {
        return sb__fail(SB_EINVALID, "waiter must not be NULL");
    }
    if (!*queue) {
        *queue = "";
        *len = 0;
        return SB_OK;
    }
    *len = sb__length(*queue, *len);
    return sb__queue_name_check(*queue, *len);
}

sb_status sb_waiter_add(sb_waiter *waiter, const char *queue, size_t queue_len,
                        const sb_options *options)
{
    sb_status status;

    sb__error_clear();
    status = check_queue(&queue, &queue_len, waiter);
    if (!status) {
        status = sb__options_check(options);
    }
    if (!status && atomic_load(&waiter->broker->closed)) {
        status = closed();
    }
    if (!status) {
        pthread_mutex_lock(&waiter->hub->mutex);
        status = add(waiter, queue, queue_len, options);
        warn_if_polling(waiter);
        pthread_mutex_unlock(&waiter->hub->mutex);
    }
    return status;
}

sb_status sb_waiter_remove(sb_waiter *waiter, const char *queue, size_t queue_len)
{
    sb__subscription **link;
    sb_status status;

    sb__error_clear();
    status = check_queue(&queue, &queue_len, waiter);
    if (status) {
        return status;
    }
    pthread_mutex_lock(&waiter->hub->mutex);
    link = find(waiter, queue, queue_len);
    if (link) {
        sb__subscription *subscription = *link;

        *link = subscription->next_of_owner;
        drop(waiter, subscription);
    }
    pthread_mutex_unlock(&waiter->hub->mutex);
    return link ? SB_OK : SB_EMPTY;
}

/* ---- the sleep ---- */

static void hear_knock(sb_waiter *waiter)
{
    if (waiter->knocked) {
        waiter->knocked = 0;
        sb__wake_fd_clear(waiter->bell);
    }
}

static void report(sb_waiter *waiter)
{
    hear_knock(waiter); /* so that the descriptor is no longer readable */
    for (sb__subscription *s = waiter->ready; s; s = s->next_ready) {
        s->ready = 0;
        s->reported = 1;
        s->next_reported = waiter->reported;
        waiter->reported = s;
    }
    waiter->next_to_name = waiter->reported;
    waiter->ready = NULL;
}

/* Who leaves with a report that was not given does not take what it is about: others may. */
static void leave_report(sb_waiter *waiter)
{
    for (sb__subscription *s = waiter->ready; s; s = s->next_ready) {
        sb__hub_pass_on(s);
    }
    if (waiter->ready && waiter->pollable >= 0) {
        sb__hub_knock(waiter);
    }
}

static void forget_report(sb_waiter *waiter)
{
    for (sb__subscription *s = waiter->reported; s; s = s->next_reported) {
        s->reported = 0;
    }
    waiter->reported = waiter->next_to_name = NULL;
}

static void begin_time(wait *w)
{
    int64_t now = sb__clock_monotonic_ns();

    w->deadline_ns = w->timeout_ms < 0 || w->timeout_ms > (INT64_MAX - now) / NS_PER_MS
                         ? INT64_MAX
                         : now + w->timeout_ms * NS_PER_MS;
}

/* SB_IF_CHANGED, and nobody has committed anything. Who polls may not know of all commits. */
static int is_undisturbed(const wait *w)
{
    const sb_waiter *waiter = w->waiter;
    int64_t version = waiter->hub->lookout.version;

    return w->if_changed && sb__hub_has_events(waiter->hub) && version >= 0 &&
           version == waiter->seen_version;
}

static int begins_anew(wait *w)
{
    int does = is_undisturbed(w);

    if (does) {
        begin_time(w);
    }
    return does;
}

/* The bell is made before the first sleep; without one the thread sleeps in pieces. */
static int64_t choose_pause(const wait *w, int leads)
{
    const sb__hub *hub = w->waiter->hub;
    int64_t now = sb__clock_monotonic_ns(), until = w->deadline_ns;

    if (leads && is_undisturbed(w)) {
        until = INT64_MAX; /* it looks again when it has to wake anyway */
    }
    if (leads && hub->due_ns < until) {
        until = hub->due_ns;
    }
    if (w->waiter->bell < 0 && until - now > DEAF_NS) {
        until = now + DEAF_NS;
    }
    for (int i = 0; i < 2; i++) {
        if (sb__cancel_polls(w->switches[i]) && until - now > SB__POLL_NS) {
            until = now + SB__POLL_NS;
        }
    }
    return until == INT64_MAX ? -1 : until > now ? until - now : 0;
}

static nfds_t list_descriptors(struct pollfd *fds, const wait *w, int leads)
{
    nfds_t count = 0;

    fds[count++] = (struct pollfd){w->hangup_fd, 0, 0};
    fds[count++] = (struct pollfd){w->waiter->bell, POLLIN, 0};
    for (int i = 0; i < 2; i++) {
        if (w->switches[i]) {
            fds[count++] = (struct pollfd){sb_cancel_fd(w->switches[i]), POLLIN, 0};
        }
    }
    if (leads && w->waiter->hub->events.fd >= 0) {
        fds[count++] = (struct pollfd){w->waiter->hub->events.fd, POLLIN, 0};
    }
    return count;
}

/*
 * Between the sleeps of a wait no handler runs, so that none is missed: it would have said its word
 * before a sleep that nothing else ends. Faults are handled where they happen.
 */
static void hold_signals(wait *w)
{
#if defined(__linux__) /* where the sleep can let them through */
    static const int faults[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGABRT, SIGSYS};
    sigset_t held;

    sigfillset(&held);
    for (size_t i = 0; i < sizeof faults / sizeof faults[0]; i++) {
        sigdelset(&held, faults[i]);
    }
    w->holds_signals = !pthread_sigmask(SIG_BLOCK, &held, &w->mask);
#else
    w->holds_signals = 0;
#endif
}

static void let_signals_go(wait *w)
{
    if (w->holds_signals) {
        pthread_sigmask(SIG_SETMASK, &w->mask, NULL);
        w->holds_signals = 0;
    }
}

static int poll_ns(const wait *w, struct pollfd *fds, nfds_t count, int64_t ns)
{
#if defined(__linux__)
    struct timespec pause = {ns / NS_PER_S, ns % NS_PER_S};

    return ppoll(fds, count, ns < 0 ? NULL : &pause, w->holds_signals ? &w->mask : NULL);
#else
    int64_t ms = (ns + NS_PER_MS - 1) / NS_PER_MS;

    (void)w;

    return poll(fds, count, ns < 0 ? -1 : ms > 60000 ? 60000 : (int)ms);
#endif
}

/* @locks releases the hub's mutex while the thread sleeps */
static void sleep_once(wait *w)
{
    sb_waiter *waiter = w->waiter;
    sb__hub *hub = waiter->hub;
    struct pollfd fds[MOST_FDS];
    nfds_t count;
    int64_t pause;
    int leads;

    if (waiter->bell < 0) {
        waiter->bell = sb__wake_fd_new();
    }
    if (!hub->leader) {
        hub->leader = waiter;
    }
    leads = hub->leader == waiter;
    count = list_descriptors(fds, w, leads);
    pause = choose_pause(w, leads);
    waiter->asleep = 1;
    pthread_mutex_unlock(&hub->mutex);
    w->interrupted = poll_ns(w, fds, count, pause) < 0 && errno == EINTR;
    w->hung_up = !w->interrupted && fds[0].revents & (POLLERR | POLLHUP | POLLNVAL);
    pthread_mutex_lock(&hub->mutex);
    waiter->asleep = 0;
    if (hub->leader == waiter) {
        hub->leader = NULL;
    }
    hear_knock(waiter);
}

/* What ends a wait besides a message; SB_OK: nothing. @locks releases the mutex to ask */
static sb_status check_ends(wait *w)
{
    sb__hub *hub = w->waiter->hub;
    sb_status status = atomic_load(&w->waiter->broker->closed) ? closed() : SB_OK;

    for (int i = 0; i < 2 && !status; i++) {
        status = sb__check_cancel(w->switches[i]);
        if (!status && sb__cancel_poll_is_due(w->switches[i])) {
            pthread_mutex_unlock(&hub->mutex);
            let_signals_go(w); /* what is missed now the callback is asked about next time */
            status = sb__cancel_check_or_ask(w->switches[i]);
            hold_signals(w);
            pthread_mutex_lock(&hub->mutex);
        }
    }
    if (!status && w->hung_up) {
        status = SB_EXISTS;
    }
    return !status && w->interrupted ? SB_INTERRUPTED : status;
}

static sb_status wait_locked(wait *w)
{
    sb_waiter *waiter = w->waiter;
    sb_status status;
    int is_over;

    for (;;) {
        status = check_ends(w);
        if (status < 0) {
            return status;
        }
        is_over = sb__clock_monotonic_ns() >= w->deadline_ns && !begins_anew(w);
        if (is_over || !waiter->hub->leader) {
            sb__hub_dispatch(waiter->hub);
        }
        if (waiter->ready) {
            report(waiter);
            return SB_OK;
        }
        if (status) {
            return status;
        }
        if (is_over) {
            waiter->seen_version = waiter->hub->lookout.version;
            return SB_EMPTY;
        }
        sleep_once(w);
    }
}

static sb_status wait_for_ms(wait *w, int64_t timeout_ms)
{
    sb_waiter *waiter = w->waiter;
    sb__hub *hub = waiter->hub;
    sb_status status;

    w->timeout_ms = timeout_ms;
    begin_time(w);
    if (timeout_ms) {
        hold_signals(w);
    }
    pthread_mutex_lock(&hub->mutex);
    forget_report(waiter);
    hear_knock(waiter);
    status = wait_locked(w);
    if (status) {
        leave_report(waiter);
    }
    sb__hub_pass_lead(hub);
    let_signals_go(w);
    warn_if_polling(waiter);
    pthread_mutex_unlock(&hub->mutex);
    return status;
}

sb_status sb__waiter_wait(sb_waiter *waiter, int64_t timeout_ms, const sb_cancel *cancel,
                          const sb_cancel *other, int hangup_fd)
{
    wait w = {.waiter = waiter, .switches = {cancel, other}, .hangup_fd = hangup_fd};

    return wait_for_ms(&w, timeout_ms);
}

sb_status sb_waiter_wait(sb_waiter *waiter, const sb_options *options)
{
    wait w = {.waiter = waiter, .hangup_fd = -1};
    sb_status status;

    sb__error_clear();
    if (!waiter) {
        return sb__fail(SB_EINVALID, "waiter must not be NULL");
    }
    status = sb__options_check(options);
    if (!options || status) {
        return status ? status : wait_for_ms(&w, -1);
    }
    w.switches[0] = options->cancel;
    w.if_changed = (options->flags & SB_IF_CHANGED) && options->timeout_ms > 0;
    return wait_for_ms(&w, options->timeout_ms);
}

sb_status sb_waiter_next(const char **out, size_t *out_len, sb_waiter *waiter)
{
    const sb__subscription *s;

    sb__error_clear();
    if (!waiter) {
        return sb__fail(SB_EINVALID, "waiter must not be NULL");
    }
    s = waiter->next_to_name;
    if (out) {
        *out = s ? s->topic->name : NULL;
    }
    if (out_len) {
        *out_len = s ? s->topic->len : 0;
    }
    if (!s) {
        return SB_EMPTY;
    }
    waiter->next_to_name = s->next_reported;
    return SB_OK;
}

static int make_pollable(sb_waiter *waiter)
{
    if (waiter->bell < 0) {
        waiter->bell = sb__wake_fd_new();
    }
    if (waiter->bell >= 0) {
        waiter->pollable = sb__wake_set_new(waiter->bell, -1);
    }
    if (waiter->pollable >= 0 && sb__hub_show_events(waiter->hub, waiter)) {
        sb__wake_fd_close(&waiter->pollable);
    }
    if (waiter->pollable >= 0 && waiter->ready) {
        sb__hub_knock(waiter);
    }
    return waiter->pollable;
}

int sb_waiter_fd(sb_waiter *waiter)
{
    int fd = -1;

    if (waiter) {
        pthread_mutex_lock(&waiter->hub->mutex);
        if (!waiter->hub->armed) {
            sb__hub_dispatch(waiter->hub);
        }
        if (sb__hub_has_events(waiter->hub)) {
            fd = waiter->pollable >= 0 ? waiter->pollable : make_pollable(waiter);
        }
        pthread_mutex_unlock(&waiter->hub->mutex);
    }
    return fd;
}

int sb_waiter_has_events(const sb_waiter *waiter)
{
    int has = 0;

    if (waiter) {
        pthread_mutex_lock(&waiter->hub->mutex);
        has = sb__hub_has_events(waiter->hub);
        pthread_mutex_unlock(&waiter->hub->mutex);
    }
    return has;
}
