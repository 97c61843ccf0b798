/* Descriptors that wake: eventfd, timerfd and epoll. */
#include "wake_fd.h"

#include <unistd.h>

#if defined(__linux__)
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>

enum { NS_PER_S = 1000000000 };

int sb__wake_fd_new(void)
{
    return eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
}

void sb__wake_fd_set(int fd)
{
    uint64_t one = 1;
    ssize_t written = fd < 0 ? 0 : write(fd, &one, sizeof one);

    (void)written;
}

void sb__wake_fd_clear(int fd)
{
    uint64_t count;
    ssize_t got = fd < 0 ? 0 : read(fd, &count, sizeof count);

    (void)got;
}

int sb__wake_timer_new(void)
{
    return timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
}

void sb__wake_timer_set(int fd, int64_t at_ns)
{
    struct itimerspec when = {{0, 0}, {0, 0}};

    if (fd >= 0) {
        at_ns = at_ns < 1 ? 1 : at_ns; /* 0 would stop it */
        when.it_value.tv_sec = at_ns / NS_PER_S;
        when.it_value.tv_nsec = at_ns % NS_PER_S;
        timerfd_settime(fd, TFD_TIMER_ABSTIME, &when, NULL);
    }
}

int sb__wake_set_add(int set, int fd)
{
    struct epoll_event event = {.events = EPOLLIN};

    return fd < 0 ? 0 : epoll_ctl(set, EPOLL_CTL_ADD, fd, &event);
}

int sb__wake_set_new(int a, int b)
{
    int set = epoll_create1(EPOLL_CLOEXEC);

    if (set >= 0 && (sb__wake_set_add(set, a) || sb__wake_set_add(set, b))) {
        sb__wake_fd_close(&set);
    }
    return set;
}
#else
int sb__wake_fd_new(void)
{
    return -1;
}

void sb__wake_fd_set(int fd)
{
    (void)fd;
}

void sb__wake_fd_clear(int fd)
{
    (void)fd;
}

int sb__wake_timer_new(void)
{
    return -1;
}

void sb__wake_timer_set(int fd, int64_t at_ns)
{
    (void)fd;
    (void)at_ns;
}

int sb__wake_set_new(int a, int b)
{
    (void)a;
    (void)b;
    return -1;
}

int sb__wake_set_add(int set, int fd)
{
    return sb__wake_set_new(set, fd);
}
#endif

void sb__wake_fd_close(int *fd)
{
    if (*fd >= 0) {
        close(*fd);
    }
    *fd = -1;
}
