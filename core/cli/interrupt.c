/* The signal handler and the one flag behind it. */
#include "interrupt.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <string.h>

static volatile sig_atomic_t seen;
static sb_cancel *switch_to_throw;

static void on_interrupt(int signal_number)
{
    (void)signal_number;
    seen = 1;
    sb_cancel_set(switch_to_throw);
}

void interrupt_ignore_pipe(void)
{
    signal(SIGPIPE, SIG_IGN);
}

void interrupt_catch(sb_cancel *cancel)
{
    struct sigaction action, before;

    /* A shell ignores SIGINT for its background jobs; they must stay deaf to it. */
    if (sigaction(SIGINT, NULL, &before) != 0 || before.sa_handler == SIG_IGN) {
        return;
    }
    switch_to_throw = cancel;
    memset(&action, 0, sizeof action);
    sigemptyset(&action.sa_mask);
    action.sa_handler = on_interrupt;
    action.sa_flags = (int)SA_RESETHAND;
    sigaction(SIGINT, &action, NULL);
}

void interrupt_release(void)
{
    if (switch_to_throw != NULL) {
        signal(SIGINT, SIG_IGN);
        switch_to_throw = NULL;
    }
}

bool interrupted(void)
{
    return seen != 0;
}

bool interrupt_wait_readable(int fd, const sb_cancel *cancel)
{
    struct pollfd watched[2] = {{.fd = fd, .events = POLLIN},
                                {.fd = sb_cancel_fd(cancel), .events = POLLIN}};

    while (!interrupted()) {
        if (poll(watched, 2, -1) >= 0 || errno != EINTR) {
            break;
        }
    }
    return !interrupted();
}
