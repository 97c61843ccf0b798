/* Time, medians, results, and the limit. */
#include "bench.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define NTS ((size_t)SB_NTS)

const char bench_body[BODY_SIZE + 1] = "A message of one hundred bytes, which is about what a job "
                                       "description or an event takes in practice.";

double bench_now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

double bench_median(double *values, size_t count)
{
    qsort(values, count, sizeof *values, compare);
    return count % 2 ? values[count / 2] : (values[count / 2 - 1] + values[count / 2]) / 2;
}

void bench_need(int condition, const char *what)
{
    if (!condition) {
        fprintf(stderr, "benchmark failed: %s (%s)\n", what, sb_error_message(NULL));
        exit(1);
    }
}

const char *bench_fresh(const char *name)
{
    static const char *const suffixes[] = {"", "-wal", "-shm", ".lock", ".vacuum.lock"};
    static char path[1024];
    char companion[1100];
    const char *directory = getenv("BENCH_DIR");

    bench_need(directory != NULL, "BENCH_DIR is not set");
    snprintf(path, sizeof path, "%s/%s", directory, name);
    for (size_t i = 0; i < sizeof suffixes / sizeof suffixes[0]; i++) {
        snprintf(companion, sizeof companion, "%s%s", path, suffixes[i]);
        unlink(companion);
    }
    return path;
}

sb_broker *bench_open(const char *path, const char *sync)
{
    sb_broker *broker;
    sb_config *config;

    bench_need(!sb_config_isolated(&config), "configuration");
    bench_need(!sb_config_set_text(config, "BROKER_SYNC_MODE", NTS, sync, NTS), "sync mode");
    bench_need(!sb_config_set_int64(config, "BROKER_AUTO_VACUUM", NTS, 0), "vacuum setting");
    bench_need(!sb_open_path(&broker, path, NTS, config, NULL), "open");
    sb_config_free(config);
    return broker;
}

void bench_result(const char *name, double value)
{
    printf("%s\t%.6g\n", name, value);
    fflush(stdout);
}

static sqlite3_stmt *prepare(sqlite3 *db, const char *sql)
{
    sqlite3_stmt *statement = NULL;

    bench_need(sqlite3_prepare_v3(db, sql, -1, SQLITE_PREPARE_PERSISTENT, &statement, NULL) ==
                   SQLITE_OK,
               sql);
    return statement;
}

void limit_open(limit *l, const char *path, const char *sync)
{
    char pragmas[160];

    snprintf(pragmas, sizeof pragmas,
             "PRAGMA busy_timeout = 30000; PRAGMA cache_size = -10240; PRAGMA synchronous = %s; "
             "PRAGMA wal_autocheckpoint = 1000",
             sync);
    bench_need(sqlite3_open(path, &l->db) == SQLITE_OK, "limit: open");
    bench_need(sqlite3_exec(l->db, pragmas, NULL, NULL, NULL) == SQLITE_OK, "limit: settings");
    l->begin = prepare(l->db, "BEGIN IMMEDIATE");
    l->commit = prepare(l->db, "COMMIT");
    l->rollback = prepare(l->db, "ROLLBACK");
    l->advance = prepare(l->db, "UPDATE meta SET value = ?1 WHERE key = 'last_ts' AND value < ?1");
    l->insert = prepare(l->db, "INSERT INTO messages (queue, body, ts) VALUES (?1, ?2, ?3)");
    l->oldest = prepare(l->db, "SELECT id, body, ts FROM messages WHERE queue = ?1 AND "
                               "claimed = 0 ORDER BY id LIMIT 1");
    l->mark = prepare(l->db, "UPDATE messages SET claimed = 1 WHERE id = ?1");
    l->last = 0;
}

void limit_close(limit *l)
{
    sqlite3_stmt *all[] = {l->begin,  l->commit, l->rollback, l->advance,
                           l->insert, l->oldest, l->mark};

    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        sqlite3_finalize(all[i]);
    }
    sqlite3_close(l->db);
}

int64_t limit_id(limit *l)
{
    struct timespec t;
    int64_t now;

    clock_gettime(CLOCK_REALTIME, &t);
    now = ((int64_t)t.tv_sec * 1000000000 + t.tv_nsec) & ~(int64_t)4095;
    l->last = now > l->last ? now : l->last + 1;
    return l->last;
}

static void run(sqlite3_stmt *statement)
{
    bench_need(sqlite3_step(statement) == SQLITE_DONE, sqlite3_sql(statement));
    sqlite3_reset(statement);
}

static void insert(limit *l, const char *queue)
{
    int64_t id = limit_id(l);

    sqlite3_bind_int64(l->advance, 1, id);
    run(l->advance);
    sqlite3_bind_text(l->insert, 1, queue, (int)strlen(queue), SQLITE_STATIC);
    sqlite3_bind_text(l->insert, 2, bench_body, BODY_SIZE, SQLITE_STATIC);
    sqlite3_bind_int64(l->insert, 3, id);
    run(l->insert);
    run(l->commit);
}

void limit_write(limit *l, const char *queue)
{
    run(l->begin);
    insert(l, queue);
}

int limit_try_write(limit *l, const char *queue)
{
    int code = sqlite3_step(l->begin);

    sqlite3_reset(l->begin);
    if (code != SQLITE_DONE) {
        return code;
    }
    insert(l, queue);
    return 0;
}

static int64_t take_oldest(limit *l, const char *queue)
{
    char body[BODY_SIZE + 1];
    int64_t id;

    sqlite3_bind_text(l->oldest, 1, queue, (int)strlen(queue), SQLITE_STATIC);
    bench_need(sqlite3_step(l->oldest) == SQLITE_ROW, "limit: queue is empty");
    id = sqlite3_column_int64(l->oldest, 0);
    bench_need(sqlite3_column_bytes(l->oldest, 1) == BODY_SIZE, "limit: body");
    memcpy(body, sqlite3_column_text(l->oldest, 1), BODY_SIZE + 1);
    bench_need(sqlite3_column_int64(l->oldest, 2) > 0 && body[0] == bench_body[0], "limit: row");
    sqlite3_reset(l->oldest);
    return id;
}

void limit_claim(limit *l, const char *queue)
{
    run(l->begin);
    sqlite3_bind_int64(l->mark, 1, take_oldest(l, queue));
    run(l->mark);
    run(l->commit);
}

void limit_peek(limit *l, const char *queue)
{
    take_oldest(l, queue);
}
