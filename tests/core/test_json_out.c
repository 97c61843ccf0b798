/* JSON strings: what is escaped, in both forms, and that spans end at every offset. */
#include "json_out.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static void check(const char *text, size_t len, const char *plain, const char *ascii)
{
    sb__str out = SB__STR_INIT;

    sb__json_string(&out, text, len);
    assert_int_equal(sb__str_check(&out), SB_OK);
    assert_string_equal(out.data, plain);
    sb__str_reset(&out);
    sb__json_string_ascii(&out, text, len);
    assert_int_equal(sb__str_check(&out), SB_OK);
    assert_string_equal(out.data, ascii);
    sb__str_dispose(&out);
}

static void test_json__control_characters_are_escaped(void **state)
{
    static const char *const short_forms[32] = {
        ['\b'] = "\"\\b\"", ['\f'] = "\"\\f\"", ['\n'] = "\"\\n\"",
        ['\r'] = "\"\\r\"", ['\t'] = "\"\\t\"",
    };

    (void)state;
    for (int c = 0; c < 0x20; c++) {
        char text = (char)c;
        char want[16];

        snprintf(want, sizeof want, "\"\\u%04x\"", (unsigned)c);
        check(&text, 1, short_forms[c] ? short_forms[c] : want,
              short_forms[c] ? short_forms[c] : want);
    }
}

static void test_json__other_ascii_stays(void **state)
{
    (void)state;
    for (int c = 0x20; c < 0x7F; c++) {
        char text = (char)c;
        char want[8];

        snprintf(want, sizeof want, c == '"' || c == '\\' ? "\"\\%c\"" : "\"%c\"", c);
        check(&text, 1, want, want);
    }
    check("/<>&'", 5, "\"/<>&'\"", "\"/<>&'\"");
}

static void test_json__non_ascii_is_escaped_in_the_ascii_form_only(void **state)
{
    (void)state;
    check("\x7F", 1, "\"\x7F\"", "\"\\u007f\"");
    check("\xC2\x80", 2, "\"\xC2\x80\"", "\"\\u0080\"");
    check("h\xC3\xA9\xE2\x82\xAC", 6, "\"h\xC3\xA9\xE2\x82\xAC\"", "\"h\\u00e9\\u20ac\"");
    check("\xF0\x9F\x98\x80", 4, "\"\xF0\x9F\x98\x80\"", "\"\\ud83d\\ude00\"");
    check("", 0, "\"\"", "\"\"");
}

static void test_json__escape_is_found_at_every_offset(void **state)
{
    static const char special[] = {'\0', '\x1F', '"', '\\'};
    static const char *const forms[] = {"\\u0000", "\\u001f", "\\\"", "\\\\"};
    static const char fills[] = {'x', ' ', '!', '#', '[', ']', '\x7F', '\xBF'};

    (void)state;
    for (size_t f = 0; f < sizeof fills; f++) {
        for (size_t len = 1; len <= 26; len++) {
            for (size_t at = 0; at < len; at++) {
                for (size_t s = 0; s < sizeof special; s++) {
                    char text[32];
                    char want[64];
                    size_t n = at + 1;
                    sb__str out = SB__STR_INIT;

                    memset(text, fills[f], sizeof text);
                    memset(want, fills[f], sizeof want);
                    text[at] = special[s];
                    want[0] = '"';
                    memcpy(want + n, forms[s], strlen(forms[s]));
                    n += strlen(forms[s]) + len - at - 1;
                    memcpy(want + n, "\"", 2);
                    sb__json_string(&out, text, len);
                    assert_string_equal(out.data, want);
                    sb__str_dispose(&out);
                }
            }
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_json__control_characters_are_escaped),
        cmocka_unit_test(test_json__other_ascii_stays),
        cmocka_unit_test(test_json__non_ascii_is_escaped_in_the_ascii_form_only),
        cmocka_unit_test(test_json__escape_is_found_at_every_offset),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
