/* A loop of one's own: poll() over a waiter of two queues, and over a pipe from another process. */
#include "example.h"

#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

static void write_two(void)
{
    sb_broker *broker = NULL;

    check(sb_open_path(&broker, "loop.db", SB_NTS, NULL, NULL));
    check(sb_write(NULL, broker, "jobs", SB_NTS, "resize picture 7", SB_NTS, NULL));
    check(sb_write(NULL, broker, "mail", SB_NTS, "welcome", SB_NTS, NULL));
    sb_close(broker);
}

/* Takes all there is: the waiter reports a queue again only when something new comes. */
static void drain(sb_broker *broker, const char *queue)
{
    sb_messages *taken = NULL;

    while (check(sb_claim(&taken, broker, queue, SB_NTS, 1, NULL)) == SB_OK) {
        printf("%s: %s\n", queue, sb_messages_body(NULL, taken, 0));
        sb_messages_free(taken);
    }
}

static void take_what_came(sb_broker *broker, sb_waiter *waiter)
{
    const char *queue;
    sb_options at_once;

    check(sb_options_init(&at_once, SB_OPTIONS_VERSION));
    at_once.timeout_ms = 0;
    if (check(sb_waiter_wait(waiter, &at_once)) == SB_OK) {
        while (sb_waiter_next(&queue, NULL, waiter) == SB_OK) {
            drain(broker, queue);
        }
    }
}

int main(void)
{
    sb_broker *broker = NULL;
    sb_waiter *waiter = NULL;
    struct pollfd watched[2];
    int ends[2];

    if (pipe(ends) != 0) {
        return 1;
    }
    fflush(stdout);
    if (fork() == 0) {
        write_two();
        _exit(0); /* which closes its end of the pipe */
    }
    close(ends[1]);

    check(sb_open_path(&broker, "loop.db", SB_NTS, NULL, NULL));
    check(sb_waiter_open(&waiter, broker));
    check(sb_waiter_add(waiter, "jobs", SB_NTS, NULL));
    check(sb_waiter_add(waiter, "mail", SB_NTS, NULL));
    watched[0] = (struct pollfd){.fd = sb_waiter_fd(waiter), .events = POLLIN};
    watched[1] = (struct pollfd){.fd = ends[0], .events = POLLIN};
    do {
        poll(watched, 2, -1);
        take_what_came(broker, waiter);
    } while (watched[1].revents == 0);
    puts("the other process has ended");

    sb_waiter_close(waiter);
    sb_close(broker);
    wait(NULL);
    return 0;
}
