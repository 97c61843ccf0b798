/* Lists of queues. */
#include "foreign.h"

static void assert_names(sb_broker *broker, const char *prefix, const char *pattern,
                         const sb_options *options, const char *expected)
{
    sb_queues *queues = NULL;
    char found[256] = "";

    assert_ok(sb_queues_list(&queues, broker, prefix, NTS, pattern, NTS, options));
    for (size_t i = 0; i < sb_queues_count(queues); i++) {
        size_t len;
        const char *name = sb_queues_name(&len, queues, i);

        assert_int_equal(len, strlen(name));
        strcat(strcat(found, i ? " " : ""), name);
    }
    assert_string_equal(found, expected);
    sb_queues_free(queues);
}

static void test_queues_list__sorted_by_bytes(void **state)
{
    sb_broker *broker = ((scratch *)*state)->broker;
    static const char *const names[] = {"b", "a.b", "a", "B", "_x", "a-b", "ab", "0", "a_b"};

    assert_names(broker, NULL, NULL, NULL, "");
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        put(broker, names[i], "1");
    }
    take(broker, "b");
    assert_names(broker, NULL, NULL, NULL, "0 B _x a a-b a.b a_b ab b");
}

static void test_queues_list__prefix_and_pattern(void **state)
{
    sb_broker *broker = ((scratch *)*state)->broker;
    sb_options names_only = with_flags(SB_WITHOUT_STATS);
    static const struct {
        const char *prefix, *pattern, *expected;
    } cases[] = {
        {"", NULL, "a ab abz b z zz"}, {"a", NULL, "a ab abz"}, {"ab", NULL, "ab abz"},
        {"z", NULL, "z zz"},           {"x", NULL, ""},         {"abzz", NULL, ""},
        {NULL, "*", "a ab abz b z zz"}, {NULL, "", ""},         {NULL, "ab", "ab"},
        {NULL, "a*", "a ab abz"},      {NULL, "?", "a b z"},    {NULL, "[!a]*", "b z zz"},
        {NULL, "a[b]?", "abz"},        {NULL, "z*", "z zz"},    {NULL, "[\xC3\xA9]*", ""},
    };

    put(broker, "a", "1");
    put(broker, "ab", "1");
    put(broker, "abz", "1");
    put(broker, "b", "1");
    put(broker, "z", "1");
    put(broker, "zz", "1");
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_names(broker, cases[i].prefix, cases[i].pattern, NULL, cases[i].expected);
        assert_names(broker, cases[i].prefix, cases[i].pattern, &names_only, cases[i].expected);
    }
}

static void test_queues_list__counts(void **state)
{
    sb_broker *broker = ((scratch *)*state)->broker;
    sb_queues *queues;
    size_t len = 1;

    put(broker, "a", "1");
    put(broker, "a", "2");
    put(broker, "b", "3");
    take(broker, "a");
    take(broker, "b");
    assert_ok(sb_queues_list(&queues, broker, NULL, 0, NULL, 0, NULL));
    assert_int_equal(sb_queues_count(queues), 2);
    assert_int_equal(sb_queues_pending(queues, 0), 1);
    assert_int_equal(sb_queues_claimed(queues, 0), 1);
    assert_int_equal(sb_queues_pending(queues, 1), 0);
    assert_int_equal(sb_queues_claimed(queues, 1), 1);
    assert_null(sb_queues_name(&len, queues, 2));
    assert_int_equal(len, 0);
    assert_int_equal(sb_queues_pending(queues, 2), 0);
    assert_int_equal(sb_queues_claimed(queues, 2), 0);
    sb_queues_free(queues);
    assert_int_equal(sb_queues_count(NULL), 0);
}

static void test_queues_list__refuses_bad_arguments(void **state)
{
    sb_broker *broker = ((scratch *)*state)->broker;
    sb_queues *queues = NULL;
    char longest[513];

    memset(longest, 'x', sizeof longest);
    assert_status(SB_EINVALID, sb_queues_list(&queues, broker, "", 0, "", 0, NULL));
    assert_message("prefix and pattern cannot be used together");
    assert_true(sb_queues_list(&queues, broker, "a b", NTS, NULL, 0, NULL) < 0);
    assert_message("Invalid queue prefix: must contain only");
    assert_true(sb_queues_list(&queues, broker, "-", 1, NULL, 0, NULL) < 0);
    assert_true(sb_queues_list(&queues, broker, NULL, 0, "-*", 2, NULL) < 0);
    assert_true(sb_queues_list(&queues, broker, NULL, 0, "a b?", 4, NULL) < 0);
    assert_true(sb_queues_list(&queues, broker, longest, 513, NULL, 0, NULL) < 0);
    assert_message("Invalid queue prefix: exceeds 512 characters");
    assert_null(queues);
    assert_ok(sb_queues_list(&queues, broker, longest, 512, NULL, 0, NULL));
    sb_queues_free(queues);
    assert_status(SB_EINVALID, sb_queues_list(NULL, broker, NULL, 0, NULL, 0, NULL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        EVERY_RUNNER(test_queues_list__sorted_by_bytes),
        EVERY_RUNNER(test_queues_list__prefix_and_pattern),
        EVERY_RUNNER(test_queues_list__counts),
        EVERY_RUNNER(test_queues_list__refuses_bad_arguments),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
