/*
 * A hub at work. How nothing is missed, from the doorbell's side:
 *
 *   who waits                                   who writes
 *   1 watch F.lock                              a commit
 *   2 lock the queue's byte of F.lock           b full fence
 *   3 watch F-wal, once                         c look whether the byte is locked
 *   4 full fence, look for the message          d if so, write F.lock
 *   5 sleep on the events
 *
 * Either (a) comes before (4), which sees the message; or (4) comes before (a), then (2) came
 * before (c), which sees the lock, and (d) is an event that (1) has asked for, be it before or
 * during (5): events wait in the queue of the watch. 1 to 3 are done once, not for each sleep: what
 * comes while nobody sleeps stays in that queue.
 *
 * From the WAL's side, for writers that know no doorbell: writing F-wal comes before the commit is
 * visible, so that its event says only that looking may soon be worth while: after 1, 2, 4, 8 and
 * then each 15 ms, until a second has passed without a change. All the while there is no watch,
 * which every writer would pay for; then (3) and (4) again. A commit that takes longer than the
 * second, a writer that dies between (a) and (d), and a move by another program, whose rows are not
 * new, at the moment of a ring for something else, are found by the safety net, each second.
 */
#include "hub.h"

#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "alloc.h"
#include "clock.h"
#include "doorbell.h"
#include "error.h"
#include "wake_fd.h"

enum {
    NS_PER_MS = 1000000,
    SAFETY_MS = 1000,
    SAFETY_WITHOUT_FILE_MS = 50,
    FOLLOW_MS = 1000,
    FIRST_PAUSE_MS = 1,
    LAST_PAUSE_MS = 15,
    POLL_PIECE_MS = 20,
    STEPS_TO_MAX = 100,
    MOST_LOCKS = 1024, /* a writer's look at the locks visits each of them */
    MOST_WATCHING = 40
};

int sb__hub_has_events(const sb__hub *hub)
{
    return !hub->polls;
}

/* A database that was deleted is waited for. */
static int has_database(const sb__hub *hub)
{
    return !hub->path || sb__lookout_is_connected(&hub->lookout);
}

void sb__hub_poll_instead(sb__hub *hub)
{
    sb__file_events_close(&hub->events);
    hub->polls = 1;
    hub->must_warn = 1;
}

/* ---- waking ---- */

void sb__hub_knock(sb_waiter *waiter)
{
    if (!waiter->knocked && waiter->bell >= 0) {
        waiter->knocked = 1;
        sb__wake_fd_set(waiter->bell);
    }
}

static void tell(void *owner, sb__subscription *subscription)
{
    sb_waiter *waiter = owner;

    if (subscription->ready) {
        return;
    }
    subscription->ready = 1;
    subscription->next_ready = waiter->ready;
    waiter->ready = subscription;
    if (waiter->asleep || waiter->pollable >= 0) {
        sb__hub_knock(waiter);
    }
}

static void tell_all(sb__hub *hub)
{
    for (sb_waiter *w = hub->waiters; w; w = w->next) {
        for (sb__subscription *s = w->first; s; s = s->next_of_owner) {
            tell(w, s);
        }
    }
}

void sb__hub_pass_lead(sb__hub *hub)
{
    sb_waiter *w = hub->waiters;

    if (hub->leader) {
        return;
    }
    while (w && !w->asleep) {
        w = w->next;
    }
    if (w) {
        hub->leader = w;
        sb__hub_knock(w);
    }
}

/* ---- arming ---- */

static void hold(sb__hub *hub, const sb__topic *topic)
{
    if (!topic->len || hub->topics.count > MOST_LOCKS) {
        hub->holds_all = 1;
    }
    if (hub->bell_fd >= 0) {
        sb__doorbell_hold(hub->bell_fd, hub->holds_all ? SB__SLOTS : topic->slot);
    }
}

static void let_go(sb__hub *hub, const sb__topic *topic)
{
    if (hub->bell_fd >= 0 && !hub->holds_all && !sb__topics_share_slot(&hub->topics, topic)) {
        sb__doorbell_let_go(hub->bell_fd, topic->slot);
    }
}

static void close_bell(sb__hub *hub)
{
    if (hub->bell_fd >= 0) {
        close(hub->bell_fd);
        hub->bell_fd = -1;
    }
}

/* Without F.lock, or where it cannot be opened, the WAL has to do. */
static void arm_bell(sb__hub *hub)
{
    struct stat info;

    close_bell(hub);
    hub->bell_fd = sb__doorbell_open(hub->bell_path);
    if (hub->bell_fd < 0) {
        return;
    }
    if (fstat(hub->bell_fd, &info) ||
        sb__file_events_watch_bell(&hub->events, hub->bell_path)) {
        close_bell(hub);
        return;
    }
    hub->bell_device = info.st_dev;
    hub->bell_inode = info.st_ino;
    for (sb__topic *topic = sb__topics_first(&hub->topics); topic;
         topic = sb__topics_next(&hub->topics, topic)) {
        hold(hub, topic);
    }
}

static int bell_is_current(const sb__hub *hub)
{
    struct stat info;

    if (hub->bell_fd < 0) {
        return 0;
    }
    return hub->events.bell >= 0 && !stat(hub->bell_path, &info) &&
           info.st_dev == hub->bell_device && info.st_ino == hub->bell_inode;
}

static void follow(sb__hub *hub, int64_t now)
{
    hub->follow_pause_ns = (int64_t)FIRST_PAUSE_MS * NS_PER_MS;
    hub->follow_ns = now + hub->follow_pause_ns;
    hub->follow_until_ns = now + (int64_t)FOLLOW_MS * NS_PER_MS;
}

static void rewatch_wal(sb__hub *hub)
{
    hub->follow_ns = INT64_MAX;
    if (sb__file_events_watch_wal(&hub->events, hub->wal_path)) {
        follow(hub, sb__clock_monotonic_ns()); /* it may be there again next time */
    }
}

static void arm_events(sb__hub *hub)
{
    if (hub->events.fd < 0 && sb__file_events_open(&hub->events)) {
        sb__hub_poll_instead(hub);
        return;
    }
    arm_bell(hub);
    rewatch_wal(hub);
    sb__doorbell_fence();
}

static void arm(sb__hub *hub, int64_t now)
{
    hub->armed = 1;
    hub->safety_ns = now + (int64_t)SAFETY_MS * NS_PER_MS;
    hub->follow_ns = INT64_MAX;
    if (!has_database(hub)) {
        sb__lookout_connect(&hub->lookout, hub->path, &hub->settings);
    }
    if (!has_database(hub)) {
        hub->safety_ns = now + (int64_t)SAFETY_WITHOUT_FILE_MS * NS_PER_MS;
        close_bell(hub); /* nor is F.lock made for a database that is not there */
        return;
    }
    if (sb__hub_has_events(hub)) {
        arm_events(hub);
    }
    if (!sb__hub_has_events(hub)) {
        hub->follow_ns = now;
    }
    sb__lookout_look_at_all(&hub->lookout, &hub->topics, tell);
}

/* The doorbell alone has changed, or the database too. */
static void check_files(sb__hub *hub, int64_t now)
{
    int had_database = has_database(hub);

    if (!hub->path) {
        return;
    }
    if (!sb__lookout_is_current(&hub->lookout)) {
        sb__lookout_disconnect(&hub->lookout);
        arm(hub, now);
        if (had_database || has_database(hub)) {
            tell_all(hub); /* they meet it when they look themselves */
        }
    } else if (sb__hub_has_events(hub) && !bell_is_current(hub)) {
        arm_bell(hub);
        sb__doorbell_fence();
        sb__lookout_look_at_all(&hub->lookout, &hub->topics, tell);
        follow(hub, now); /* who has the old one open rings in vain for a while */
    }
}

/* ---- looking ---- */

static void look_if_changed(sb__hub *hub, int64_t now)
{
    int changed = has_database(hub) ? sb__lookout_has_changed(&hub->lookout) : 0;

    if (changed) {
        hub->rang_only = 0;
        sb__lookout_look(&hub->lookout, &hub->topics, 1, tell);
    }
    if (changed > 0) {
        hub->checks = 0;
        hub->follow_until_ns = now + (int64_t)FOLLOW_MS * NS_PER_MS;
    }
}

static void go_on_following(sb__hub *hub, int64_t now)
{
    int64_t last_pause = (int64_t)LAST_PAUSE_MS * NS_PER_MS;

    look_if_changed(hub, now);
    if (now < hub->follow_until_ns) {
        hub->follow_pause_ns =
            hub->follow_pause_ns * 2 < last_pause ? hub->follow_pause_ns * 2 : last_pause;
        hub->follow_ns = now + hub->follow_pause_ns;
        return;
    }
    rewatch_wal(hub);
    sb__doorbell_fence();
    look_if_changed(hub, now);
}

static void use_safety_net(sb__hub *hub, int64_t now)
{
    check_files(hub, now);
    look_if_changed(hub, now);
    if (hub->rang_only && has_database(hub)) {
        hub->rang_only = 0;
        sb__lookout_look(&hub->lookout, &hub->topics, 1, tell);
    }
    if (sb__hub_has_events(hub) && has_database(hub) && hub->events.wal < 0 &&
        hub->follow_ns == INT64_MAX) {
        rewatch_wal(hub);
    }
    hub->safety_ns =
        now + (int64_t)(has_database(hub) ? SAFETY_MS : SAFETY_WITHOUT_FILE_MS) * NS_PER_MS;
}

/* The contract's schedule: a burst, then ever longer pauses, in pieces after each of which it is
 * checked again. */
static int64_t poll_pause_ns(const sb__hub *hub)
{
    const sb__settings *settings = &hub->settings;
    const double longest = (double)POLL_PIECE_MS / 1000;
    double pause = settings->burst_sleep;

    if (hub->checks >= settings->initial_checks) {
        double grown = (double)(hub->checks - settings->initial_checks) / STEPS_TO_MAX;
        double jitter = (double)sb__random_between(-1000, 1001) / 1000 * settings->jitter_factor;

        pause = (grown < 1 ? grown : 1) * settings->max_interval * (1 + jitter);
    }
    pause = pause > longest ? longest : pause;
    return pause > 1e-5 ? (int64_t)(pause * 1e9) : 10000;
}

static void poll_once(sb__hub *hub, int64_t now)
{
    hub->checks++;
    look_if_changed(hub, now);
    hub->follow_ns = now + poll_pause_ns(hub);
}

static void set_due(sb__hub *hub)
{
    int64_t due = hub->follow_ns < hub->safety_ns ? hub->follow_ns : hub->safety_ns;

    if (hub->lookout.owes_round && hub->lookout.next_round_ns < due) {
        due = hub->lookout.next_round_ns;
    }
    if (due < hub->due_ns && hub->leader) {
        sb__hub_knock(hub->leader); /* it sleeps for too long */
    }
    if (due != hub->due_ns) {
        hub->due_ns = due;
        sb__wake_timer_set(hub->timer, due);
    }
}

void sb__hub_dispatch(sb__hub *hub)
{
    int64_t now = sb__clock_monotonic_ns();
    int events;

    if (!hub->armed) {
        arm(hub, now);
    }
    events = sb__file_events_take(&hub->events);
    if (events & (SB__EVENT_RANG | SB__EVENT_MOVED)) {
        hub->rang_only |= sb__lookout_has_changed(&hub->lookout) > 0;
        sb__lookout_look(&hub->lookout, &hub->topics, events & SB__EVENT_MOVED, tell);
    } else if (hub->lookout.owes_round && now >= hub->lookout.next_round_ns) {
        sb__lookout_look(&hub->lookout, &hub->topics, 1, tell);
    }
    if (events & SB__EVENT_WAL) {
        follow(hub, now);
    }
    if (now >= hub->safety_ns) {
        use_safety_net(hub, now);
    } else if (events & SB__EVENT_UNSURE) {
        check_files(hub, now);
    }
    if (now >= hub->follow_ns) {
        if (sb__hub_has_events(hub)) {
            go_on_following(hub, now);
        } else {
            poll_once(hub, now);
        }
    }
    set_due(hub);
    sb__error_clear();
}

/* ---- event loops ---- */

static int make_pollable(sb__hub *hub)
{
    if (hub->pollable < 0) {
        hub->timer = hub->timer < 0 ? sb__wake_timer_new() : hub->timer;
        hub->pollable = hub->timer < 0 ? -1 : sb__wake_set_new(hub->timer, hub->events.fd);
        sb__wake_timer_set(hub->timer, hub->due_ns);
    }
    return hub->pollable;
}

/* The kernel allows 100 ways from an event through two epolls to a third, and 50 to a fourth. */
int sb__hub_show_events(sb__hub *hub, sb_waiter *waiter)
{
    int of_hub;

    if (hub->watching >= MOST_WATCHING) {
        return 0;
    }
    of_hub = make_pollable(hub);
    if (of_hub < 0 || sb__wake_set_add(waiter->pollable, of_hub)) {
        return -1;
    }
    waiter->watches = 1;
    hub->watching++;
    return 0;
}

/* In the place of one that leaves. */
static void show_to_another(sb__hub *hub)
{
    sb_waiter *w = hub->watching == MOST_WATCHING - 1 ? hub->waiters : NULL;

    while (w && (w->pollable < 0 || w->watches || sb__hub_show_events(hub, w))) {
        w = w->next;
    }
}

/* ---- waiters ---- */

void sb__hub_enter(sb__hub *hub, sb_waiter *waiter)
{
    waiter->previous = NULL;
    waiter->next = hub->waiters;
    if (hub->waiters) {
        hub->waiters->previous = waiter;
    }
    hub->waiters = waiter;
}

void sb__hub_leave(sb__hub *hub, sb_waiter *waiter)
{
    if (waiter->previous) {
        waiter->previous->next = waiter->next;
    } else {
        hub->waiters = waiter->next;
    }
    if (waiter->next) {
        waiter->next->previous = waiter->previous;
    }
    if (waiter->watches) {
        hub->watching--;
        show_to_another(hub);
    }
}

/* The byte is locked before the look, as in arm(). */
static void check_now(sb__hub *hub, sb__subscription *s)
{
    const sb__topic *topic = s->topic;

    if (!hub->armed) {
        sb__hub_dispatch(hub); /* looks at all */
        return;
    }
    hold(hub, topic);
    sb__doorbell_fence();
    if (sb__lookout_has_pending(&hub->lookout, topic->name, topic->len, s->after)) {
        tell(s->owner, s);
    }
    if (!sb__hub_has_events(hub)) {
        hub->checks = 0;
        hub->follow_ns = 0;
        set_due(hub);
    }
}

sb_status sb__hub_subscribe(sb__hub *hub, sb_waiter *waiter, sb__subscription *subscription,
                            const char *queue, size_t len)
{
    sb__topic *topic = sb__topics_get(&hub->topics, queue, len);

    if (!topic) {
        return sb__fail_nomem();
    }
    subscription->owner = waiter;
    subscription->asleep = &waiter->asleep;
    sb__subscribe(topic, subscription);
    check_now(hub, subscription);
    return SB_OK;
}

void sb__hub_pass_on(sb__subscription *subscription)
{
    if (subscription->taking) {
        sb__topic_tell(subscription->topic, 1, INT64_MAX, tell);
    }
}

void sb__hub_unsubscribe(sb__hub *hub, sb__subscription *subscription)
{
    sb__topic *topic = subscription->topic;
    int pass_on = subscription->taking && (subscription->ready || subscription->reported);

    sb__unsubscribe(subscription);
    if (!topic->first) {
        let_go(hub, topic);
        sb__topics_remove(&hub->topics, topic);
    } else if (pass_on) { /* what it was told and did not take */
        sb__topic_tell(topic, 1, INT64_MAX, tell);
    }
}
