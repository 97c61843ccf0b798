/*
 * What the tests of waiters share: threads that sleep in one, and whose sleep the kernel confirms,
 * so that no test sleeps and hopes; and an ear at the doorbell.
 */
#ifndef SB_TESTING_WAITING_H
#define SB_TESTING_WAITING_H

#include "testing.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <sys/inotify.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <time.h>

#define WAITING_NTS ((size_t)SB_NTS)

enum {
    NS_IN_MS = 1000000,
    SOON_MS = 500,       /* later than this is no wake-up, but luck */
    HANGS_AFTER_MS = 10000 /* the longest wait of any test */
};

static inline int64_t waiting_now_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static inline int64_t ms_since(int64_t begin_ns)
{
    return (waiting_now_ns() - begin_ns) / NS_IN_MS;
}

static inline sb_options with_timeout(int64_t timeout_ms)
{
    sb_options options;

    assert_ok(sb_options_init(&options, SB_OPTIONS_VERSION));
    options.timeout_ms = timeout_ms;
    return options;
}

static inline sb_status wait_ms(sb_waiter *waiter, int64_t timeout_ms)
{
    sb_options options = with_timeout(timeout_ms);

    return sb_waiter_wait(waiter, &options);
}

/* A waiter for one queue; flags as for sb_waiter_add(). */
static inline sb_waiter *waiter_for(sb_broker *broker, const char *queue, uint32_t flags)
{
    sb_options options = with_timeout(-1);
    sb_waiter *waiter = NULL;

    options.flags = flags;
    assert_ok(sb_waiter_open(&waiter, broker));
    assert_ok(sb_waiter_add(waiter, queue, queue ? WAITING_NTS : 0, &options));
    return waiter;
}

/* Waits until there is nothing more to be reported, which must come about. */
static inline void settle(sb_waiter *waiter)
{
    for (int i = 0; wait_ms(waiter, 0) == SB_OK; i++) {
        assert_true(i < 5);
    }
}

/* Reads a file of /proc; "" if it cannot be had. */
static inline void read_proc(char *out, size_t size, int process, int thread, const char *name)
{
    char path[64];
    ssize_t len = -1;
    int fd;

    snprintf(path, sizeof path, "/proc/%d/task/%d/%s", process, thread, name);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd >= 0) {
        len = read(fd, out, size - 1);
        close(fd);
    }
    out[len > 0 ? len : 0] = '\0';
}

/* Whether a thread sleeps in a call that waits for descriptors. A kernel that does not tell the
 * call tells at least whether the thread sleeps. */
static inline int sleeps_in_poll(int process, int thread)
{
    char text[512];
    long call;

    read_proc(text, sizeof text, process, thread, "syscall");
    if (!*text) {
        const char *end;

        read_proc(text, sizeof text, process, thread, "stat");
        end = strrchr(text, ')');
        return end && end[1] && end[2] == 'S';
    }
    if (*text < '0' || *text > '9') {
        return 0;
    }
    call = strtol(text, NULL, 10);
#ifdef SYS_poll
    if (call == SYS_poll || call == SYS_epoll_wait) {
        return 1;
    }
#endif
    return call == SYS_ppoll || call == SYS_epoll_pwait;
}

static inline int thread_id(void)
{
    return (int)syscall(SYS_gettid);
}

/* A thread in sb_waiter_wait(). */
typedef struct sleeper {
    sb_waiter *waiter;
    sb_options options;
    pthread_t thread;
    atomic_int tid; /* 0 until it runs */
    atomic_int done;
    sb_status status;
    int64_t woke_ns;
} sleeper;

static inline void *sleeper_run(void *argument)
{
    sleeper *s = argument;

    atomic_store(&s->tid, thread_id());
    s->status = sb_waiter_wait(s->waiter, &s->options);
    s->woke_ns = waiting_now_ns();
    atomic_store(&s->done, 1);
    return NULL;
}

static inline void sleeper_begin(sleeper *s, sb_waiter *waiter, sb_cancel *cancel)
{
    memset(s, 0, sizeof *s);
    s->waiter = waiter;
    s->options = with_timeout(HANGS_AFTER_MS);
    s->options.cancel = cancel;
    assert_int_equal(pthread_create(&s->thread, NULL, sleeper_run, s), 0);
}

/* Returns when the thread sleeps: 1; or when it has ended its wait: 0. */
static inline int sleeper_sleeps(sleeper *s)
{
    int64_t begin = waiting_now_ns();

    while (!atomic_load(&s->done)) {
        if (atomic_load(&s->tid) && sleeps_in_poll(getpid(), atomic_load(&s->tid))) {
            return 1;
        }
        assert_true(ms_since(begin) < HANGS_AFTER_MS);
        sched_yield();
    }
    return 0;
}

/* Begins, and returns when it sleeps. */
static inline void sleeper_start(sleeper *s, sb_waiter *waiter, sb_cancel *cancel)
{
    sleeper_begin(s, waiter, cancel);
    assert_int_equal(sleeper_sleeps(s), 1);
}

static inline sb_status sleeper_end(sleeper *s)
{
    assert_int_equal(pthread_join(s->thread, NULL), 0);
    return s->status;
}

/* It was woken, and did not just find out one day. */
static inline void assert_woken(sleeper *s, int64_t since_ns, sb_status expected)
{
    sb_status status = sleeper_end(s);

    if (status != expected) {
        fail_msg("SB_%s, expected SB_%s", sb_status_name(status), sb_status_name(expected));
    }
    assert_in_range((s->woke_ns - since_ns) / NS_IN_MS, 0, SOON_MS);
}

/* An ear at F.lock. */
static inline int bell_listen(const scratch *s)
{
    char path[160];
    int fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);

    snprintf(path, sizeof path, "%s.lock", s->path);
    assert_true(fd >= 0);
    assert_true(inotify_add_watch(fd, path, IN_MODIFY) >= 0);
    return fd;
}

/* Whether it has rung since the last call. */
static inline int bell_rang(int fd)
{
    char events[4096];
    int rang = 0;

    while (read(fd, events, sizeof events) > 0) {
        rang = 1;
    }
    return rang;
}

/* Whether a descriptor becomes readable in time. */
static inline int readable(int fd, int timeout_ms)
{
    struct pollfd p = {fd, POLLIN, 0};

    return poll(&p, 1, timeout_ms) == 1 && p.revents & POLLIN;
}

#endif
