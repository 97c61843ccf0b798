/*
 * Locks on companion files. A list of those held by this process stands in for flock between its
 * own threads, where a file system maps flock to locks of the whole process; it also lets a forked
 * child close the descriptors it inherited, which would otherwise keep a dead parent's locks alive.
 */
#include "setup_lock.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "alloc.h"
#include "clock.h"
#include "error.h"
#include "files.h"

enum {
    NS_PER_MS = 1000000,
    SETUP_TIMEOUT_MS = 20000,
    FIRST_PAUSE_MS = 2,
    MAX_PAUSE_MS = 50
};

static pthread_mutex_t held_mutex = PTHREAD_MUTEX_INITIALIZER;
static sb__file_lock *held;
static pthread_once_t fork_once = PTHREAD_ONCE_INIT;

static void before_fork(void)
{
    pthread_mutex_lock(&held_mutex);
}

static void after_fork_in_parent(void)
{
    pthread_mutex_unlock(&held_mutex);
}

/* Closing leaves the parent's lock alone: it ends with the last descriptor, or by LOCK_UN. */
static void after_fork_in_child(void)
{
    for (sb__file_lock *lock = held; lock; lock = lock->next) {
        if (lock->fd >= 0) {
            close(lock->fd);
            lock->fd = -1;
        }
    }
    held = NULL;
    pthread_mutex_unlock(&held_mutex);
}

static void watch_forks(void)
{
    pthread_atfork(before_fork, after_fork_in_parent, after_fork_in_child);
}

void sb__file_locks_watch_forks(void)
{
    pthread_once(&fork_once, watch_forks);
}

/* Enters the list unless another thread holds the same path. */
static int enter(sb__file_lock *lock)
{
    int is_free = 1;

    sb__file_locks_watch_forks();
    pthread_mutex_lock(&held_mutex);
    for (sb__file_lock *other = held; other; other = other->next) {
        is_free = is_free && strcmp(other->path, lock->path) != 0;
    }
    if (is_free) {
        lock->fd = -1;
        lock->pid = getpid();
        lock->next = held;
        held = lock;
    }
    pthread_mutex_unlock(&held_mutex);
    return is_free;
}

/* @locks leaves the list under held_mutex, so that a fork sees either a descriptor or none. */
static void leave(sb__file_lock *lock)
{
    pthread_mutex_lock(&held_mutex);
    for (sb__file_lock **link = &held; *link; link = &(*link)->next) {
        if (*link == lock) {
            *link = lock->next;
            break;
        }
    }
    if (lock->fd >= 0) {
        /* A child that has yet to close its copy must not prolong the lock. */
        flock(lock->fd, LOCK_UN);
        close(lock->fd);
        lock->fd = -1;
    }
    lock->pid = 0;
    pthread_mutex_unlock(&held_mutex);
}

static int open_file(const char *path)
{
    struct stat info;
    int fd = open(path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC | O_NONBLOCK, 0666);

    if (fd >= 0 && (fstat(fd, &info) || !S_ISREG(info.st_mode))) {
        close(fd);
        errno = EINVAL;
        return -1;
    }
    return fd;
}

/* Under the lock, so that two who find the file empty do not both fill it. */
static void fill(int fd)
{
    struct stat info;

    if (!fstat(fd, &info) && info.st_size == 0) {
        ssize_t written = write(fd, "", 1);

        (void)written;
    }
}

static sb_status open_and_lock(sb__file_lock *lock)
{
    int code = 0;

    pthread_mutex_lock(&held_mutex);
    lock->fd = open_file(lock->path);
    if (lock->fd < 0 || flock(lock->fd, LOCK_EX | LOCK_NB)) {
        code = errno;
    }
    pthread_mutex_unlock(&held_mutex);
    if (!code) {
        fill(lock->fd);
        return SB_OK;
    }
    if (code == EWOULDBLOCK || code == EINTR) {
        return SB_EMPTY;
    }
    return sb__fail(SB_EOPERATIONAL, "cannot lock %s: %s", lock->path, strerror(code));
}

/* SB_OK; SB_EMPTY while somebody holds it; SB_EOPERATIONAL. */
static sb_status try_take(sb__file_lock *lock)
{
    sb_status status;

    if (!enter(lock)) {
        return SB_EMPTY;
    }
    status = open_and_lock(lock);
    if (status) {
        leave(lock);
    }
    return status;
}

static sb_status prepare(sb__file_lock *out, const char *database, const char *suffix)
{
    memset(out, 0, sizeof *out);
    out->fd = -1;
    return sb__companion_path(&out->path, database, suffix);
}

static void dispose(sb__file_lock *lock)
{
    sb_free(lock->path);
    memset(lock, 0, sizeof *lock);
    lock->fd = -1;
}

static sb_status wait_and_take(sb__file_lock *lock, const sb_options *options)
{
    int64_t timeout_ms = options && options->timeout_ms >= 0 &&
                                 options->timeout_ms < SETUP_TIMEOUT_MS
                             ? options->timeout_ms
                             : SETUP_TIMEOUT_MS;
    int64_t deadline = sb__clock_monotonic_ns() + timeout_ms * NS_PER_MS;
    int64_t pause = (int64_t)FIRST_PAUSE_MS * NS_PER_MS;
    int64_t max_pause = (int64_t)MAX_PAUSE_MS * NS_PER_MS;

    for (;;) {
        sb_status status = try_take(lock);

        if (status != SB_EMPTY) {
            return status;
        }
        if (sb__clock_monotonic_ns() >= deadline) {
            sb__fail(SB_EOPERATIONAL, "Timeout waiting for setup lock: %s", lock->path);
            sb__error_set_retryable(1);
            return SB_EOPERATIONAL;
        }
        status = sb__sleep_ns(pause, options ? options->cancel : NULL);
        if (status) {
            return status;
        }
        pause = pause * 2 < max_pause ? pause * 2 : max_pause;
    }
}

sb_status sb__setup_lock_take(sb__file_lock *out, const char *database, const sb_options *options)
{
    sb_status status = prepare(out, database, ".lock");

    if (!status) {
        status = wait_and_take(out, options);
    }
    if (status) {
        dispose(out);
    }
    return status;
}

sb_status sb__vacuum_lock_take(sb__file_lock *out, const char *database)
{
    sb_status status = prepare(out, database, ".vacuum.lock");

    if (!status) {
        status = try_take(out);
    }
    if (status) {
        dispose(out);
    }
    return status;
}

void sb__file_lock_release(sb__file_lock *lock)
{
    if (lock->pid && lock->pid == getpid()) {
        leave(lock);
    }
    dispose(lock);
}

void sb__setup_lock_ensure(const char *database)
{
    sb__file_lock lock;
    sb_error saved;
    int missing;

    sb__error_stash(&saved);
    if (!prepare(&lock, database, ".lock")) {
        missing = access(lock.path, F_OK) && errno == ENOENT;
        if (missing && !try_take(&lock)) {
            leave(&lock);
        }
        dispose(&lock);
    }
    sb__error_unstash(&saved);
}
