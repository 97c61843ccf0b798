/*
 * Four processes write at FULL for a while, then the same number of plain loops with SQLite's
 * automatic checkpoints, in turns. Each runs for a fixed time; the result is the ratio of messages
 * written, and the size to which the WAL grew.
 *
 * The plain loops wait for the lock as ours do, in pauses of a commit's length, so that all four
 * really write. With SQLite's own busy handler, which soon sleeps 100 ms, one process writes alone
 * most of the time while the others starve: that is the speed of one writer, not of four.
 */
#include "bench.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PROCESSES = 4, ROUNDS = 5 };

static const double seconds_each = 2.0;

typedef int worker(const char *path, double until);

static int ours(const char *path, double until)
{
    sb_broker *broker = bench_open(path, "FULL");
    int count = 0;

    while (bench_now() < until) {
        bench_need(!sb_write(NULL, broker, "tasks", 5, bench_body, BODY_SIZE, NULL), "write");
        count++;
    }
    sb_close(broker);
    return count;
}

static int pause_shortly(void *payload, int tries)
{
    (void)payload;
    (void)tries;
    usleep(50 + (useconds_t)(rand() % 200));
    return 1;
}

static int plain(const char *path, double until)
{
    limit l;
    int count = 0;

    limit_open(&l, path, "FULL");
    sqlite3_busy_handler(l.db, pause_shortly, NULL);
    while (bench_now() < until) {
        /* Ids of plain loops can collide between processes; the loop then simply tries again. */
        count += limit_try_write(&l, "tasks") == 0;
    }
    limit_close(&l);
    return count;
}

static double wal_megabytes(const char *path)
{
    char wal[1100];
    struct stat info;

    snprintf(wal, sizeof wal, "%s-wal", path);
    return stat(wal, &info) ? 0 : (double)info.st_size / 1e6;
}

/* Messages written by all processes; the largest WAL seen goes to *out_wal. */
static double run(worker *work, const char *path, double *out_wal)
{
    double until = bench_now() + seconds_each, total = 0;
    pid_t pids[PROCESSES];
    int results[2];

    bench_need(pipe(results) == 0, "pipe");
    for (int i = 0; i < PROCESSES; i++) {
        pids[i] = fork();
        bench_need(pids[i] >= 0, "fork");
        if (pids[i] == 0) {
            int count = work(path, until);

            _exit(write(results[1], &count, sizeof count) != sizeof count);
        }
    }
    while (bench_now() < until) {
        double size = wal_megabytes(path);

        *out_wal = size > *out_wal ? size : *out_wal;
        usleep(10000);
    }
    for (int i = 0; i < PROCESSES; i++) {
        int count, how;

        bench_need(read(results[0], &count, sizeof count) == sizeof count, "a process died");
        waitpid(pids[i], &how, 0);
        total += count;
    }
    close(results[0]);
    close(results[1]);
    return total;
}

int main(void)
{
    double ratios[ROUNDS], wal = 0, plain_wal = 0;

    for (int round = 0; round < ROUNDS; round++) {
        char mine[1024], theirs[1024];
        double a, b;

        strcpy(mine, bench_fresh("processes-ours.db"));
        sb_close(bench_open(mine, "FULL"));
        strcpy(theirs, bench_fresh("processes-plain.db"));
        sb_close(bench_open(theirs, "FULL"));
        if (round % 2) {
            a = run(ours, mine, &wal);
            b = run(plain, theirs, &plain_wal);
        } else {
            b = run(plain, theirs, &plain_wal);
            a = run(ours, mine, &wal);
        }
        ratios[round] = a / b;
        if (round == ROUNDS - 1) {
            bench_result("processes_FULL_per_second", a / seconds_each);
        }
    }
    bench_result("processes_FULL_of_plain", bench_median(ratios, ROUNDS));
    bench_result("processes_FULL_wal_mb", wal);
    bench_result("processes_FULL_plain_wal_mb", plain_wal);
    return 0;
}
