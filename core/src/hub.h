/*
 * The hub of those who wait for one database in one process: its doorbell's events, its lookout,
 * the topics, and the waiters. It has no thread: of the waiters that sleep one leads, which sleeps
 * on the events, and wakes the others; who leaves passes the lead on.
 */
#ifndef SB_HUB_H
#define SB_HUB_H

#include <pthread.h>
#include <stdint.h>
#include <sys/types.h>

#include "broker.h"
#include "file_events.h"
#include "lookout.h"
#include "simplebroker.h"
#include "topics.h"

typedef struct sb__hub sb__hub;

struct sb_waiter {
    sb_broker *broker;
    sb__hub *hub;
    sb_waiter *previous, *next;    /* of the hub */
    sb__subscription *first;       /* all */
    sb__subscription *ready;       /* what is to be reported by the next wait */
    sb__subscription *reported;    /* by the last one */
    sb__subscription *next_to_name;
    int asleep;
    int knocked;    /* its bell was written, and not read since */
    int bell;       /* an eventfd that ends its sleep; -1: not made yet */
    int pollable;   /* an epoll over bell and, perhaps, the hub's; -1: nobody asked for it */
    int watches;    /* over the hub's too */
    int64_t seen_version; /* of the data, when a wait in vain was last over */
};

struct sb__hub {
    char *path; /* of the database; NULL: a waiter's own hub, over its broker */
    char *bell_path, *wal_path;
    int references;
    sb__hub *next;

    pthread_mutex_t mutex; /* guards the rest */
    sb__topics topics;
    sb_waiter *waiters;
    sb_waiter *leader;
    sb__lookout lookout;
    sb__file_events events;
    int polls;     /* there are no events */
    int must_warn; /* and nobody has been told yet */
    int armed;
    int bell_fd; /* of the doorbell, where the locks are; -1 */
    dev_t bell_device;
    ino_t bell_inode;
    int holds_all; /* all bytes of the doorbell, from now on */

    int64_t due_ns;      /* when the leader has to look, whatever happens */
    int64_t follow_ns;   /* the next look after a change of the WAL; INT64_MAX: none */
    int64_t follow_until_ns;
    int64_t follow_pause_ns;
    int64_t safety_ns;   /* the next look of the safety net */
    int rang_only;       /* changes were taken for those that rang; there may have been others */
    int64_t checks;      /* of the polling schedule, since something happened */
    sb__settings settings; /* of the broker that made it; its texts are not to be used */

    int pollable; /* an epoll over events and timer, for event loops; -1 */
    int timer;    /* a timerfd; -1 */
    int watching; /* waiters whose descriptors are over it */
    int fork_locked;
};

/* The hub of a broker's database, made if it is the first to ask; given back with sb__hub_put(). */
sb_status sb__hub_get(sb__hub **out, sb_broker *broker);
void sb__hub_put(sb__hub *hub);

/* @locks all below with the hub's mutex */
int sb__hub_has_events(const sb__hub *hub);

/* From now on the hub polls, since there is no descriptor for its events. */
void sb__hub_poll_instead(sb__hub *hub);

/* Enters or leaves a waiter. */
void sb__hub_enter(sb__hub *hub, sb_waiter *waiter);
void sb__hub_leave(sb__hub *hub, sb_waiter *waiter);

/* Subscribes a waiter to a queue ("": any), and tells it if something is pending. */
sb_status sb__hub_subscribe(sb__hub *hub, sb_waiter *waiter, sb__subscription *subscription,
                            const char *queue, size_t len);
void sb__hub_unsubscribe(sb__hub *hub, sb__subscription *subscription);

/* Tells others of what a subscription was told, if it takes messages and its owner does not. */
void sb__hub_pass_on(sb__subscription *subscription);

/* Does what is due, and tells the waiters: arms, takes events, looks. */
void sb__hub_dispatch(sb__hub *hub);

/* Ends the sleep of a waiter, and makes its descriptor readable. */
void sb__hub_knock(sb_waiter *waiter);

/* Has another sleeping waiter lead, if none does. */
void sb__hub_pass_lead(sb__hub *hub);

/* Adds the hub's events to the waiter's epoll; or nothing, when enough others watch them, which
 * tell it. 0, or -1. */
int sb__hub_show_events(sb__hub *hub, sb_waiter *waiter);

/* The broker is closed: ends the sleep of its waiters. @locks takes the hubs' mutexes */
void sb__hubs_wake(const sb_broker *broker);

#endif
