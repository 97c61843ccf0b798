/*
 * test_wal_reset.c - the WAL-reset bug of SQLite, step by step, in two processes
 *
 * One process writes, the other checkpoints, and each is either foreign (plain SQLite) or ours.
 * The test drives both over pipes: a first checkpoint copies everything, so that the next commit
 * may reset the WAL; the second one is stopped just after it has read the WAL's header; a commit
 * falls into that pause; the second goes on; more commits and a third checkpoint follow. Plain
 * SQLite of an affected version then has lost what it acknowledged. With one of the two processes
 * ours nothing may be lost.
 */
#include "vfs.h"
#include "wal_reset_pause.h"

#include <setjmp.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

enum kind { FOREIGN, OURS };
enum command { INSERT, CHECKPOINT, TRUNCATE, GO_ON, CLOSE };
enum { ROWS_BEFORE = 40, ROWS_AFTER = 60 };

struct request {
    enum command command;
    int rows;
};

struct reply {
    int paused; /* the checkpoint waits for GO_ON; otherwise it or the command is done */
    int rc;
    int done; /* rows that were acknowledged */
    int log;
    int copied;
    sb__vfs_counters counters;
};

struct worker {
    pid_t pid;
    int requests;
    int replies;
};

static char directory[64];
static char path[96];

static int worker_requests;
static int worker_replies;

static void send_reply(const struct reply *reply)
{
    if (write(worker_replies, reply, sizeof(*reply)) != sizeof(*reply)) {
        _exit(2);
    }
}

static void next_request(struct request *request)
{
    if (read(worker_requests, request, sizeof(*request)) != sizeof(*request)) {
        _exit(3);
    }
}

static void pause_in_checkpoint(void)
{
    struct reply reply = {.paused = 1};
    struct request request;

    send_reply(&reply);
    next_request(&request);
    if (request.command != GO_ON) {
        _exit(4);
    }
}

static void do_nothing(void)
{
}

static int open_database(sqlite3 **db, enum kind kind, void (*hook)(void))
{
    int rc = pause_vfs_register(kind == OURS ? sb__vfs_name() : NULL, hook);

    if (rc == SQLITE_OK) {
        rc = sqlite3_open_v2(path, db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, "pause");
    }
    if (rc == SQLITE_OK) {
        rc = sqlite3_exec(*db, "PRAGMA journal_mode = WAL; PRAGMA wal_autocheckpoint = 0;"
                          "CREATE TABLE IF NOT EXISTS t (id INTEGER PRIMARY KEY, body);"
                          "SELECT count(*) FROM t", NULL, NULL, NULL);
    }
    return rc;
}

static void carry_out(sqlite3 *db, const struct request *request, struct reply *reply)
{
    int mode = request->command == TRUNCATE ? SQLITE_CHECKPOINT_TRUNCATE
                                            : SQLITE_CHECKPOINT_PASSIVE;

    if (request->command == INSERT) {
        while (reply->rc == SQLITE_OK && reply->done < request->rows) {
            reply->rc = sqlite3_exec(db, "INSERT INTO t (body) VALUES (randomblob(3000))",
                                     NULL, NULL, NULL);
            reply->done += reply->rc == SQLITE_OK;
        }
    } else if (request->command == CLOSE) {
        reply->rc = sqlite3_close(db);
    } else {
        reply->rc = sqlite3_wal_checkpoint_v2(db, NULL, mode, &reply->log, &reply->copied);
    }
    sb__vfs_read_counters(&reply->counters);
}

static void run_worker(enum kind kind, void (*hook)(void))
{
    struct request request = {.command = INSERT};
    struct reply reply = {0};
    sqlite3 *db = NULL;

    alarm(60);
    reply.rc = open_database(&db, kind, hook);
    send_reply(&reply);
    while (request.command != CLOSE) {
        memset(&reply, 0, sizeof(reply));
        next_request(&request);
        carry_out(db, &request, &reply);
        send_reply(&reply);
    }
    _exit(0);
}

static struct reply await_reply(struct worker *worker)
{
    struct reply reply;

    assert_int_equal(read(worker->replies, &reply, sizeof(reply)), sizeof(reply));
    return reply;
}

static struct reply order(struct worker *worker, enum command command, int rows)
{
    struct request request = {.command = command, .rows = rows};

    assert_int_equal(write(worker->requests, &request, sizeof(request)), sizeof(request));
    return await_reply(worker);
}

static struct worker start_worker(enum kind kind, void (*hook)(void))
{
    struct worker worker;
    int requests[2];
    int replies[2];

    assert_int_equal(pipe(requests), 0);
    assert_int_equal(pipe(replies), 0);
    worker.pid = fork();
    assert_true(worker.pid >= 0);
    if (worker.pid == 0) {
        close(requests[1]);
        close(replies[0]);
        worker_requests = requests[0];
        worker_replies = replies[1];
        run_worker(kind, hook);
    }
    close(requests[0]);
    close(replies[1]);
    worker.requests = requests[1];
    worker.replies = replies[0];
    assert_int_equal(await_reply(&worker).rc, SQLITE_OK);
    return worker;
}

static void finish_worker(struct worker *worker)
{
    int status = 0;

    assert_int_equal(order(worker, CLOSE, 0).rc, SQLITE_OK);
    assert_int_equal(waitpid(worker->pid, &status, 0), worker->pid);
    assert_int_equal(status, 0);
    close(worker->requests);
    close(worker->replies);
}

struct outcome {
    struct reply in_pause; /* of the commit that falls into the second checkpoint */
    int acknowledged;
    int found; /* -1 if the table cannot even be read */
    int sound; /* what PRAGMA integrity_check says */
};

static void examine(struct outcome *out)
{
    sqlite3 *db = NULL;
    sqlite3_stmt *statement = NULL;

    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    out->found = -1;
    if (sqlite3_prepare_v2(db, "SELECT count(*) FROM t", -1, &statement, NULL) == SQLITE_OK
        && sqlite3_step(statement) == SQLITE_ROW) {
        out->found = sqlite3_column_int(statement, 0);
    }
    sqlite3_finalize(statement);
    out->sound = 0;
    if (sqlite3_prepare_v2(db, "PRAGMA integrity_check", -1, &statement, NULL) == SQLITE_OK
        && sqlite3_step(statement) == SQLITE_ROW) {
        out->sound = strcmp((const char *)sqlite3_column_text(statement, 0), "ok") == 0;
    }
    sqlite3_finalize(statement);
    sqlite3_close(db);
}

static struct outcome race(enum kind writing, enum kind checkpointing)
{
    struct worker writer = start_worker(writing, do_nothing);
    struct worker checkpointer = start_worker(checkpointing, pause_in_checkpoint);
    struct outcome out = {0};
    struct reply reply;

    assert_int_equal(order(&writer, INSERT, ROWS_BEFORE).done, ROWS_BEFORE);
    reply = order(&writer, CHECKPOINT, 0);
    assert_int_equal(reply.rc, SQLITE_OK);
    assert_int_equal(reply.copied, reply.log);

    assert_true(order(&checkpointer, CHECKPOINT, 0).paused);
    out.in_pause = order(&writer, INSERT, 1);
    reply = order(&checkpointer, GO_ON, 0);
    assert_false(reply.paused);
    assert_int_equal(reply.rc, SQLITE_OK);

    reply = order(&writer, INSERT, ROWS_AFTER);
    out.acknowledged = ROWS_BEFORE + out.in_pause.done + reply.done;
    order(&writer, TRUNCATE, 0);
    finish_worker(&checkpointer);
    finish_worker(&writer);
    examine(&out);
    return out;
}

static void assert_nothing_lost(const struct outcome *out)
{
    assert_int_equal(out->acknowledged, ROWS_BEFORE + out->in_pause.done + ROWS_AFTER);
    assert_int_equal(out->found, out->acknowledged);
    assert_true(out->sound);
}

static void test_two_foreign_processes__lose_commits_with_affected_sqlite(void **state)
{
    struct outcome out = race(FOREIGN, FOREIGN);

    (void)state;
    assert_int_equal(out.in_pause.rc, SQLITE_OK);
    if (sb__sqlite_has_wal_reset_bug(sqlite3_libversion_number())) {
        assert_true(out.found != out.acknowledged || !out.sound);
    } else {
        assert_nothing_lost(&out);
    }
}

static void test_our_checkpoint__keeps_foreign_commit_out(void **state)
{
    struct outcome out = race(FOREIGN, OURS);

    (void)state;
    assert_int_equal(out.in_pause.rc, SQLITE_BUSY);
    assert_nothing_lost(&out);
}

static void test_our_commit__appends_during_foreign_checkpoint(void **state)
{
    struct outcome out = race(OURS, FOREIGN);

    (void)state;
    assert_int_equal(out.in_pause.rc, SQLITE_OK);
    assert_int_equal(out.in_pause.counters.refused_resets, 1);
    assert_nothing_lost(&out);
}

static void test_two_processes_of_ours__lose_nothing(void **state)
{
    struct outcome out = race(OURS, OURS);

    (void)state;
    assert_int_equal(out.in_pause.rc, SQLITE_BUSY);
    assert_nothing_lost(&out);
}

static int make_directory(void **state)
{
    (void)state;
    snprintf(directory, sizeof(directory), "/tmp/sb-wal-reset-XXXXXX");
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
        cmocka_unit_test_setup_teardown(
            test_two_foreign_processes__lose_commits_with_affected_sqlite,
            make_directory, remove_directory),
        cmocka_unit_test_setup_teardown(test_our_checkpoint__keeps_foreign_commit_out,
                                        make_directory, remove_directory),
        cmocka_unit_test_setup_teardown(test_our_commit__appends_during_foreign_checkpoint,
                                        make_directory, remove_directory),
        cmocka_unit_test_setup_teardown(test_two_processes_of_ours__lose_nothing,
                                        make_directory, remove_directory),
    };

    alarm(60);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
