/*
 * Both sides of the doorbell. A writer keeps its descriptor, and looks now and then whether the
 * file is still the one at its path: while it rings a deleted file nobody hears it, and those who
 * wait find its messages by the WAL.
 */
#if defined(__linux__) && !defined(_GNU_SOURCE)
#define _GNU_SOURCE /* F_OFD_GETLK */
#endif
#include "doorbell.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "clock.h"

enum { CHECK_NS = 100000000, ANY = SB__RINGS_KEPT + 1 };

/* FNV-1a. Two queues of one slot ring for each other, which does no harm. */
uint32_t sb__doorbell_slot(const char *queue, size_t len)
{
    uint32_t hash = 2166136261u;

    for (size_t i = 0; i < len; i++) {
        hash = (hash ^ (unsigned char)queue[i]) * 16777619u;
    }
    return (hash ^ hash >> 20) & (SB__SLOTS - 1);
}

static void add_slot(sb__rings *rings, uint32_t slot)
{
    for (unsigned i = 0; i < rings->count && i < SB__RINGS_KEPT; i++) {
        if (rings->slots[i] == slot) {
            return;
        }
    }
    if (rings->count < SB__RINGS_KEPT) {
        rings->slots[rings->count++] = slot;
    } else {
        rings->count = ANY;
    }
}

void sb__rings_add(sb__rings *rings, const char *queue, size_t len)
{
    if (rings->count != ANY) {
        add_slot(rings, sb__doorbell_slot(queue, len));
    }
}

void sb__rings_merge(sb__rings *rings, const sb__rings *more)
{
    rings->moved |= more->moved;
    if (more->count == ANY) {
        rings->count = ANY;
    }
    for (unsigned i = 0; i < more->count && rings->count != ANY; i++) {
        add_slot(rings, more->slots[i]);
    }
}

#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define UNDER_TSAN
#endif
#endif
#if defined(__SANITIZE_THREAD__)
#define UNDER_TSAN
#endif

/* The thread sanitizer knows no fences; a change in one order that all agree on does as well. */
void sb__doorbell_fence(void)
{
#ifdef UNDER_TSAN
    static atomic_int order;

    atomic_fetch_add(&order, 1);
#else
    atomic_thread_fence(memory_order_seq_cst);
#endif
}

int sb__doorbell_open(const char *path)
{
    static const int flags = O_CLOEXEC | O_NONBLOCK | O_NOCTTY;
    struct stat info;
    int fd = open(path, O_RDWR | O_CREAT | flags, 0666);

    if (fd < 0 && (errno == EACCES || errno == EROFS || errno == EPERM)) {
        fd = open(path, O_RDONLY | flags); /* enough for who waits */
    }
    if (fd >= 0 && (fstat(fd, &info) || !S_ISREG(info.st_mode))) {
        close(fd);
        return -1;
    }
    if (fd >= 0 && info.st_size == 0) {
        ssize_t written = pwrite(fd, "", 1, 0); /* as every implementation leaves it */

        (void)written;
    }
    return fd;
}

#if defined(F_OFD_GETLK)
static struct flock bytes_of(uint32_t slot, short type)
{
    struct flock lock;

    memset(&lock, 0, sizeof lock);
    lock.l_type = type;
    lock.l_whence = SEEK_SET;
    lock.l_start = slot == SB__SLOTS ? 1 : 1 + (off_t)slot;
    lock.l_len = slot == SB__SLOTS ? SB__SLOTS : 1;
    return lock;
}

int sb__doorbell_hold(int fd, uint32_t slot)
{
    struct flock lock = bytes_of(slot, F_RDLCK);

    return fcntl(fd, F_OFD_SETLK, &lock);
}

int sb__doorbell_let_go(int fd, uint32_t slot)
{
    struct flock lock = bytes_of(slot, F_UNLCK);

    return fcntl(fd, F_OFD_SETLK, &lock);
}

/* When in doubt it is. */
static int is_held(int fd, uint32_t slot)
{
    struct flock lock = bytes_of(slot, F_WRLCK);

    return fcntl(fd, F_OFD_GETLK, &lock) != 0 || lock.l_type != F_UNLCK;
}
#else
int sb__doorbell_hold(int fd, uint32_t slot)
{
    (void)fd;
    (void)slot;
    return 0;
}

int sb__doorbell_let_go(int fd, uint32_t slot)
{
    return sb__doorbell_hold(fd, slot);
}

static int is_held(int fd, uint32_t slot)
{
    (void)fd;
    (void)slot;
    return 1;
}
#endif

void sb__doorbell_close(sb__doorbell *bell)
{
    if (bell->fd_plus_1) {
        close(bell->fd_plus_1 - 1);
        bell->fd_plus_1 = 0;
    }
}

static void open_bell(sb__doorbell *bell, const char *path)
{
    struct stat info;
    int fd = sb__doorbell_open(path);

    if (fd >= 0 && fstat(fd, &info)) {
        close(fd);
        fd = -1;
    }
    if (fd >= 0) {
        bell->fd_plus_1 = fd + 1;
        bell->device = info.st_dev;
        bell->inode = info.st_ino;
    }
}

static void check_bell(sb__doorbell *bell, const char *database)
{
    char path[PATH_MAX];
    struct stat info;
    int len = snprintf(path, sizeof path, "%s.lock", database);

    if (len < 0 || (size_t)len >= sizeof path) {
        return;
    }
    if (bell->fd_plus_1 &&
        (stat(path, &info) || info.st_dev != bell->device || info.st_ino != bell->inode)) {
        sb__doorbell_close(bell);
    }
    if (!bell->fd_plus_1) {
        open_bell(bell, path);
    }
}

static int anybody_waits(int fd, const sb__rings *rings)
{
    if (rings->count > SB__RINGS_KEPT) {
        return is_held(fd, SB__SLOTS);
    }
    for (unsigned i = 0; i < rings->count; i++) {
        if (is_held(fd, rings->slots[i])) {
            return 1;
        }
    }
    return 0;
}

void sb__doorbell_ring(sb__doorbell *bell, const char *database, const sb__rings *rings)
{
    int saved = errno;
    int64_t now;

    if (!rings->count) {
        return;
    }
    now = sb__clock_monotonic_ns();
    if (!bell->checked_ns || now - bell->checked_ns >= CHECK_NS) {
        bell->checked_ns = now;
        check_bell(bell, database);
    }
    /* The commit must be visible before the look at the lock: who waits locks, then looks for the
     * message, and one of the two sees the other. */
    sb__doorbell_fence();
    if (bell->fd_plus_1 && anybody_waits(bell->fd_plus_1 - 1, rings)) {
        int fd = bell->fd_plus_1 - 1;
        ssize_t written = pwrite(fd, "", 1, 0);

        (void)written;
        if (rings->moved) {
            futimens(fd, NULL);
        }
    }
    errno = saved;
}

