/*
 * Batches of messages: an area of entries and one of bytes, each beginning inside the struct's own
 * allocation, so that one ordinary message costs one allocation and one free.
 */
#include "messages.h"

#include <string.h>

#include "alloc.h"
#include "error.h"

typedef struct entry {
    int64_t id;
    int64_t row; /* storage id of a picked message, else 0 */
    size_t offset; /* of the body, followed by NUL, and then the queue, followed by NUL */
    size_t body_len;
    size_t queue_len; /* (size_t)-1: no queue */
} entry;

enum { FIRST_ENTRIES = 2, FIRST_BYTES = 360 };

struct sb_messages {
    size_t count, capacity;
    size_t used, size;
    entry *entries;
    char *bytes;
    entry first_entries[FIRST_ENTRIES];
    char first_bytes[FIRST_BYTES];
};

sb_messages *sb_messages_new(void)
{
    sb_messages *messages = sb_alloc(sizeof *messages);

    if (messages) {
        messages->count = 0;
        messages->capacity = FIRST_ENTRIES;
        messages->used = 0;
        messages->size = FIRST_BYTES;
        messages->entries = messages->first_entries;
        messages->bytes = messages->first_bytes;
    }
    return messages;
}

void sb_messages_free(sb_messages *messages)
{
    if (!messages) {
        return;
    }
    if (messages->entries != messages->first_entries) {
        sb_free(messages->entries);
    }
    if (messages->bytes != messages->first_bytes) {
        sb_free(messages->bytes);
    }
    sb_free(messages);
}

void sb__messages_clear(sb_messages *messages)
{
    messages->count = 0;
    messages->used = 0;
}

/* Grows an area that may still be the one inside the struct. */
static void *grow(void *area, void *first, size_t used, size_t wanted)
{
    void *grown = sb__realloc(area == first ? NULL : area, wanted);

    if (grown && area == first) {
        memcpy(grown, first, used);
    }
    return grown;
}

static int reserve_entry(sb_messages *messages)
{
    size_t capacity = messages->capacity * 2;
    entry *grown;

    if (messages->count < messages->capacity) {
        return 1;
    }
    grown = grow(messages->entries, messages->first_entries,
                 messages->count * sizeof *messages->entries, capacity * sizeof *grown);
    if (!grown) {
        return 0;
    }
    messages->entries = grown;
    messages->capacity = capacity;
    return 1;
}

static int reserve_bytes(sb_messages *messages, size_t more)
{
    size_t size;
    char *grown;

    if (more <= messages->size - messages->used) {
        return 1;
    }
    if (more > SIZE_MAX / 4 - messages->used) {
        return 0;
    }
    size = (messages->used + more) * 3 / 2;
    grown = grow(messages->bytes, messages->first_bytes, messages->used, size);
    if (!grown) {
        return 0;
    }
    messages->bytes = grown;
    messages->size = size;
    return 1;
}

static void put(sb_messages *messages, const char *text, size_t len)
{
    if (len) {
        memcpy(messages->bytes + messages->used, text, len);
    }
    messages->used += len;
    messages->bytes[messages->used++] = '\0';
}

sb_status sb__messages_append(sb_messages *messages, const char *queue, size_t queue_len,
                              const char *body, size_t body_len, int64_t id)
{
    entry *e;

    if (body_len > SIZE_MAX / 8 || queue_len > SIZE_MAX / 8 || !reserve_entry(messages) ||
        !reserve_bytes(messages, body_len + queue_len + 2)) {
        return sb__fail_nomem();
    }
    e = &messages->entries[messages->count++];
    e->id = id;
    e->row = 0;
    e->offset = messages->used;
    e->body_len = body_len;
    e->queue_len = queue ? queue_len : (size_t)-1;
    put(messages, body, body_len);
    if (queue) {
        put(messages, queue, queue_len);
    }
    return SB_OK;
}

sb_status sb__messages_append_row(sb_messages *messages, int64_t row, const char *body,
                                  size_t body_len, int64_t id)
{
    sb_status status = sb__messages_append(messages, NULL, 0, body, body_len, id);

    if (!status) {
        messages->entries[messages->count - 1].row = row;
    }
    return status;
}

int64_t sb__messages_row(const sb_messages *messages, size_t index)
{
    return messages->entries[index].row;
}

size_t sb__messages_bytes(const sb_messages *messages)
{
    return messages->used;
}

sb_status sb_messages_add(sb_messages *messages, const char *queue, size_t queue_len,
                          const char *body, size_t body_len, int64_t id)
{
    sb__error_clear();
    if (!messages || !queue || !body) {
        return sb__fail(SB_EINVALID, "messages, queue and body must not be NULL");
    }
    return sb__messages_append(messages, queue,
                               queue_len == (size_t)SB_NTS ? strlen(queue) : queue_len, body,
                               body_len == (size_t)SB_NTS ? strlen(body) : body_len, id);
}

size_t sb_messages_count(const sb_messages *messages)
{
    return messages ? messages->count : 0;
}

int64_t sb_messages_id(const sb_messages *messages, size_t index)
{
    return messages && index < messages->count ? messages->entries[index].id : 0;
}

const char *sb_messages_body(size_t *out_len, const sb_messages *messages, size_t index)
{
    if (!messages || index >= messages->count) {
        if (out_len) {
            *out_len = 0;
        }
        return NULL;
    }
    if (out_len) {
        *out_len = messages->entries[index].body_len;
    }
    return messages->bytes + messages->entries[index].offset;
}

const char *sb_messages_queue(size_t *out_len, const sb_messages *messages, size_t index)
{
    const entry *e = messages && index < messages->count ? &messages->entries[index] : NULL;

    if (!e || e->queue_len == (size_t)-1) {
        if (out_len) {
            *out_len = 0;
        }
        return NULL;
    }
    if (out_len) {
        *out_len = e->queue_len;
    }
    return messages->bytes + e->offset + e->body_len + 1;
}
