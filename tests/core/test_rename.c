/* Renaming queues. */
#include "foreign.h"

static sb_status rename_queue(sb_broker *broker, const char *from, const char *to,
                              int64_t *renamed, int64_t *retargeted, const sb_options *options)
{
    *renamed = *retargeted = -1;
    return sb_rename(renamed, retargeted, broker, from, NTS, to, NTS, options);
}

static void test_rename__takes_all_messages_and_aliases(void **state)
{
    sb_broker *broker = ((scratch *)*state)->broker;
    int64_t renamed, retargeted, before, after;

    put(broker, "old", "1");
    put(broker, "old", "2");
    take(broker, "old");
    assert_ok(sb_alias_add(broker, "x", 1, "old", 3, NULL));
    assert_ok(sb_alias_add(broker, "y", 1, "other", 5, NULL));
    assert_ok(sb_alias_version(&before, broker, NULL));
    assert_ok(rename_queue(broker, "old", "new", &renamed, &retargeted, NULL));
    assert_int_equal(renamed, 2);
    assert_int_equal(retargeted, 1);
    assert_status(SB_EMPTY, sb_exists(broker, "old", 3, NULL));
    assert_pending(broker, "new", 1);
    assert_claimed(broker, "new", 1);
    assert_ok(sb_alias_version(&after, broker, NULL));
    assert_true(after > before);
    assert_int_equal(ask_sql(broker, "SELECT count(*) FROM queue_aliases WHERE target = 'new'"), 1);
}

static void test_rename__keeps_aliases_on_demand(void **state)
{
    sb_broker *broker = ((scratch *)*state)->broker;
    sb_options keep = with_flags(SB_KEEP_ALIASES);
    int64_t renamed, retargeted, before, after;

    put(broker, "old", "1");
    assert_ok(sb_alias_add(broker, "x", 1, "old", 3, NULL));
    assert_ok(sb_alias_version(&before, broker, NULL));
    assert_ok(rename_queue(broker, "old", "new", &renamed, &retargeted, &keep));
    assert_int_equal(renamed, 1);
    assert_int_equal(retargeted, 0);
    assert_ok(sb_alias_version(&after, broker, NULL));
    assert_int_equal(after, before);
}

static void test_rename__an_existing_target_is_noticed_first(void **state)
{
    sb_broker *broker = ((scratch *)*state)->broker;
    int64_t renamed, retargeted;

    put(broker, "new", "1");
    take(broker, "new");
    put(broker, "old", "2");
    assert_status(SB_EINVALID, rename_queue(broker, "old", "new", &renamed, &retargeted, NULL));
    assert_message("Target queue already exists");
    assert_status(SB_EINVALID, rename_queue(broker, "none", "new", &renamed, &retargeted, NULL));
    assert_message("Target queue already exists");
    assert_pending(broker, "old", 1);
}

static void test_rename__a_missing_queue_is_empty_and_keeps_its_aliases(void **state)
{
    sb_broker *broker = ((scratch *)*state)->broker;
    int64_t renamed, retargeted;

    assert_ok(sb_alias_add(broker, "x", 1, "old", 3, NULL));
    assert_status(SB_EMPTY, rename_queue(broker, "old", "new", &renamed, &retargeted, NULL));
    assert_int_equal(renamed, 0);
    assert_int_equal(retargeted, 0);
    assert_int_equal(ask_sql(broker, "SELECT count(*) FROM queue_aliases WHERE target = 'old'"), 1);
}

static void test_rename__refuses_bad_names(void **state)
{
    sb_broker *broker = ((scratch *)*state)->broker;
    int64_t renamed, retargeted;

    assert_status(SB_EINVALID, rename_queue(broker, "q", "q", &renamed, &retargeted, NULL));
    assert_message("Source and target queues cannot be the same");
    assert_status(SB_EQUEUENAME, rename_queue(broker, "b d", "b d", &renamed, &retargeted, NULL));
    assert_status(SB_EQUEUENAME, rename_queue(broker, "q", ".x", &renamed, &retargeted, NULL));
    assert_status(SB_EINVALID, sb_rename(NULL, NULL, broker, NULL, 0, "x", 1, NULL));
    assert_status(SB_EINVALID, sb_rename(NULL, NULL, broker, "x", 1, NULL, 0, NULL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        EVERY_RUNNER(test_rename__takes_all_messages_and_aliases),
        EVERY_RUNNER(test_rename__keeps_aliases_on_demand),
        EVERY_RUNNER(test_rename__an_existing_target_is_noticed_first),
        EVERY_RUNNER(test_rename__a_missing_queue_is_empty_and_keeps_its_aliases),
        EVERY_RUNNER(test_rename__refuses_bad_names),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
