/*
 * test_wal_reset_stress.c - the WAL-reset race by chance, with foreign processes among ours
 *
 * Writers commit small rows as fast as they can while one process checkpoints in a loop, each
 * checkpoint lingering where the race opens. In the end every acknowledged row must be there and
 * the file sound. Either the checkpointer is foreign (plain SQLite) or the writers are.
 */
#include "checkpoint.h"
#include "vfs.h"
#include "wal_reset_pause.h"

#include <poll.h>
#include <setjmp.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

enum { WRITERS = 3, RUN_MS = 1500, CHECKPOINT_PAGES = 20 };

struct report {
    int writer;
    int acknowledged;
};

static char directory[64];
static char path[96];

static int64_t now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static int wait_a_little(void *payload, int tries)
{
    (void)payload;
    (void)tries;
    usleep((useconds_t)(50 + rand() % 200));
    return 1;
}

/* The race needs a commit inside the checkpoint, so it lingers about as long as one takes. */
static void linger(void)
{
    usleep((useconds_t)(rand() % 1500));
}

static sqlite3 *open_or_exit(const char *vfs)
{
    sqlite3 *db = NULL;

    if (sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, vfs) != SQLITE_OK
        || sqlite3_busy_handler(db, wait_a_little, NULL) != SQLITE_OK
        || sqlite3_exec(db, "PRAGMA synchronous = OFF", NULL, NULL, NULL) != SQLITE_OK) {
        _exit(2);
    }
    return db;
}

/* Runs until the other end of `stop` closes. Checkpoints of ours keep writers out, hence the
 * gaps; the race needs checkpoints that follow upon each other, hence not always. */
static void run_checkpointer(const char *base, int stop)
{
    struct pollfd stopped = {.fd = stop, .events = POLLIN};
    sqlite3 *db = NULL;

    alarm(60);
    srand(9);
    if (pause_vfs_register(base, linger) != SQLITE_OK) {
        _exit(3);
    }
    db = open_or_exit("pause");
    sqlite3_exec(db, "SELECT count(*) FROM t", NULL, NULL, NULL);
    while (poll(&stopped, 1, 0) == 0) {
        sqlite3_wal_checkpoint_v2(db, NULL, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
        if (rand() % 4 == 0) {
            linger();
        }
    }
    _exit(sqlite3_close(db) == SQLITE_OK ? 0 : 4);
}

static void run_writer(int writer, int ours, int reports)
{
    sqlite3 *db = open_or_exit(ours ? sb__vfs_name() : NULL);
    struct report report = {.writer = writer};
    sqlite3_stmt *insert = NULL;
    sb__checkpointer checkpointer;
    int64_t end = now_ms() + RUN_MS;

    alarm(60);
    srand((unsigned)writer);
    if (ours) {
        sb__checkpoint_install(db, &checkpointer, CHECKPOINT_PAGES);
    } else {
        sqlite3_wal_autocheckpoint(db, 0);
    }
    if (sqlite3_prepare_v2(db, "INSERT INTO t (writer, n, body) VALUES (?1, ?2, randomblob(900))",
                           -1, &insert, NULL) != SQLITE_OK) {
        _exit(5);
    }
    sqlite3_bind_int(insert, 1, writer);
    while (now_ms() < end) {
        sqlite3_bind_int(insert, 2, report.acknowledged);
        if (sqlite3_step(insert) != SQLITE_DONE) {
            _exit(6);
        }
        sqlite3_reset(insert);
        report.acknowledged++;
        if (rand() % 30 == 0) {
            usleep(500);
        }
    }
    sqlite3_finalize(insert);
    if (write(reports, &report, sizeof(report)) != sizeof(report)) {
        _exit(7);
    }
    _exit(sqlite3_close(db) == SQLITE_OK ? 0 : 8);
}

static void assert_exit_status_zero(pid_t pid)
{
    int status = 0;

    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
}

static int query_int(sqlite3 *db, const char *sql, int parameter)
{
    sqlite3_stmt *statement = NULL;
    int result = 0;

    assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &statement, NULL), SQLITE_OK);
    sqlite3_bind_int(statement, 1, parameter);
    assert_int_equal(sqlite3_step(statement), SQLITE_ROW);
    result = sqlite3_column_int(statement, 0);
    sqlite3_finalize(statement);
    return result;
}

static void check_file(const struct report *reports)
{
    sqlite3 *db = NULL;
    int i;

    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(query_int(db, "SELECT count(*) = 1 AND max(integrity_check) = 'ok'"
                               " FROM pragma_integrity_check", 0), 1);
    for (i = 0; i < WRITERS; i++) {
        assert_true(reports[i].acknowledged > 0);
        assert_int_equal(query_int(db, "SELECT count(DISTINCT n) FROM t WHERE writer = ?1",
                                   reports[i].writer), reports[i].acknowledged);
    }
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

static void create_table(void)
{
    sqlite3 *db = NULL;

    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, "PRAGMA journal_mode = WAL;"
                                  "CREATE TABLE t (id INTEGER PRIMARY KEY, writer, n, body);"
                                  "CREATE INDEX i ON t (writer, n)", NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

static void run_stress(int ours_write, int ours_checkpoint)
{
    struct report reports[WRITERS];
    pid_t writers[WRITERS];
    pid_t checkpointer;
    int stop[2];
    int results[2];
    int i;

    create_table();
    assert_int_equal(pipe(stop), 0);
    assert_int_equal(pipe(results), 0);
    checkpointer = fork();
    if (checkpointer == 0) {
        close(stop[1]);
        run_checkpointer(ours_checkpoint ? sb__vfs_name() : NULL, stop[0]);
    }
    for (i = 0; i < WRITERS; i++) {
        writers[i] = fork();
        if (writers[i] == 0) {
            close(stop[1]);
            run_writer(i, ours_write, results[1]);
        }
    }
    close(results[1]);
    for (i = 0; i < WRITERS; i++) {
        assert_int_equal(read(results[0], &reports[i], sizeof(reports[i])), sizeof(reports[i]));
    }
    close(stop[1]);
    assert_exit_status_zero(checkpointer);
    for (i = 0; i < WRITERS; i++) {
        assert_exit_status_zero(writers[i]);
    }
    close(stop[0]);
    close(results[0]);
    check_file(reports);
}

static void test_foreign_checkpointer__our_writers_lose_nothing(void **state)
{
    (void)state;
    run_stress(1, 0);
}

static void test_foreign_writers__our_checkpointer_loses_nothing(void **state)
{
    (void)state;
    run_stress(0, 1);
}

static int make_directory(void **state)
{
    (void)state;
    snprintf(directory, sizeof(directory), "/tmp/sb-wal-stress-XXXXXX");
    if (mkdtemp(directory) == NULL) {
        return -1;
    }
    snprintf(path, sizeof(path), "%s/queue.db", directory);
    return 0;
}

static int remove_directory(void **state)
{
    char companion[112];

    (void)state;
    unlink(path);
    snprintf(companion, sizeof(companion), "%s-wal", path);
    unlink(companion);
    snprintf(companion, sizeof(companion), "%s-shm", path);
    unlink(companion);
    return rmdir(directory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_foreign_checkpointer__our_writers_lose_nothing,
                                        make_directory, remove_directory),
        cmocka_unit_test_setup_teardown(test_foreign_writers__our_checkpointer_loses_nothing,
                                        make_directory, remove_directory),
    };

    alarm(100);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
