/*
 * test_checkpoint.c - when checkpoints run, and how large the WAL becomes
 *
 * The only trace that a checkpoint leaves is what the WAL index says of it, so each test asks for
 * the frames in the WAL and those copied, as SQLite keeps them in the first page of the -shm
 * file: the frame count at byte 16, the copied ones at byte 96. Both are part of SQLite's
 * documented file format.
 */
#include "checkpoint.h"
#include "vfs.h"

#include <setjmp.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

enum { PAGES = 20 };

static char directory[64];
static char path[96];
static char wal_path[112];
static sqlite3 *db;
static sqlite3 *reader;
static sb__checkpointer checkpointer;

static void assert_exec(sqlite3 *target, const char *sql)
{
    assert_int_equal(sqlite3_exec(target, sql, NULL, NULL, NULL), SQLITE_OK);
}

static sqlite3_file *file_of_reader(void)
{
    sqlite3_file *file = NULL;

    assert_int_equal(sqlite3_file_control(reader, "main", SQLITE_FCNTL_FILE_POINTER, &file),
                     SQLITE_OK);
    return file;
}

static void lock_ckpt_by_reader(int flag)
{
    sqlite3_file *file = file_of_reader();

    assert_int_equal(file->pMethods->xShmLock(file, 1, 1, flag | SQLITE_SHM_EXCLUSIVE), SQLITE_OK);
}

static uint32_t index_word(int offset)
{
    void volatile *page = NULL;
    uint32_t word = 0;
    sqlite3_file *file = file_of_reader();

    assert_int_equal(file->pMethods->xShmMap(file, 0, 32768, 0, &page), SQLITE_OK);
    assert_non_null(page);
    memcpy(&word, (const char *)page + offset, sizeof(word));
    return word;
}

static int frames(void)
{
    return (int)index_word(16);
}

static int copied(void)
{
    return (int)index_word(96);
}

/* One commit of one frame: the page of the single row is written anew. */
static void commit_one(void)
{
    assert_exec(db, "UPDATE t SET n = n + 1 WHERE id = 1");
}

static void commit_until(int wanted)
{
    while (frames() < wanted) {
        commit_one();
    }
    assert_int_equal(frames(), wanted);
}

static void test_below_the_limit__copies_nothing(void **state)
{
    (void)state;
    commit_until(PAGES - 1);
    assert_int_equal(copied(), 0);
}

static void test_at_the_limit__copies_everything(void **state)
{
    (void)state;
    commit_until(PAGES);
    assert_int_equal(copied(), PAGES);
}

static void test_after_a_complete_one__wal_starts_anew(void **state)
{
    struct stat status;
    int i;

    (void)state;
    for (i = 0; i < PAGES * 20; i++) {
        commit_one();
        assert_true(frames() <= PAGES);
    }
    assert_int_equal(stat(wal_path, &status), 0);
    assert_true(status.st_size <= 32 + (4096 + 24) * PAGES);
}

static void test_one_large_transaction__copied_at_its_commit(void **state)
{
    int grown;

    (void)state;
    assert_exec(db, "BEGIN; INSERT INTO t (n) VALUES (randomblob(4096 * 3 * 20)); COMMIT");
    grown = frames();
    assert_true(grown > PAGES * 2);
    assert_int_equal(copied(), grown);
    commit_one();
    assert_true(frames() < PAGES);
}

static void test_reader_in_the_way__next_try_after_as_many_pages(void **state)
{
    int at_first;

    (void)state;
    commit_until(PAGES / 2);
    assert_exec(reader, "BEGIN; SELECT * FROM t");
    commit_until(PAGES);
    at_first = copied();
    assert_true(at_first > 0 && at_first < PAGES);
    assert_exec(reader, "COMMIT");
    commit_until(PAGES * 2 - 1);
    assert_int_equal(copied(), at_first);
    commit_one();
    assert_int_equal(copied(), PAGES * 2);
    commit_one();
    assert_int_equal(frames(), 1);
    commit_until(PAGES);
    assert_int_equal(copied(), PAGES);
}

/* The WAL is all copied, yet a reader that began before keeps it from being started anew. */
static void test_complete_but_pinned__does_not_try_at_every_commit(void **state)
{
    (void)state;
    commit_until(PAGES - 1);
    assert_int_equal(sqlite3_wal_checkpoint_v2(reader, NULL, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL),
                     SQLITE_OK);
    commit_one();
    assert_exec(reader, "BEGIN; SELECT * FROM t");
    commit_until(PAGES);
    assert_true(copied() < frames());
    commit_until(PAGES + 5);
    assert_exec(reader, "COMMIT; BEGIN; SELECT * FROM t");
    commit_until(PAGES * 2);
    assert_int_equal(copied(), PAGES + 5);
    assert_exec(reader, "COMMIT");
}

static void test_another_checkpoint_in_the_way__next_try_after_as_many_pages(void **state)
{
    (void)state;
    lock_ckpt_by_reader(SQLITE_SHM_LOCK);
    commit_until(PAGES);
    lock_ckpt_by_reader(SQLITE_SHM_UNLOCK);
    commit_until(PAGES * 2 - 1);
    assert_int_equal(copied(), 0);
    commit_one();
    assert_int_equal(copied(), PAGES * 2);
}

static void test_own_statement_still_reading__tried_again_at_the_next_commit(void **state)
{
    sqlite3_stmt *cursor = NULL;

    (void)state;
    assert_int_equal(sqlite3_prepare_v2(db, "SELECT * FROM t", -1, &cursor, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(cursor), SQLITE_ROW);
    commit_until(PAGES + 1);
    assert_int_equal(copied(), 0);
    sqlite3_finalize(cursor);
    commit_one();
    assert_int_equal(copied(), PAGES + 2);
}

static void test_commit__succeeds_though_the_checkpoint_fails(void **state)
{
    sqlite3_stmt *cursor = NULL;
    int i;

    (void)state;
    assert_exec(db, "INSERT INTO t (n) VALUES (0)");
    assert_int_equal(sqlite3_prepare_v2(db, "SELECT * FROM t", -1, &cursor, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(cursor), SQLITE_ROW);
    for (i = 0; i < PAGES * 2; i++) {
        commit_one();
        assert_int_equal(sqlite3_errcode(db), SQLITE_OK);
    }
    sqlite3_finalize(cursor);
}

static void test_no_pages__never_runs(void **state)
{
    static const int none[] = {0, -1};
    size_t i;

    (void)state;
    for (i = 0; i < 2; i++) {
        sb__checkpoint_install(db, &checkpointer, none[i]);
        commit_until((int)(i + 1) * 1200);
        assert_int_equal(copied(), 0);
    }
}

static void test_attached_database__is_copied_too(void **state)
{
    char sql[160];
    int i;

    (void)state;
    sqlite3_close(db);
    assert_int_equal(sqlite3_open_v2(":memory:", &db, SQLITE_OPEN_READWRITE, sb__vfs_name()),
                     SQLITE_OK);
    snprintf(sql, sizeof(sql), "ATTACH '%s' AS q", path);
    assert_exec(db, sql);
    sb__checkpoint_install(db, &checkpointer, PAGES);
    for (i = 0; frames() < PAGES && i < PAGES * 2; i++) {
        assert_exec(db, "UPDATE q.t SET n = n + 1");
    }
    assert_int_equal(copied(), PAGES);
}

static int open_both(void **state)
{
    (void)state;
    snprintf(directory, sizeof(directory), "/tmp/sb-checkpoint-XXXXXX");
    if (mkdtemp(directory) == NULL) {
        return -1;
    }
    snprintf(path, sizeof(path), "%s/queue.db", directory);
    snprintf(wal_path, sizeof(wal_path), "%s-wal", path);
    if (sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, sb__vfs_name())
            != SQLITE_OK
        || sqlite3_open(path, &reader) != SQLITE_OK) {
        return -1;
    }
    sb__checkpoint_install(db, &checkpointer, PAGES);
    assert_exec(db, "PRAGMA page_size = 4096; PRAGMA journal_mode = WAL; PRAGMA synchronous = OFF;"
                    "CREATE TABLE t (id INTEGER PRIMARY KEY, n); INSERT INTO t (n) VALUES (0)");
    assert_exec(reader, "SELECT * FROM t");
    assert_int_equal(sqlite3_wal_checkpoint_v2(db, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL),
                     SQLITE_OK);
    return 0;
}

static int close_both(void **state)
{
    (void)state;
    sqlite3_close(db);
    sqlite3_close(reader);
    db = reader = NULL;
    unlink(path);
    return rmdir(directory);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_both, close_both)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_below_the_limit__copies_nothing),
        TEST(test_at_the_limit__copies_everything),
        TEST(test_after_a_complete_one__wal_starts_anew),
        TEST(test_one_large_transaction__copied_at_its_commit),
        TEST(test_reader_in_the_way__next_try_after_as_many_pages),
        TEST(test_complete_but_pinned__does_not_try_at_every_commit),
        TEST(test_another_checkpoint_in_the_way__next_try_after_as_many_pages),
        TEST(test_own_statement_still_reading__tried_again_at_the_next_commit),
        TEST(test_commit__succeeds_though_the_checkpoint_fails),
        TEST(test_no_pages__never_runs),
        TEST(test_attached_database__is_copied_too),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
