/*
 * Claims from a queue with a million pending and a million claimed messages, in turns with claims
 * from one with a thousand and none: without bounds, and with an early and a late lower bound.
 * Argument: the number of each, a million by default.
 */
#include "bench.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NTS ((size_t)SB_NTS)

enum { ROUNDS = 15, CLAIMS = 20, SMALL = 1000, LATE = 500 };

typedef struct subject {
    sb_broker *broker;
    int64_t early, late; /* ids: nearly all messages are above the one, LATE above the other */
} subject;

static void fill(const char *path, int pending, int claimed, subject *s)
{
    char sql[512];
    sqlite3 *db;

    sb_close(bench_open(path, "OFF"));
    snprintf(sql, sizeof sql,
             "PRAGMA synchronous = OFF; PRAGMA wal_autocheckpoint = 10000; BEGIN;"
             "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < %d) "
             "INSERT INTO messages (queue, body, ts, claimed) "
             "SELECT 'tasks', '%s', 1000000 + i, i <= %d FROM n;"
             "UPDATE meta SET value = 2000000000 WHERE key = 'last_ts'; COMMIT;"
             "PRAGMA wal_checkpoint(TRUNCATE)",
             pending + claimed, bench_body, claimed);
    bench_need(sqlite3_open(path, &db) == SQLITE_OK, "open for filling");
    bench_need(sqlite3_exec(db, sql, NULL, NULL, NULL) == SQLITE_OK, sqlite3_errmsg(db));
    sqlite3_close(db);
    s->broker = bench_open(path, "OFF");
    s->early = 1000000 + claimed + 5;
    s->late = 1000000 + claimed + pending - LATE;
}

static double claims(const subject *s, int64_t after)
{
    sb_options options;
    double start;

    bench_need(!sb_options_init(&options, SB_OPTIONS_VERSION), "options");
    options.after = after;
    start = bench_now();
    for (int i = 0; i < CLAIMS; i++) {
        sb_messages *messages;

        bench_need(!sb_claim(&messages, s->broker, "tasks", 5, 1, &options), "claim");
        sb_messages_free(messages);
    }
    return bench_now() - start;
}

static void compare(const char *name, const subject *large, int64_t large_after,
                    const subject *small, int64_t small_after)
{
    double ratios[ROUNDS];

    for (int round = 0; round < ROUNDS; round++) {
        double one, thousand;

        if (round % 2) {
            thousand = claims(small, small_after);
            one = claims(large, large_after);
        } else {
            one = claims(large, large_after);
            thousand = claims(small, small_after);
        }
        ratios[round] = one / thousand;
    }
    bench_result(name, bench_median(ratios, ROUNDS));
}

int main(int argc, char **argv)
{
    int million = argc > 1 ? atoi(argv[1]) : 1000000;
    subject large, small;

    fill(bench_fresh("size-large.db"), million, million, &large);
    fill(bench_fresh("size-small.db"), SMALL, 0, &small);
    compare("claim_large_to_small", &large, -1, &small, -1);
    compare("claim_large_to_small_late_bound", &large, large.late, &small, small.late);
    compare("claim_large_to_small_early_bound", &large, large.early, &small, small.early);
    sb_close(large.broker);
    sb_close(small.broker);
    return 0;
}
