/*
 * The limits of load and dump: a plain loop that inserts messages in batches of 1000 with the
 * library's statements, and one that selects all messages and writes them as lines. The command is
 * measured beside them by the script. Arguments: insert|select, database, number of messages.
 */
#include "bench.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void need_ok(sqlite3 *db, const char *sql)
{
    bench_need(sqlite3_exec(db, sql, NULL, NULL, NULL) == SQLITE_OK, sql);
}

static void insert_all(const char *path, long count)
{
    sqlite3_stmt *insert, *advance;
    sqlite3 *db;

    sb_close(bench_open(path, "FULL"));
    bench_need(sqlite3_open(path, &db) == SQLITE_OK, "open");
    need_ok(db, "PRAGMA cache_size = -10240; PRAGMA synchronous = FULL");
    bench_need(!sqlite3_prepare_v2(db, "INSERT INTO messages (queue, body, ts, claimed) "
                                       "VALUES (?1, ?2, ?3, 0)", -1, &insert, NULL), "prepare");
    bench_need(!sqlite3_prepare_v2(db, "UPDATE meta SET value = ?1 WHERE key = 'last_ts' AND "
                                       "value < ?1", -1, &advance, NULL), "prepare");
    for (long i = 0; i < count; i++) {
        if (i % 1000 == 0) {
            need_ok(db, "BEGIN IMMEDIATE");
            sqlite3_bind_int64(advance, 1, 1700000000000000000 + i + 1001);
            bench_need(sqlite3_step(advance) == SQLITE_DONE, "advance");
            sqlite3_reset(advance);
        }
        sqlite3_bind_text(insert, 1, "tasks", 5, SQLITE_STATIC);
        sqlite3_bind_text(insert, 2, bench_body, BODY_SIZE, SQLITE_STATIC);
        sqlite3_bind_int64(insert, 3, 1700000000000000000 + i);
        bench_need(sqlite3_step(insert) == SQLITE_DONE, "insert");
        sqlite3_reset(insert);
        if (i % 1000 == 999 || i == count - 1) {
            need_ok(db, "COMMIT");
        }
    }
    sqlite3_finalize(insert);
    sqlite3_finalize(advance);
    sqlite3_close(db);
}

static void select_all(const char *path)
{
    static char buffer[1 << 16];
    sqlite3_stmt *select;
    sqlite3 *db;

    setvbuf(stdout, buffer, _IOFBF, sizeof buffer);
    bench_need(sqlite3_open(path, &db) == SQLITE_OK, "open");
    bench_need(!sqlite3_prepare_v2(db, "SELECT queue, body, ts FROM messages WHERE claimed = 0 "
                                       "ORDER BY queue, ts", -1, &select, NULL), "prepare");
    while (sqlite3_step(select) == SQLITE_ROW) {
        printf("{\"body\": \"%s\", \"id\": \"%lld\", \"queue\": \"%s\", \"type\": \"message\"}\n",
               (const char *)sqlite3_column_text(select, 1),
               (long long)sqlite3_column_int64(select, 2),
               (const char *)sqlite3_column_text(select, 0));
    }
    sqlite3_finalize(select);
    sqlite3_close(db);
    fflush(stdout);
}

int main(int argc, char **argv)
{
    bench_need(argc == 4, "usage: bench_stream insert|select DATABASE COUNT");
    if (strcmp(argv[1], "insert") == 0) {
        insert_all(argv[2], atol(argv[3]));
    } else {
        select_all(argv[2]);
    }
    return 0;
}
