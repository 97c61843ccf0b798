/*
 * Who waits for which queue: a table of topics, each the name of a queue with its subscriptions.
 * Pure bookkeeping. What it marks as ready it hands to a function that wakes.
 */
#ifndef SB_TOPICS_H
#define SB_TOPICS_H

#include <stddef.h>
#include <stdint.h>

typedef struct sb__topic sb__topic;
typedef struct sb__subscription sb__subscription;

struct sb__subscription {
    sb__topic *topic;
    void *owner;
    const int *asleep; /* whether its owner can do nothing else than take what it is woken for */
    sb__subscription *previous, *next; /* of the topic */
    sb__subscription *next_of_owner;
    sb__subscription *next_ready;      /* in the owner's list of those that are ready */
    sb__subscription *next_reported;   /* in that of those that its last wait reported */
    int64_t after;                     /* messages up to this id do not count; -1: none */
    int taking;                        /* its owner takes messages away: one is enough for each */
    int ready;                         /* something came since it was last reported */
    int reported;                      /* by the last wait */
};

struct sb__topic {
    char *name; /* "": any queue */
    size_t len;
    uint32_t slot;
    sb__subscription *first, *last;
    sb__topic *next; /* of the bucket */
    int64_t fresh;      /* while rows are counted: how many are for it */
    int64_t greatest;   /* and the greatest id of them */
    sb__topic *next_fresh;
};

typedef struct sb__topics {
    sb__topic **buckets;
    size_t bucket_count; /* a power of 2, or 0 */
    size_t count;
    sb__topic *any; /* the one of the name "", also in the table */
} sb__topics;

void sb__topics_init(sb__topics *topics);
void sb__topics_dispose(sb__topics *topics);

/* NULL if there is none. */
sb__topic *sb__topics_find(const sb__topics *topics, const char *name, size_t len);

/* Finds or makes it; NULL when memory ran out. */
sb__topic *sb__topics_get(sb__topics *topics, const char *name, size_t len);

/* Removes a topic without subscriptions. */
void sb__topics_remove(sb__topics *topics, sb__topic *topic);

/* Whether another topic has the same slot. */
int sb__topics_share_slot(const sb__topics *topics, const sb__topic *topic);

/* For loops over all: the first, and the one after. */
sb__topic *sb__topics_first(const sb__topics *topics);
sb__topic *sb__topics_next(const sb__topics *topics, const sb__topic *topic);

void sb__subscribe(sb__topic *topic, sb__subscription *subscription);
void sb__unsubscribe(sb__subscription *subscription);

typedef void (*sb__ready_fn)(void *owner, sb__subscription *subscription);

/*
 * Tells the subscriptions that messages have come, the greatest id of which is `greatest`
 * (INT64_MAX: not known). Of those that take, as many as there are messages and sleep, the longest
 * sleeping ones first; all, when there are more messages than sleepers, or `messages` is negative,
 * for "not known".
 */
void sb__topic_tell(sb__topic *topic, int64_t messages, int64_t greatest, sb__ready_fn tell);

#endif
