/* Finding messages by their text. */
#include "foreign.h"

static void assert_found(sb_broker *broker, const char *text, size_t len, size_t limit,
                         const sb_options *options, const int64_t *ids, size_t count)
{
    sb_messages *found = NULL;

    assert_status(count ? SB_OK : SB_EMPTY,
                  sb_search(&found, broker, "s", 1, text, len, limit, options));
    assert_int_equal(sb_messages_count(found), count);
    for (size_t i = 0; i < count; i++) {
        size_t body_len = 1;

        assert_int_equal(sb_messages_id(found, i), ids[i]);
        assert_string_equal(sb_messages_body(&body_len, found, i), "");
        assert_int_equal(body_len, 0);
    }
    sb_messages_free(found);
}

static void test_search__is_literal_and_case_sensitive(void **state)
{
    sb_broker *broker = ((scratch *)*state)->broker;
    int64_t plain = put(broker, "s", "abc"), upper = put(broker, "s", "ABC");
    int64_t wild = put(broker, "s", "a%c_");
    int64_t accents = put(broker, "s", "\xC3\xA9\xE2\x82\xAC" "abc"), nul;

    assert_ok(sb_write(&nul, broker, "s", 1, "x\0abd", 5, NULL));
    put(broker, "other", "abc");
    assert_found(broker, "abc", 3, 100, NULL, (int64_t[]){plain, accents}, 2);
    assert_found(broker, "ABC", 3, 100, NULL, &upper, 1);
    assert_found(broker, "a%c", 3, 100, NULL, &wild, 1);
    assert_found(broker, "\xC3\xA9\xE2\x82\xAC" "a", NTS, 100, NULL, &accents, 1);
    assert_found(broker, "x\0ab", 4, 100, NULL, &nul, 1);
    assert_found(broker, "\0abd", 4, 100, NULL, &nul, 1);
    assert_found(broker, "nothing", NTS, 100, NULL, NULL, 0);
    assert_found(broker, "abc", 3, 1, NULL, &plain, 1);
}

static void test_search__bounds_and_claimed_rows(void **state)
{
    sb_broker *broker = ((scratch *)*state)->broker;
    sb_options any = with_flags(SB_INCLUDE_CLAIMED), bounds;
    int64_t ids[4];

    for (int i = 0; i < 4; i++) {
        ids[i] = put(broker, "s", "some text");
    }
    take(broker, "s");
    assert_found(broker, "text", 4, 100, NULL, ids + 1, 3);
    assert_found(broker, "text", 4, 100, &any, ids, 4);
    assert_found(broker, "text", 4, 3, &any, ids, 3);
    bounds = with_bounds(ids[1], ids[3]);
    assert_found(broker, "text", 4, 100, &bounds, ids + 2, 1);
    bounds = with_bounds(-1, ids[2]);
    bounds.flags = SB_INCLUDE_CLAIMED;
    assert_found(broker, "text", 4, 100, &bounds, ids, 2);
    bounds = with_bounds(ids[3], -1);
    assert_found(broker, "text", 4, 100, &bounds, NULL, 0);
}

/* Order is that of arrival also where a range of ids is searched, short or long. */
static void test_search__storage_order_in_every_plan(void **state)
{
    sb_broker *broker = ((scratch *)*state)->broker;
    sb_options any = with_flags(SB_INCLUDE_CLAIMED), bounds = with_bounds(4, -1);
    int64_t first = INT64_C(90000), second = 5;

    run_sql(broker, "INSERT INTO messages (queue, body, ts) VALUES ('s', 'find me', 90000), "
                    "('s', 'find me', 5)");
    assert_found(broker, "find me", NTS, 100, &bounds, (int64_t[]){first, second}, 2);
    assert_found(broker, "find me", NTS, 100, &any, (int64_t[]){first, second}, 2);
    run_sql(broker, "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2000)"
                    " INSERT INTO messages (queue, body, ts) SELECT 's', '', 10 + i FROM n");
    assert_found(broker, "find me", NTS, 100, &bounds, (int64_t[]){first, second}, 2);
    assert_found(broker, "find me", NTS, 1, &any, &first, 1);
}

static void assert_refused(sb_broker *broker, const char *text, size_t len, size_t limit,
                           const char *message)
{
    sb_messages *found = NULL;

    assert_status(SB_EINVALID, sb_search(&found, broker, "s", 1, text, len, limit, NULL));
    assert_message(message);
    assert_null(found);
}

static void test_search__refuses_bad_arguments(void **state)
{
    sb_broker *broker = ((scratch *)*state)->broker;
    char longest[1025];
    sb_messages *found;

    memset(longest, 'x', sizeof longest);
    assert_refused(broker, "ab", 2, 100, "body_contains must contain at least 3 non-whitespace");
    assert_refused(broker, "a \xC2\xA0 \xE3\x80\x80 b", NTS, 100, "at least 3");
    assert_refused(broker, "", 0, 0, "at least 3");
    assert_refused(broker, longest, 1025, 100, "body_contains must be at most 1024 characters");
    assert_refused(broker, "abc", 3, 0, "limit must be at least 1");
    assert_refused(broker, "abc", 3, 1001, "limit must be at most 1000");
    assert_refused(broker, "abc\xFF", 4, 1, "UTF-8");
    assert_refused(broker, NULL, 0, 1, "text");
    assert_status(SB_EQUEUENAME, sb_search(&found, broker, "b d", 3, "", 0, 0, NULL));
    assert_status(SB_EINVALID, sb_search(NULL, broker, "s", 1, "abc", 3, 1, NULL));
    assert_found(broker, longest, 1024, 1000, NULL, NULL, 0);
    assert_found(broker, "a b c", 5, 1, NULL, NULL, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        EVERY_RUNNER(test_search__is_literal_and_case_sensitive),
        EVERY_RUNNER(test_search__bounds_and_claimed_rows),
        EVERY_RUNNER(test_search__storage_order_in_every_plan),
        EVERY_RUNNER(test_search__refuses_bad_arguments),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
