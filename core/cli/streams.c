/* Chooses between system calls and the callbacks of who embeds the command. */
#include "streams.h"

#include <errno.h>
#include <unistd.h>

static _Thread_local const broker_host *redirected;

const broker_host *streams_redirect(const broker_host *host)
{
    const broker_host *before = redirected;

    redirected = host;
    return before;
}

bool streams_redirected(void)
{
    return redirected != NULL;
}

ssize_t streams_write(int fd, const char *bytes, size_t size)
{
    int error;

    if (redirected == NULL || (fd != STDOUT_FILENO && fd != STDERR_FILENO)) {
        return write(fd, bytes, size);
    }
    error = redirected->write(redirected->payload, fd, bytes, size);
    if (error != 0) {
        errno = error;
        return -1;
    }
    return (ssize_t)size;
}

ssize_t streams_read(char *buffer, size_t size)
{
    int64_t count;

    if (redirected == NULL) {
        return read(STDIN_FILENO, buffer, size);
    }
    count = redirected->read(redirected->payload, buffer, size);
    if (count < 0) {
        errno = (int)-count;
        return -1;
    }
    return (ssize_t)count;
}

bool streams_is_terminal(int fd)
{
    if (redirected == NULL) {
        return isatty(fd) != 0;
    }
    return redirected->is_terminal(redirected->payload, fd) != 0;
}

bool streams_warn(int kind, const char *text)
{
    if (redirected == NULL || redirected->warn == NULL) {
        return false;
    }
    redirected->warn(redirected->payload, kind, text);
    return true;
}

bool streams_stop(sb_cancel *cancel)
{
    if (redirected != NULL && redirected->stop != NULL) {
        sb_cancel_on_poll(cancel, redirected->stop, redirected->payload);
    }
    return redirected != NULL;
}

bool streams_asks_to_stop(void)
{
    return redirected != NULL && redirected->stop != NULL &&
           redirected->stop(redirected->payload) != 0;
}

bool streams_can_watch(void)
{
    return redirected != NULL && redirected->watch != NULL;
}

sb_status streams_watch(const broker_watch *watch)
{
    return redirected->watch(redirected->payload, watch);
}
