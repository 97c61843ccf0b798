/*
 * Wake-ups between two processes. The parent writes and stamps the time when its commit has
 * returned; the child watches and stamps the time when its handler is entered.
 *
 *   latency SYNC consume|peek|poll SAMPLES FROM TO   messages after idle gaps of so many ms
 *                 (poll: by a plain loop over SQLite that looks each millisecond)
 *   throughput SYNC SAMPLES             one writer and one watcher, against the writer alone
 *   writes PATH SAMPLES                 writes at OFF
 *   crowd PATH COUNT                    writes one message to each of so many queues
 *   waiters PATH FIRST COUNT            waits for so many queues until its input ends
 */
#include "bench.h"

#include <poll.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define NTS ((size_t)SB_NTS)

typedef struct board {
    atomic_int ready; /* the watcher is about to wait */
    atomic_int handled;
    double entered[];
} board;

static board *shared;

static board *new_board(size_t samples)
{
    size_t size = sizeof(board) + samples * sizeof(double);
    void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

    bench_need(memory != MAP_FAILED, "mmap");
    return memory;
}

static sb_status handle(void *payload, int64_t id, const char *body, size_t len)
{
    double now = bench_now();

    (void)payload;
    (void)id;
    (void)len;
    shared->entered[atoi(body)] = now;
    atomic_fetch_add(&shared->handled, 1);
    return SB_OK;
}

static void step(sqlite3_stmt *statement)
{
    bench_need(sqlite3_step(statement) == SQLITE_DONE, sqlite3_sql(statement));
    sqlite3_reset(statement);
}

/* Claims the oldest message, if there is one; its number, or -1. */
static int claim_by_looking(limit *l)
{
    int number = -1;

    sqlite3_bind_text(l->oldest, 1, "q", 1, SQLITE_STATIC);
    if (sqlite3_step(l->oldest) == SQLITE_ROW) {
        number = atoi((const char *)sqlite3_column_text(l->oldest, 1));
        sqlite3_bind_int64(l->mark, 1, sqlite3_column_int64(l->oldest, 0));
    }
    sqlite3_reset(l->oldest);
    if (number >= 0) {
        step(l->begin);
        step(l->mark);
        step(l->commit);
    }
    return number;
}

static void watch_by_polling(const char *path, const char *sync, int samples)
{
    limit l;

    limit_open(&l, path, sync);
    atomic_store(&shared->ready, 1);
    while (samples) {
        int number = claim_by_looking(&l);

        if (number < 0) {
            usleep(1000);
        } else {
            shared->entered[number] = bench_now();
            samples--;
        }
    }
    limit_close(&l);
}

static void watch(const char *path, const char *sync, sb_cursor_kind kind, int samples)
{
    sb_watcher *watcher;
    sb_broker *broker = bench_open(path, sync);

    bench_need(!sb_watcher_open(&watcher, broker, kind, "q", 1, NULL, 0, 0, NULL, handle, NULL),
               "watcher");
    sb_watcher_set_limit(watcher, samples);
    atomic_store(&shared->ready, 1);
    bench_need(!sb_watcher_run(watcher), "watch");
    sb_watcher_close(watcher);
    sb_close(broker);
}

/* kind -1: a loop that polls. Returns when it is about to wait. */
static pid_t start_watcher(const char *path, const char *sync, int kind, int samples)
{
    pid_t child = fork();

    bench_need(child >= 0, "fork");
    if (child == 0) {
        if (kind < 0) {
            watch_by_polling(path, sync, samples);
        } else {
            watch(path, sync, (sb_cursor_kind)kind, samples);
        }
        _exit(0);
    }
    while (!atomic_load(&shared->ready)) {
        usleep(1000);
    }
    return child;
}

static void end_watcher(pid_t child)
{
    int result = 1;

    waitpid(child, &result, 0);
    bench_need(result == 0, "the watching process");
}

static void write_number(sb_broker *broker, int number)
{
    char body[BODY_SIZE];

    memset(body, ' ', sizeof body);
    body[snprintf(body, sizeof body, "%d", number)] = ' ';
    bench_need(!sb_write(NULL, broker, "q", 1, body, sizeof body, NULL), "write");
}

static void latency(const char *sync, int kind, int samples, int from_ms, int to_ms)
{
    const char *path = bench_fresh("wake.db");
    double *took = calloc((size_t)samples, sizeof *took);
    sb_broker *broker;
    pid_t child;

    bench_need(took != NULL, "memory");
    shared = new_board((size_t)samples);
    sb_close(bench_open(path, sync));
    child = start_watcher(path, sync, kind, samples);
    broker = bench_open(path, sync);
    srand((unsigned)getpid());
    for (int i = 0; i < samples; i++) {
        usleep((useconds_t)(from_ms * 1000 + rand() % ((to_ms - from_ms) * 1000)));
        write_number(broker, i);
        took[i] = bench_now();
    }
    end_watcher(child);
    for (int i = 0; i < samples; i++) {
        took[i] = (shared->entered[i] - took[i]) * 1e6;
        printf("sample\t%f\n", took[i]);
    }
    sb_close(broker);
    free(took);
}

static double write_all(sb_broker *broker, int samples)
{
    double start = bench_now();

    for (int i = 0; i < samples; i++) {
        write_number(broker, i);
    }
    return bench_now() - start;
}

static void throughput(const char *sync, int samples)
{
    const char *path = bench_fresh("throughput.db");
    sb_broker *broker = bench_open(path, sync);
    double alone, together;
    int64_t left = -1;
    pid_t child;

    shared = new_board((size_t)samples);
    alone = write_all(broker, samples);
    bench_need(!sb_delete_all(NULL, broker, NULL), "delete");
    child = start_watcher(path, sync, SB_CURSOR_CLAIM, samples);
    together = bench_now();
    write_all(broker, samples);
    end_watcher(child);
    together = bench_now() - together;
    bench_need(!sb_queue_stats(&left, NULL, broker, "q", NTS, NULL) && left == 0, "empty queue");
    bench_result("alone_per_second", samples / alone);
    bench_result("together_of_alone", alone / together);
    sb_close(broker);
}

static void writes(const char *path, int samples)
{
    sb_broker *broker = bench_open(path, "OFF");

    write_all(broker, samples / 10);
    bench_result("us", write_all(broker, samples) / samples * 1e6);
    bench_need(!sb_delete_all(NULL, broker, NULL), "delete");
    sb_close(broker);
}

/* Says when the first commit was, in seconds. */
static void crowd(const char *path, int count)
{
    sb_broker *broker = bench_open(path, "OFF");
    double first = 0;
    char queue[32];

    for (int i = 0; i < count; i++) {
        snprintf(queue, sizeof queue, "q%d", i);
        bench_need(!sb_write(NULL, broker, queue, NTS, bench_body, BODY_SIZE, NULL), "write");
        first = i ? first : bench_now();
    }
    printf("first\t%.9f\n", first);
    sb_close(broker);
}

/* Wakes now and then to look at its input: not more often than a waiter does by itself. */
static void waiters(const char *path, int first, int count)
{
    sb_broker *broker = bench_open(path, "OFF");
    struct pollfd fds[2] = {{.fd = STDIN_FILENO, .events = POLLIN}, {.events = POLLIN}};
    sb_options at_once;
    sb_waiter *waiter;
    char queue[32];

    bench_need(!sb_waiter_open(&waiter, broker), "waiter");
    sb_options_init(&at_once, SB_OPTIONS_VERSION);
    at_once.timeout_ms = 0;
    for (int i = first; i < first + count; i++) {
        snprintf(queue, sizeof queue, "other%d", i);
        bench_need(!sb_waiter_add(waiter, queue, NTS, NULL), "add");
    }
    fds[1].fd = sb_waiter_fd(waiter);
    puts("ready");
    fflush(stdout);
    while (poll(fds, 2, -1) < 0 || !fds[0].revents) {
        sb_waiter_wait(waiter, &at_once);
    }
    sb_waiter_close(waiter);
    sb_close(broker);
}

static int kind_of(const char *mode)
{
    if (strcmp(mode, "poll") == 0) {
        return -1;
    }
    return strcmp(mode, "peek") == 0 ? SB_CURSOR_PEEK : SB_CURSOR_CLAIM;
}

int main(int argc, char **argv)
{
    const char *part = argc > 3 ? argv[1] : "";

    if (strcmp(part, "latency") == 0 && argc == 7) {
        latency(argv[2], kind_of(argv[3]), atoi(argv[4]), atoi(argv[5]), atoi(argv[6]));
    } else if (strcmp(part, "throughput") == 0) {
        throughput(argv[2], atoi(argv[3]));
    } else if (strcmp(part, "writes") == 0) {
        writes(argv[2], atoi(argv[3]));
    } else if (strcmp(part, "crowd") == 0) {
        crowd(argv[2], atoi(argv[3]));
    } else if (strcmp(part, "waiters") == 0 && argc == 5) {
        waiters(argv[2], atoi(argv[3]), atoi(argv[4]));
    } else {
        fputs("see the head of bench_wake.c\n", stderr);
        return 1;
    }
    return 0;
}
