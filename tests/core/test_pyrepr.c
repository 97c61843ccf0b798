/* Texts as Python's repr() shows them. */
#include "pyrepr.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static void check(const char *text, size_t len, const char *want)
{
    sb__str out = SB__STR_INIT;

    sb__py_repr_text(&out, text, len);
    assert_string_equal(out.data, want);
    sb__str_dispose(&out);
}

static void test_repr__picks_the_quotes(void **state)
{
    (void)state;
    check("", 0, "''");
    check("abc", 3, "'abc'");
    check("a'b", 3, "\"a'b\"");
    check("a\"b", 3, "'a\"b'");
    check("a\"b'c", 5, "'a\"b\\'c'");
}

static void test_repr__escapes_what_is_not_printable(void **state)
{
    (void)state;
    check("a\\b", 3, "'a\\\\b'");
    check("\n\r\t\0\x1B\x7F", 6, "'\\n\\r\\t\\x00\\x1b\\x7f'");
    check("\xC2\x85\xC2\xA0\xC2\xAD", 6, "'\\x85\\xa0\\xad'");
    check("\xE2\x80\x8B\xE2\x80\xAE\xEE\x80\x80", 9, "'\\u200b\\u202e\\ue000'");
    check("\xF3\xB0\x80\x80", 4, "'\\U000f0000'");
    check("\xC3\xA9\xF0\x9F\x98\x80", 6, "'\xC3\xA9\xF0\x9F\x98\x80'");
}

static void test_repr__undecodable_bytes_show_as_surrogates(void **state)
{
    (void)state;
    check("a\xFF" "b\xC3", 4, "'a\\udcffb\\udcc3'");
    check("\xED\xA0\x80", 3, "'\\udced\\udca0\\udc80'");
}

static void check_value(sb__value value, const char *repr, const char *str)
{
    sb__str out = SB__STR_INIT;

    sb__py_repr(&out, &value);
    assert_string_equal(out.data, repr);
    sb__str_reset(&out);
    sb__py_str(&out, &value);
    assert_string_equal(out.data, str);
    sb__str_dispose(&out);
}

static void test_repr__of_each_type(void **state)
{
    (void)state;
    check_value((sb__value){.type = SB_NULL}, "None", "None");
    check_value((sb__value){.type = SB_INT64, .as.integer = -5}, "-5", "-5");
    check_value((sb__value){.type = SB_BOOL, .as.integer = 1}, "True", "True");
    check_value((sb__value){.type = SB_DOUBLE, .as.number = 1e16}, "1e+16", "1e+16");
    check_value((sb__value){.type = SB_TEXT, .data = "a'", .len = 2}, "\"a'\"", "a'");
    check_value((sb__value){.type = SB_BLOB, .data = "\xFF'\n", .len = 3}, "b\"\\xff'\\n\"",
                "b\"\\xff'\\n\"");
}

static void test_one_line__escapes_without_quotes(void **state)
{
    sb__str out = SB__STR_INIT;

    (void)state;
    sb__text_one_line(&out, "a'\n\\b", 5);
    assert_string_equal(out.data, "a'\\n\\b");
    sb__str_dispose(&out);
}

static void check_ellipsis(const char *text, size_t max, const char *want)
{
    sb__str out = SB__STR_INIT;

    sb__str_append_text(&out, text);
    sb__text_ellipsis(&out, max);
    assert_string_equal(out.data, want);
    assert_int_equal(out.len, strlen(want));
    sb__str_dispose(&out);
}

static void test_ellipsis__counts_characters(void **state)
{
    (void)state;
    check_ellipsis("abcdef", 6, "abcdef");
    check_ellipsis("abcdefg", 6, "abc...");
    check_ellipsis("\xC3\xA9\xC3\xA9\xC3\xA9\xC3\xA9", 4, "\xC3\xA9\xC3\xA9\xC3\xA9\xC3\xA9");
    check_ellipsis("\xC3\xA9\xC3\xA9\xC3\xA9\xC3\xA9\xC3\xA9", 4, "\xC3\xA9...");
    check_ellipsis("\xFF\xFF\xFF\xFF\xFF", 4, "\xFF...");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_repr__picks_the_quotes),
        cmocka_unit_test(test_repr__escapes_what_is_not_printable),
        cmocka_unit_test(test_repr__undecodable_bytes_show_as_surrogates),
        cmocka_unit_test(test_repr__of_each_type),
        cmocka_unit_test(test_one_line__escapes_without_quotes),
        cmocka_unit_test(test_ellipsis__counts_characters),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
