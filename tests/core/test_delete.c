/* Removal of messages, pending and claimed. */
#include "foreign.h"

static void test_delete_queue__removes_pending_and_claimed(void **state)
{
    sb_broker *broker = ((scratch *)*state)->broker;
    int64_t removed = -1;

    put(broker, "q", "1");
    put(broker, "q", "2");
    put(broker, "other", "3");
    take(broker, "q");
    assert_ok(sb_delete_queue(&removed, broker, "q", 1, NULL));
    assert_int_equal(removed, 2);
    assert_status(SB_EMPTY, sb_exists(broker, "q", 1, NULL));
    assert_pending(broker, "other", 1);
}

static void test_delete_queue__nothing_there_is_empty(void **state)
{
    sb_broker *broker = ((scratch *)*state)->broker;
    int64_t removed = -1;

    assert_status(SB_EMPTY, sb_delete_queue(&removed, broker, "q", NTS, NULL));
    assert_int_equal(removed, 0);
    assert_status(SB_EMPTY, sb_delete_queue(NULL, broker, "q", NTS, NULL));
}

static void test_delete_queue__refuses_bad_arguments(void **state)
{
    sb_broker *broker = ((scratch *)*state)->broker;

    assert_status(SB_EINVALID, sb_delete_queue(NULL, broker, NULL, 0, NULL));
    assert_status(SB_EINVALID, sb_delete_queue(NULL, NULL, "q", 1, NULL));
    assert_status(SB_EQUEUENAME, sb_delete_queue(NULL, broker, "", 0, NULL));
    assert_status(SB_EQUEUENAME, sb_delete_queue(NULL, broker, "a b", NTS, NULL));
    assert_status(SB_EQUEUENAME, sb_delete_queue(NULL, broker, "q\0x", 3, NULL));
}

static void test_delete_ids__counts_what_was_there(void **state)
{
    sb_broker *broker = ((scratch *)*state)->broker;
    int64_t ids[5] = {put(broker, "q", "1"), put(broker, "q", "2"), put(broker, "q", "3"), 7, 0};
    int64_t removed = -1, foreign = put(broker, "other", "4");

    take(broker, "q");
    ids[4] = ids[1];
    assert_ok(sb_delete_ids(&removed, broker, "q", 1, ids, 5, NULL));
    assert_int_equal(removed, 3);
    assert_status(SB_EMPTY, sb_delete_ids(&removed, broker, "q", 1, &foreign, 1, NULL));
    assert_int_equal(removed, 0);
    assert_pending(broker, "other", 1);
    assert_status(SB_EMPTY, sb_delete_ids(&removed, broker, "q", 1, NULL, 0, NULL));
}

static void test_delete_ids__more_than_a_statement_has_parameters(void **state)
{
    enum { COUNT = 40000 };
    sb_broker *broker = ((scratch *)*state)->broker;
    int64_t *ids = malloc(COUNT * sizeof *ids);
    int64_t removed = -1;

    run_sql(broker, "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE "
                    "i < 40000) INSERT INTO messages (queue, body, ts) SELECT 'q', '', i FROM n");
    for (int i = 0; i < COUNT; i++) {
        ids[i] = i + 1;
    }
    assert_ok(sb_delete_ids(&removed, broker, "q", 1, ids, COUNT, NULL));
    assert_int_equal(removed, COUNT);
    assert_status(SB_EMPTY, sb_exists(broker, "q", 1, NULL));
    free(ids);
}

static void test_delete_ids__refuses_bad_arguments(void **state)
{
    sb_broker *broker = ((scratch *)*state)->broker;
    int64_t ids[2] = {put(broker, "q", "1"), -1};

    assert_status(SB_EINVALID, sb_delete_ids(NULL, broker, "q", 1, ids, 2, NULL));
    assert_message("message_id must be non-negative");
    assert_status(SB_EINVALID, sb_delete_ids(NULL, broker, "q", 1, NULL, 1, NULL));
    assert_status(SB_EQUEUENAME, sb_delete_ids(NULL, broker, "-q", 2, ids, 0, NULL));
    assert_pending(broker, "q", 1);
}

static void test_delete_queues__only_below_a_bound(void **state)
{
    sb_broker *broker = ((scratch *)*state)->broker;
    sb_strings *queues = strings("a", "b", "a", "none", NULL);
    sb_options options;
    int64_t removed = -1, bound;

    put(broker, "a", "1");
    put(broker, "b", "2");
    bound = put(broker, "a", "3");
    put(broker, "b", "4");
    put(broker, "c", "5");
    options = with_bounds(-1, bound);
    assert_ok(sb_delete_queues(&removed, broker, queues, &options));
    assert_int_equal(removed, 2);
    assert_pending(broker, "a", 1);
    assert_ok(sb_delete_queues(&removed, broker, queues, NULL));
    assert_int_equal(removed, 2);
    assert_pending(broker, "c", 1);
    sb_strings_free(queues);
}

static void test_delete_queues__a_bad_name_changes_nothing(void **state)
{
    sb_broker *broker = ((scratch *)*state)->broker;
    sb_strings *bad = strings("a", "b d", NULL), *none = strings(NULL, NULL);

    put(broker, "a", "1");
    assert_status(SB_EQUEUENAME, sb_delete_queues(NULL, broker, bad, NULL));
    assert_status(SB_EMPTY, sb_delete_queues(NULL, broker, none, NULL));
    assert_status(SB_EINVALID, sb_delete_queues(NULL, broker, NULL, NULL));
    assert_pending(broker, "a", 1);
    sb_strings_free(bad);
    sb_strings_free(none);
}

static void test_delete_all__aliases_stay(void **state)
{
    sb_broker *broker = ((scratch *)*state)->broker;
    sb_aliases *aliases;
    int64_t removed = -1;

    put(broker, "a", "1");
    put(broker, "b", "2");
    take(broker, "b");
    assert_ok(sb_alias_add(broker, "x", 1, "a", 1, NULL));
    assert_ok(sb_delete_all(&removed, broker, NULL));
    assert_int_equal(removed, 2);
    assert_status(SB_EMPTY, sb_delete_all(&removed, broker, NULL));
    assert_int_equal(removed, 0);
    assert_ok(sb_alias_list(&aliases, broker, NULL, 0, NULL));
    assert_int_equal(sb_aliases_count(aliases), 1);
    sb_aliases_free(aliases);
}

static void test_delete__rolled_back_with_its_transaction(void **state)
{
    sb_broker *broker = ((scratch *)*state)->broker;
    sb_options options = with_flags(0);
    int64_t ids[2] = {put(broker, "q", "1"), put(broker, "q", "2")};
    int64_t removed = -1;

    assert_ok(sb_txn_begin(&options.txn, broker, NULL));
    assert_ok(sb_delete_ids(&removed, broker, "q", 1, ids, 2, &options));
    assert_int_equal(removed, 2);
    assert_status(SB_EMPTY, sb_delete_all(NULL, broker, &options));
    assert_status(SB_EMPTY, sb_exists(broker, "q", 1, &options));
    sb_txn_rollback(options.txn);
    assert_pending(broker, "q", 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        EVERY_RUNNER(test_delete_queue__removes_pending_and_claimed),
        EVERY_RUNNER(test_delete_queue__nothing_there_is_empty),
        EVERY_RUNNER(test_delete_queue__refuses_bad_arguments),
        EVERY_RUNNER(test_delete_ids__counts_what_was_there),
        EVERY_RUNNER(test_delete_ids__more_than_a_statement_has_parameters),
        EVERY_RUNNER(test_delete_ids__refuses_bad_arguments),
        EVERY_RUNNER(test_delete_queues__only_below_a_bound),
        EVERY_RUNNER(test_delete_queues__a_bad_name_changes_nothing),
        EVERY_RUNNER(test_delete_all__aliases_stay),
        EVERY_RUNNER(test_delete__rolled_back_with_its_transaction),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
