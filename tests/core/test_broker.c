/* The life of a broker: its trace, and closing it at any moment. */
#include "testing.h"

#define NTS ((size_t)SB_NTS)

typedef struct listener {
    sb_broker *broker;
    int heard, destroyed;
} listener;

static void hear(void *payload, const char *operation, int64_t duration_ns, int64_t rows,
                 int32_t retries, sb_status status)
{
    (void)operation;
    (void)duration_ns;
    (void)rows;
    (void)retries;
    (void)status;
    ((listener *)payload)->heard++;
}

static void destroy(void *payload)
{
    ((listener *)payload)->destroyed++;
}

static sb_status stop_listening(void *payload, const sb_values *row)
{
    (void)row;
    return sb_broker_on_trace(payload, NULL, NULL, NULL);
}

static void test_trace__may_be_ended_inside_the_traced_call(void **state)
{
    sb_broker *broker = ((scratch *)*state)->broker;
    listener l = {broker, 0, 0};

    assert_ok(sb_broker_on_trace(broker, hear, &l, destroy));
    put(broker, "q", "x");
    assert_int_equal(l.heard, 1);
    assert_ok(sb_meta_list(broker, NULL, stop_listening, broker));
    assert_int_equal(l.heard, 1);
    assert_int_equal(l.destroyed, 1);
}

static sb_status close_in_callback(void *payload, const sb_values *row)
{
    (void)row;
    sb_close(payload);
    return SB_OK;
}

static void test_close__inside_a_callback_waits_for_its_end(void **state)
{
    scratch *s = *state;
    sb_broker *broker = s->broker;

    s->broker = NULL;
    assert_ok(sb_meta_list(broker, NULL, close_in_callback, broker));
    assert_status(SB_ECLOSED, sb_write(NULL, broker, "q", 1, "x", NTS, NULL));
}

enum { MORE_THAN_SHELLS_ARE_KEPT = 100 };

static void test_shut__leaves_a_handle_that_answers_closed(void **state)
{
    scratch *s = *state;
    sb_broker *shut;

    assert_ok(sb_open_path(&shut, s->path, NTS, s->config, NULL));
    sb_shut(shut);
    for (int i = 0; i < MORE_THAN_SHELLS_ARE_KEPT; i++) {
        sb_broker *other;

        assert_ok(sb_open_path(&other, s->path, NTS, s->config, NULL));
        sb_close(other);
    }
    assert_status(SB_ECLOSED, sb_write(NULL, shut, "q", 1, "x", 1, NULL));
    sb_shut(shut);
    sb_close(shut);
    sb_shut(NULL);
}

static void test_shut__frees_with_the_last_child_handle(void **state)
{
    scratch *s = *state;
    sb_broker *broker;
    sb_txn *txn;

    assert_ok(sb_open_path(&broker, s->path, NTS, s->config, NULL));
    assert_ok(sb_txn_begin(&txn, broker, NULL));
    sb_close(broker);
    sb_txn_rollback(txn);
    assert_ok(sb_open_path(&broker, s->path, NTS, s->config, NULL));
    assert_ok(sb_txn_begin(&txn, broker, NULL));
    sb_shut(broker);
    sb_txn_rollback(txn);
    sb_close(broker);
    put(s->broker, "q", "x");
}

#define SCRATCH_TEST(name) cmocka_unit_test_setup_teardown(name, scratch_open, scratch_free)

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCRATCH_TEST(test_trace__may_be_ended_inside_the_traced_call),
        SCRATCH_TEST(test_close__inside_a_callback_waits_for_its_end),
        SCRATCH_TEST(test_shut__leaves_a_handle_that_answers_closed),
        SCRATCH_TEST(test_shut__frees_with_the_last_child_handle),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
