/* Explicit transactions: everything in them commits or vanishes together. */
#include "testing.h"

#include <pthread.h>
#include <sched.h>
#include <sqlite3.h>
#include <stdatomic.h>
#include <time.h>

#define NTS ((size_t)SB_NTS)

typedef struct in_txn {
    sb_txn *txn;
    sb_options options;
} in_txn;

static in_txn begin(sb_broker *broker)
{
    in_txn t;

    assert_ok(sb_txn_begin(&t.txn, broker, NULL));
    assert_ok(sb_options_init(&t.options, SB_OPTIONS_VERSION));
    t.options.txn = t.txn;
    return t;
}

static sb_status run_sql(sb_broker *broker, const char *sql, const sb_options *options)
{
    return sb_sidecar_run(broker, sql, NTS, NULL, options, NULL, NULL);
}

static sb_status keep_number(void *payload, const sb_values *row)
{
    *(int64_t *)payload = sb_values_int64(row, 0);
    return SB_OK;
}

static int64_t number(sb_broker *broker, const char *sql)
{
    int64_t n = -1;

    assert_ok(sb_sidecar_run(broker, sql, NTS, NULL, NULL, keep_number, &n));
    return n;
}

static void work(sb_broker *broker, const in_txn *t)
{
    sb_messages *messages;

    assert_ok(sb_write(NULL, broker, "out", 3, "written", NTS, &t->options));
    assert_ok(sb_claim(&messages, broker, "in", 2, 1, &t->options));
    sb_messages_free(messages);
    assert_ok(sb_move(&messages, broker, "in", 2, "out", 3, 1, &t->options));
    sb_messages_free(messages);
    assert_ok(run_sql(broker, "INSERT INTO ledger VALUES (1)", &t->options));
}

static void prepare(sb_broker *broker)
{
    put(broker, "in", "1");
    put(broker, "in", "2");
    assert_ok(run_sql(broker, "CREATE TABLE ledger (n)", NULL));
}

static void test_commit__applies_operations_and_sidecar_sql_together(void **state)
{
    sb_broker *broker = ((scratch *)*state)->broker;
    in_txn t;

    prepare(broker);
    t = begin(broker);
    work(broker, &t);
    assert_ok(sb_txn_commit(t.txn));
    assert_pending(broker, "in", 0);
    assert_pending(broker, "out", 2);
    assert_int_equal(number(broker, "SELECT count(*) FROM ledger"), 1);
}

static void test_rollback__leaves_no_trace(void **state)
{
    sb_broker *broker = ((scratch *)*state)->broker;
    in_txn t;

    prepare(broker);
    t = begin(broker);
    work(broker, &t);
    sb_txn_rollback(t.txn);
    assert_pending(broker, "in", 2);
    assert_pending(broker, "out", 0);
    assert_int_equal(number(broker, "SELECT count(*) FROM ledger"), 0);
    sb_txn_rollback(NULL);
}

static void test_failed_operation__inside_leaves_the_rest_of_the_transaction(void **state)
{
    sb_broker *broker = ((scratch *)*state)->broker;
    sb_messages *batch = sb_messages_new();
    int64_t stored = put(broker, "q", "stored");
    in_txn t = begin(broker);

    assert_ok(sb_write(NULL, broker, "q", 1, "kept", 4, &t.options));
    assert_ok(sb_messages_add(batch, "q", 1, "new", 3, 5));
    assert_ok(sb_messages_add(batch, "q", 1, "duplicate", NTS, stored));
    assert_status(SB_EINTEGRITY, sb_insert(broker, batch, &t.options));
    assert_ok(sb_write(NULL, broker, "q", 1, "kept too", NTS, &t.options));
    assert_ok(sb_txn_commit(t.txn));
    sb_messages_free(batch);
    assert_pending(broker, "q", 3);
}

/* An SQL function during which memory runs out. */
static void run_out_of_memory(sqlite3_context *context, int count, sqlite3_value **values)
{
    (void)count;
    (void)values;
    sqlite3_result_error_nomem(context);
}

static void test_failed_question__that_cost_the_transaction_ends_it(void **state)
{
    scratch *s = *state;
    sb_broker *broker;
    sqlite3 *db;
    in_txn t;

    assert_int_equal(sqlite3_open(s->path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_create_function(db, "boom", 0, SQLITE_UTF8, NULL, run_out_of_memory,
                                             NULL, NULL), SQLITE_OK);
    assert_ok(sb_open_sqlite(&broker, db, s->config, NULL));
    t = begin(broker);
    assert_ok(sb_write(NULL, broker, "q", 1, "first", NTS, &t.options));
    assert_status(SB_ENOMEM, run_sql(broker, "SELECT boom() FROM messages", &t.options));
    assert_status(SB_EOPERATIONAL, sb_write(NULL, broker, "q", 1, "second", NTS, &t.options));
    assert_message("rolled back");
    assert_status(SB_EOPERATIONAL, sb_txn_commit(t.txn));
    assert_message("rolled back");
    assert_pending(broker, "q", 0);
    sb_close(broker);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

static void test_other_calls__of_the_owner_are_refused_until_the_end(void **state)
{
    sb_broker *broker = ((scratch *)*state)->broker;
    sb_txn *second;
    in_txn t = begin(broker);

    assert_status(SB_EBUSY_OWNER, sb_write(NULL, broker, "q", 1, "x", 1, NULL));
    assert_message("a transaction");
    assert_status(SB_EBUSY_OWNER, sb_txn_begin(&second, broker, NULL));
    assert_status(SB_EINVALID, sb_txn_begin(&second, broker, &t.options));
    assert_ok(sb_txn_commit(t.txn));
    put(broker, "q", "x");
}

typedef struct elsewhere {
    sb_broker *broker;
    sb_options *options;
    sb_status status;
} elsewhere;

static void *write_elsewhere(void *argument)
{
    elsewhere *e = argument;

    e->status = sb_write(NULL, e->broker, "q", 1, "x", 1, e->options);
    return NULL;
}

static void *commit_elsewhere(void *txn)
{
    return (void *)(intptr_t)sb_txn_commit(txn);
}

static void test_txn__belongs_to_its_thread(void **state)
{
    sb_broker *broker = ((scratch *)*state)->broker;
    in_txn t = begin(broker);
    elsewhere e = {broker, &t.options, SB_OK};
    pthread_t thread;
    void *status;

    assert_int_equal(pthread_create(&thread, NULL, write_elsewhere, &e), 0);
    pthread_join(thread, NULL);
    assert_int_equal(e.status, SB_ETHREAD);
    assert_int_equal(pthread_create(&thread, NULL, commit_elsewhere, t.txn), 0);
    pthread_join(thread, &status);
    assert_int_equal((intptr_t)status, SB_ETHREAD);
    assert_ok(sb_txn_commit(t.txn));
    assert_pending(broker, "q", 0);
}

static void test_other_threads__wait_their_time_and_leave(void **state)
{
    sb_broker *broker = ((scratch *)*state)->broker;
    sb_options options;
    elsewhere e = {broker, &options, SB_OK};
    in_txn t = begin(broker);
    pthread_t thread;

    assert_ok(sb_options_init(&options, SB_OPTIONS_VERSION));
    options.timeout_ms = 10;
    assert_int_equal(pthread_create(&thread, NULL, write_elsewhere, &e), 0);
    pthread_join(thread, NULL);
    assert_int_equal(e.status, SB_EOPERATIONAL);
    sb_txn_rollback(t.txn);
}

static void *count_elsewhere(void *argument)
{
    elsewhere *e = argument;
    int64_t pending = -1;

    e->status = sb_queue_stats(&pending, NULL, e->broker, "q", 1, e->options);
    return (void *)(intptr_t)pending;
}

static void test_questions_of_other_threads__are_answered_beside_an_open_transaction(void **state)
{
    sb_broker *broker = ((scratch *)*state)->broker;
    sb_options options;
    elsewhere e = {broker, &options, SB_OK};
    pthread_t thread;
    void *pending;
    in_txn t;

    put(broker, "q", "committed");
    t = begin(broker);
    assert_ok(sb_write(NULL, broker, "q", 1, "not yet", NTS, &t.options));
    assert_ok(sb_options_init(&options, SB_OPTIONS_VERSION));
    for (int64_t expected = 1; expected <= 2; expected++) {
        options.timeout_ms = expected == 1 ? 0 : -1;
        assert_int_equal(pthread_create(&thread, NULL, count_elsewhere, &e), 0);
        pthread_join(thread, &pending);
        assert_ok(e.status);
        assert_int_equal((intptr_t)pending, expected);
        if (expected == 1) {
            assert_ok(sb_txn_commit(t.txn));
        }
    }
}

static void move_away(const scratch *s, const char *suffix)
{
    char from[160], to[160];

    snprintf(from, sizeof from, "%s%s", s->path, suffix);
    snprintf(to, sizeof to, "%s.old%s", s->path, suffix);
    assert_int_equal(rename(from, to), 0);
}

static void test_questions_of_other_threads__are_not_answered_from_another_file(void **state)
{
    scratch *s = *state;
    sb_broker *replacement;
    sb_options options;
    elsewhere e = {s->broker, &options, SB_OK};
    in_txn t = begin(s->broker);
    pthread_t thread;

    assert_ok(sb_options_init(&options, SB_OPTIONS_VERSION));
    move_away(s, "");
    move_away(s, "-wal");
    move_away(s, "-shm");
    assert_ok(sb_open_path(&replacement, s->path, NTS, s->config, NULL));
    assert_int_equal(pthread_create(&thread, NULL, count_elsewhere, &e), 0);
    pthread_join(thread, NULL);
    assert_int_equal(e.status, SB_EOPERATIONAL);
    sb_txn_rollback(t.txn);
    sb_close(replacement);
}

static void test_txn__of_another_broker_is_refused(void **state)
{
    scratch *s = *state;
    sb_broker *other;
    in_txn t = begin(s->broker);

    assert_ok(sb_open_path(&other, s->path, NTS, s->config, NULL));
    assert_status(SB_EINVALID, sb_write(NULL, other, "q", 1, "x", 1, &t.options));
    sb_txn_rollback(t.txn);
    sb_close(other);
}

static void test_txn__outlives_its_broker(void **state)
{
    scratch *s = *state;
    sb_broker *broker;
    in_txn t;

    assert_ok(sb_open_path(&broker, s->path, NTS, s->config, NULL));
    t = begin(broker);
    assert_ok(sb_write(NULL, broker, "q", 1, "x", 1, &t.options));
    sb_close(broker);
    assert_ok(sb_txn_commit(t.txn));
    assert_pending(s->broker, "q", 1);
}

/* A foreign lock that does not go away: the caller's limit ends the wait. */
static void test_locked_database__fails_at_the_callers_limit_and_recovers(void **state)
{
    scratch *s = *state;
    sb_options options;
    sqlite3 *foreign;

    assert_int_equal(sqlite3_open(s->path, &foreign), SQLITE_OK);
    assert_int_equal(sqlite3_exec(foreign, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
    assert_ok(sb_options_init(&options, SB_OPTIONS_VERSION));
    options.timeout_ms = 30;
    assert_status(SB_EOPERATIONAL, sb_write(NULL, s->broker, "q", 1, "x", 1, &options));
    assert_message("database is locked");
    assert_int_equal(sb_error_retryable(NULL), -1);
    assert_int_equal(sqlite3_exec(foreign, "ROLLBACK", NULL, NULL, NULL), SQLITE_OK);
    put(s->broker, "q", "x");
    sqlite3_close(foreign);
}

static void *close_elsewhere(void *broker)
{
    sb_close(broker);
    return NULL;
}

static void test_locked_database__a_close_ends_the_wait(void **state)
{
    scratch *s = *state;
    sb_broker *broker;
    sqlite3 *foreign;
    pthread_t thread;

    assert_ok(sb_open_path(&broker, s->path, NTS, s->config, NULL));
    assert_int_equal(sqlite3_open(s->path, &foreign), SQLITE_OK);
    assert_int_equal(sqlite3_exec(foreign, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(pthread_create(&thread, NULL, close_elsewhere, broker), 0);
    assert_status(SB_ECLOSED, sb_write(NULL, broker, "q", 1, "x", 1, NULL));
    pthread_join(thread, NULL);
    sqlite3_close(foreign);
    assert_pending(s->broker, "q", 0);
}

static void *throw_switch(void *cancel)
{
    sb_cancel_set(cancel);
    return NULL;
}

/* Holds the broker's turn for a while, in the callback of a question. */
static sb_status linger(void *payload, const sb_values *row)
{
    struct timespec pause = {0, 300000000};

    (void)row;
    if (!atomic_exchange((atomic_int *)payload, 1)) {
        nanosleep(&pause, NULL);
    }
    return SB_OK;
}

typedef struct lingerer {
    sb_broker *broker;
    atomic_int has_turn;
} lingerer;

static void *ask_lingering(void *payload)
{
    lingerer *l = payload;

    return (void *)(intptr_t)sb_meta_list(l->broker, NULL, linger, &l->has_turn);
}

static void test_locked_database__one_limit_holds_for_all_waiting(void **state)
{
    scratch *s = *state;
    lingerer l = {s->broker, 0};
    struct timespec begin, end;
    sb_options options;
    pthread_t thread;
    sqlite3 *other;

    assert_int_equal(sqlite3_open(s->path, &other), SQLITE_OK);
    assert_int_equal(sqlite3_exec(other, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
    assert_ok(sb_options_init(&options, SB_OPTIONS_VERSION));
    options.timeout_ms = 400;
    assert_int_equal(pthread_create(&thread, NULL, ask_lingering, &l), 0);
    while (!atomic_load(&l.has_turn)) {
        sched_yield();
    }
    clock_gettime(CLOCK_MONOTONIC, &begin);
    assert_status(SB_EOPERATIONAL, sb_write(NULL, s->broker, "q", 1, "x", 1, &options));
    clock_gettime(CLOCK_MONOTONIC, &end);
    assert_true((double)(end.tv_sec - begin.tv_sec) +
                    (double)(end.tv_nsec - begin.tv_nsec) / 1e9 < 0.65);
    pthread_join(thread, NULL);
    sqlite3_close(other);
}

static void test_locked_database__a_switch_ends_the_wait(void **state)
{
    scratch *s = *state;
    sb_options options;
    sb_cancel *cancel;
    sqlite3 *foreign;
    pthread_t thread;

    assert_ok(sb_cancel_new(&cancel));
    assert_int_equal(sqlite3_open(s->path, &foreign), SQLITE_OK);
    assert_int_equal(sqlite3_exec(foreign, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
    assert_ok(sb_options_init(&options, SB_OPTIONS_VERSION));
    options.cancel = cancel;
    assert_int_equal(pthread_create(&thread, NULL, throw_switch, cancel), 0);
    assert_status(SB_CANCELLED, sb_write(NULL, s->broker, "q", 1, "x", 1, &options));
    pthread_join(thread, NULL);
    sqlite3_close(foreign);
    sb_cancel_free(cancel);
    assert_pending(s->broker, "q", 0);
}

#define SCRATCH_TEST(name) cmocka_unit_test_setup_teardown(name, scratch_open, scratch_free)

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCRATCH_TEST(test_commit__applies_operations_and_sidecar_sql_together),
        SCRATCH_TEST(test_rollback__leaves_no_trace),
        SCRATCH_TEST(test_failed_operation__inside_leaves_the_rest_of_the_transaction),
        SCRATCH_TEST(test_failed_question__that_cost_the_transaction_ends_it),
        SCRATCH_TEST(test_other_calls__of_the_owner_are_refused_until_the_end),
        SCRATCH_TEST(test_txn__belongs_to_its_thread),
        SCRATCH_TEST(test_other_threads__wait_their_time_and_leave),
        SCRATCH_TEST(test_questions_of_other_threads__are_answered_beside_an_open_transaction),
        SCRATCH_TEST(
            test_questions_of_other_threads__are_not_answered_from_another_file),
        SCRATCH_TEST(test_txn__of_another_broker_is_refused),
        SCRATCH_TEST(test_txn__outlives_its_broker),
        SCRATCH_TEST(test_locked_database__fails_at_the_callers_limit_and_recovers),
        SCRATCH_TEST(test_locked_database__one_limit_holds_for_all_waiting),
        SCRATCH_TEST(test_locked_database__a_close_ends_the_wait),
        SCRATCH_TEST(test_locked_database__a_switch_ends_the_wait),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
