/*
 * A switch that ends blocking calls: a flag for those who look, and a descriptor that is readable
 * while it is set for those who sleep. Setting it is safe in signal handlers.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

#include "alloc.h"
#include "error.h"
#include "simplebroker.h"

struct sb_cancel {
    atomic_int set;
    int fds[2]; /* a pipe: reading end, writing end; works on every POSIX system */
};

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
