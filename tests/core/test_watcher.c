/*
 * Watchers: what a handler gets and when, how failures are reported, and everything that ends a run.
 */
#include "waiting.h"

#include <signal.h>
#include <sys/wait.h>

enum { MOST = 64, CREW = 4, CREW_MESSAGES = 400 };

/* What a handler has seen, and what it does. */
typedef struct seen {
    sb_broker *broker;
    sb_watcher *watcher;
    char bodies[MOST][24];
    int64_t ids[MOST];
    size_t lens[MOST];
    atomic_int count;
    int64_t pending; /* of queue q, as the handler found it */
    int end_at;      /* ends after so many messages; 0: does not */
    const char *fail_on;
    int failures_left;
    int errors;
    sb_status error_status;
    char error_message[128];
    char error_body[1100];
    int end_on_error;
} seen;

static sb_status look(void *payload, int64_t id, const char *body, size_t len)
{
    seen *x = payload;
    int i = atomic_load(&x->count);

    if (i < MOST) {
        snprintf(x->bodies[i], sizeof x->bodies[i], "%s", body);
        x->ids[i] = id;
        x->lens[i] = len;
    }
    sb_queue_stats(&x->pending, NULL, x->broker, "q", WAITING_NTS, NULL);
    atomic_store(&x->count, i + 1);
    if (x->fail_on && strcmp(body, x->fail_on) == 0 && x->failures_left-- > 0) {
        return sb_error_set(SB_ERUNTIME, "not today", WAITING_NTS, 0);
    }
    return x->end_at && i + 1 >= x->end_at ? SB_EMPTY : SB_OK;
}

static int hear(void *payload, sb_status status, int64_t id, const char *body, size_t len)
{
    seen *x = payload;

    (void)id;
    x->errors++;
    x->error_status = status;
    snprintf(x->error_message, sizeof x->error_message, "%s", sb_error_message(NULL));
    snprintf(x->error_body, sizeof x->error_body, "%.*s", (int)len, body);
    return x->end_on_error;
}

static sb_watcher *watch(seen *x, sb_broker *broker, sb_cursor_kind kind, size_t batch,
                         const sb_options *options)
{
    x->broker = broker;
    x->watcher = NULL;
    assert_ok(sb_watcher_open(&x->watcher, broker, kind, "q", WAITING_NTS,
                              kind == SB_CURSOR_MOVE ? "to" : NULL, WAITING_NTS, batch, options,
                              look, x));
    sb_watcher_on_error(x->watcher, hear, x);
    return x->watcher;
}

/* A run in a thread of its own. */
typedef struct runner_thread {
    sb_watcher *watcher;
    pthread_t thread;
    atomic_int tid;
    sb_status status;
    int64_t ended_ns;
} runner_thread;

static void *run_watcher(void *argument)
{
    runner_thread *r = argument;

    atomic_store(&r->tid, thread_id());
    r->status = sb_watcher_run(r->watcher);
    r->ended_ns = waiting_now_ns();
    return NULL;
}

static void run_begin(runner_thread *r, sb_watcher *watcher)
{
    memset(r, 0, sizeof *r);
    r->watcher = watcher;
    assert_int_equal(pthread_create(&r->thread, NULL, run_watcher, r), 0);
}

static void until_count(seen *x, int count)
{
    int64_t begin = waiting_now_ns();

    while (atomic_load(&x->count) < count) {
        assert_true(ms_since(begin) < HANGS_AFTER_MS);
        sched_yield();
    }
}

static void until_asleep(runner_thread *r)
{
    int64_t begin = waiting_now_ns();

    while (!atomic_load(&r->tid) || !sleeps_in_poll(getpid(), atomic_load(&r->tid))) {
        assert_true(ms_since(begin) < HANGS_AFTER_MS);
        sched_yield();
    }
}

static sb_status run_end(runner_thread *r)
{
    assert_int_equal(pthread_join(r->thread, NULL), 0);
    return r->status;
}

static void test_consume__hands_out_what_is_there_and_what_comes(void **state)
{
    scratch *s = *state;
    seen x = {0};
    runner_thread r;
    int64_t first = put(s->broker, "q", "a"), begin;

    put(s->broker, "q", "b");
    watch(&x, s->broker, SB_CURSOR_CLAIM, 0, NULL);
    run_begin(&r, x.watcher);
    until_count(&x, 2);
    until_asleep(&r);
    assert_int_equal(x.ids[0], first);
    assert_int_equal(x.pending, 0); /* claimed before the handler */
    for (int i = 0; i < 10; i++) {
        begin = waiting_now_ns();
        put(s->broker, "q", "c");
        until_count(&x, 3 + i);
        assert_in_range(ms_since(begin), 0, SOON_MS);
        until_asleep(&r);
    }
    sb_watcher_stop(x.watcher);
    assert_status(SB_OK, run_end(&r));
    assert_string_equal(x.bodies[0], "a");
    assert_string_equal(x.bodies[1], "b");
    assert_string_equal(x.bodies[11], "c");
    assert_int_equal(sb_watcher_count(x.watcher), 12);
    sb_watcher_close(x.watcher);
}

static void test_consume__failed_messages_stay_claimed(void **state)
{
    scratch *s = *state;
    seen x = {.fail_on = "a", .failures_left = 1, .end_at = 2};

    put(s->broker, "q", "a");
    put(s->broker, "q", "b");
    watch(&x, s->broker, SB_CURSOR_CLAIM, 0, NULL);
    assert_ok(sb_watcher_run(x.watcher));
    assert_int_equal(x.errors, 1);
    assert_int_equal(x.error_status, SB_ERUNTIME);
    assert_string_equal(x.error_message, "not today");
    assert_string_equal(x.error_body, "a");
    assert_pending(s->broker, "q", 0);
    sb_watcher_close(x.watcher);
}

static void test_error_handler__can_end_the_watcher(void **state)
{
    scratch *s = *state;
    seen x = {.fail_on = "a", .failures_left = 1, .end_on_error = 1};

    put(s->broker, "q", "a");
    put(s->broker, "q", "b");
    watch(&x, s->broker, SB_CURSOR_CLAIM, 0, NULL);
    assert_ok(sb_watcher_run(x.watcher));
    assert_int_equal(atomic_load(&x.count), 1);
    assert_pending(s->broker, "q", 1);
    sb_watcher_close(x.watcher);
}

static sb_status fail_silently(void *payload, int64_t id, const char *body, size_t len)
{
    (void)payload;
    (void)id;
    (void)body;
    (void)len;
    return SB_ERROR;
}

static void test_error_handler__gets_a_text_where_the_handler_gave_none(void **state)
{
    scratch *s = *state;
    seen x = {.end_on_error = 1};
    sb_watcher *watcher = NULL;

    put(s->broker, "q", "a");
    assert_ok(sb_watcher_open(&watcher, s->broker, SB_CURSOR_CLAIM, "q", 1, NULL, 0, 0, NULL,
                              fail_silently, NULL));
    sb_watcher_on_error(watcher, hear, &x);
    assert_ok(sb_watcher_run(watcher));
    assert_int_equal(x.error_status, SB_ERROR);
    assert_string_equal(x.error_message, "the handler failed");
    sb_watcher_close(watcher);
}

static void test_peek__shows_each_once_and_takes_nothing(void **state)
{
    scratch *s = *state;
    seen x = {0};
    runner_thread r;

    put(s->broker, "q", "a");
    put(s->broker, "q", "b");
    watch(&x, s->broker, SB_CURSOR_PEEK, 0, NULL);
    run_begin(&r, x.watcher);
    until_count(&x, 2);
    until_asleep(&r);
    put(s->broker, "q", "c");
    until_count(&x, 3);
    put(s->broker, "other", "x");
    until_asleep(&r);
    sb_watcher_stop(x.watcher);
    assert_ok(run_end(&r));
    assert_int_equal(atomic_load(&x.count), 3);
    assert_string_equal(x.bodies[2], "c");
    assert_pending(s->broker, "q", 3);
    sb_watcher_close(x.watcher);
}

static void test_peek__what_failed_is_shown_again_before_the_next(void **state)
{
    scratch *s = *state;
    seen x = {.fail_on = "a", .failures_left = 1, .end_at = 3};

    put(s->broker, "q", "a");
    put(s->broker, "q", "b");
    watch(&x, s->broker, SB_CURSOR_PEEK, 0, NULL);
    assert_ok(sb_watcher_run(x.watcher));
    assert_string_equal(x.bodies[0], "a");
    assert_string_equal(x.bodies[1], "a");
    assert_string_equal(x.bodies[2], "b");
    sb_watcher_close(x.watcher);
}

static void test_after__older_messages_stay(void **state)
{
    for (int kind = SB_CURSOR_CLAIM; kind <= SB_CURSOR_PEEK; kind++) {
        scratch *s = *state;
        seen x = {.end_at = 1};
        sb_options options = with_timeout(-1);

        assert_int_not_equal(sb_delete_all(NULL, s->broker, NULL), SB_ERROR);
        put(s->broker, "q", "old");
        options.after = put(s->broker, "q", "bound");
        put(s->broker, "q", "new");
        watch(&x, s->broker, (sb_cursor_kind)kind, 0, &options);
        assert_ok(sb_watcher_run(x.watcher));
        assert_string_equal(x.bodies[0], "new");
        sb_watcher_close(x.watcher);
        assert_pending(s->broker, "q", kind == SB_CURSOR_CLAIM ? 2 : 3);
    }
}

static void test_move__has_moved_before_the_handler_sees_it(void **state)
{
    scratch *s = *state;
    seen x = {.end_at = 2};

    put(s->broker, "q", "a");
    put(s->broker, "q", "b");
    put(s->broker, "q", "c");
    watch(&x, s->broker, SB_CURSOR_MOVE, 0, NULL);
    assert_ok(sb_watcher_run(x.watcher));
    assert_int_equal(x.pending, 1);
    assert_pending(s->broker, "to", 2);
    sb_watcher_close(x.watcher);
}

static void test_limit__ends_after_so_many(void **state)
{
    scratch *s = *state;
    seen x = {0};

    for (int i = 0; i < 5; i++) {
        put(s->broker, "q", "m");
    }
    watch(&x, s->broker, SB_CURSOR_CLAIM, 0, NULL);
    sb_watcher_set_limit(x.watcher, 3);
    assert_ok(sb_watcher_run(x.watcher));
    assert_int_equal(atomic_load(&x.count), 3);
    assert_int_equal(sb_watcher_count(x.watcher), 3);
    assert_pending(s->broker, "q", 2);
    sb_watcher_close(x.watcher);
}

static void test_batch__commits_when_its_last_message_was_handled(void **state)
{
    scratch *s = *state;
    seen x = {0};
    runner_thread r;

    for (int i = 0; i < 5; i++) {
        put(s->broker, "q", "m");
    }
    watch(&x, s->broker, SB_CURSOR_CLAIM, 2, NULL);
    run_begin(&r, x.watcher);
    until_count(&x, 5);
    until_asleep(&r);
    assert_pending(s->broker, "q", 0);
    sb_watcher_stop(x.watcher);
    assert_ok(run_end(&r));
    sb_watcher_close(x.watcher);
}

static void test_batch__left_half_way_is_pending_again(void **state)
{
    scratch *s = *state;
    seen x = {.end_at = 3};

    for (int i = 0; i < 5; i++) {
        put(s->broker, "q", "m");
    }
    watch(&x, s->broker, SB_CURSOR_CLAIM, 2, NULL);
    assert_ok(sb_watcher_run(x.watcher));
    assert_int_equal(atomic_load(&x.count), 3);
    assert_pending(s->broker, "q", 3);
    sb_watcher_close(x.watcher);
}

static void test_oversized__is_reported_shortened_and_not_handed_over(void **state)
{
    scratch *s = *state;
    seen x = {.end_on_error = 1};
    sb_config *small = NULL;
    sb_broker *strict = NULL;
    char body[3000];

    for (size_t i = 0; i < sizeof body; i += 2) {
        memcpy(body + i, "\xC3\xA4", 2); /* two bytes, one character */
    }
    assert_ok(sb_write(NULL, s->broker, "q", 1, body, sizeof body, NULL));
    assert_ok(sb_config_copy(&small, s->config));
    assert_ok(sb_config_set_int64(small, "BROKER_MAX_MESSAGE_SIZE", WAITING_NTS, 10));
    assert_ok(sb_open_path(&strict, s->path, WAITING_NTS, small, NULL));
    watch(&x, strict, SB_CURSOR_CLAIM, 0, NULL);
    assert_ok(sb_watcher_run(x.watcher));
    assert_int_equal(atomic_load(&x.count), 0);
    assert_int_equal(x.error_status, SB_EMESSAGE);
    assert_string_equal(x.error_message, "Message size (3000 bytes) exceeds 10 byte limit");
    assert_pending(s->broker, "q", 0);
    sb_watcher_close(x.watcher);
    sb_close(strict);
    sb_config_free(small);
}

static void test_stop__ends_a_sleep_at_once_and_for_good(void **state)
{
    scratch *s = *state;
    seen x = {0};
    runner_thread r;
    int64_t begin;

    watch(&x, s->broker, SB_CURSOR_CLAIM, 0, NULL);
    run_begin(&r, x.watcher);
    until_asleep(&r);
    begin = waiting_now_ns();
    sb_watcher_stop(x.watcher);
    assert_ok(run_end(&r));
    assert_in_range((r.ended_ns - begin) / NS_IN_MS, 0, SOON_MS);
    put(s->broker, "q", "m");
    assert_ok(sb_watcher_run(x.watcher));
    assert_int_equal(atomic_load(&x.count), 0);
    assert_pending(s->broker, "q", 1);
    sb_watcher_close(x.watcher);
}

static sb_watcher *stopped_by_signal;

static void on_alarm(int number)
{
    (void)number;
    sb_watcher_stop(stopped_by_signal);
}

static void test_stop__from_a_signal_handler(void **state)
{
    scratch *s = *state;
    seen x = {0};
    runner_thread r;
    struct sigaction action = {.sa_handler = on_alarm}, before;

    stopped_by_signal = watch(&x, s->broker, SB_CURSOR_CLAIM, 0, NULL);
    assert_int_equal(sigaction(SIGUSR1, &action, &before), 0);
    run_begin(&r, x.watcher);
    until_asleep(&r);
    pthread_kill(r.thread, SIGUSR1);
    assert_ok(run_end(&r));
    sigaction(SIGUSR1, &before, NULL);
    sb_watcher_close(x.watcher);
}

static void test_cancel_and_close__are_told(void **state)
{
    scratch *s = *state;
    seen x = {0};
    sb_options options = with_timeout(-1);
    runner_thread r;

    assert_ok(sb_cancel_new(&options.cancel));
    watch(&x, s->broker, SB_CURSOR_CLAIM, 0, &options);
    run_begin(&r, x.watcher);
    until_asleep(&r);
    sb_cancel_set(options.cancel);
    assert_status(SB_CANCELLED, run_end(&r));
    sb_cancel_reset(options.cancel);
    run_begin(&r, x.watcher);
    until_asleep(&r);
    sb_shut(s->broker);
    assert_status(SB_ECLOSED, run_end(&r));
    assert_status(SB_ECLOSED, sb_watcher_run(x.watcher));
    sb_watcher_close(x.watcher);
    sb_cancel_free(options.cancel);
}

static void test_hangup__ends_a_sleep_and_is_seen_before_a_claim(void **state)
{
    scratch *s = *state;
    seen x = {0};
    runner_thread r;
    int ends[2];
    int64_t begin;

    assert_int_equal(pipe(ends), 0);
    watch(&x, s->broker, SB_CURSOR_CLAIM, 0, NULL);
    sb_watcher_end_on_hangup(x.watcher, ends[1]);
    run_begin(&r, x.watcher);
    until_asleep(&r);
    begin = waiting_now_ns();
    close(ends[0]);
    assert_ok(run_end(&r));
    assert_in_range((r.ended_ns - begin) / NS_IN_MS, 0, SOON_MS);
    put(s->broker, "q", "m");
    assert_ok(sb_watcher_run(x.watcher));
    assert_pending(s->broker, "q", 1);
    sb_watcher_close(x.watcher);
    close(ends[1]);
}

/* What a handler may do to its own broker. */
static sb_status misbehave(void *payload, int64_t id, const char *body, size_t len)
{
    seen *x = payload;
    int ends[2];
    char written = 0;
    pid_t child;

    (void)id;
    (void)len;
    atomic_fetch_add(&x->count, 1);
    if (strcmp(body, "write") == 0) {
        put(x->broker, "q", "fork");
    } else if (strcmp(body, "fork") == 0) {
        assert_int_equal(pipe(ends), 0);
        child = fork();
        if (child == 0) { /* works on in the child, in the middle of its own run */
            written = sb_write(NULL, x->broker, "q", 1, "close", 5, NULL) == SB_OK;
            raise(write(ends[1], &written, 1) == 1 ? SIGKILL : SIGABRT);
        }
        assert_int_equal(read(ends[0], &written, 1), 1);
        assert_int_equal(waitpid(child, NULL, 0), child);
        assert_true(written);
        close(ends[0]);
        close(ends[1]);
    } else {
        sb_shut(x->broker);
    }
    return SB_OK;
}

static void test_handler__may_write_fork_and_close(void **state)
{
    scratch *s = *state;
    seen x = {.broker = s->broker};
    sb_watcher *watcher = NULL;

    put(s->broker, "q", "write");
    assert_ok(sb_watcher_open(&watcher, s->broker, SB_CURSOR_CLAIM, "q", 1, NULL, 0, 0, NULL,
                              misbehave, &x));
    assert_status(SB_ECLOSED, sb_watcher_run(watcher));
    assert_int_equal(atomic_load(&x.count), 3);
    sb_watcher_close(watcher);
}

typedef struct shared {
    atomic_int handled[CREW_MESSAGES];
    atomic_int total;
} shared;

typedef struct member {
    shared *all;
    int mine;
} member;

static sb_status share(void *payload, int64_t id, const char *body, size_t len)
{
    member *m = payload;

    (void)id;
    (void)len;
    m->mine++;
    atomic_fetch_add(&m->all->handled[atoi(body)], 1);
    atomic_fetch_add(&m->all->total, 1);
    return SB_OK;
}

static void test_crew__each_message_is_handled_once(void **state)
{
    scratch *s = *state;
    static shared all;
    member members[CREW];
    sb_watcher *watchers[CREW] = {NULL};
    runner_thread threads[CREW];
    int64_t begin = waiting_now_ns();
    char body[16];

    memset(&all, 0, sizeof all);
    for (int i = 0; i < CREW; i++) {
        members[i] = (member){&all, 0};
        assert_ok(sb_watcher_open(&watchers[i], s->broker, SB_CURSOR_CLAIM, "q", 1, NULL, 0, 0,
                                  NULL, share, &members[i]));
        run_begin(&threads[i], watchers[i]);
        until_asleep(&threads[i]);
    }
    for (int i = 0; i < CREW_MESSAGES; i++) {
        snprintf(body, sizeof body, "%d", i);
        put(s->broker, "q", body);
        if (i % CREW == 0) { /* now and then all of them have time to fall asleep */
            while (atomic_load(&all.total) <= i) {
                assert_true(ms_since(begin) < HANGS_AFTER_MS);
                sched_yield();
            }
        }
    }
    while (atomic_load(&all.total) < CREW_MESSAGES) {
        assert_true(ms_since(begin) < HANGS_AFTER_MS);
        sched_yield();
    }
    for (int i = 0; i < CREW; i++) {
        sb_watcher_stop(watchers[i]);
        assert_ok(run_end(&threads[i]));
        assert_true(members[i].mine > CREW_MESSAGES / CREW / 10); /* nobody is left out */
        sb_watcher_close(watchers[i]);
    }
    for (int i = 0; i < CREW_MESSAGES; i++) {
        assert_int_equal(atomic_load(&all.handled[i]), 1);
    }
}

static void test_replaced_database__is_watched_after_a_new_start(void **state)
{
    scratch *s = *state;
    seen x = {.end_at = 1};
    runner_thread r;
    sb_broker *other = NULL;
    char path[160], new_wal[168], old_wal[160];

    snprintf(path, sizeof path, "%s/new.db", s->directory);
    snprintf(new_wal, sizeof new_wal, "%s-wal", path);
    snprintf(old_wal, sizeof old_wal, "%s-wal", s->path);
    assert_ok(sb_open_path(&other, path, WAITING_NTS, s->config, NULL));
    put(other, "q", "in the new one");
    sb_close(other);
    watch(&x, s->broker, SB_CURSOR_CLAIM, 0, NULL);
    run_begin(&r, x.watcher);
    until_asleep(&r);
    if (rename(new_wal, old_wal)) { /* which the last to close a busy database may leave */
        unlink(old_wal);
    }
    assert_int_equal(rename(path, s->path), 0);
    assert_ok(run_end(&r));
    assert_string_equal(x.bodies[0], "in the new one");
    sb_watcher_close(x.watcher);
}

static void test_open__bad_arguments_are_refused(void **state)
{
    scratch *s = *state;
    sb_watcher *watcher = (sb_watcher *)s;

    assert_status(SB_EINVALID, sb_watcher_open(NULL, s->broker, SB_CURSOR_CLAIM, "q", 1, NULL, 0,
                                               0, NULL, look, NULL));
    assert_status(SB_EINVALID, sb_watcher_open(&watcher, s->broker, SB_CURSOR_CLAIM, "q", 1, NULL,
                                               0, 0, NULL, NULL, NULL));
    assert_null(watcher);
    assert_status(SB_EINVALID, sb_watcher_open(&watcher, s->broker, (sb_cursor_kind)9, "q", 1,
                                               NULL, 0, 0, NULL, look, NULL));
    assert_status(SB_EQUEUENAME, sb_watcher_open(&watcher, s->broker, SB_CURSOR_PEEK, "a b", 3,
                                                 NULL, 0, 0, NULL, look, NULL));
    assert_status(SB_EQUEUENAME, sb_watcher_open(&watcher, s->broker, SB_CURSOR_MOVE, "q", 1,
                                                 ".to", 3, 0, NULL, look, NULL));
    assert_status(SB_EINVALID, sb_watcher_open(&watcher, s->broker, SB_CURSOR_MOVE, "q", 1, "q", 1,
                                               0, NULL, look, NULL));
    assert_message("Cannot move messages to the same queue");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, scratch_open, scratch_free)
    const struct CMUnitTest tests[] = {
        TEST(test_consume__hands_out_what_is_there_and_what_comes),
        TEST(test_consume__failed_messages_stay_claimed),
        TEST(test_error_handler__can_end_the_watcher),
        TEST(test_error_handler__gets_a_text_where_the_handler_gave_none),
        TEST(test_peek__shows_each_once_and_takes_nothing),
        TEST(test_peek__what_failed_is_shown_again_before_the_next),
        TEST(test_after__older_messages_stay),
        TEST(test_move__has_moved_before_the_handler_sees_it),
        TEST(test_limit__ends_after_so_many),
        TEST(test_batch__commits_when_its_last_message_was_handled),
        TEST(test_batch__left_half_way_is_pending_again),
        TEST(test_oversized__is_reported_shortened_and_not_handed_over),
        TEST(test_stop__ends_a_sleep_at_once_and_for_good),
        TEST(test_stop__from_a_signal_handler),
        TEST(test_cancel_and_close__are_told),
        TEST(test_hangup__ends_a_sleep_and_is_seen_before_a_claim),
        TEST(test_handler__may_write_fork_and_close),
        TEST(test_crew__each_message_is_handled_once),
        TEST(test_replaced_database__is_watched_after_a_new_start),
        TEST(test_open__bad_arguments_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
