/* The signal handler and the one flag behind it. */
#include "interrupt.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <string.h>

static volatile sig_atomic_t seen;
static sb_cancel *switch_to_throw;
static bool terminates; /* SIGTERM is caught */

static void on_interrupt(int signal_number)
{
    (void)signal_number;
    seen = 1;
    sb_cancel_set(switch_to_throw);
}

static void on_end(int signal_number)
{
    (void)signal_number;
    sb_cancel_set(switch_to_throw);
}

void interrupt_ignore_pipe(void)
{
    signal(SIGPIPE, SIG_IGN);
}

/* The second signal of the kind kills. */
static void catch_signal(int number, void (*handler)(int), sb_cancel *cancel)
{
    struct sigaction action, before;

    /* A shell ignores SIGINT for its background jobs; they must stay deaf to it. */
    if (sigaction(number, NULL, &before) != 0 || before.sa_handler == SIG_IGN) {
        return;
    }
    switch_to_throw = cancel;
    memset(&action, 0, sizeof action);
    sigemptyset(&action.sa_mask);
    action.sa_handler = handler;
    action.sa_flags = (int)SA_RESETHAND;
    sigaction(number, &action, NULL);
}

void interrupt_catch(sb_cancel *cancel)
{
    catch_signal(SIGINT, on_interrupt, cancel);
}

void interrupt_only_throws(sb_cancel *cancel)
{
    catch_signal(SIGINT, on_end, cancel);
    catch_signal(SIGTERM, on_end, cancel);
    terminates = true;
}

void interrupt_release(void)
{
    if (switch_to_throw != NULL) {
        signal(SIGINT, SIG_IGN);
        if (terminates) {
            signal(SIGTERM, SIG_IGN);
        }
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
