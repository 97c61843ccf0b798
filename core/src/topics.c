/* The table of topics: chained hashing, by the same hash that finds a queue's byte of the doorbell. */
#include "topics.h"

#include <string.h>

#include "alloc.h"
#include "doorbell.h"

enum { FEWEST_BUCKETS = 16 };

void sb__topics_init(sb__topics *topics)
{
    memset(topics, 0, sizeof *topics);
}

void sb__topics_dispose(sb__topics *topics)
{
    sb_free(topics->buckets);
    sb__topics_init(topics);
}

static sb__topic *find(const sb__topics *topics, uint32_t slot, const char *name, size_t len)
{
    sb__topic *topic =
        topics->bucket_count ? topics->buckets[slot & (topics->bucket_count - 1)] : NULL;

    while (topic && (topic->len != len || memcmp(topic->name, name, len) != 0)) {
        topic = topic->next;
    }
    return topic;
}

sb__topic *sb__topics_find(const sb__topics *topics, const char *name, size_t len)
{
    return find(topics, sb__doorbell_slot(name, len), name, len);
}

static void put(sb__topics *topics, sb__topic *topic)
{
    sb__topic **bucket = &topics->buckets[topic->slot & (topics->bucket_count - 1)];

    topic->next = *bucket;
    *bucket = topic;
}

static int grow(sb__topics *topics)
{
    sb__topics old = *topics;
    size_t count = old.bucket_count ? old.bucket_count * 2 : FEWEST_BUCKETS;
    sb__topic **buckets = sb__zalloc(count * sizeof *buckets);

    if (!buckets) {
        return 0;
    }
    topics->buckets = buckets;
    topics->bucket_count = count;
    for (size_t i = 0; i < old.bucket_count; i++) {
        for (sb__topic *topic = old.buckets[i], *next; topic; topic = next) {
            next = topic->next;
            put(topics, topic);
        }
    }
    sb_free(old.buckets);
    return 1;
}

static sb__topic *new_topic(uint32_t slot, const char *name, size_t len)
{
    sb__topic *topic = sb__zalloc(sizeof *topic);

    if (topic) {
        topic->name = sb__strndup(name, len);
        topic->len = len;
        topic->slot = slot;
        if (!topic->name) {
            sb_free(topic);
            return NULL;
        }
    }
    return topic;
}

sb__topic *sb__topics_get(sb__topics *topics, const char *name, size_t len)
{
    uint32_t slot = sb__doorbell_slot(name, len);
    sb__topic *topic = find(topics, slot, name, len);

    if (topic) {
        return topic;
    }
    if (topics->count >= topics->bucket_count && !grow(topics) && !topics->bucket_count) {
        return NULL;
    }
    topic = new_topic(slot, name, len);
    if (topic) {
        put(topics, topic);
        topics->count++;
        if (!len) {
            topics->any = topic;
        }
    }
    return topic;
}

void sb__topics_remove(sb__topics *topics, sb__topic *topic)
{
    sb__topic **link = &topics->buckets[topic->slot & (topics->bucket_count - 1)];

    while (*link != topic) {
        link = &(*link)->next;
    }
    *link = topic->next;
    topics->count--;
    if (topics->any == topic) {
        topics->any = NULL;
    }
    sb_free(topic->name);
    sb_free(topic);
}

int sb__topics_share_slot(const sb__topics *topics, const sb__topic *topic)
{
    const sb__topic *other = topics->buckets[topic->slot & (topics->bucket_count - 1)];

    while (other && (other == topic || other->slot != topic->slot)) {
        other = other->next;
    }
    return other != NULL;
}

static sb__topic *first_from(const sb__topics *topics, size_t bucket)
{
    while (bucket < topics->bucket_count && !topics->buckets[bucket]) {
        bucket++;
    }
    return bucket < topics->bucket_count ? topics->buckets[bucket] : NULL;
}

sb__topic *sb__topics_first(const sb__topics *topics)
{
    return first_from(topics, 0);
}

sb__topic *sb__topics_next(const sb__topics *topics, const sb__topic *topic)
{
    return topic->next ? topic->next
                       : first_from(topics, (topic->slot & (topics->bucket_count - 1)) + 1);
}

void sb__subscribe(sb__topic *topic, sb__subscription *subscription)
{
    subscription->topic = topic;
    subscription->previous = topic->last;
    subscription->next = NULL;
    if (topic->last) {
        topic->last->next = subscription;
    } else {
        topic->first = subscription;
    }
    topic->last = subscription;
}

void sb__unsubscribe(sb__subscription *subscription)
{
    sb__topic *topic = subscription->topic;

    if (subscription->previous) {
        subscription->previous->next = subscription->next;
    } else {
        topic->first = subscription->next;
    }
    if (subscription->next) {
        subscription->next->previous = subscription->previous;
    } else {
        topic->last = subscription->previous;
    }
    subscription->topic = NULL;
}

/* To the end: next time it is the others' turn. */
static void requeue(sb__subscription *subscription)
{
    sb__topic *topic = subscription->topic;

    sb__unsubscribe(subscription);
    sb__subscribe(topic, subscription);
}

/* Tells sleepers that take, at most so many; how many messages are left for others. */
static int64_t tell_sleepers(sb__topic *topic, int64_t messages, int64_t greatest,
                             sb__ready_fn tell)
{
    sb__subscription *last = topic->last, *next;

    for (sb__subscription *s = topic->first; s && messages > 0; s = next) {
        next = s == last ? NULL : s->next;
        if (s->taking && !s->ready && *s->asleep && greatest > s->after) {
            messages--;
            requeue(s);
            tell(s->owner, s);
        }
    }
    return messages;
}

void sb__topic_tell(sb__topic *topic, int64_t messages, int64_t greatest, sb__ready_fn tell)
{
    int64_t left = messages > 0 ? tell_sleepers(topic, messages, greatest, tell) : 1;

    for (sb__subscription *s = topic->first; s; s = s->next) {
        if (greatest > s->after && (left > 0 || !s->taking)) {
            tell(s->owner, s);
        }
    }
}
