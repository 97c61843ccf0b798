/*
 * A switch that ends blocking calls: a flag for those who look, and a descriptor that is readable
 * while it is set for those who sleep. Setting it is safe in signal handlers. And a callback that
 * those who wait ask now and then, for hosts whose reasons to stop cannot throw a switch.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "alloc.h"
#include "cancel.h"
#include "clock.h"
#include "error.h"
#include "simplebroker.h"

struct sb_cancel {
    atomic_int set;
    int fds[2]; /* a pipe: reading end, writing end; works on every POSIX system */
    sb_poll_fn poll;
    void *poll_payload;
};

/* When this thread asked last; one account for all switches bounds what asking costs. */
static _Thread_local int64_t asked_ns;

/* Threads inside a callback, how deep this one is, and whether no other may begin: see below. */
static atomic_int asking;
static _Thread_local int my_asking;
static atomic_int nobody_asks;

static int make_pipe(int fds[2])
{
    if (pipe(fds)) {
        return -1;
    }
    for (int i = 0; i < 2; i++) {
        fcntl(fds[i], F_SETFD, FD_CLOEXEC);
        fcntl(fds[i], F_SETFL, O_NONBLOCK);
    }
    return 0;
}

sb_status sb_cancel_new(sb_cancel **out)
{
    sb_cancel *cancel;

    sb__error_clear();
    if (!out) {
        return sb__fail(SB_EINVALID, "out must not be NULL");
    }
    *out = NULL;
    cancel = sb__zalloc(sizeof *cancel);
    if (!cancel) {
        return sb__fail_nomem();
    }
    if (make_pipe(cancel->fds)) {
        sb__fail(SB_EIO, "cannot make a cancel switch: %s", strerror(errno));
        sb_free(cancel);
        return SB_EIO;
    }
    *out = cancel;
    return SB_OK;
}

void sb_cancel_free(sb_cancel *cancel)
{
    if (cancel) {
        close(cancel->fds[0]);
        close(cancel->fds[1]);
        sb_free(cancel);
    }
}

void sb_cancel_set(sb_cancel *cancel)
{
    int saved = errno;

    if (cancel && !atomic_exchange(&cancel->set, 1)) {
        ssize_t written = write(cancel->fds[1], "", 1);

        (void)written;
    }
    errno = saved;
}

void sb_cancel_reset(sb_cancel *cancel)
{
    char drain[8];

    if (cancel && atomic_exchange(&cancel->set, 0)) {
        while (read(cancel->fds[0], drain, sizeof drain) > 0) {
        }
    }
}

int sb_cancel_is_set(const sb_cancel *cancel)
{
    return cancel ? atomic_load(&cancel->set) : 0;
}

int sb_cancel_fd(const sb_cancel *cancel)
{
    return cancel ? cancel->fds[0] : -1;
}

void sb_cancel_on_poll(sb_cancel *cancel, sb_poll_fn poll, void *payload)
{
    if (cancel) {
        cancel->poll = poll;
        cancel->poll_payload = payload;
    }
}

int sb__cancel_polls(const sb_cancel *cancel)
{
    return cancel && cancel->poll;
}

int sb__cancel_poll_is_due(const sb_cancel *cancel)
{
    return sb__cancel_polls(cancel) && sb__clock_monotonic_ns() - asked_ns >= SB__POLL_NS;
}

/* The callback may call the library: the error that its caller is about to report must survive. */
static sb_status ask(const sb_cancel *cancel)
{
    sb_error saved, said;
    int end;

    atomic_fetch_add(&asking, 1);
    if (atomic_load(&nobody_asks)) {
        atomic_fetch_sub(&asking, 1);
        return SB_OK;
    }
    my_asking++;
    sb__error_stash(&saved);
    sb__error_clear();
    asked_ns = sb__clock_monotonic_ns(); /* a wait within the callback need not ask at once */
    end = cancel->poll(cancel->poll_payload);
    asked_ns = sb__clock_monotonic_ns();
    my_asking--;
    atomic_fetch_sub(&asking, 1);
    if (!end) {
        sb__error_unstash(&saved);
        return SB_OK;
    }
    sb__error_stash(&said);
    return sb__fail(SB_CANCELLED, "%s", said.message[0] ? said.message : "cancelled");
}

sb_status sb__cancel_check_or_ask(const sb_cancel *cancel)
{
    sb_status status = sb__check_cancel(cancel);

    return !status && sb__cancel_poll_is_due(cancel) ? ask(cancel) : status;
}

int sb__cancel_ask(const sb_cancel *cancel)
{
    return sb__cancel_polls(cancel) && ask(cancel) != SB_OK;
}

void sb__cancel_stop_asking(int64_t timeout_ms)
{
    int64_t end = sb__clock_monotonic_ns() + timeout_ms * 1000000;
    struct timespec pause = {0, 50000};

    atomic_store(&nobody_asks, 1);
    while (atomic_load(&asking) > my_asking && sb__clock_monotonic_ns() < end) {
        nanosleep(&pause, NULL);
    }
}

int sb__cancel_nobody_asks(void)
{
    return atomic_load(&nobody_asks);
}

void sb__cancel_ask_again(int in_child)
{
    if (in_child) {
        atomic_store(&asking, my_asking); /* the others are not here */
    }
    atomic_store(&nobody_asks, 0);
}
