/*
 * Progress and cancellation while the file is rebuilt, which is one long statement of SQLite's.
 */
#include "testing.h"

enum { MESSAGES = 5000 };

typedef struct watcher {
    int calls;
    int during_rebuild; /* of them with the total unknown */
    int ends_at;        /* the call during the rebuild that ends it; 0: none */
} watcher;

static int watch(void *payload, int64_t done, int64_t total)
{
    watcher *w = payload;

    (void)done;
    w->calls++;
    w->during_rebuild += total < 0;
    return total < 0 && w->during_rebuild == w->ends_at;
}

static void fill(sb_broker *broker)
{
    sb_options options;
    sb_txn *txn;

    assert_ok(sb_txn_begin(&txn, broker, NULL));
    assert_ok(sb_options_init(&options, SB_OPTIONS_VERSION));
    options.txn = txn;
    for (int i = 0; i < MESSAGES; i++) {
        assert_ok(sb_write(NULL, broker, "q", 1, "a message", 9, &options));
    }
    assert_ok(sb_txn_commit(txn));
}

static sb_status compact(sb_broker *broker, watcher *w)
{
    sb_options options;

    assert_ok(sb_options_init(&options, SB_OPTIONS_VERSION));
    options.flags = SB_COMPACT;
    options.progress = watch;
    options.progress_payload = w;
    return sb_vacuum(NULL, broker, &options);
}

static void test_compact__tells_that_it_goes_on(void **state)
{
    sb_broker *broker = ((scratch *)*state)->broker;
    watcher w = {.calls = 0};

    fill(broker);
    assert_status(SB_EMPTY, compact(broker, &w));
    assert_true(w.during_rebuild > 1);
}

static void test_compact__ended_by_the_callback_changes_nothing(void **state)
{
    sb_broker *broker = ((scratch *)*state)->broker;
    watcher w = {.ends_at = 2};
    int64_t pending = 0;

    fill(broker);
    assert_status(SB_CANCELLED, compact(broker, &w));
    assert_int_equal(w.during_rebuild, 2);
    assert_ok(sb_queue_stats(&pending, NULL, broker, "q", 1, NULL));
    assert_int_equal(pending, MESSAGES);
    assert_ok(sb_write(NULL, broker, "q", 1, "usable", 6, NULL));
    w.ends_at = 0;
    assert_status(SB_EMPTY, compact(broker, &w));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_compact__tells_that_it_goes_on, scratch_open,
                                        scratch_free),
        cmocka_unit_test_setup_teardown(test_compact__ended_by_the_callback_changes_nothing,
                                        scratch_open, scratch_free),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
