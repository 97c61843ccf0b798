/* Lists of strings. */
#include "testing.h"

static void test_strings__keep_copies_with_their_lengths(void **state)
{
    sb_strings *strings = sb_strings_new();
    char text[] = "abc";
    size_t len = 99;

    (void)state;
    assert_ok(sb_strings_add(strings, text, (size_t)SB_NTS));
    assert_ok(sb_strings_add(strings, "a\0b", 3));
    assert_ok(sb_strings_add(strings, "", 0));
    text[0] = 'x';
    assert_int_equal(sb_strings_count(strings), 3);
    assert_string_equal(sb_strings_get(&len, strings, 0), "abc");
    assert_int_equal(len, 3);
    assert_memory_equal(sb_strings_get(&len, strings, 1), "a\0b", 4);
    assert_int_equal(len, 3);
    assert_string_equal(sb_strings_get(NULL, strings, 2), "");
    sb_strings_free(strings);
}

static void test_strings__grow(void **state)
{
    sb_strings *strings = sb_strings_new();
    char text[16];

    (void)state;
    for (int i = 0; i < 1000; i++) {
        snprintf(text, sizeof text, "%d", i);
        assert_ok(sb_strings_add(strings, text, (size_t)SB_NTS));
    }
    assert_string_equal(sb_strings_get(NULL, strings, 0), "0");
    assert_string_equal(sb_strings_get(NULL, strings, 999), "999");
    sb_strings_free(strings);
}

static void test_strings__nothing_beyond_the_end(void **state)
{
    sb_strings *strings = sb_strings_new();
    size_t len = 99;

    (void)state;
    assert_null(sb_strings_get(&len, strings, 0));
    assert_int_equal(len, 0);
    assert_null(sb_strings_get(&len, NULL, 0));
    assert_int_equal(sb_strings_count(NULL), 0);
    assert_status(SB_EINVALID, sb_strings_add(strings, NULL, 0));
    assert_status(SB_EINVALID, sb_strings_add(NULL, "a", 1));
    sb_strings_free(strings);
    sb_strings_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_strings__keep_copies_with_their_lengths),
        cmocka_unit_test(test_strings__grow),
        cmocka_unit_test(test_strings__nothing_beyond_the_end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
