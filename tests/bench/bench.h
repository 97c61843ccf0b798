/*
 * What the benchmarks share: time, medians of interleaved rounds, and the limit, which is a plain
 * loop over SQLite with the same statements prepared once.
 */
#ifndef SB_BENCH_H
#define SB_BENCH_H

#include <sqlite3.h>
#include <stddef.h>
#include <stdint.h>

#include "simplebroker.h"

enum { BODY_SIZE = 100, ROUNDS_MAX = 64 };

extern const char bench_body[BODY_SIZE + 1];

double bench_now(void); /* seconds, monotonic */

/* Sorts in place. */
double bench_median(double *values, size_t count);

/* Ends the program with the text if the condition does not hold. */
void bench_need(int condition, const char *what);

/* A path in the benchmark's scratch directory ($BENCH_DIR), with what may be left of it removed. */
const char *bench_fresh(const char *name);

/* A broker with the given synchronous mode and without automatic vacuum. */
sb_broker *bench_open(const char *path, const char *sync);

/* One line of results for the table: name, value, and in what it is measured. */
void bench_result(const char *name, double value);

/* The limit: a connection with the library's settings, and the statements of the hot path. */
typedef struct limit {
    sqlite3 *db;
    sqlite3_stmt *begin, *commit, *advance, *insert, *oldest, *mark, *rollback;
    int64_t last;
} limit;

/* The file must have been made by the library. wal_autocheckpoint is 1000 pages. */
void limit_open(limit *l, const char *path, const char *sync);
void limit_close(limit *l);
void limit_write(limit *l, const char *queue);
/* Claims one message and copies it, as a caller has to. */
void limit_claim(limit *l, const char *queue);
void limit_peek(limit *l, const char *queue);
int limit_try_write(limit *l, const char *queue); /* 0, or SQLITE_BUSY with nothing changed */
int64_t limit_id(limit *l);

#endif
