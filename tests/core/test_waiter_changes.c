/* Waits that go on while nothing has changed: SB_IF_CHANGED. */
#include "testing.h"

#define NTS ((size_t)SB_NTS)

enum { SHORT_MS = 2, PATIENCE = 20 };

/* A callback that is asked each 10 ms or less often, and ends the call in the end. */
static int lose_patience(void *payload)
{
    return ++*(int *)payload >= PATIENCE;
}

static sb_waiter *waiter_on(sb_broker *broker, const char *queue)
{
    sb_waiter *waiter;

    assert_ok(sb_waiter_open(&waiter, broker));
    assert_ok(sb_waiter_add(waiter, queue, NTS, NULL));
    return waiter;
}

static sb_status wait_for_change(sb_waiter *waiter)
{
    sb_options options;
    sb_cancel *cancel;
    sb_status status;
    int asked = 0;

    assert_ok(sb_cancel_new(&cancel));
    sb_cancel_on_poll(cancel, lose_patience, &asked);
    assert_ok(sb_options_init(&options, SB_OPTIONS_VERSION));
    options.cancel = cancel;
    options.timeout_ms = SHORT_MS;
    options.flags = SB_IF_CHANGED;
    status = sb_waiter_wait(waiter, &options);
    sb_cancel_free(cancel);
    return status;
}

static void test_wait__goes_on_while_nothing_has_changed(void **state)
{
    scratch *s = *state;
    sb_waiter *waiter = waiter_on(s->broker, "q");

    assert_status(SB_EMPTY, wait_for_change(waiter)); /* it is new */
    assert_status(SB_CANCELLED, wait_for_change(waiter));
    sb_waiter_close(waiter);
}

static void test_wait__ends_in_time_when_something_has_changed(void **state)
{
    scratch *s = *state;
    sb_waiter *waiter = waiter_on(s->broker, "q");

    assert_status(SB_EMPTY, wait_for_change(waiter));
    assert_ok(sb_write(NULL, s->broker, "other", NTS, "x", 1, NULL));
    assert_status(SB_EMPTY, wait_for_change(waiter));
    assert_status(SB_CANCELLED, wait_for_change(waiter));
    assert_ok(sb_write(NULL, s->broker, "q", NTS, "x", 1, NULL));
    assert_ok(wait_for_change(waiter));
    sb_waiter_close(waiter);
}

static void test_wait__without_time_never_goes_on(void **state)
{
    scratch *s = *state;
    sb_waiter *waiter = waiter_on(s->broker, "q");
    sb_options options;

    assert_ok(sb_options_init(&options, SB_OPTIONS_VERSION));
    options.flags = SB_IF_CHANGED;
    options.timeout_ms = 0;
    for (int i = 0; i < 3; i++) {
        assert_status(SB_EMPTY, sb_waiter_wait(waiter, &options));
    }
    sb_waiter_close(waiter);
}

#define SCRATCH_TEST(name) cmocka_unit_test_setup_teardown(name, scratch_open, scratch_free)

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCRATCH_TEST(test_wait__goes_on_while_nothing_has_changed),
        SCRATCH_TEST(test_wait__ends_in_time_when_something_has_changed),
        SCRATCH_TEST(test_wait__without_time_never_goes_on),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
