/* UTF-8 validation and repair, Unicode white space and digits. */
#include "text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define LITERAL(text) (text), sizeof(text) - 1

static size_t encode(char *out, uint32_t c)
{
    if (c < 0x80) {
        out[0] = (char)c;
        return 1;
    }
    if (c < 0x800) {
        out[0] = (char)(0xC0 | c >> 6);
        out[1] = (char)(0x80 | (c & 0x3F));
        return 2;
    }
    if (c < 0x10000) {
        out[0] = (char)(0xE0 | c >> 12);
        out[1] = (char)(0x80 | (c >> 6 & 0x3F));
        out[2] = (char)(0x80 | (c & 0x3F));
        return 3;
    }
    out[0] = (char)(0xF0 | c >> 18);
    out[1] = (char)(0x80 | (c >> 12 & 0x3F));
    out[2] = (char)(0x80 | (c >> 6 & 0x3F));
    out[3] = (char)(0x80 | (c & 0x3F));
    return 4;
}

static void test_utf8__every_character_but_surrogates_is_valid(void **state)
{
    (void)state;
    for (uint32_t c = 0; c < 0x120000; c++) {
        char text[4];
        size_t len = encode(text, c);
        int want = c < 0x110000 && (c < 0xD800 || c > 0xDFFF);

        assert_int_equal(sb__utf8_is_valid(text, len), want);
        if (want) {
            uint32_t back;

            assert_int_equal(sb__utf8_decode(&back, text, len), len);
            assert_int_equal(back, c);
            assert_int_equal(sb__utf8_count(text, len), 1);
        }
    }
}

static void test_utf8__invalid_forms_are_refused(void **state)
{
    static const struct {
        const char *text;
        size_t len;
        size_t good;
    } rows[] = {
        {LITERAL("\x80"), 0},
        {LITERAL("\xC0\x80"), 0},
        {LITERAL("\xC1\xBF"), 0},
        {LITERAL("\xE0\x9F\xBF"), 0},
        {LITERAL("\xF0\x8F\xBF\xBF"), 0},
        {LITERAL("\xF4\x90\x80\x80"), 0},
        {LITERAL("\xF8\x88\x80\x80\x80"), 0},
        {LITERAL("\xFF"), 0},
        {LITERAL("a\xC3"), 1},
        {LITERAL("ab\xE2\x82"), 2},
        {LITERAL("abc\xF0\x9F\x98"), 3},
        {LITERAL("\xC3\xA9\xC3z"), 2},
        {LITERAL("12345678\xE2\x28\xA1"), 8},
        {LITERAL("1234567890abcdef\xE2\x82\xAC\xC3("), 19},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_int_equal(sb__utf8_valid_prefix(rows[i].text, rows[i].len), rows[i].good);
        assert_false(sb__utf8_is_valid(rows[i].text, rows[i].len));
    }
    assert_true(sb__utf8_is_valid("", 0));
    assert_true(sb__utf8_is_valid(LITERAL("nul \0 inside")));
}

/* A bad byte is found wherever it stands in relation to the steps of eight. */
static void test_utf8__bad_byte_is_found_at_every_offset(void **state)
{
    char *text = malloc(41);

    (void)state;
    assert_non_null(text);
    for (size_t len = 1; len <= 41; len++) {
        for (size_t at = 0; at < len; at++) {
            memset(text, 'x', 41);
            text[at] = '\xE9';
            assert_int_equal(sb__utf8_valid_prefix(text, len), at);
            if (at + 2 < len) {
                memcpy(text + at, "\xE2\x82\xAC", 3);
                assert_true(sb__utf8_is_valid(text, len));
            }
        }
    }
    free(text);
}

static void test_repair__invalid_bytes_become_question_marks(void **state)
{
    char text[] = "a\xC3\xA9\xFF\xE2\x82z\xF0\x9F\x98";

    (void)state;
    sb__text_repair_utf8(text);
    assert_string_equal(text, "a\xC3\xA9???z???");
    text[0] = '\0';
    sb__text_repair_utf8(text);
    assert_string_equal(text, "");
}

static void test_space__is_what_python_strips(void **state)
{
    int count = 0;

    (void)state;
    for (uint32_t c = 0; c < 0x110000; c++) {
        count += sb__is_unicode_space(c);
    }
    assert_int_equal(count, 29);
    assert_true(sb__is_unicode_space(0x1F));
    assert_true(sb__is_unicode_space(0x3000));
    assert_false(sb__is_unicode_space(0));
    assert_false(sb__is_unicode_space(0x200B));
    assert_false(sb__is_unicode_space(0x180E));
    assert_false(sb__is_unicode_space(0xFEFF));
}

static void test_digit__all_660_decimal_digits_are_known(void **state)
{
    int count = 0;
    int sum = 0;

    (void)state;
    for (uint32_t c = 0; c < 0x110000; c++) {
        int value = sb__unicode_digit(c);

        if (value >= 0) {
            count++;
            sum += value;
        }
    }
    assert_int_equal(count, 660);
    assert_int_equal(sum, 66 * 45);
    assert_int_equal(sb__unicode_digit('7'), 7);
    assert_int_equal(sb__unicode_digit(0x0662), 2);
    assert_int_equal(sb__unicode_digit(0xFF19), 9);
    assert_int_equal(sb__unicode_digit(0x1D7FF), 9);
    assert_int_equal(sb__unicode_digit(0xB2), -1);
    assert_int_equal(sb__unicode_digit(0x2460), -1);
    assert_int_equal(sb__unicode_digit('0' - 1), -1);
    assert_int_equal(sb__unicode_digit('9' + 1), -1);
}

static void test_strip__both_ends_lose_white_space(void **state)
{
    static const struct {
        const char *text;
        size_t len;
        const char *want;
    } rows[] = {
        {LITERAL("  x y \t\r\n"), "x y"},
        {LITERAL("\xE3\x80\x80\xC2\xA0" "a" "\xE2\x80\xA8"), "a"},
        {LITERAL("\xC3\xA9 "), "\xC3\xA9"},
        {LITERAL("\xE2\x80\x8B"), "\xE2\x80\x8B"},
        {LITERAL(" \x1C\x1F "), ""},
        {LITERAL(" \xA0"), "\xA0"},
        {LITERAL("a\xE3\x80 "), "a\xE3\x80"},
        {LITERAL(""), ""},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const char *text = rows[i].text;
        size_t len = rows[i].len;

        sb__text_strip(&text, &len);
        assert_int_equal(len, strlen(rows[i].want));
        assert_memory_equal(text, rows[i].want, len);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_utf8__every_character_but_surrogates_is_valid),
        cmocka_unit_test(test_utf8__invalid_forms_are_refused),
        cmocka_unit_test(test_utf8__bad_byte_is_found_at_every_offset),
        cmocka_unit_test(test_repair__invalid_bytes_become_question_marks),
        cmocka_unit_test(test_space__is_what_python_strips),
        cmocka_unit_test(test_digit__all_660_decimal_digits_are_known),
        cmocka_unit_test(test_strip__both_ends_lose_white_space),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
