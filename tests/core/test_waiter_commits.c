/*
 * What wakes: every operation that makes a message pending, when its transaction commits and not
 * before; what does not: everything else. The bell itself is listened to, since those who wait find
 * a message without it too, only later. And writers who know of no bell.
 */
#include "foreign.h"
#include "waiting.h"

#include <sys/wait.h>

typedef struct fixture {
    scratch *s;
    int64_t spare; /* the id of a message in r, older than all in q */
} fixture;

static sb_status freed(sb_status status, sb_messages *messages)
{
    sb_messages_free(messages);
    return status;
}

static sb_messages *one_message(int64_t id)
{
    sb_messages *messages = sb_messages_new();

    assert_ok(sb_messages_add(messages, "q", 1, "x", 1, id));
    return messages;
}

static sb_status do_write(fixture *f, const sb_options *options)
{
    return sb_write(NULL, f->s->broker, "q", 1, "x", 1, options);
}

static sb_status do_write_many(fixture *f, const sb_options *options)
{
    sb_messages *messages = one_message(0);
    int64_t id;

    return freed(sb_write_many(&id, f->s->broker, messages, options), messages);
}

static sb_status do_insert(fixture *f, const sb_options *options)
{
    sb_messages *messages = one_message(77);

    return freed(sb_insert(f->s->broker, messages, options), messages);
}

static sb_status do_broadcast(fixture *f, const sb_options *options)
{
    return sb_broadcast(NULL, f->s->broker, "x", 1, NULL, 0, options);
}

static sb_status do_broadcast_to(fixture *f, const sb_options *options)
{
    sb_strings *names = strings("many", "q", "a", "b", "c", "d", "e", "f", "g", NULL);
    sb_options all = options ? *options : with_flags(0);
    sb_status status;

    all.flags |= SB_CREATE_MISSING;
    status = sb_broadcast_to(NULL, f->s->broker, "x", 1, names, &all);
    sb_strings_free(names);
    return status;
}

static sb_status do_move(fixture *f, const sb_options *options)
{
    sb_messages *messages = NULL;
    sb_status status = sb_move(&messages, f->s->broker, "r", 1, "q", 1, 1, options);

    return freed(status, messages);
}

static sb_status do_move_id(fixture *f, const sb_options *options)
{
    sb_messages *messages = NULL;
    sb_status status = sb_move_id(&messages, f->s->broker, "r", 1, "q", 1, f->spare, options);

    return freed(status, messages);
}

static sb_status do_rename(fixture *f, const sb_options *options)
{
    sb_status status = sb_delete_queue(NULL, f->s->broker, "q", 1, options);

    return status ? status : sb_rename(NULL, NULL, f->s->broker, "r", 1, "q", 1, options);
}

typedef sb_status (*action)(fixture *, const sb_options *);

typedef struct operation {
    const char *name;
    action run;
} operation;

static const operation makers[] = {
    {"write", do_write},
    {"write_many", do_write_many},
    {"insert", do_insert},
    {"broadcast", do_broadcast},
    {"broadcast_to", do_broadcast_to},
    {"move", do_move},
    {"move_id", do_move_id},
    {"rename", do_rename},
};

enum { MAKERS = sizeof makers / sizeof makers[0] };

/* r has a pending message with an old id, q a claimed one with a newer id. */
static void set_up(fixture *f, scratch *s)
{
    f->s = s;
    assert_true(sb_delete_all(NULL, s->broker, NULL) >= 0);
    f->spare = put(s->broker, "r", "spare");
    put(s->broker, "q", "gone");
    take(s->broker, "q");
}

static void assert_rings(const char *name, int bell, int expected)
{
    if (bell_rang(bell) != expected) {
        fail_msg("%s: the bell %s", name, expected ? "is silent" : "rings");
    }
}

static void test_commit__of_everything_that_makes_a_message_wakes(void **state)
{
    scratch *s = *state;
    int bell = bell_listen(s);

    for (size_t i = 0; i < MAKERS; i++) {
        fixture f;
        sb_waiter *waiter;
        sleeper thread;
        int64_t begin;

        set_up(&f, s);
        waiter = waiter_for(s->broker, "q", 0);
        sleeper_start(&thread, waiter, NULL);
        bell_rang(bell);
        begin = waiting_now_ns();
        assert_ok(makers[i].run(&f, NULL));
        assert_rings(makers[i].name, bell, 1);
        assert_woken(&thread, begin, SB_OK);
        sb_waiter_close(waiter);
    }
    close(bell);
}

static void test_commit__nobody_waits_and_nothing_rings(void **state)
{
    scratch *s = *state;
    int bell = bell_listen(s);
    sb_waiter *elsewhere = waiter_for(s->broker, "elsewhere", 0);

    for (size_t i = 0; i < MAKERS; i++) {
        fixture f;

        set_up(&f, s);
        bell_rang(bell);
        assert_ok(makers[i].run(&f, NULL));
        if (makers[i].run != do_broadcast_to) { /* so many queues are any queue */
            assert_rings(makers[i].name, bell, 0);
        }
    }
    sb_waiter_close(elsewhere);
    for (size_t i = 0; i < MAKERS; i++) {
        fixture f;

        set_up(&f, s);
        assert_ok(makers[i].run(&f, NULL));
        assert_rings(makers[i].name, bell, 0);
    }
    close(bell);
}

static void test_transaction__wakes_at_its_commit(void **state)
{
    scratch *s = *state;
    int bell = bell_listen(s);

    for (size_t i = 0; i < MAKERS; i++) {
        fixture f;
        sb_options options = with_flags(0);
        sb_waiter *waiter;
        sleeper thread;
        int64_t begin;

        set_up(&f, s);
        waiter = waiter_for(s->broker, "q", 0);
        sleeper_start(&thread, waiter, NULL);
        bell_rang(bell);
        assert_ok(sb_txn_begin(&options.txn, s->broker, NULL));
        assert_ok(makers[i].run(&f, &options));
        assert_rings(makers[i].name, bell, 0);
        assert_int_equal(sleeper_sleeps(&thread), 1);
        begin = waiting_now_ns();
        assert_ok(sb_txn_commit(options.txn));
        assert_rings(makers[i].name, bell, 1);
        assert_woken(&thread, begin, SB_OK);
        sb_waiter_close(waiter);
    }
    close(bell);
}

static void test_transaction__rolled_back_wakes_nobody(void **state)
{
    scratch *s = *state;
    int bell = bell_listen(s);

    for (size_t i = 0; i < MAKERS; i++) {
        fixture f;
        sb_options options = with_flags(0);
        sb_waiter *waiter;

        set_up(&f, s);
        waiter = waiter_for(s->broker, "q", 0);
        bell_rang(bell);
        assert_ok(sb_txn_begin(&options.txn, s->broker, NULL));
        assert_ok(makers[i].run(&f, &options));
        sb_txn_rollback(options.txn);
        assert_rings(makers[i].name, bell, 0);
        assert_status(SB_EMPTY, wait_ms(waiter, 0));
        /* What it would have rung for is not rung for by the next one. */
        put(s->broker, "elsewhere", "x");
        assert_rings(makers[i].name, bell, 0);
        assert_status(SB_EMPTY, wait_ms(waiter, 0));
        sb_waiter_close(waiter);
    }
    close(bell);
}

static void test_failed_operation__wakes_nobody(void **state)
{
    scratch *s = *state;
    sb_messages *messages = one_message(77);
    sb_waiter *waiter;
    int bell;

    assert_ok(sb_insert(s->broker, messages, NULL));
    take(s->broker, "q");
    waiter = waiter_for(s->broker, "q", 0);
    bell = bell_listen(s);
    assert_status(SB_EINTEGRITY, sb_insert(s->broker, messages, NULL));
    assert_int_equal(bell_rang(bell), 0);
    assert_status(SB_EMPTY, wait_ms(waiter, 0));
    sb_messages_free(messages);
    sb_waiter_close(waiter);
    close(bell);
}

/* What takes messages away, or only looks, rings for nobody. */
static void test_other_operations__are_silent(void **state)
{
    scratch *s = *state;
    sb_messages *messages = NULL;
    sb_waiter *waiter;
    int bell;

    for (int i = 0; i < 4; i++) {
        put(s->broker, "q", "x");
    }
    waiter = waiter_for(s->broker, "q", 0);
    assert_ok(wait_ms(waiter, 0));
    bell = bell_listen(s);
    take(s->broker, "q");
    assert_ok(sb_peek(&messages, s->broker, "q", 1, 1, NULL));
    sb_messages_free(messages);
    assert_ok(sb_move(&messages, s->broker, "q", 1, "r", 1, 1, NULL));
    sb_messages_free(messages);
    assert_ok(sb_alias_add(s->broker, "a", 1, "q", 1, NULL));
    assert_ok(sb_delete_queue(NULL, s->broker, "q", 1, NULL));
    assert_true(sb_vacuum(NULL, s->broker, NULL) >= 0);
    assert_int_equal(bell_rang(bell), 0);
    assert_status(SB_EMPTY, wait_ms(waiter, 0));
    sb_waiter_close(waiter);
    close(bell);
}

/* Batches of a move that are committed when the next one is asked for. */
static void test_at_least_once_move__wakes_batch_by_batch(void **state)
{
    scratch *s = *state;
    sb_options options = with_flags(SB_AT_LEAST_ONCE);
    sb_cursor *cursor = NULL;
    sb_waiter *waiter;
    int bell;

    for (int i = 0; i < 3; i++) {
        put(s->broker, "r", "x");
    }
    waiter = waiter_for(s->broker, "q", 0);
    bell = bell_listen(s);
    assert_ok(sb_cursor_open(&cursor, s->broker, SB_CURSOR_MOVE, "r", 1, "q", 1, 2, &options));
    assert_ok(sb_cursor_next(NULL, NULL, NULL, cursor));
    assert_ok(sb_cursor_next(NULL, NULL, NULL, cursor));
    assert_int_equal(bell_rang(bell), 0);
    assert_status(SB_EMPTY, wait_ms(waiter, 0));
    assert_ok(sb_cursor_next(NULL, NULL, NULL, cursor));
    assert_int_equal(bell_rang(bell), 1);
    assert_ok(wait_ms(waiter, SOON_MS));
    settle(waiter);
    sb_cursor_close(cursor); /* the last batch goes back */
    assert_int_equal(bell_rang(bell), 0);
    assert_status(SB_EMPTY, wait_ms(waiter, 0));
    assert_pending(s->broker, "q", 2);
    sb_waiter_close(waiter);
    close(bell);
}

static void test_exactly_once_move_cursor__wakes(void **state)
{
    scratch *s = *state;
    sb_cursor *cursor = NULL;
    sb_waiter *waiter;
    sleeper thread;
    int64_t begin;

    put(s->broker, "r", "x");
    waiter = waiter_for(s->broker, "q", 0);
    sleeper_start(&thread, waiter, NULL);
    begin = waiting_now_ns();
    assert_ok(sb_cursor_open(&cursor, s->broker, SB_CURSOR_MOVE, "r", 1, "q", 1, 0, NULL));
    assert_ok(sb_cursor_next(NULL, NULL, NULL, cursor));
    assert_woken(&thread, begin, SB_OK);
    sb_cursor_close(cursor);
    sb_waiter_close(waiter);
}

static void test_load__wakes(void **state)
{
    scratch *s = *state;
    sb_waiter *waiter = waiter_for(s->broker, "q", 0);
    int bell = bell_listen(s);
    sb_load *load = NULL;
    sleeper thread;
    int64_t begin;

    sleeper_start(&thread, waiter, NULL);
    begin = waiting_now_ns();
    assert_ok(sb_load_open(&load, s->broker, NULL, NULL));
    assert_ok(sb_load_line(load, "{\"format\": \"simplebroker-dump\", \"last_ts\": 9, "
                                 "\"type\": \"header\", \"version\": 1}", NTS));
    assert_ok(sb_load_line(load, "{\"type\": \"message\", \"queue\": \"q\", \"body\": \"x\", "
                                 "\"id\": 5}", NTS));
    assert_ok(sb_load_finish(NULL, NULL, load));
    assert_int_equal(bell_rang(bell), 1);
    assert_woken(&thread, begin, SB_OK);
    sb_load_close(load);
    sb_waiter_close(waiter);
    close(bell);
}

/* SQL of a caller's own is seen as another program's would be. */
static void test_sidecar__wakes(void **state)
{
    scratch *s = *state;
    sb_waiter *waiter = waiter_for(s->broker, "q", 0);
    sleeper thread;
    int64_t begin;

    sleeper_start(&thread, waiter, NULL);
    begin = waiting_now_ns();
    run_sql(s->broker, "INSERT INTO messages (queue, body, ts) VALUES ('q', 'x', 4096)");
    assert_woken(&thread, begin, SB_OK);
    sb_waiter_close(waiter);
}

static void test_broadcast__wakes_all_queues_and_any(void **state)
{
    scratch *s = *state;
    sb_waiter *waiters[4];
    sleeper threads[4];
    int64_t begin;

    for (int i = 0; i < 3; i++) {
        char name[2] = {(char)('a' + i), '\0'};

        put(s->broker, name, "x");
        take(s->broker, name);
        waiters[i] = waiter_for(s->broker, name, SB_TAKING);
        sleeper_start(&threads[i], waiters[i], NULL);
    }
    waiters[3] = waiter_for(s->broker, NULL, 0);
    sleeper_start(&threads[3], waiters[3], NULL);
    begin = waiting_now_ns();
    assert_ok(sb_broadcast(NULL, s->broker, "x", 1, NULL, 0, NULL));
    for (int i = 0; i < 4; i++) {
        assert_woken(&threads[i], begin, SB_OK);
        sb_waiter_close(waiters[i]);
    }
}

/* ---- a program that knows of SQLite only ---- */

enum { SAMPLES = 9, FOREIGN_MS = 20 };

typedef struct foreigner {
    pid_t pid;
    int orders, times;
} foreigner;

/* Commits a message for each byte, or a move, and says when its commit had returned. */
static void foreigner_run(const char *path, const char *sync, int orders, int times)
{
    static const char insert[] = "INSERT INTO messages (queue, body, ts) "
                                 "SELECT 'q', 'x', 4096 + coalesce(max(ts), 0) FROM messages";
    sqlite3 *db = NULL;
    char order, pragma[64];
    static const char move[] = "UPDATE messages SET queue = 'moved' WHERE queue = 'r'";

    snprintf(pragma, sizeof pragma, "PRAGMA synchronous = %s", sync);
    while (read(orders, &order, 1) == 1) {
        int64_t now;

        if (!db && (sqlite3_open(path, &db) || sqlite3_busy_timeout(db, 5000) ||
                    sqlite3_exec(db, pragma, NULL, NULL, NULL))) {
            _exit(2);
        }
        if (sqlite3_exec(db, order ? move : insert, NULL, NULL, NULL) != SQLITE_OK) {
            _exit(3);
        }
        now = waiting_now_ns();
        if (write(times, &now, sizeof now) != (ssize_t)sizeof now) {
            _exit(4);
        }
    }
    sqlite3_close(db);
    _exit(0);
}

/* Before anything of the database is open in this process. */
static foreigner foreigner_start(const char *path, const char *sync)
{
    foreigner f;
    int orders[2], times[2];

    assert_int_equal(pipe(orders), 0);
    assert_int_equal(pipe(times), 0);
    f.pid = fork();
    assert_true(f.pid >= 0);
    if (!f.pid) {
        close(orders[1]);
        close(times[0]);
        foreigner_run(path, sync, orders[0], times[1]);
    }
    close(orders[0]);
    close(times[1]);
    f.orders = orders[1];
    f.times = times[0];
    return f;
}

enum { INSERTS = 0, MOVES = 1 };

static int64_t foreigner_does(const foreigner *f, char order)
{
    int64_t at;

    assert_int_equal(write(f->orders, &order, 1), 1);
    assert_int_equal(read(f->times, &at, sizeof at), sizeof at);
    return at;
}

static int64_t foreigner_commits(const foreigner *f)
{
    return foreigner_does(f, INSERTS);
}

static void foreigner_end(const foreigner *f)
{
    int result;

    close(f->orders);
    close(f->times);
    assert_int_equal(waitpid(f->pid, &result, 0), f->pid);
    assert_int_equal(result, 0);
}

static int compare(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

    return x < y ? -1 : x > y;
}

/* A busy machine may delay one or the other, so that the median counts. */
static void assert_foreign_commits_are_seen(scratch *s, const char *sync)
{
    foreigner f = foreigner_start(s->path, sync);
    int64_t late[SAMPLES];
    sb_waiter *waiter;

    assert_ok(sb_open_path(&s->broker, s->path, NTS, s->config, NULL));
    waiter = waiter_for(s->broker, "q", 0);
    for (int i = 0; i < SAMPLES; i++) {
        sleeper thread;
        int64_t committed;

        sleeper_start(&thread, waiter, NULL);
        committed = foreigner_commits(&f);
        assert_int_equal(sleeper_end(&thread), SB_OK);
        late[i] = thread.woke_ns - committed;
        take(s->broker, "q");
        settle(waiter);
    }
    qsort(late, SAMPLES, sizeof late[0], compare);
    print_message("foreign commit at %s: median %.2f ms, longest %.2f ms\n", sync,
                  (double)late[SAMPLES / 2] / NS_IN_MS, (double)late[SAMPLES - 1] / NS_IN_MS);
    assert_true(late[SAMPLES / 2] <= FOREIGN_MS * NS_IN_MS);
    sb_waiter_close(waiter);
    foreigner_end(&f);
}

static void test_foreign_commit__is_seen_at_off(void **state)
{
    assert_foreign_commits_are_seen(*state, "OFF");
}

static void test_foreign_commit__is_seen_at_full(void **state)
{
    assert_foreign_commits_are_seen(*state, "FULL");
}

/* A checkpoint that resets the WAL, and one that truncates it, do not make us deaf. */
static void test_foreign_commit__is_seen_after_checkpoints(void **state)
{
    scratch *s = *state;
    foreigner f = foreigner_start(s->path, "OFF");
    sb_waiter *waiter;

    assert_ok(sb_open_path(&s->broker, s->path, NTS, s->config, NULL));
    waiter = waiter_for(s->broker, "q", 0);
    for (int i = 0; i < 6; i++) {
        sleeper thread;
        int64_t begin;

        run_sql(s->broker, i % 2 ? "PRAGMA wal_checkpoint(TRUNCATE)"
                                 : "PRAGMA wal_checkpoint(RESTART)");
        sleeper_start(&thread, waiter, NULL);
        begin = foreigner_commits(&f);
        assert_int_equal(sleeper_end(&thread), SB_OK);
        assert_true(thread.woke_ns - begin < (int64_t)SOON_MS * NS_IN_MS);
        take(s->broker, "q");
        settle(waiter);
    }
    sb_waiter_close(waiter);
    foreigner_end(&f);
}

static void *look_again_and_again(void *argument)
{
    sb_waiter *waiter = argument;

    while (wait_ms(waiter, 0) != SB_OK) {
        sched_yield();
    }
    return NULL;
}

/* Another thread may take the event before the sleeper does, who must look in time all the same. */
static void test_foreign_commit__is_seen_beside_one_who_never_sleeps(void **state)
{
    scratch *s = *state;
    foreigner f = foreigner_start(s->path, "OFF");
    sb_waiter *asleep, *awake;
    int64_t late[SAMPLES];
    pthread_t thread;

    assert_ok(sb_open_path(&s->broker, s->path, NTS, s->config, NULL));
    asleep = waiter_for(s->broker, "q", 0);
    awake = waiter_for(s->broker, "stop", 0);
    assert_int_equal(pthread_create(&thread, NULL, look_again_and_again, awake), 0);
    for (int i = 0; i < SAMPLES; i++) {
        sleeper waiting;
        int64_t committed;

        sleeper_start(&waiting, asleep, NULL);
        committed = foreigner_commits(&f);
        assert_int_equal(sleeper_end(&waiting), SB_OK);
        late[i] = waiting.woke_ns - committed;
        take(s->broker, "q");
        settle(asleep);
    }
    put(s->broker, "stop", "x");
    assert_int_equal(pthread_join(thread, NULL), 0);
    qsort(late, SAMPLES, sizeof late[0], compare);
    assert_true(late[SAMPLES - 1] <= (int64_t)SOON_MS * NS_IN_MS);
    assert_true(late[SAMPLES / 2] <= FOREIGN_MS * NS_IN_MS);
    sb_waiter_close(asleep);
    sb_waiter_close(awake);
    foreigner_end(&f);
}

/* A bell that rings for something else at that moment must not drown it: nothing is new. */
static void test_foreign_move__is_seen_beside_a_ring(void **state)
{
    scratch *s = *state;
    foreigner f = foreigner_start(s->path, "OFF");
    sb_waiter *of_move, *of_ring;

    assert_ok(sb_open_path(&s->broker, s->path, NTS, s->config, NULL));
    put(s->broker, "r", "x");
    of_move = waiter_for(s->broker, "moved", 0);
    of_ring = waiter_for(s->broker, "q", 0);
    settle(of_move);
    foreigner_does(&f, MOVES);
    put(s->broker, "q", "x");
    assert_ok(wait_ms(of_ring, 0));
    assert_ok(wait_ms(of_move, 1000 + SOON_MS));
    sb_waiter_close(of_move);
    sb_waiter_close(of_ring);
    foreigner_end(&f);
}

static void test_foreign_commit__makes_the_descriptor_readable(void **state)
{
    scratch *s = *state;
    foreigner f = foreigner_start(s->path, "OFF");
    sb_waiter *waiter;
    int64_t committed;
    int fd;

    assert_ok(sb_open_path(&s->broker, s->path, NTS, s->config, NULL));
    waiter = waiter_for(s->broker, "q", 0);
    fd = sb_waiter_fd(waiter);
    for (int i = 0; i < 5; i++) {
        settle(waiter);
        committed = foreigner_commits(&f);
        while (wait_ms(waiter, 0) != SB_OK) {
            assert_true(readable(fd, SOON_MS));
            assert_true(ms_since(committed) < SOON_MS);
        }
        take(s->broker, "q");
    }
    sb_waiter_close(waiter);
    foreigner_end(&f);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, scratch_open, scratch_free)
#define FOREIGN(name) cmocka_unit_test_setup_teardown(name, scratch_new, scratch_free)
    const struct CMUnitTest tests[] = {
        TEST(test_commit__of_everything_that_makes_a_message_wakes),
        TEST(test_commit__nobody_waits_and_nothing_rings),
        TEST(test_transaction__wakes_at_its_commit),
        TEST(test_transaction__rolled_back_wakes_nobody),
        TEST(test_failed_operation__wakes_nobody),
        TEST(test_other_operations__are_silent),
        TEST(test_at_least_once_move__wakes_batch_by_batch),
        TEST(test_exactly_once_move_cursor__wakes),
        TEST(test_load__wakes),
        TEST(test_sidecar__wakes),
        TEST(test_broadcast__wakes_all_queues_and_any),
        FOREIGN(test_foreign_commit__is_seen_at_off),
        FOREIGN(test_foreign_commit__is_seen_at_full),
        FOREIGN(test_foreign_commit__is_seen_after_checkpoints),
        FOREIGN(test_foreign_commit__is_seen_beside_one_who_never_sleeps),
        FOREIGN(test_foreign_move__is_seen_beside_a_ring),
        FOREIGN(test_foreign_commit__makes_the_descriptor_readable),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
