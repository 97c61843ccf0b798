/*
 * The smallest program that does what `broker write` or `broker read` does: opens the file, sets
 * the same pragmas and runs the same statements. Arguments: write|read, database, queue.
 */
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

static int run(sqlite3 *db, const char *sql, const char *queue, sqlite3_int64 number)
{
    sqlite3_stmt *statement;
    int code;

    if (sqlite3_prepare_v2(db, sql, -1, &statement, NULL)) {
        return 1;
    }
    if (queue) {
        sqlite3_bind_text(statement, 1, queue, -1, SQLITE_STATIC);
        sqlite3_bind_text(statement, 2, "hello", 5, SQLITE_STATIC);
        sqlite3_bind_int64(statement, 3, number);
    } else if (number) {
        sqlite3_bind_int64(statement, 1, number);
    }
    code = sqlite3_step(statement);
    sqlite3_finalize(statement);
    return code != SQLITE_DONE && code != SQLITE_ROW;
}

static int write_message(sqlite3 *db, const char *queue)
{
    struct timespec t;
    sqlite3_int64 id;

    clock_gettime(CLOCK_REALTIME, &t);
    id = ((sqlite3_int64)t.tv_sec * 1000000000 + t.tv_nsec) & ~(sqlite3_int64)4095;
    return run(db, "BEGIN IMMEDIATE", NULL, 0) ||
           run(db, "UPDATE meta SET value = ?1 WHERE key = 'last_ts' AND value < ?1", NULL, id) ||
           run(db, "INSERT INTO messages (queue, body, ts) VALUES (?1, ?2, ?3)", queue, id) ||
           run(db, "COMMIT", NULL, 0);
}

static int read_message(sqlite3 *db, const char *queue)
{
    sqlite3_stmt *oldest;
    sqlite3_int64 row;
    int failed;

    if (run(db, "BEGIN IMMEDIATE", NULL, 0) ||
        sqlite3_prepare_v2(db, "SELECT id, body, ts FROM messages WHERE queue = ?1 AND "
                               "claimed = 0 ORDER BY id LIMIT 1", -1, &oldest, NULL)) {
        return 1;
    }
    sqlite3_bind_text(oldest, 1, queue, -1, SQLITE_STATIC);
    if (sqlite3_step(oldest) != SQLITE_ROW) {
        return 2;
    }
    row = sqlite3_column_int64(oldest, 0);
    puts((const char *)sqlite3_column_text(oldest, 1));
    sqlite3_finalize(oldest);
    failed = run(db, "UPDATE messages SET claimed = 1 WHERE id = ?1", NULL, row) ||
             run(db, "COMMIT", NULL, 0);
    return failed;
}

int main(int argc, char **argv)
{
    sqlite3 *db;
    int failed;

    if (argc != 4 || sqlite3_open(argv[2], &db) ||
        sqlite3_exec(db, "PRAGMA busy_timeout = 5000; PRAGMA journal_mode = WAL; "
                         "PRAGMA cache_size = -10240; PRAGMA synchronous = FULL; "
                         "PRAGMA wal_autocheckpoint = 1000", NULL, NULL, NULL)) {
        return 1;
    }
    failed = argv[1][0] == 'w' ? write_message(db, argv[3]) : read_message(db, argv[3]);
    sqlite3_close(db);
    return failed;
}
