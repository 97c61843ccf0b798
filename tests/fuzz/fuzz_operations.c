/*
 * A program of calls: each byte is an operation, and the bytes after it are its arguments. Whatever
 * comes, every call answers, the counts add up, and the file is sound at the end.
 */
#include "fuzz.h"

#include <sqlite3.h>
#include <string.h>

#include "simplebroker.h"

const char *const fuzz_seeds[] = {"\x01q\x03" "abc\x02q\x01\x03q\x02\x04qr\x05",
                                  "\x06*q\x07qr\x08q@",
                                  "\x09{\"format\":\"simplebroker-dump\",\"last_ts\":9,"
                                  "\"type\":\"header\",\"version\":1}\n{\"type\":\"message\","
                                  "\"queue\":\"q\",\"body\":\"b\",\"id\":5}\n",
                                  "\x09{\"format\":\"simplebroker-dump\",\"last_ts\":9,"
                                  "\"type\":\"header\",\"version\":1}\n{\"type\":\"alias\","
                                  "\"alias\":\"a\",\"target\":\"q\"}\n",
                                  "\x01" "ab\x01" "cd\x06[a-z]*x", "\x0aSELECT body FROM messages",
                                  NULL};

typedef struct program {
    const uint8_t *data;
    size_t size, at;
    sb_broker *broker;
    sb_options options;
} program;

typedef struct text {
    const char *bytes;
    size_t len;
} text;

static uint8_t byte(program *p)
{
    return p->at < p->size ? p->data[p->at++] : 0;
}

/* An argument: up to 15 bytes of the program, or NULL. */
static text take(program *p)
{
    size_t len = byte(p) % 17;
    text t = {(const char *)p->data + p->at, len};

    if (len == 16) {
        t.bytes = NULL;
        t.len = 3;
        return t;
    }
    if (t.len > p->size - p->at) {
        t.len = p->size - p->at;
    }
    p->at += t.len;
    return t;
}

static text rest(program *p, uint8_t end)
{
    const uint8_t *from = p->data + p->at;
    const uint8_t *stop = memchr(from, end, p->size - p->at);
    text t = {(const char *)from, stop ? (size_t)(stop - from) : p->size - p->at};

    p->at += t.len + (stop != NULL);
    return t;
}

static int64_t number(program *p)
{
    static const int64_t edges[] = {INT64_MIN, -2, -1, 0, 1, 1700000000000000000, INT64_MAX - 1,
                                    INT64_MAX};

    return edges[byte(p) % 8];
}

static void deliver(program *p)
{
    text queue = take(p), target = take(p);
    sb_messages *messages = NULL;
    size_t limit = byte(p) % 4 == 3 ? SIZE_MAX : byte(p) % 4u;

    switch (byte(p) % 6) {
    case 0:
        sb_claim(&messages, p->broker, queue.bytes, queue.len, limit, &p->options);
        break;
    case 1:
        sb_peek(&messages, p->broker, queue.bytes, queue.len, limit, &p->options);
        break;
    case 2:
        sb_move(&messages, p->broker, queue.bytes, queue.len, target.bytes, target.len, limit,
                &p->options);
        break;
    case 3:
        sb_search(&messages, p->broker, queue.bytes, queue.len, target.bytes, target.len, limit,
                  &p->options);
        break;
    case 4:
        sb_claim_id(&messages, p->broker, queue.bytes, queue.len, number(p), &p->options);
        break;
    default:
        sb_move_id(&messages, p->broker, queue.bytes, queue.len, target.bytes, target.len,
                   number(p), &p->options);
        break;
    }
    sb_messages_free(messages);
}

static void change(program *p)
{
    text a = take(p), b = take(p);
    sb_messages *messages;
    int64_t id = number(p);

    switch (byte(p) % 9) {
    case 0:
        sb_delete_queue(NULL, p->broker, a.bytes, a.len, &p->options);
        break;
    case 1:
        sb_broadcast(NULL, p->broker, a.bytes, a.len, b.bytes, b.len, &p->options);
        break;
    case 2:
        sb_rename(NULL, NULL, p->broker, a.bytes, a.len, b.bytes, b.len, &p->options);
        break;
    case 3:
        sb_alias_add(p->broker, a.bytes, a.len, b.bytes, b.len, &p->options);
        break;
    case 4:
        sb_alias_remove(p->broker, a.bytes, a.len, &p->options);
        break;
    case 5:
        sb_delete_ids(NULL, p->broker, a.bytes, a.len, &id, 1, &p->options);
        break;
    case 6:
        messages = sb_messages_new();
        sb_messages_add(messages, a.bytes, a.len, b.bytes, b.len, id);
        sb_insert(p->broker, messages, &p->options);
        sb_messages_free(messages);
        break;
    case 7:
        sb_vacuum(NULL, p->broker, &p->options);
        break;
    default:
        sb_write(NULL, p->broker, a.bytes, a.len, b.bytes, b.len, &p->options);
        break;
    }
}

static void ask(program *p)
{
    text a = take(p), b = take(p);
    sb_queues *queues = NULL;
    char *name = NULL;

    sb_queues_list(&queues, p->broker, a.bytes, a.len, NULL, 0, &p->options);
    sb_queues_free(queues);
    queues = NULL;
    sb_queues_list(&queues, p->broker, NULL, 0, b.bytes, b.len, &p->options);
    sb_queues_free(queues);
    sb_queue_resolve(&name, NULL, p->broker, a.bytes, a.len, &p->options);
    sb_free(name);
    sb_has_pending(p->broker, a.bytes, a.len, &p->options);
}

static void stream(program *p)
{
    text queue = take(p), target = take(p);
    sb_cursor *cursor = NULL;

    p->options.flags |= byte(p) & 1 ? SB_AT_LEAST_ONCE : 0;
    sb_cursor_open(&cursor, p->broker, (sb_cursor_kind)(byte(p) % 5), queue.bytes, queue.len,
                   target.bytes, target.len, byte(p) % 4u, &p->options);
    for (int i = byte(p) % 8; cursor && i > 0; i--) {
        const char *body;
        size_t len;

        if (sb_cursor_next(NULL, &body, &len, cursor) != SB_OK) {
            break;
        }
        FUZZ_ASSERT(body[len] == '\0');
    }
    sb_cursor_close(cursor);
}

static void dump_and_load(program *p)
{
    sb_load *load = NULL;
    sb_dump *dump = NULL;
    text line;

    FUZZ_ASSERT(sb_dump_open(&dump, p->broker, NULL, NULL, NULL) == SB_OK);
    while (sb_dump_next(&line.bytes, &line.len, dump) == SB_OK) {
        FUZZ_ASSERT(line.len && !memchr(line.bytes, '\n', line.len));
    }
    sb_dump_close(dump);
    FUZZ_ASSERT(sb_load_open(&load, p->broker, NULL, NULL) == SB_OK);
    while (p->at < p->size) {
        line = rest(p, '\n');
        if (sb_load_line(load, line.bytes, line.len) < 0) {
            break;
        }
    }
    sb_load_finish(NULL, NULL, load);
    sb_load_close(load);
}

static void sidecar(program *p)
{
    text sql = rest(p, 0);

    /* Only questions: what SQLite itself makes of hostile changes is not our subject. */
    if (sql.len > 6 && !memcmp(sql.bytes, "SELECT", 6) && !memchr(sql.bytes, '(', sql.len)) {
        sb_sidecar_run(p->broker, sql.bytes, sql.len, NULL, NULL, NULL, NULL);
    }
}

static void step(program *p)
{
    static void (*const steps[])(program *) = {change, deliver, ask, stream};
    uint8_t code = byte(p);

    sb_options_init(&p->options, SB_OPTIONS_VERSION);
    p->options.flags = code & 0x40 ? SB_INCLUDE_CLAIMED : 0;
    if (code & 0x80) {
        p->options.after = number(p);
        p->options.before = number(p);
    }
    if (code % 11 == 9) {
        dump_and_load(p);
    } else if (code % 11 == 10) {
        sidecar(p);
    } else {
        steps[code % 4](p);
    }
}

static void check_soundness(sb_broker *broker)
{
    sb_queues *queues = NULL;
    int64_t claimed = 0, total = 0, sum = 0;

    FUZZ_ASSERT(sb_overall_stats(&claimed, &total, broker, NULL) == SB_OK);
    FUZZ_ASSERT(sb_queues_list(&queues, broker, NULL, 0, NULL, 0, NULL) == SB_OK);
    for (size_t i = 0; i < sb_queues_count(queues); i++) {
        sum += sb_queues_pending(queues, i) + sb_queues_claimed(queues, i);
    }
    FUZZ_ASSERT(sum == total && claimed <= total);
    sb_queues_free(queues);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    program p = {.data = data, .size = size};
    sb_config *config = NULL;
    sqlite3 *db;

    FUZZ_ASSERT(sqlite3_open(":memory:", &db) == SQLITE_OK);
    FUZZ_ASSERT(sb_config_isolated(&config) == SB_OK);
    FUZZ_ASSERT(sb_open_sqlite(&p.broker, db, config, NULL) == SB_OK);
    for (int i = 0; i < 40 && p.at < p.size; i++) {
        step(&p);
    }
    check_soundness(p.broker);
    sb_close(p.broker);
    sb_config_free(config);
    sqlite3_close(db);
    return 0;
}
