/* Copies of a message for many queues, all or none. */
#include "foreign.h"

static int64_t high_water(sb_broker *broker)
{
    int64_t value = -1;

    assert_ok(sb_timestamp_refresh(&value, broker, NULL));
    return value;
}

static void test_broadcast__reaches_every_existing_queue(void **state)
{
    sb_broker *broker = ((scratch *)*state)->broker;
    int64_t reached = -1;

    put(broker, "b", "1");
    put(broker, "a", "2");
    take(broker, "b");
    assert_ok(sb_broadcast(&reached, broker, "x", 1, NULL, 0, NULL));
    assert_int_equal(reached, 2);
    assert_claims(broker, "a", "2");
    assert_claims(broker, "a", "x");
    assert_claims(broker, "b", "x");
    assert_int_equal(ask_sql(broker, "SELECT count(DISTINCT ts) FROM messages WHERE body = 'x'"),
                     2);
}

static void test_broadcast__pattern_selects(void **state)
{
    sb_broker *broker = ((scratch *)*state)->broker;
    static const struct {
        const char *pattern;
        int64_t reached;
    } cases[] = {{"", 4},      {"*", 4},     {"ab*", 2}, {"ab", 1},        {"a?", 1},  {"[!a]*", 2},
                 {"[b-c]", 2}, {"A*", 0},    {"*b*", 3}, {"no such *", 0}, {"ab\x7F*", 0},
                 {"\xC3\xA9*", 0}, {"-*", 0}, {"abc?", 0}};

    put(broker, "ab", "-");
    put(broker, "abc", "-");
    put(broker, "b", "-");
    put(broker, "c", "-");
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        int64_t reached = -1;

        assert_status(cases[i].reached ? SB_OK : SB_EMPTY,
                      sb_broadcast(&reached, broker, "x", 1, cases[i].pattern, NTS, NULL));
        assert_int_equal(reached, cases[i].reached);
    }
}

static void test_broadcast__nothing_selected_keeps_the_high_water(void **state)
{
    sb_broker *broker = ((scratch *)*state)->broker;
    sb_strings *none = strings("nope", NULL);
    int64_t before, reached = -1;

    assert_status(SB_EMPTY, sb_broadcast(&reached, broker, "x", 1, NULL, 0, NULL));
    assert_int_equal(reached, 0);
    put(broker, "q", "1");
    before = high_water(broker);
    assert_status(SB_EMPTY, sb_broadcast(NULL, broker, "x", 1, "z*", 2, NULL));
    assert_status(SB_EMPTY, sb_broadcast_to(&reached, broker, "x", 1, none, NULL));
    assert_int_equal(reached, 0);
    assert_int_equal(high_water(broker), before);
    sb_strings_free(none);
}

static void test_broadcast_to__missing_queues_only_on_demand(void **state)
{
    sb_broker *broker = ((scratch *)*state)->broker;
    sb_strings *names = strings("z", "q", "a", "q", NULL);
    sb_options create = with_flags(SB_CREATE_MISSING);
    int64_t reached = -1;

    put(broker, "q", "1");
    assert_ok(sb_broadcast_to(&reached, broker, "x", 1, names, NULL));
    assert_int_equal(reached, 1);
    assert_pending(broker, "q", 2);
    assert_ok(sb_broadcast_to(&reached, broker, "y", 1, names, &create));
    assert_int_equal(reached, 3);
    assert_pending(broker, "q", 3);
    assert_pending(broker, "z", 1);
    /* In the order of the list. */
    assert_int_equal(ask_sql(broker, "SELECT group_concat(queue, '') = 'zqa' FROM "
                                     "(SELECT queue FROM messages WHERE body = 'y' ORDER BY ts)"),
                     1);
    sb_strings_free(names);
}

static void test_broadcast__refuses_bad_arguments(void **state)
{
    scratch *s = *state;
    sb_strings *bad = strings("q", "@x", NULL), *none = strings(NULL, NULL);
    sb_broker *broker = s->broker;

    put(broker, "q", "1");
    assert_status(SB_EMESSAGE, sb_broadcast(NULL, broker, "\xFF", 1, NULL, 0, NULL));
    assert_status(SB_EINVALID, sb_broadcast(NULL, broker, NULL, 0, NULL, 0, NULL));
    assert_status(SB_EQUEUENAME, sb_broadcast_to(NULL, broker, "x", 1, bad, NULL));
    assert_status(SB_EMESSAGE, sb_broadcast_to(NULL, broker, "\xFF", 1, bad, NULL));
    assert_status(SB_EINVALID, sb_broadcast_to(NULL, broker, "x", 1, NULL, NULL));
    assert_status(SB_EMPTY, sb_broadcast_to(NULL, broker, "x", 1, none, NULL));
    assert_pending(broker, "q", 1);
    sb_strings_free(bad);
    sb_strings_free(none);
}

static void test_broadcast__a_body_at_the_limit_and_one_above(void **state)
{
    scratch *s = *state;

    sb_close(s->broker);
    assert_ok(sb_config_set_int64(s->config, "BROKER_MAX_MESSAGE_SIZE", NTS, 4));
    assert_ok(sb_open_path(&s->broker, s->path, NTS, s->config, NULL));
    put(s->broker, "q", "1");
    assert_ok(sb_broadcast(NULL, s->broker, "1234", 4, NULL, 0, NULL));
    assert_status(SB_EMESSAGE, sb_broadcast(NULL, s->broker, "12345", 5, NULL, 0, NULL));
    assert_message("Message size (5 bytes) exceeds maximum allowed size (4 bytes)");
}

static void test_broadcast__failure_in_the_middle_reaches_nobody(void **state)
{
    sb_broker *broker = ((scratch *)*state)->broker;
    int64_t before;

    put(broker, "a", "1");
    put(broker, "b", "2");
    run_sql(broker, "CREATE TRIGGER no_b BEFORE INSERT ON messages WHEN NEW.queue = 'b' "
                    "BEGIN SELECT RAISE(ABORT, 'no b'); END");
    before = high_water(broker);
    assert_status(SB_EINTEGRITY, sb_broadcast(NULL, broker, "x", 1, NULL, 0, NULL));
    assert_pending(broker, "a", 1);
    assert_int_equal(high_water(broker), before);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        EVERY_RUNNER(test_broadcast__reaches_every_existing_queue),
        EVERY_RUNNER(test_broadcast__pattern_selects),
        EVERY_RUNNER(test_broadcast__nothing_selected_keeps_the_high_water),
        EVERY_RUNNER(test_broadcast_to__missing_queues_only_on_demand),
        EVERY_RUNNER(test_broadcast__refuses_bad_arguments),
        cmocka_unit_test_setup_teardown(test_broadcast__a_body_at_the_limit_and_one_above,
                                        scratch_open, scratch_free),
        EVERY_RUNNER(test_broadcast__failure_in_the_middle_reaches_nobody),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
