/*
 * Watchers at the edges: what a batch and a limit leave behind, whom a busy watcher listens to, and a
 * database that is deleted and made anew.
 */
#include "waiting.h"

#include <sys/wait.h>

typedef struct seen {
    sb_broker *broker;
    atomic_int count;
    int end_at;     /* ends after so many messages; 0: does not */
    int forks;      /* when it has a message */
    int forked;
    int writes;     /* another message for each, so that it never comes to a wait */
} seen;

static sb_status handle(void *payload, int64_t id, const char *body, size_t len)
{
    seen *x = payload;
    int count = atomic_fetch_add(&x->count, 1) + 1;

    (void)id;
    (void)body;
    (void)len;
    if (x->writes) {
        put(x->broker, "q", "another");
    }
    if (x->forks) {
        x->forked = fork();
    }
    return x->end_at && count >= x->end_at ? SB_EMPTY : SB_OK;
}

static sb_watcher *watch(seen *x, sb_broker *broker, sb_cursor_kind kind, size_t batch,
                         const sb_options *options)
{
    sb_watcher *watcher = NULL;

    x->broker = broker;
    assert_ok(sb_watcher_open(&watcher, broker, kind, "q", 1, kind == SB_CURSOR_MOVE ? "to" : NULL,
                              WAITING_NTS, batch, options, handle, x));
    return watcher;
}

static void put_many(sb_broker *broker, int count)
{
    for (int i = 0; i < count; i++) {
        put(broker, "q", "m");
    }
}

static int64_t pending(sb_broker *broker)
{
    int64_t count = -1;

    assert_ok(sb_queue_stats(&count, NULL, broker, "q", 1, NULL));
    return count;
}

static void test_limit__commits_what_was_handled_of_a_batch(void **state)
{
    static const struct {
        size_t batch;
        int64_t limit;
    } cases[] = {{4, 4}, {4, 1}, {2, 5}, {4, 6}};
    scratch *s = *state;

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        seen x = {0};
        sb_watcher *watcher = watch(&x, s->broker, SB_CURSOR_MOVE, cases[i].batch, NULL);
        int64_t before;

        put_many(s->broker, 8);
        before = pending(s->broker);
        sb_watcher_set_limit(watcher, cases[i].limit);
        assert_ok(sb_watcher_run(watcher));
        assert_int_equal(atomic_load(&x.count), cases[i].limit);
        assert_int_equal(pending(s->broker), before - cases[i].limit);
        sb_watcher_close(watcher);
    }
}

static void test_limit__once_reached_takes_no_more(void **state)
{
    scratch *s = *state;
    seen x = {0};
    sb_watcher *watcher = watch(&x, s->broker, SB_CURSOR_CLAIM, 0, NULL);

    put_many(s->broker, 5);
    sb_watcher_set_limit(watcher, 2);
    assert_ok(sb_watcher_run(watcher));
    assert_ok(sb_watcher_run(watcher));
    assert_int_equal(sb_watcher_count(watcher), 2);
    assert_int_equal(pending(s->broker), 3);
    sb_watcher_close(watcher);
}

static void test_handler__may_end_with_the_last_of_a_batch(void **state)
{
    scratch *s = *state;
    seen x = {.end_at = 3};
    sb_watcher *watcher = watch(&x, s->broker, SB_CURSOR_CLAIM, 3, NULL);

    put_many(s->broker, 5);
    assert_ok(sb_watcher_run(watcher));
    assert_int_equal(pending(s->broker), 2);
    sb_watcher_close(watcher);
}

/* The child has the batch's messages in hand, but the transaction is its parent's. */
static void test_fork__the_child_commits_no_batch(void **state)
{
    scratch *s = *state;
    seen x = {.end_at = 1, .forks = 1};
    sb_watcher *watcher = watch(&x, s->broker, SB_CURSOR_CLAIM, 2, NULL);
    sb_status status, of_child = SB_OK;
    int channel[2];

    assert_int_equal(pipe(channel), 0);
    put_many(s->broker, 1);
    status = sb_watcher_run(watcher);
    if (x.forked == 0) {
        _exit(write(channel[1], &status, sizeof status) < 0);
    }
    close(channel[1]);
    assert_int_equal(read(channel[0], &of_child, sizeof of_child), sizeof of_child);
    close(channel[0]);
    assert_int_equal(waitpid(x.forked, NULL, 0), x.forked);
    assert_int_equal(of_child, SB_EFORK);
    assert_ok(status);
    assert_int_equal(pending(s->broker), 0);
    sb_watcher_close(watcher);
}

static int ask(void *payload)
{
    return ++*(int *)payload >= 3;
}

/* Where a message is always there, the callback of the caller's switch is asked between them. */
static void test_cancel__its_callback_ends_a_busy_watcher(void **state)
{
    static const size_t batches[] = {0, 2};
    scratch *s = *state;
    sb_options options = with_timeout(-1);

    for (size_t i = 0; i < 2; i++) {
        seen x = {.writes = !batches[i]};
        int asked = 0;
        sb_watcher *watcher;

        put_many(s->broker, 1);
        assert_ok(sb_cancel_new(&options.cancel));
        sb_cancel_on_poll(options.cancel, ask, &asked);
        watcher = watch(&x, s->broker, SB_CURSOR_CLAIM, batches[i], &options);
        sb_watcher_set_limit(watcher, 1000000);
        assert_status(SB_CANCELLED, sb_watcher_run(watcher));
        assert_int_equal(asked, 3);
        sb_watcher_close(watcher);
        sb_cancel_free(options.cancel);
    }
}

typedef struct run_in_thread {
    sb_watcher *watcher;
    pthread_t thread;
    atomic_int tid;
    sb_status status;
} run_in_thread;

static void *run(void *argument)
{
    run_in_thread *r = argument;

    atomic_store(&r->tid, thread_id());
    r->status = sb_watcher_run(r->watcher);
    return NULL;
}

static void until_asleep(const run_in_thread *r)
{
    int64_t begin = waiting_now_ns();

    while (!atomic_load(&r->tid) || !sleeps_in_poll(getpid(), atomic_load(&r->tid))) {
        assert_true(ms_since(begin) < HANGS_AFTER_MS);
        sched_yield();
    }
}

static void until_handled(seen *x)
{
    int64_t begin = waiting_now_ns();

    while (!atomic_load(&x->count)) {
        assert_true(ms_since(begin) < HANGS_AFTER_MS);
        sched_yield();
    }
}

static void delete_database(const scratch *s)
{
    static const char *const ends[] = {"", "-wal", "-shm", ".lock"};
    char path[200];

    for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++) {
        snprintf(path, sizeof path, "%s%s", s->path, ends[i]);
        unlink(path);
    }
}

static void watch_what_is_made_anew(const scratch *s, sb_cursor_kind kind)
{
    seen x = {.end_at = 1};
    run_in_thread r = {.watcher = watch(&x, s->broker, kind, 0, NULL)};
    sb_broker *other = NULL;

    assert_int_equal(pthread_create(&r.thread, NULL, run, &r), 0);
    until_asleep(&r);
    delete_database(s);
    assert_ok(sb_open_path(&other, s->path, WAITING_NTS, s->config, NULL));
    put(other, "q", "in the new one");
    until_handled(&x);
    assert_int_equal(pthread_join(r.thread, NULL), 0);
    assert_ok(r.status);
    assert_int_equal(atomic_load(&x.count), 1);
    assert_int_equal(pending(other), kind == SB_CURSOR_PEEK);
    sb_watcher_close(r.watcher);
    sb_close(other);
}

static void test_deleted_database__is_watched_when_it_is_made_anew(void **state)
{
    watch_what_is_made_anew(*state, SB_CURSOR_CLAIM);
}

static void test_deleted_database__is_watched_by_peeks_too(void **state)
{
    watch_what_is_made_anew(*state, SB_CURSOR_PEEK);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, scratch_open, scratch_free)
    const struct CMUnitTest tests[] = {
        TEST(test_limit__commits_what_was_handled_of_a_batch),
        TEST(test_limit__once_reached_takes_no_more),
        TEST(test_handler__may_end_with_the_last_of_a_batch),
        TEST(test_fork__the_child_commits_no_batch),
        TEST(test_cancel__its_callback_ends_a_busy_watcher),
        TEST(test_deleted_database__is_watched_when_it_is_made_anew),
        TEST(test_deleted_database__is_watched_by_peeks_too),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
