/* A waiter in libuv's loop. Build with: cc libuv.c $(pkg-config --cflags --libs simplebroker libuv) */
#include "example.h"

#include <uv.h>

typedef struct consumer {
    sb_broker *broker;
    sb_waiter *waiter;
} consumer;

static void on_readable(uv_poll_t *handle, int status, int events)
{
    const consumer *c = handle->data;
    sb_messages *taken = NULL;
    sb_options at_once;

    (void)status;
    (void)events;
    check(sb_options_init(&at_once, SB_OPTIONS_VERSION));
    at_once.timeout_ms = 0;
    if (check(sb_waiter_wait(c->waiter, &at_once)) != SB_OK) {
        return; /* it was only for the waiter itself */
    }
    while (check(sb_claim(&taken, c->broker, "jobs", SB_NTS, 1, NULL)) == SB_OK) {
        printf("got: %s\n", sb_messages_body(NULL, taken, 0));
        sb_messages_free(taken);
        uv_close((uv_handle_t *)handle, NULL); /* one message is enough for an example */
        return;
    }
}

static void write_message(uv_timer_t *timer)
{
    const consumer *c = timer->data;

    check(sb_write(NULL, c->broker, "jobs", SB_NTS, "resize picture 7", SB_NTS, NULL));
    uv_close((uv_handle_t *)timer, NULL);
}

int main(void)
{
    consumer c = {NULL, NULL};
    uv_timer_t later;
    uv_poll_t readable;

    check(sb_open_path(&c.broker, "uv.db", SB_NTS, NULL, NULL));
    check(sb_waiter_open(&c.waiter, c.broker));
    check(sb_waiter_add(c.waiter, "jobs", SB_NTS, NULL));

    if (uv_poll_init(uv_default_loop(), &readable, sb_waiter_fd(c.waiter)) != 0) {
        return 1; /* no events here: a timer would have to do what on_readable() does */
    }
    readable.data = &c;
    uv_poll_start(&readable, UV_READABLE, on_readable);
    uv_timer_init(uv_default_loop(), &later);
    later.data = &c;
    uv_timer_start(&later, write_message, 50, 0);
    uv_run(uv_default_loop(), UV_RUN_DEFAULT);

    sb_waiter_close(c.waiter);
    sb_close(c.broker);
    return uv_loop_close(uv_default_loop());
}
