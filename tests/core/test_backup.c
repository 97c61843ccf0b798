/* Copies of a database in use. */
#include "foreign.h"

#include <dirent.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/resource.h>
#include <sys/stat.h>

/* A name in the scratch directory. */
static const char *beside(const scratch *s, const char *name)
{
    static char path[192];

    snprintf(path, sizeof path, "%s/%s", s->directory, name);
    return path;
}

static int count_files(const scratch *s, const char *part)
{
    DIR *directory = opendir(s->directory);
    int count = 0;

    assert_non_null(directory);
    for (struct dirent *entry; (entry = readdir(directory));) {
        count += strstr(entry->d_name, part) != NULL;
    }
    closedir(directory);
    return count;
}

static sb_broker *open_copy(const scratch *s)
{
    sb_broker *copy = NULL;

    assert_ok(sb_open_path(&copy, beside(s, "copy.db"), NTS, s->config, NULL));
    return copy;
}

static void test_backup__is_a_broker_of_its_own(void **state)
{
    scratch *s = *state;
    int64_t last, last_copy;
    sb_broker *copy;
    sqlite3 *db;
    sqlite3_stmt *statement;

    put(s->broker, "q", "1");
    put(s->broker, "q", "2");
    take(s->broker, "q");
    assert_ok(sb_alias_add(s->broker, "x", 1, "q", 1, NULL));
    assert_ok(sb_timestamp_refresh(&last, s->broker, NULL));
    assert_ok(sb_backup(s->broker, beside(s, "copy.db"), NTS, NULL));
    assert_int_equal(count_files(s, "copy.db"), 1);

    assert_int_equal(sqlite3_open(beside(s, "copy.db"), &db), SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(db, "PRAGMA journal_mode", -1, &statement, NULL),
                     SQLITE_OK);
    assert_int_equal(sqlite3_step(statement), SQLITE_ROW);
    assert_string_equal((const char *)sqlite3_column_text(statement, 0), "wal");
    sqlite3_finalize(statement);
    sqlite3_close(db);

    copy = open_copy(s);
    assert_ok(sb_timestamp_refresh(&last_copy, copy, NULL));
    assert_int_equal(last_copy, last);
    assert_claimed(copy, "q", 1);
    assert_int_equal(ask_sql(copy, "PRAGMA auto_vacuum"), ask_sql(s->broker, "PRAGMA auto_vacuum"));
    assert_claims(copy, "q", "2");
    assert_pending(s->broker, "q", 1);
    sb_close(copy);
}

static void test_backup__refuses_existing_names(void **state)
{
    scratch *s = *state;
    static const char *const taken[] = {"copy.db", "copy.db-wal", "copy.db-journal"};

    for (size_t i = 0; i < sizeof taken / sizeof taken[0]; i++) {
        char name[192];
        FILE *file;

        strcpy(name, beside(s, taken[i]));
        file = fopen(name, "w");
        assert_non_null(file);
        fputs("mine", file);
        fclose(file);
        assert_status(SB_EXISTS, sb_backup(s->broker, beside(s, "copy.db"), NTS, NULL));
        file = fopen(name, "r");
        assert_int_equal(fgetc(file), 'm');
        fclose(file);
        assert_int_equal(remove(name), 0);
    }
    assert_int_equal(symlink("nowhere", beside(s, "copy.db")), 0);
    assert_status(SB_EXISTS, sb_backup(s->broker, beside(s, "copy.db"), NTS, NULL));
    assert_status(SB_EXISTS, sb_backup(s->broker, s->path, NTS, NULL));
    assert_int_equal(count_files(s, "tmp"), 0);
}

static void test_backup__refuses_bad_paths(void **state)
{
    scratch *s = *state;

    assert_status(SB_EINVALID, sb_backup(s->broker, NULL, 0, NULL));
    assert_status(SB_EINVALID, sb_backup(s->broker, "", 0, NULL));
    assert_status(SB_EINVALID, sb_backup(s->broker, "a\0b", 3, NULL));
    assert_status(SB_EIO, sb_backup(s->broker, beside(s, "none/copy.db"), NTS, NULL));
    assert_status(SB_EIO, sb_backup(s->broker, "/dev/null/copy.db", NTS, NULL));
    put(s->broker, "q", "the handle stays usable");
}

static int stop_in_the_middle(void *payload, int64_t done, int64_t total)
{
    int64_t *seen = payload;

    seen[0] = done;
    seen[1] = total;
    return done < total;
}

static void test_backup__cancelled_leaves_nothing(void **state)
{
    scratch *s = *state;
    sb_options options = with_flags(0);
    int64_t seen[2] = {0, 0};

    run_sql(s->broker, "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE "
                       "i < 1000) INSERT INTO messages (queue, body, ts) "
                       "SELECT 'q', hex(zeroblob(2000)), i FROM n");
    options.progress = stop_in_the_middle;
    options.progress_payload = seen;
    assert_status(SB_CANCELLED, sb_backup(s->broker, beside(s, "copy.db"), NTS, &options));
    assert_true(seen[0] > 0 && seen[0] < seen[1]);
    assert_int_equal(count_files(s, "copy.db"), 0);
    assert_ok(sb_cancel_new(&options.cancel));
    sb_cancel_set(options.cancel);
    assert_status(SB_CANCELLED, sb_backup(s->broker, beside(s, "copy.db"), NTS, &options));
    sb_cancel_free(options.cancel);
    assert_int_equal(count_files(s, "copy.db"), 0);
}

typedef struct writers {
    const scratch *scratch;
    atomic_int stop;
    atomic_int written;
} writers;

static void *keep_writing(void *payload)
{
    writers *w = payload;
    sb_broker *broker = NULL;

    if (sb_open_path(&broker, w->scratch->path, NTS, w->scratch->config, NULL)) {
        return NULL;
    }
    while (!atomic_load(&w->stop)) {
        if (sb_write(NULL, broker, "live", 4, "x", 1, NULL) == SB_OK) {
            atomic_fetch_add(&w->written, 1);
        }
    }
    sb_close(broker);
    return NULL;
}

/* Another connection commits all the time: the copy neither starts over nor holds it up. */
static void test_backup__of_a_database_being_written(void **state)
{
    scratch *s = *state;
    writers w = {.scratch = s};
    pthread_t thread;
    sb_broker *copy;
    int before;

    run_sql(s->broker, "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE "
                       "i < 5000) INSERT INTO messages (queue, body, ts) "
                       "SELECT 'q', hex(zeroblob(2000)), i FROM n");
    assert_int_equal(pthread_create(&thread, NULL, keep_writing, &w), 0);
    while (atomic_load(&w.written) < 10) {
        usleep(100);
    }
    before = atomic_load(&w.written);
    assert_ok(sb_backup(s->broker, beside(s, "copy.db"), NTS, NULL));
    assert_true(atomic_load(&w.written) > before);
    atomic_store(&w.stop, 1);
    pthread_join(thread, NULL);
    copy = open_copy(s);
    assert_pending(copy, "q", 5000);
    assert_int_equal(ask_sql(copy, "SELECT count(*) FROM pragma_integrity_check "
                                   "WHERE integrity_check = 'ok'"),
                     1);
    sb_close(copy);
}

static void test_backup__of_an_adopted_connection(void **state)
{
    scratch *s = *state;
    sqlite3 *db;
    sb_broker *adopted, *copy;

    assert_int_equal(sqlite3_open(":memory:", &db), SQLITE_OK);
    assert_ok(sb_open_sqlite(&adopted, db, s->config, NULL));
    put(adopted, "q", "1");
    assert_int_equal(sqlite3_exec(db, "BEGIN; CREATE TABLE own (n)", NULL, NULL, NULL), SQLITE_OK);
    assert_status(SB_ERUNTIME, sb_backup(adopted, beside(s, "copy.db"), NTS, NULL));
    assert_int_equal(sqlite3_exec(db, "COMMIT", NULL, NULL, NULL), SQLITE_OK);
    assert_ok(sb_backup(adopted, beside(s, "copy.db"), NTS, NULL));
    assert_int_equal(sqlite3_get_autocommit(db), 1);
    copy = open_copy(s);
    assert_claims(copy, "q", "1");
    sb_close(copy);
    sb_close(adopted);
    sqlite3_close(db);
}

static void test_backup__of_a_replaced_database_is_refused(void **state)
{
    scratch *s = *state;

    put(s->broker, "q", "1");
    assert_int_equal(rename(s->path, beside(s, "moved.db")), 0);
    assert_status(SB_EOPERATIONAL, sb_backup(s->broker, beside(s, "copy.db"), NTS, NULL));
    assert_int_equal(count_files(s, "copy.db"), 0);
}

/* A limit on the size of files stands in for a full disk. */
static void test_backup__without_room_leaves_nothing(void **state)
{
    scratch *s = *state;
    struct rlimit before, limit;
    sb_status status;

    run_sql(s->broker, "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE "
                       "i < 1000) INSERT INTO messages (queue, body, ts) "
                       "SELECT 'q', hex(zeroblob(2000)), i FROM n");
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    limit = before;
    limit.rlim_cur = 256 * 1024;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
    status = sb_backup(s->broker, beside(s, "copy.db"), NTS, NULL);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    assert_true(status < 0);
    assert_int_equal(count_files(s, "copy.db"), 0);
    assert_ok(sb_backup(s->broker, beside(s, "copy.db"), NTS, NULL));
}

static void test_backup__not_as_part_of_a_transaction(void **state)
{
    scratch *s = *state;
    sb_options options = with_flags(0);

    assert_ok(sb_txn_begin(&options.txn, s->broker, NULL));
    assert_status(SB_EINVALID, sb_backup(s->broker, beside(s, "copy.db"), NTS, &options));
    sb_txn_rollback(options.txn);
}

int main(void)
{
#define OVER_FILE(test) cmocka_unit_test_setup_teardown(test, scratch_open, scratch_free)
    const struct CMUnitTest tests[] = {
        EVERY_RUNNER(test_backup__is_a_broker_of_its_own),
        EVERY_RUNNER(test_backup__refuses_existing_names),
        EVERY_RUNNER(test_backup__refuses_bad_paths),
        OVER_FILE(test_backup__cancelled_leaves_nothing),
        OVER_FILE(test_backup__of_a_database_being_written),
        OVER_FILE(test_backup__of_an_adopted_connection),
        OVER_FILE(test_backup__without_room_leaves_nothing),
        OVER_FILE(test_backup__of_a_replaced_database_is_refused),
        EVERY_RUNNER(test_backup__not_as_part_of_a_transaction),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
