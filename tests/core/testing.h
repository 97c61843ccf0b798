/*
 * What the tests of the library share: domain assertions, and a scratch directory with a broker in
 * it for each test. Included once by each test program, before nothing else of cmocka's.
 */
#ifndef SB_TESTING_H
#define SB_TESTING_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "simplebroker.h"

/* The call succeeds; its error message is shown when it does not. */
#define assert_ok(call) assert_status(SB_OK, call)

/* The call answers with exactly this status. */
#define assert_status(expected, call)                                                              \
    do {                                                                                           \
        sb_status assert_status_ = (call);                                                         \
        if (assert_status_ != (expected)) {                                                        \
            fail_msg("%s: SB_%s (%s), expected SB_%s", #call, sb_status_name(assert_status_),      \
                     sb_error_message(NULL), sb_status_name(expected));                            \
        }                                                                                          \
    } while (0)

/* The current error's message contains the text. */
#define assert_message(text)                                                                       \
    do {                                                                                           \
        if (!strstr(sb_error_message(NULL), (text))) {                                             \
            fail_msg("message is \"%s\", expected \"%s\" in it", sb_error_message(NULL), (text));  \
        }                                                                                          \
    } while (0)

/* A batch holds exactly these bodies: assert_bodies(messages, "a", "b", NULL). */
static inline void assert_bodies(const sb_messages *messages, ...)
{
    va_list bodies;
    size_t i = 0;

    va_start(bodies, messages);
    for (const char *body; (body = va_arg(bodies, const char *)); i++) {
        size_t len;
        const char *found = sb_messages_body(&len, messages, i);

        assert_non_null(found);
        assert_string_equal(found, body);
        assert_int_equal(len, strlen(body));
    }
    va_end(bodies);
    assert_int_equal(sb_messages_count(messages), i);
}

typedef struct scratch {
    char directory[64];
    char path[128];    /* of the database */
    sb_config *config; /* isolated; automatic vacuum off, synchronous off */
    sb_broker *broker;
} scratch;

static inline int scratch_remove_entry(const char *path, const struct stat *info, int type,
                                       struct FTW *walk)
{
    (void)info;
    (void)type;
    (void)walk;
    return remove(path);
}

/* A cmocka setup: *state is a scratch with an empty directory and a configuration. */
static inline int scratch_new(void **state)
{
    scratch *s = calloc(1, sizeof *s);

    if (!s) {
        return -1;
    }
    strcpy(s->directory, "/tmp/simplebroker-test-XXXXXX");
    if (!mkdtemp(s->directory)) {
        free(s);
        return -1;
    }
    snprintf(s->path, sizeof s->path, "%s/test.db", s->directory);
    *state = s;
    return sb_config_isolated(&s->config) ||
           sb_config_set_int64(s->config, "BROKER_AUTO_VACUUM", (size_t)SB_NTS, 0) ||
           sb_config_set_text(s->config, "BROKER_SYNC_MODE", (size_t)SB_NTS, "OFF", 3);
}

/* The same with an open broker. */
static inline int scratch_open(void **state)
{
    scratch *s;

    if (scratch_new(state)) {
        return -1;
    }
    s = *state;
    return sb_open_path(&s->broker, s->path, (size_t)SB_NTS, s->config, NULL);
}

/* The teardown of both. */
static inline int scratch_free(void **state)
{
    scratch *s = *state;

    sb_close(s->broker);
    sb_config_free(s->config);
    nftw(s->directory, scratch_remove_entry, 8, FTW_DEPTH | FTW_PHYS);
    free(s);
    return 0;
}

/* Writes a NUL-terminated body and returns its id. */
static inline int64_t put(sb_broker *broker, const char *queue, const char *body)
{
    int64_t id = 0;

    assert_ok(sb_write(&id, broker, queue, (size_t)SB_NTS, body, (size_t)SB_NTS, NULL));
    return id;
}

/* Claims one message and checks its body; NULL: the queue is empty. */
static inline void assert_claims(sb_broker *broker, const char *queue, const char *body)
{
    sb_messages *messages = NULL;

    if (!body) {
        assert_status(SB_EMPTY, sb_claim(&messages, broker, queue, (size_t)SB_NTS, 1, NULL));
        return;
    }
    assert_ok(sb_claim(&messages, broker, queue, (size_t)SB_NTS, 1, NULL));
    assert_bodies(messages, body, NULL);
    sb_messages_free(messages);
}

/* A queue's pending messages are exactly so many. */
static inline void assert_pending(sb_broker *broker, const char *queue, int64_t expected)
{
    int64_t pending = -1;

    assert_ok(sb_queue_stats(&pending, NULL, broker, queue, (size_t)SB_NTS, NULL));
    assert_int_equal(pending, expected);
}

#endif
