/* Fork: what parent and child may do with what was open, and that nothing acknowledged is lost. */
#include "testing.h"

#include <pthread.h>
#include <sqlite3.h>
#include <sys/wait.h>

#define NTS ((size_t)SB_NTS)

/* Runs `child` in a forked process; its exit status is 0 when it returns 1. */
static pid_t run_child(int (*child)(scratch *, int, int), scratch *s, int in, int out)
{
    pid_t pid = fork();

    if (pid == 0) {
        _exit(child(s, in, out) ? 0 : 1);
    }
    assert_true(pid > 0);
    return pid;
}

static void assert_exits_well(pid_t pid)
{
    int how;

    assert_int_equal(waitpid(pid, &how, 0), pid);
    assert_true(WIFEXITED(how));
    assert_int_equal(WEXITSTATUS(how), 0);
}

static void say(int fd)
{
    assert_int_equal(write(fd, "x", 1), 1);
}

static int hear(int fd)
{
    char c;

    return read(fd, &c, 1) == 1;
}

static int write_around_the_parents_close(scratch *s, int in, int out)
{
    int good = sb_write(NULL, s->broker, "q", 1, "child, parent open", NTS, NULL) == SB_OK;

    good &= write(out, "x", 1) == 1 && hear(in);
    good &= sb_write(NULL, s->broker, "q", 1, "child, parent closed", NTS, NULL) == SB_OK;
    /* No close: the process ends as a killed one does. */
    return good;
}

/* The parent closes while the child goes on: all four messages are found afterwards. */
static void assert_nothing_is_lost(scratch *s)
{
    int to_child[2], to_parent[2];
    pid_t pid;

    assert_int_equal(pipe(to_child), 0);
    assert_int_equal(pipe(to_parent), 0);
    pid = run_child(write_around_the_parents_close, s, to_child[0], to_parent[1]);
    put(s->broker, "q", "parent");
    assert_true(hear(to_parent[0]));
    sb_close(s->broker);
    s->broker = NULL;
    say(to_child[1]);
    assert_exits_well(pid);
    assert_ok(sb_open_path(&s->broker, s->path, NTS, s->config, NULL));
    assert_pending(s->broker, "q", 4);
}

static void test_fork__parent_and_child_lose_nothing_when_the_parent_closes(void **state)
{
    scratch *s = *state;

    put(s->broker, "q", "before");
    assert_nothing_is_lost(s);
}

static void *peek_elsewhere(void *broker)
{
    sb_messages *messages;
    sb_status status = sb_peek(&messages, broker, "q", 1, 1, NULL);

    sb_messages_free(messages);
    return (void *)(intptr_t)status;
}

/* Makes the broker open its second connection: another thread asks during a transaction. */
static void open_reader(sb_broker *broker)
{
    pthread_t thread;
    sb_txn *txn;
    void *status;

    assert_ok(sb_txn_begin(&txn, broker, NULL));
    assert_int_equal(pthread_create(&thread, NULL, peek_elsewhere, broker), 0);
    pthread_join(thread, &status);
    assert_int_equal((intptr_t)status, SB_OK);
    sb_txn_rollback(txn);
}

static void test_fork__the_second_connection_is_closed_in_the_child_too(void **state)
{
    scratch *s = *state;

    put(s->broker, "q", "before");
    open_reader(s->broker);
    assert_nothing_is_lost(s);
}

static int many_writes(scratch *s, int in, int out)
{
    int good = 1;

    (void)in;
    (void)out;
    for (int i = 0; i < 500 && good; i++) {
        good = sb_write(NULL, s->broker, "q", 1, "child", 5, NULL) == SB_OK;
    }
    sb_close(s->broker);
    return good;
}

static void test_fork__parent_and_child_write_at_the_same_time(void **state)
{
    scratch *s = *state;
    pid_t pid;

    put(s->broker, "q", "before");
    pid = run_child(many_writes, s, -1, -1);
    for (int i = 0; i < 500; i++) {
        put(s->broker, "q", "parent");
    }
    assert_exits_well(pid);
    assert_pending(s->broker, "q", 1001);
}

static int refused_while_inherited_in_a_transaction(scratch *s, int in, int out)
{
    sb_broker *other;
    int good = sb_write(NULL, s->broker, "q", 1, "x", 1, NULL) == SB_EFORK;

    (void)in;
    (void)out;
    good &= sb_open_path(&other, s->path, NTS, s->config, NULL) == SB_EFORK;
    return good;
}

static void test_fork__inside_a_transaction_the_database_is_refused_in_the_child(void **state)
{
    scratch *s = *state;
    sb_options options;
    sb_txn *txn;

    assert_ok(sb_options_init(&options, SB_OPTIONS_VERSION));
    assert_ok(sb_txn_begin(&txn, s->broker, NULL));
    options.txn = txn;
    assert_ok(sb_write(NULL, s->broker, "q", 1, "parent's", NTS, &options));
    assert_exits_well(run_child(refused_while_inherited_in_a_transaction, s, -1, -1));
    assert_ok(sb_txn_commit(txn));
    assert_pending(s->broker, "q", 1);
}

static sb_txn *inherited;

static int ends_all(scratch *s, int in, int out)
{
    (void)in;
    (void)out;
    sb_close(s->broker);
    sb_txn_rollback(inherited);
    return 1;
}

static void test_fork__a_child_that_closes_leaves_the_parents_transaction_alone(void **state)
{
    enum { MESSAGES = 500 };
    scratch *s = *state;
    char body[4000];
    sb_options options;
    sb_txn *txn;

    memset(body, 'x', sizeof body);
    assert_ok(sb_options_init(&options, SB_OPTIONS_VERSION));
    assert_ok(sb_sidecar_run(s->broker, "PRAGMA cache_size = 5", NTS, NULL, NULL, NULL, NULL));
    assert_ok(sb_txn_begin(&txn, s->broker, NULL));
    options.txn = txn;
    for (int i = 0; i < MESSAGES; i++) {
        assert_ok(sb_write(NULL, s->broker, "q", 1, body, sizeof body, &options));
    }
    inherited = txn;
    assert_exits_well(run_child(ends_all, s, -1, -1));
    for (int i = 0; i < MESSAGES; i++) {
        assert_ok(sb_write(NULL, s->broker, "q", 1, body, sizeof body, &options));
    }
    assert_ok(sb_txn_commit(txn));
    assert_pending(s->broker, "q", 2 * MESSAGES);
}

static int database_works(scratch *s, int in, int out)
{
    sb_broker *other;
    int good = sb_open_path(&other, s->path, NTS, s->config, NULL) == SB_OK &&
               sb_write(NULL, other, "q", 1, "child's", NTS, NULL) == SB_OK;

    (void)in;
    (void)out;
    sb_close(other);
    return good;
}

static void test_fork__a_closed_broker_with_an_idle_cursor_refuses_nothing(void **state)
{
    scratch *s = *state;
    sb_cursor *cursor;

    put(s->broker, "q", "1");
    assert_ok(sb_cursor_open(&cursor, s->broker, SB_CURSOR_PEEK, "q", 1, NULL, 0, 0, NULL));
    assert_ok(sb_cursor_next(NULL, NULL, NULL, cursor));
    sb_close(s->broker);
    assert_exits_well(run_child(database_works, s, -1, -1));
    sb_cursor_close(cursor);
    assert_ok(sb_open_path(&s->broker, s->path, NTS, s->config, NULL));
    assert_pending(s->broker, "q", 2);
}

/* Forks at the first call: the child must not touch what the backup has open. */
static int fork_in_backup(void *payload, int64_t done, int64_t total)
{
    pid_t *child = payload;

    (void)done;
    (void)total;
    if (*child < 0) {
        *child = fork();
    }
    return 0;
}

static void test_fork__during_a_backup_only_the_parent_finishes_it(void **state)
{
    scratch *s = *state;
    sb_options options;
    char path[160];
    pid_t child = -1;
    sb_status status;
    sb_broker *copy;

    snprintf(path, sizeof path, "%s.copy", s->path);
    put(s->broker, "q", "1");
    assert_ok(sb_options_init(&options, SB_OPTIONS_VERSION));
    sb_options_set_progress(&options, fork_in_backup, &child);
    status = sb_backup(s->broker, path, NTS, &options);
    if (child == 0) {
        sb_broker *other;

        _exit(status == SB_EFORK &&
                      sb_open_path(&other, s->path, NTS, s->config, NULL) == SB_EFORK
                  ? 0
                  : 1);
    }
    assert_exits_well(child);
    assert_ok(status);
    put(s->broker, "q", "2");
    assert_ok(sb_open_path(&copy, path, NTS, s->config, NULL));
    assert_pending(copy, "q", 1);
    sb_close(copy);
}

static int other_database_works(scratch *s, int in, int out)
{
    char path[160];
    sb_broker *other;
    int good;

    (void)in;
    (void)out;
    snprintf(path, sizeof path, "%s.other", s->path);
    good = sb_open_path(&other, path, NTS, s->config, NULL) == SB_OK &&
           sb_write(NULL, other, "q", 1, "x", 1, NULL) == SB_OK;
    sb_close(other);
    return good;
}

static void test_fork__inside_a_transaction_other_databases_work_in_the_child(void **state)
{
    scratch *s = *state;
    sb_txn *txn;

    assert_ok(sb_txn_begin(&txn, s->broker, NULL));
    assert_exits_well(run_child(other_database_works, s, -1, -1));
    sb_txn_rollback(txn);
}

static int ids_stay_unique(scratch *s, int in, int out)
{
    int64_t id;

    (void)in;
    return sb_timestamp_generate(&id, s->broker, NULL) == SB_OK &&
           write(out, &id, sizeof id) == sizeof id;
}

static void test_fork__ids_of_parent_and_child_differ(void **state)
{
    scratch *s = *state;
    int64_t mine, theirs = 0;
    int to_parent[2];
    pid_t pid;

    assert_ok(sb_timestamp_generate(&mine, s->broker, NULL));
    assert_int_equal(pipe(to_parent), 0);
    pid = run_child(ids_stay_unique, s, -1, to_parent[1]);
    assert_int_equal(read(to_parent[0], &theirs, sizeof theirs), sizeof theirs);
    assert_exits_well(pid);
    assert_true(theirs > mine);
    assert_ok(sb_timestamp_generate(&mine, s->broker, NULL));
    assert_true(mine > theirs);
}

/* A row callback that forks once, or in the child once more. */
typedef struct forker {
    int generations; /* of children to come */
    int has_child;
    pid_t child; /* 0 in the last one */
} forker;

static sb_status fork_at_a_row(void *payload, const sb_values *row)
{
    forker *f = payload;

    (void)row;
    while (f->generations > 0 && !f->has_child) {
        f->generations--;
        f->child = fork();
        f->has_child = f->child != 0;
    }
    return SB_OK;
}

static sb_status run_forking(scratch *s, forker *f, const char *sql)
{
    return sb_sidecar_run(s->broker, sql, NTS, NULL, NULL, fork_at_a_row, f);
}

static void test_fork__in_a_callback_of_a_change_only_the_parent_commits(void **state)
{
    scratch *s = *state;
    forker f = {1, 0, 0};
    sb_status status;

    assert_ok(run_forking(s, &f, "CREATE TABLE app(x INTEGER)"));
    status = run_forking(s, &f, "INSERT INTO app VALUES (1) RETURNING x");
    if (!f.child) {
        _exit(status == SB_EFORK ? 0 : 1);
    }
    assert_exits_well(f.child);
    assert_ok(status);
    put(s->broker, "q", "after");
    assert_pending(s->broker, "q", 1);
}

static void test_fork__of_a_child_that_was_forked_in_a_callback_leaves_the_connection(void **state)
{
    scratch *s = *state;
    forker f = {2, 0, 0};
    sb_status status;

    put(s->broker, "q", "1");
    put(s->broker, "q", "2");
    status = run_forking(s, &f, "SELECT id FROM messages");
    if (!f.child) {
        _exit(!status && sb_write(NULL, s->broker, "q", 1, "x", 1, NULL) == SB_EFORK ? 0 : 1);
    }
    if (!f.generations) {
        /* The child in the middle. */
        int how;

        _exit(waitpid(f.child, &how, 0) == f.child && how == 0 ? 0 : 1);
    }
    assert_exits_well(f.child);
    assert_ok(status);
    assert_pending(s->broker, "q", 2);
}

#define SCRATCH_TEST(name) cmocka_unit_test_setup_teardown(name, scratch_open, scratch_free)

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCRATCH_TEST(test_fork__parent_and_child_lose_nothing_when_the_parent_closes),
        SCRATCH_TEST(test_fork__the_second_connection_is_closed_in_the_child_too),
        SCRATCH_TEST(test_fork__parent_and_child_write_at_the_same_time),
        SCRATCH_TEST(test_fork__inside_a_transaction_the_database_is_refused_in_the_child),
        SCRATCH_TEST(test_fork__inside_a_transaction_other_databases_work_in_the_child),
        SCRATCH_TEST(test_fork__a_child_that_closes_leaves_the_parents_transaction_alone),
        SCRATCH_TEST(test_fork__a_closed_broker_with_an_idle_cursor_refuses_nothing),
        SCRATCH_TEST(test_fork__during_a_backup_only_the_parent_finishes_it),
        SCRATCH_TEST(test_fork__ids_of_parent_and_child_differ),
        SCRATCH_TEST(test_fork__in_a_callback_of_a_change_only_the_parent_commits),
        SCRATCH_TEST(
            test_fork__of_a_child_that_was_forked_in_a_callback_leaves_the_connection),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
