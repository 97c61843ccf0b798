/* Explicit and automatic removal of claimed messages. */
#include "foreign.h"

#include <fcntl.h>
#include <pthread.h>
#include <sys/file.h>
#include <sys/stat.h>

static void fill(sb_broker *broker, const char *queue, int pending, int claimed)
{
    for (int i = 0; i < claimed + pending; i++) {
        put(broker, queue, "body");
    }
    for (int i = 0; i < claimed; i++) {
        take(broker, queue);
    }
}

/* Closes the broker and opens it again with automatic vacuum. */
static void open_with(scratch *s, int64_t interval, int64_t batch)
{
    sb_close(s->broker);
    assert_ok(sb_config_set_int64(s->config, "BROKER_AUTO_VACUUM", NTS, interval > 0));
    assert_ok(sb_config_set_int64(s->config, "BROKER_AUTO_VACUUM_INTERVAL", NTS, interval));
    assert_ok(sb_config_set_int64(s->config, "BROKER_VACUUM_BATCH_SIZE", NTS, batch));
    assert_ok(sb_open_path(&s->broker, s->path, NTS, s->config, NULL));
}

static int64_t count_rows(sb_broker *broker)
{
    int64_t total = -1;

    assert_ok(sb_overall_stats(NULL, &total, broker, NULL));
    return total;
}

static void test_vacuum__removes_claimed_rows_of_every_queue(void **state)
{
    sb_broker *broker = ((scratch *)*state)->broker;
    int64_t removed = -1;

    fill(broker, "a", 2, 3);
    fill(broker, "b", 0, 2);
    fill(broker, "c", 1, 0);
    assert_ok(sb_vacuum(&removed, broker, NULL));
    assert_int_equal(removed, 5);
    assert_int_equal(count_rows(broker), 3);
    assert_pending(broker, "a", 2);
    assert_pending(broker, "c", 1);
    assert_status(SB_EMPTY, sb_vacuum(&removed, broker, NULL));
    assert_int_equal(removed, 0);
}

static void test_vacuum__batches_smaller_and_larger_than_a_page(void **state)
{
    scratch *s = *state;
    static const int64_t batches[] = {1, 7, 1000, 100000, 0, -5};

    for (size_t i = 0; i < sizeof batches / sizeof batches[0]; i++) {
        int64_t removed = -1;

        open_with(s, 0, batches[i]);
        fill(s->broker, "a", 5, 20);
        fill(s->broker, "b", 5, 20);
        assert_ok(sb_vacuum(&removed, s->broker, NULL));
        assert_int_equal(removed, 40);
        assert_pending(s->broker, "a", 5);
        assert_ok(sb_delete_all(NULL, s->broker, NULL));
    }
}

/* Claimed rows far apart among many pending ones, over several pages and batches. */
static void test_vacuum__finds_rows_between_pending_ones(void **state)
{
    sb_broker *broker = ((scratch *)*state)->broker;
    int64_t removed = -1;

    run_sql(broker, "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 9000)"
                    " INSERT INTO messages (queue, body, ts, claimed) "
                    "SELECT 'q' || i % 3, '', i, i % 1500 = 0 OR i = 8999 FROM n");
    assert_ok(sb_vacuum(&removed, broker, NULL));
    assert_int_equal(removed, 7);
    assert_int_equal(ask_sql(broker, "SELECT count(*) FROM messages WHERE claimed = 1"), 0);
    assert_int_equal(count_rows(broker), 8993);
}

static void test_vacuum__skipped_while_another_process_vacuums(void **state)
{
    scratch *s = *state;
    char lock[160];
    int64_t removed = -1;
    int fd;

    fill(s->broker, "q", 0, 2);
    snprintf(lock, sizeof lock, "%s.vacuum.lock", s->path);
    fd = open(lock, O_RDWR | O_CREAT, 0600);
    assert_int_equal(flock(fd, LOCK_EX | LOCK_NB), 0);
    assert_ok(sb_vacuum(&removed, s->broker, NULL));
    assert_int_equal(removed, 0);
    assert_claimed(s->broker, "q", 2);
    close(fd);
    assert_ok(sb_vacuum(&removed, s->broker, NULL));
    assert_int_equal(removed, 2);
}

static void test_vacuum__leaves_its_lock_file_with_one_nul(void **state)
{
    scratch *s = *state;
    char lock[160];
    struct stat info;

    snprintf(lock, sizeof lock, "%s.vacuum.lock", s->path);
    assert_int_not_equal(stat(lock, &info), 0);
    assert_status(SB_EMPTY, sb_vacuum(NULL, s->broker, NULL));
    assert_int_equal(stat(lock, &info), 0);
    assert_int_equal(info.st_size, 1);
}

static void test_vacuum__compact_shrinks_the_file(void **state)
{
    scratch *s = *state;
    sb_options compact = with_flags(SB_COMPACT);
    struct stat before, after;

    run_sql(s->broker, "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE "
                       "i < 500) INSERT INTO messages (queue, body, ts, claimed) "
                       "SELECT 'q', hex(randomblob(1000)), i, 1 FROM n");
    run_sql(s->broker, "PRAGMA wal_checkpoint(TRUNCATE)");
    assert_int_equal(stat(s->path, &before), 0);
    assert_ok(sb_vacuum(NULL, s->broker, &compact));
    run_sql(s->broker, "PRAGMA wal_checkpoint(TRUNCATE)");
    assert_int_equal(stat(s->path, &after), 0);
    assert_true(after.st_size < before.st_size / 4);
    assert_int_equal(ask_sql(s->broker, "PRAGMA auto_vacuum"), 2);
    assert_status(SB_EMPTY, sb_vacuum(NULL, s->broker, &compact));
}

static void test_vacuum__compact_gives_an_old_file_incremental_release(void **state)
{
    scratch *s = *state;
    sb_options compact = with_flags(SB_COMPACT);
    sqlite3 *db;

    assert_int_equal(sqlite3_open(s->path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, "PRAGMA auto_vacuum = 0; CREATE TABLE own (n)", NULL, NULL,
                                  NULL),
                     SQLITE_OK);
    sqlite3_close(db);
    assert_ok(sb_open_path(&s->broker, s->path, NTS, s->config, NULL));
    assert_int_equal(ask_sql(s->broker, "PRAGMA auto_vacuum"), 0);
    assert_status(SB_EMPTY, sb_vacuum(NULL, s->broker, &compact));
    assert_int_equal(ask_sql(s->broker, "PRAGMA auto_vacuum"), 2);
}

static void test_vacuum__releases_free_pages(void **state)
{
    sb_broker *broker = ((scratch *)*state)->broker;

    run_sql(broker, "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20) "
                    "INSERT INTO messages (queue, body, ts, claimed) "
                    "SELECT 'q', hex(randomblob(4000)), i, 1 FROM n");
    assert_ok(sb_vacuum(NULL, broker, NULL));
    assert_int_equal(ask_sql(broker, "PRAGMA freelist_count"), 0);
}

static void test_vacuum__not_inside_a_transaction(void **state)
{
    sb_broker *broker = ((scratch *)*state)->broker;
    sb_options options = with_flags(0);

    fill(broker, "q", 0, 1);
    assert_ok(sb_txn_begin(&options.txn, broker, NULL));
    assert_status(SB_EINVALID, sb_vacuum(NULL, broker, &options));
    assert_status(SB_EBUSY_OWNER, sb_vacuum(NULL, broker, NULL));
    assert_message("Cannot perform vacuum while");
    sb_txn_rollback(options.txn);
    assert_ok(sb_vacuum(NULL, broker, NULL));
}

static int stop_at_once(void *payload, int64_t done, int64_t total)
{
    int64_t *seen = payload;

    seen[0] = done;
    seen[1] = total;
    return 1;
}

static void test_vacuum__progress_can_end_it(void **state)
{
    scratch *s = *state;
    sb_options options = with_flags(0);
    int64_t seen[2] = {-1, -1};

    open_with(s, 0, 10);
    fill(s->broker, "q", 0, 30);
    options.progress = stop_at_once;
    options.progress_payload = seen;
    assert_status(SB_CANCELLED, sb_vacuum(NULL, s->broker, &options));
    assert_int_equal(seen[0], 10);
    assert_int_equal(seen[1], 30);
    assert_claimed(s->broker, "q", 20);
    assert_ok(sb_vacuum(NULL, s->broker, NULL));
}

static void test_vacuum__cancelled_before_it_begins(void **state)
{
    sb_broker *broker = ((scratch *)*state)->broker;
    sb_options options = with_flags(SB_COMPACT);

    fill(broker, "q", 0, 1);
    assert_ok(sb_cancel_new(&options.cancel));
    sb_cancel_set(options.cancel);
    assert_status(SB_CANCELLED, sb_vacuum(NULL, broker, &options));
    sb_cancel_reset(options.cancel);
    assert_ok(sb_vacuum(NULL, broker, &options));
    sb_cancel_free(options.cancel);
}

static void test_vacuum_is_eligible__needs_rows_and_a_share(void **state)
{
    (void)state;
    assert_int_equal(sb_vacuum_is_eligible(0, 0, 0.1), 0);
    assert_int_equal(sb_vacuum_is_eligible(0, 0, 0), 0);
    assert_int_equal(sb_vacuum_is_eligible(9, 100, 0.1), 0);
    assert_int_equal(sb_vacuum_is_eligible(10, 100, 0.1), 1);
    assert_int_equal(sb_vacuum_is_eligible(0, 100, 0), 1);
    assert_int_equal(sb_vacuum_is_eligible(10000, 10000000, 0.1), 0);
    assert_int_equal(sb_vacuum_is_eligible(10001, 10000000, 0.1), 1);
}

static void test_automatic__runs_at_the_interval(void **state)
{
    scratch *s = *state;

    open_with(s, 10, 1000);
    fill(s->broker, "q", 0, 4); /* 8 */
    assert_claimed(s->broker, "q", 4);
    put(s->broker, "q", "9");
    assert_claimed(s->broker, "q", 4);
    put(s->broker, "q", "10");
    assert_claimed(s->broker, "q", 0);
    assert_pending(s->broker, "q", 2);
    take(s->broker, "q");
    assert_claimed(s->broker, "q", 1);
}

static void test_automatic__keeps_the_remainder(void **state)
{
    scratch *s = *state;
    sb_messages *messages;

    open_with(s, 10, 1000);
    fill(s->broker, "q", 8, 0);
    assert_ok(sb_claim(&messages, s->broker, "q", 1, 5, NULL)); /* 13: 3 remain */
    sb_messages_free(messages);
    assert_claimed(s->broker, "q", 0);
    assert_ok(sb_claim(&messages, s->broker, "q", 1, 3, NULL)); /* 6 */
    sb_messages_free(messages);
    put(s->broker, "q", "7");
    put(s->broker, "q", "8");
    put(s->broker, "q", "9");
    assert_claimed(s->broker, "q", 3);
    put(s->broker, "q", "10");
    assert_claimed(s->broker, "q", 0);
}

static void test_automatic__only_when_switched_on_and_worth_it(void **state)
{
    scratch *s = *state;

    fill(s->broker, "off", 0, 150);
    assert_claimed(s->broker, "off", 150);
    assert_ok(sb_vacuum(NULL, s->broker, NULL));
    open_with(s, 1, 1000);
    fill(s->broker, "q", 20, 0);
    take(s->broker, "q"); /* 1 of 20 is below the tenth */
    assert_claimed(s->broker, "q", 1);
    take(s->broker, "q");
    assert_claimed(s->broker, "q", 0);
}

static void test_automatic__deletes_do_not_count(void **state)
{
    scratch *s = *state;
    int64_t removed;

    fill(s->broker, "q", 5, 5);
    open_with(s, 1, 1000);
    assert_ok(sb_delete_queue(&removed, s->broker, "q", 1, NULL));
    fill(s->broker, "r", 0, 0);
    run_sql(s->broker, "INSERT INTO messages (queue, body, ts, claimed) VALUES ('q', '', 1, 1)");
    assert_ok(sb_alias_add(s->broker, "x", 1, "q", 1, NULL));
    assert_ok(sb_rename(NULL, NULL, s->broker, "q", 1, "z", 1, NULL));
    assert_claimed(s->broker, "z", 1);
    put(s->broker, "r", "1");
    assert_claimed(s->broker, "z", 0);
}

static void test_automatic__failure_does_not_fail_the_operation(void **state)
{
    scratch *s = *state;
    char lock[160];

    fill(s->broker, "q", 0, 5);
    open_with(s, 1, 1000);
    snprintf(lock, sizeof lock, "%s.vacuum.lock", s->path);
    assert_int_equal(mkdir(lock, 0700), 0); /* cannot be opened */
    put(s->broker, "q", "1");
    assert_int_equal(sb_error_status(NULL), SB_OK);
    assert_claimed(s->broker, "q", 5);
    assert_true(sb_vacuum(NULL, s->broker, NULL) < 0);
    assert_int_equal(rmdir(lock), 0);
    put(s->broker, "q", "2"); /* tried again at the next mutation */
    assert_claimed(s->broker, "q", 0);
}

static void test_automatic__never_inside_an_open_transaction(void **state)
{
    scratch *s = *state;
    sb_options options = with_flags(0);

    fill(s->broker, "q", 0, 5);
    open_with(s, 1, 1000);
    assert_ok(sb_txn_begin(&options.txn, s->broker, NULL));
    assert_ok(sb_write(NULL, s->broker, "q", 1, "x", 1, &options));
    assert_int_equal(ask_sql(s->broker, "SELECT count(*) FROM messages WHERE claimed = 1"), 5);
    assert_ok(sb_txn_commit(options.txn));
    assert_claimed(s->broker, "q", 0);
}

static void test_automatic__a_large_queue_is_done_in_pieces(void **state)
{
    enum { ROWS = 20000 };
    scratch *s = *state;
    int64_t left = ROWS;
    int pieces = 0;

    run_sql(s->broker, "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE "
                       "i < 20000) INSERT INTO messages (queue, body, ts, claimed) "
                       "SELECT 'q', hex(zeroblob(100)), i, 1 FROM n");
    open_with(s, 1, 1000);
    while (left > 0 && pieces < ROWS) {
        int64_t before = left;

        put(s->broker, "other", "x");
        left = ask_sql(s->broker, "SELECT count(*) FROM messages WHERE claimed = 1");
        assert_true(left < before);
        pieces++;
    }
    assert_int_equal(left, 0);
    assert_pending(s->broker, "other", pieces);
}

enum { THREADS = 4, ROUNDS = 100 };

static void *write_and_claim(void *payload)
{
    sb_broker *broker = payload;

    for (int i = 0; i < ROUNDS; i++) {
        sb_messages *messages = NULL;

        if (sb_write(NULL, broker, "q", 1, "x", 1, NULL) ||
            sb_claim(&messages, broker, "q", 1, 1, NULL)) {
            return payload;
        }
        sb_messages_free(messages);
    }
    return NULL;
}

static void test_automatic__threads_of_one_broker(void **state)
{
    scratch *s = *state;
    pthread_t threads[THREADS];
    int64_t claimed = -1, total = -1;

    open_with(s, 3, 5);
    for (int i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, write_and_claim, s->broker), 0);
    }
    for (int i = 0; i < THREADS; i++) {
        void *failed;

        assert_int_equal(pthread_join(threads[i], &failed), 0);
        assert_null(failed);
    }
    assert_ok(sb_overall_stats(&claimed, &total, s->broker, NULL));
    assert_int_equal(claimed, total);
    assert_true(total < THREADS * ROUNDS);
}

int main(void)
{
#define OVER_FILE(test) cmocka_unit_test_setup_teardown(test, scratch_open, scratch_free)
    const struct CMUnitTest tests[] = {
        EVERY_RUNNER(test_vacuum__removes_claimed_rows_of_every_queue),
        OVER_FILE(test_vacuum__batches_smaller_and_larger_than_a_page),
        EVERY_RUNNER(test_vacuum__finds_rows_between_pending_ones),
        OVER_FILE(test_vacuum__skipped_while_another_process_vacuums),
        OVER_FILE(test_vacuum__leaves_its_lock_file_with_one_nul),
        EVERY_RUNNER(test_vacuum__compact_shrinks_the_file),
        cmocka_unit_test_setup_teardown(
            test_vacuum__compact_gives_an_old_file_incremental_release, scratch_new, scratch_free),
        OVER_FILE(test_vacuum__releases_free_pages),
        EVERY_RUNNER(test_vacuum__not_inside_a_transaction),
        OVER_FILE(test_vacuum__progress_can_end_it),
        EVERY_RUNNER(test_vacuum__cancelled_before_it_begins),
        cmocka_unit_test(test_vacuum_is_eligible__needs_rows_and_a_share),
        OVER_FILE(test_automatic__runs_at_the_interval),
        OVER_FILE(test_automatic__keeps_the_remainder),
        OVER_FILE(test_automatic__only_when_switched_on_and_worth_it),
        OVER_FILE(test_automatic__deletes_do_not_count),
        OVER_FILE(test_automatic__failure_does_not_fail_the_operation),
        OVER_FILE(test_automatic__never_inside_an_open_transaction),
        OVER_FILE(test_automatic__a_large_queue_is_done_in_pieces),
        OVER_FILE(test_automatic__threads_of_one_broker),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
