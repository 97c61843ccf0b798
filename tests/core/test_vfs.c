/*
 * test_vfs.c - the lock rules of the VFS, on real files with a connection of ours and a foreign one
 *
 * Where SQLite would pass too fast through the state in question, a test asks for the locks itself,
 * through the file of a connection that is otherwise idle.
 */
#include "vfs.h"

#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

enum { WRITE_BYTE = 0, CKPT_BYTE = 1, READ_BYTE = 3, RESET_BYTE = 4, RESET_COUNT = 4 };
enum {
    LOCK = SQLITE_SHM_LOCK | SQLITE_SHM_EXCLUSIVE,
    UNLOCK = SQLITE_SHM_UNLOCK | SQLITE_SHM_EXCLUSIVE
};

static char directory[64];
static char path[96];
static char wal_path[112];
static sqlite3 *ours;
static sqlite3 *foreign;

static void assert_exec(sqlite3 *db, const char *sql)
{
    assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
}

static int exec(sqlite3 *db, const char *sql)
{
    return sqlite3_exec(db, sql, NULL, NULL, NULL);
}

static sqlite3 *open_database(const char *vfs)
{
    sqlite3 *db = NULL;

    assert_int_equal(sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, vfs),
                     SQLITE_OK);
    assert_exec(db, "PRAGMA journal_mode = WAL; PRAGMA wal_autocheckpoint = 0;"
                    "CREATE TABLE IF NOT EXISTS t (id INTEGER PRIMARY KEY, body)");
    return db;
}

static int shm_lock(sqlite3 *db, int offset, int count, int flags)
{
    sqlite3_file *file = NULL;

    assert_int_equal(sqlite3_file_control(db, "main", SQLITE_FCNTL_FILE_POINTER, &file), SQLITE_OK);
    return file->pMethods->xShmLock(file, offset, count, flags);
}

/* Whether `db`, another connection than the holder, finds these bytes free. */
static int is_free(sqlite3 *db, int offset, int count)
{
    int rc = shm_lock(db, offset, count, LOCK);

    if (rc == SQLITE_OK) {
        assert_int_equal(shm_lock(db, offset, count, UNLOCK), SQLITE_OK);
    }
    return rc == SQLITE_OK;
}

static int checkpoint(sqlite3 *db, int mode, int *frames, int *copied)
{
    return sqlite3_wal_checkpoint_v2(db, NULL, mode, frames, copied);
}

static void insert(sqlite3 *db, int rows)
{
    while (rows-- > 0) {
        assert_exec(db, "INSERT INTO t (body) VALUES (randomblob(3000))");
    }
}

static int count_rows(sqlite3 *db)
{
    sqlite3_stmt *statement = NULL;
    int rows = 0;

    assert_int_equal(sqlite3_prepare_v2(db, "SELECT count(*) FROM t", -1, &statement, NULL),
                     SQLITE_OK);
    assert_int_equal(sqlite3_step(statement), SQLITE_ROW);
    rows = sqlite3_column_int(statement, 0);
    sqlite3_finalize(statement);
    return rows;
}

static long long wal_size(void)
{
    struct stat status;

    return stat(wal_path, &status) == 0 ? (long long)status.st_size : -1;
}

static void *store_name(void *payload)
{
    *(const char **)payload = sb__vfs_name();
    return NULL;
}

static void test_name__registered_once_and_not_default(void **state)
{
    const char *names[8];
    pthread_t threads[8];
    size_t i;

    (void)state;
    for (i = 0; i < 8; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, store_name, &names[i]), 0);
    }
    for (i = 0; i < 8; i++) {
        pthread_join(threads[i], NULL);
        assert_string_equal(names[i], "simplebroker");
    }
    assert_non_null(sqlite3_vfs_find("simplebroker"));
    assert_string_not_equal(sqlite3_vfs_find(NULL)->zName, "simplebroker");
}

static void test_open__uses_the_vfs(void **state)
{
    sqlite3_vfs *vfs = NULL;

    (void)state;
    assert_int_equal(sqlite3_file_control(ours, "main", SQLITE_FCNTL_VFS_POINTER, &vfs), SQLITE_OK);
    assert_ptr_equal(vfs, sqlite3_vfs_find("simplebroker"));
    assert_exec(ours, "SELECT julianday('now'), random()");
}

static void test_open__missing_file_fails_as_ever(void **state)
{
    sqlite3 *db = NULL;
    char missing[112];

    (void)state;
    snprintf(missing, sizeof(missing), "%s/none/x.db", directory);
    assert_int_equal(sqlite3_open_v2(missing, &db, SQLITE_OPEN_READWRITE, sb__vfs_name()),
                     SQLITE_CANTOPEN);
    sqlite3_close(db);
}

static void test_open__uri_parameters_reach_the_default_vfs(void **state)
{
    char uri[128];
    sqlite3 *db = NULL;

    (void)state;
    insert(ours, 1);
    assert_int_equal(checkpoint(ours, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL), SQLITE_OK);
    snprintf(uri, sizeof(uri), "file:%s?immutable=1", path);
    assert_int_equal(sqlite3_open_v2(uri, &db, SQLITE_OPEN_READONLY | SQLITE_OPEN_URI,
                                     sb__vfs_name()), SQLITE_OK);
    assert_int_equal(count_rows(db), 1);
    sqlite3_close(db);
}

static void test_checkpoint__holds_write_until_it_ends(void **state)
{
    (void)state;
    insert(ours, 1);
    assert_int_equal(shm_lock(ours, CKPT_BYTE, 1, LOCK), SQLITE_OK);
    assert_int_equal(exec(foreign, "BEGIN IMMEDIATE"), SQLITE_BUSY);
    assert_int_equal(count_rows(foreign), 1);
    assert_int_equal(shm_lock(ours, CKPT_BYTE, 1, UNLOCK), SQLITE_OK);
    assert_exec(foreign, "BEGIN IMMEDIATE; COMMIT");
}

static void test_checkpoint__refused_while_someone_writes(void **state)
{
    sb__vfs_counters before;
    sb__vfs_counters after;
    int frames = 0;
    int copied = 0;

    (void)state;
    insert(ours, 5);
    assert_exec(foreign, "BEGIN IMMEDIATE");
    sb__vfs_read_counters(&before);
    assert_int_equal(checkpoint(ours, SQLITE_CHECKPOINT_PASSIVE, &frames, &copied), SQLITE_BUSY);
    sb__vfs_read_counters(&after);
    assert_int_equal(after.refused_checkpoints, before.refused_checkpoints + 1);
    assert_true(is_free(foreign, CKPT_BYTE, 1));

    assert_exec(foreign, "COMMIT");
    assert_int_equal(checkpoint(ours, SQLITE_CHECKPOINT_PASSIVE, &frames, &copied), SQLITE_OK);
    assert_true(frames > 0);
    assert_int_equal(copied, frames);
}

static void test_checkpoint__gives_write_back_when_another_checkpoints(void **state)
{
    (void)state;
    insert(ours, 1);
    assert_int_equal(shm_lock(foreign, CKPT_BYTE, 1, LOCK), SQLITE_OK);
    assert_int_equal(checkpoint(ours, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL), SQLITE_BUSY);
    assert_true(is_free(foreign, WRITE_BYTE, 1));
    assert_int_equal(shm_lock(foreign, CKPT_BYTE, 1, UNLOCK), SQLITE_OK);
}

static void test_checkpoint__every_mode_releases_all_locks(void **state)
{
    static const int modes[] = {SQLITE_CHECKPOINT_PASSIVE, SQLITE_CHECKPOINT_FULL,
                                SQLITE_CHECKPOINT_RESTART, SQLITE_CHECKPOINT_TRUNCATE};
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
        insert(ours, 3);
        assert_int_equal(checkpoint(ours, modes[i], NULL, NULL), SQLITE_OK);
        assert_true(is_free(foreign, WRITE_BYTE, 1));
        assert_true(is_free(foreign, CKPT_BYTE, 1));
        assert_true(is_free(foreign, READ_BYTE, 5));
    }
    assert_int_equal(wal_size(), 0);
    assert_int_equal(count_rows(foreign), 12);
}

static void test_checkpoint__stopped_by_a_reader_releases_all_locks(void **state)
{
    int frames = 0;
    int copied = 0;

    (void)state;
    insert(ours, 3);
    assert_exec(foreign, "BEGIN; SELECT * FROM t");
    insert(ours, 3);
    assert_int_equal(checkpoint(ours, SQLITE_CHECKPOINT_PASSIVE, &frames, &copied), SQLITE_OK);
    assert_true(copied < frames);
    assert_int_equal(checkpoint(ours, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL), SQLITE_BUSY);
    assert_true(is_free(foreign, WRITE_BYTE, 1));
    assert_true(is_free(foreign, CKPT_BYTE, 1));
    assert_exec(foreign, "COMMIT");
}

/* SQLite asks for WRITE inside FULL checkpoints and inside recovery; both orders of release. */
static void test_write_lock__held_until_sqlite_and_the_rule_are_done(void **state)
{
    (void)state;
    assert_int_equal(shm_lock(ours, CKPT_BYTE, 1, LOCK), SQLITE_OK);
    assert_int_equal(shm_lock(ours, WRITE_BYTE, 1, LOCK), SQLITE_OK);
    assert_int_equal(shm_lock(ours, WRITE_BYTE, 1, UNLOCK), SQLITE_OK);
    assert_false(is_free(foreign, WRITE_BYTE, 1));
    assert_int_equal(shm_lock(ours, CKPT_BYTE, 1, UNLOCK), SQLITE_OK);
    assert_true(is_free(foreign, WRITE_BYTE, 1));

    assert_int_equal(shm_lock(ours, WRITE_BYTE, 1, LOCK), SQLITE_OK);
    assert_int_equal(shm_lock(ours, CKPT_BYTE, 1, LOCK), SQLITE_OK);
    assert_int_equal(shm_lock(ours, CKPT_BYTE, 1, UNLOCK), SQLITE_OK);
    assert_false(is_free(foreign, WRITE_BYTE, 1));
    assert_int_equal(shm_lock(ours, WRITE_BYTE, 1, UNLOCK), SQLITE_OK);
    assert_true(is_free(foreign, WRITE_BYTE, 1));

    assert_int_equal(shm_lock(ours, WRITE_BYTE, 1, LOCK), SQLITE_OK);
    assert_int_equal(shm_lock(ours, CKPT_BYTE, 1, LOCK), SQLITE_OK);
    assert_int_equal(shm_lock(ours, WRITE_BYTE, 1, UNLOCK), SQLITE_OK);
    assert_false(is_free(foreign, WRITE_BYTE, 1));
    assert_int_equal(shm_lock(ours, CKPT_BYTE, 1, UNLOCK), SQLITE_OK);
    assert_true(is_free(foreign, WRITE_BYTE, 1));
}

/* A snapshot takes CKPT in shared mode for a moment; that is no checkpoint. */
static void test_shared_ckpt_lock__takes_no_write(void **state)
{
    int shared = SQLITE_SHM_SHARED;

    (void)state;
    assert_int_equal(shm_lock(ours, CKPT_BYTE, 1, SQLITE_SHM_LOCK | shared), SQLITE_OK);
    assert_true(is_free(foreign, WRITE_BYTE, 1));
    assert_int_equal(shm_lock(ours, CKPT_BYTE, 1, SQLITE_SHM_UNLOCK | shared), SQLITE_OK);
    assert_true(is_free(foreign, CKPT_BYTE, 1));
}

static void test_reset__refused_while_someone_checkpoints(void **state)
{
    sb__vfs_counters before;
    sb__vfs_counters after;
    long long size;

    (void)state;
    insert(ours, 10);
    assert_int_equal(checkpoint(ours, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL), SQLITE_OK);
    size = wal_size();
    assert_int_equal(shm_lock(foreign, CKPT_BYTE, 1, LOCK), SQLITE_OK);
    sb__vfs_read_counters(&before);
    insert(ours, 1);
    sb__vfs_read_counters(&after);
    assert_int_equal(after.refused_resets, before.refused_resets + 1);
    assert_true(wal_size() > size);
    assert_int_equal(shm_lock(foreign, CKPT_BYTE, 1, UNLOCK), SQLITE_OK);
    assert_int_equal(count_rows(foreign), 11);
}

static void test_reset__happens_after_a_complete_checkpoint(void **state)
{
    long long size;
    int frames = 0;

    (void)state;
    insert(ours, 10);
    assert_int_equal(checkpoint(ours, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL), SQLITE_OK);
    size = wal_size();
    insert(ours, 1);
    assert_int_equal(wal_size(), size);
    assert_int_equal(checkpoint(ours, SQLITE_CHECKPOINT_PASSIVE, &frames, NULL), SQLITE_OK);
    assert_true(frames < 10);
    assert_true(is_free(foreign, CKPT_BYTE, 1));
}

static void test_reset__holds_ckpt_until_it_ends(void **state)
{
    (void)state;
    assert_int_equal(shm_lock(ours, RESET_BYTE, RESET_COUNT, LOCK), SQLITE_OK);
    assert_false(is_free(foreign, CKPT_BYTE, 1));
    assert_int_equal(shm_lock(ours, RESET_BYTE, RESET_COUNT, UNLOCK), SQLITE_OK);
    assert_true(is_free(foreign, CKPT_BYTE, 1));
    assert_true(is_free(foreign, RESET_BYTE, RESET_COUNT));
}

static void test_reset__gives_ckpt_back_when_a_reader_is_there(void **state)
{
    int shared = SQLITE_SHM_SHARED;

    (void)state;
    assert_int_equal(shm_lock(foreign, RESET_BYTE, 1, SQLITE_SHM_LOCK | shared), SQLITE_OK);
    assert_int_equal(shm_lock(ours, RESET_BYTE, RESET_COUNT, LOCK), SQLITE_BUSY);
    assert_true(is_free(foreign, CKPT_BYTE, 1));
    assert_int_equal(shm_lock(foreign, RESET_BYTE, 1, SQLITE_SHM_UNLOCK | shared), SQLITE_OK);
}

static void test_attached_database__obeys_the_rules(void **state)
{
    char sql[160];
    sqlite3 *other = NULL;

    (void)state;
    assert_int_equal(sqlite3_open_v2(":memory:", &other, SQLITE_OPEN_READWRITE, sb__vfs_name()),
                     SQLITE_OK);
    snprintf(sql, sizeof(sql), "ATTACH '%s' AS q; SELECT * FROM q.t", path);
    assert_exec(other, sql);
    insert(foreign, 1);
    assert_exec(foreign, "BEGIN IMMEDIATE");
    assert_int_equal(sqlite3_wal_checkpoint_v2(other, "q", SQLITE_CHECKPOINT_PASSIVE, NULL, NULL),
                     SQLITE_BUSY);
    assert_exec(foreign, "COMMIT");
    assert_int_equal(sqlite3_wal_checkpoint_v2(other, "q", SQLITE_CHECKPOINT_PASSIVE, NULL, NULL),
                     SQLITE_OK);
    sqlite3_close(other);
}

static void test_exclusive_locking_mode__works_and_returns(void **state)
{
    (void)state;
    sqlite3_close(foreign);
    foreign = NULL;
    assert_exec(ours, "PRAGMA locking_mode = EXCLUSIVE");
    insert(ours, 5);
    assert_int_equal(checkpoint(ours, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL), SQLITE_OK);
    insert(ours, 5);
    assert_exec(ours, "PRAGMA locking_mode = NORMAL; SELECT * FROM t");
    foreign = open_database(NULL);
    insert(foreign, 1);
    assert_int_equal(checkpoint(ours, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL), SQLITE_OK);
    assert_int_equal(count_rows(ours), 11);
}

static void test_journal_mode__can_leave_and_enter_wal_again(void **state)
{
    (void)state;
    sqlite3_close(foreign);
    foreign = NULL;
    insert(ours, 2);
    assert_exec(ours, "PRAGMA journal_mode = DELETE");
    assert_int_equal(wal_size(), -1);
    insert(ours, 2);
    assert_exec(ours, "PRAGMA journal_mode = WAL");
    insert(ours, 2);
    assert_int_equal(checkpoint(ours, SQLITE_CHECKPOINT_RESTART, NULL, NULL), SQLITE_OK);
    foreign = open_database(NULL);
    assert_int_equal(count_rows(foreign), 6);
    insert(foreign, 1);
}

static void test_last_close__copies_and_removes_the_wal(void **state)
{
    (void)state;
    insert(ours, 4);
    sqlite3_close(foreign);
    foreign = NULL;
    assert_int_equal(sqlite3_close(ours), SQLITE_OK);
    ours = NULL;
    assert_int_equal(wal_size(), -1);
    foreign = open_database(NULL);
    assert_int_equal(count_rows(foreign), 4);
}

/* Recovery takes WRITE, then CKPT and RECOVER together; or RECOVER alone, inside a checkpoint. */
static void test_recovery__after_a_crash_keeps_the_rows(void **state)
{
    int status = 0;
    pid_t child;

    (void)state;
    sqlite3_close(foreign);
    sqlite3_close(ours);
    ours = foreign = NULL;
    child = fork();
    if (child == 0) {
        insert(open_database(sb__vfs_name()), 7);
        raise(SIGKILL);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    assert_true(wal_size() > 0);
    assert_int_equal(sqlite3_open_v2(path, &ours, SQLITE_OPEN_READWRITE, sb__vfs_name()),
                     SQLITE_OK);
    assert_int_equal(checkpoint(ours, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL), SQLITE_OK);
    foreign = open_database(NULL);
    assert_int_equal(count_rows(foreign), 7);
    assert_true(is_free(foreign, WRITE_BYTE, 1));
    assert_true(is_free(foreign, CKPT_BYTE, 2));
}

static void test_unmap__drops_what_is_still_held(void **state)
{
    sqlite3 *other = open_database(sb__vfs_name());
    sqlite3_file *file = NULL;

    (void)state;
    assert_int_equal(shm_lock(other, CKPT_BYTE, 1, LOCK), SQLITE_OK);
    assert_int_equal(sqlite3_file_control(other, "main", SQLITE_FCNTL_FILE_POINTER, &file),
                     SQLITE_OK);
    assert_int_equal(file->pMethods->xShmUnmap(file, 0), SQLITE_OK);
    assert_true(is_free(foreign, WRITE_BYTE, 1));
    assert_true(is_free(foreign, CKPT_BYTE, 1));
    sqlite3_close(other);
}

static void test_wal_reset_bug__known_by_version(void **state)
{
    static const struct {
        int version;
        int affected;
    } table[] = {
        {3006023, 0}, {3007000, 1}, {3035000, 1}, {3040001, 1}, {3044005, 1}, {3044006, 0},
        {3044007, 0}, {3045000, 1}, {3050006, 1}, {3050007, 0}, {3051000, 1}, {3051002, 1},
        {3051003, 0}, {3052000, 0}, {0, 0},
    };
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        assert_int_equal(sb__sqlite_has_wal_reset_bug(table[i].version), table[i].affected);
    }
}

static int open_both(void **state)
{
    (void)state;
    snprintf(directory, sizeof(directory), "/tmp/sb-vfs-XXXXXX");
    if (mkdtemp(directory) == NULL) {
        return -1;
    }
    snprintf(path, sizeof(path), "%s/queue.db", directory);
    snprintf(wal_path, sizeof(wal_path), "%s-wal", path);
    ours = open_database(sb__vfs_name());
    foreign = open_database(NULL);
    assert_int_equal(count_rows(foreign), 0);
    return 0;
}

static int close_both(void **state)
{
    char shm_path[112];

    (void)state;
    sqlite3_close(ours);
    sqlite3_close(foreign);
    ours = foreign = NULL;
    snprintf(shm_path, sizeof(shm_path), "%s-shm", path);
    unlink(path);
    unlink(wal_path);
    unlink(shm_path);
    return rmdir(directory);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_both, close_both)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_name__registered_once_and_not_default),
        TEST(test_open__uses_the_vfs),
        TEST(test_open__missing_file_fails_as_ever),
        TEST(test_open__uri_parameters_reach_the_default_vfs),
        TEST(test_checkpoint__holds_write_until_it_ends),
        TEST(test_checkpoint__refused_while_someone_writes),
        TEST(test_checkpoint__gives_write_back_when_another_checkpoints),
        TEST(test_checkpoint__every_mode_releases_all_locks),
        TEST(test_checkpoint__stopped_by_a_reader_releases_all_locks),
        TEST(test_write_lock__held_until_sqlite_and_the_rule_are_done),
        TEST(test_shared_ckpt_lock__takes_no_write),
        TEST(test_reset__refused_while_someone_checkpoints),
        TEST(test_reset__happens_after_a_complete_checkpoint),
        TEST(test_reset__holds_ckpt_until_it_ends),
        TEST(test_reset__gives_ckpt_back_when_a_reader_is_there),
        TEST(test_attached_database__obeys_the_rules),
        TEST(test_exclusive_locking_mode__works_and_returns),
        TEST(test_journal_mode__can_leave_and_enter_wal_again),
        TEST(test_last_close__copies_and_removes_the_wal),
        TEST(test_recovery__after_a_crash_keeps_the_rows),
        TEST(test_unmap__drops_what_is_still_held),
        cmocka_unit_test(test_wal_reset_bug__known_by_version),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
