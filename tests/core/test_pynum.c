/* Numbers as Python reads and writes them, whatever the locale of the process. */
#include "pynum.h"

#include <setjmp.h>
#include <stdarg.h>
#include <locale.h>
#include <math.h>
#include <string.h>

#include <cmocka.h>

static void check_int(const char *text, int64_t want)
{
    int64_t value = 0;

    if (sb__py_int(&value, text, strlen(text)) != 1 || value != want) {
        fail_msg("int('%s') is %lld", text, (long long)value);
    }
}

static void check_no_int(const char *text)
{
    int64_t value;

    if (sb__py_int(&value, text, strlen(text)) != 0) {
        fail_msg("int('%s') passes", text);
    }
}

static void test_int__blanks_signs_and_underscores(void **state)
{
    (void)state;
    check_int("5", 5);
    check_int(" \t\v\f 5\r\n", 5);
    check_int("+5", 5);
    check_int("-5", -5);
    check_int("-0", 0);
    check_int("007", 7);
    check_int("1_000_000", 1000000);
    check_int("\xE2\x80\x83" "5\xE3\x80\x80", 5);
    check_int("\xC2\x85" "5\xC2\xA0", 5);
    check_int("\xD9\xA3\xF0\x9D\x9F\x98", 30);
}

static void test_int__other_texts_are_refused(void **state)
{
    static const char *const bad[] = {"",    " ",   "-",    "+",    "- 5",   "_1",   "1_",
                                      "1__0", "5.5", "true", "0x10", "1 2",  "\x1C" "5",
                                      "\xC2\xB2", "\xFF", "5\xC3"};

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        check_no_int(bad[i]);
    }
}

static void test_int__nul_is_refused(void **state)
{
    int64_t value;

    (void)state;
    assert_int_equal(sb__py_int(&value, "5\0", 2), 0);
}

static void test_int__is_clamped_to_64_bits(void **state)
{
    (void)state;
    check_int("9223372036854775807", INT64_MAX);
    check_int("9223372036854775808", INT64_MAX);
    check_int("-9223372036854775808", INT64_MIN);
    check_int("-9223372036854775809", INT64_MIN);
    check_int("99999999999999999999999999999999999999", INT64_MAX);
}

static void test_int__more_than_4300_digits_are_refused(void **state)
{
    char digits[4302];
    int64_t value;

    (void)state;
    memset(digits, '0', sizeof digits);
    digits[4299] = '7';
    assert_int_equal(sb__py_int(&value, digits, 4300), 1);
    assert_int_equal(value, 7);
    assert_int_equal(sb__py_int(&value, digits, 4301), 0);
}

static void check_float(const char *text, double want)
{
    double value = -1;

    if (sb__py_float(&value, text, strlen(text)) != 1 ||
        !(value == want || (isnan(value) && isnan(want)))) {
        fail_msg("float('%s') is %g", text, value);
    }
}

static void test_float__accepts_what_python_accepts(void **state)
{
    (void)state;
    check_float("1", 1);
    check_float(" 1_0.5 ", 10.5);
    check_float("1.", 1);
    check_float(".5", 0.5);
    check_float("-1.5e-3", -0.0015);
    check_float("1e1_0", 1e10);
    check_float("1e999", HUGE_VAL);
    check_float("iNf", HUGE_VAL);
    check_float("-Infinity", -HUGE_VAL);
    check_float("+nan", (double)NAN);
    check_float("\xD9\xA3.\xD9\xA5", 3.5);
}

static void test_float__other_texts_are_refused(void **state)
{
    static const char *const bad[] = {"",     ".",    "_1",   "1_.5", "1._5",      "1e",  "1e_5",
                                      "0x10", "1d5",  "infi", "nane", "infinityx", "1 2", "e5"};
    double value;

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        if (sb__py_float(&value, bad[i], strlen(bad[i])) != 0) {
            fail_msg("float('%s') passes", bad[i]);
        }
    }
}

static void check_repr(double number, const char *want)
{
    char text[SB__PY_FLOAT_SIZE];
    size_t len = sb__py_float_repr(text, number);

    assert_string_equal(text, want);
    assert_int_equal(len, strlen(want));
}

static void test_float_repr__is_the_shortest(void **state)
{
    (void)state;
    check_repr(0.1, "0.1");
    check_repr(1.0 / 3, "0.3333333333333333");
    check_repr(0.1 + 0.2, "0.30000000000000004");
    check_repr(100, "100.0");
    check_repr(1e15, "1000000000000000.0");
    check_repr(1e16, "1e+16");
    check_repr(123456789012345680.0, "1.2345678901234568e+17");
    check_repr(0.0001, "0.0001");
    check_repr(0.00001, "1e-05");
    check_repr(5e-324, "5e-324");
    check_repr(-1.7976931348623157e308, "-1.7976931348623157e+308");
    check_repr(-0.0, "-0.0");
    check_repr((double)NAN, "nan");
    check_repr(-HUGE_VAL, "-inf");
}

static void test_locale__does_not_matter(void **state)
{
    static const char *const names[] = {"de_DE.UTF-8", "de_DE.utf8", "fr_FR.UTF-8", "nl_NL.UTF-8"};
    size_t i = 0;

    (void)state;
    while (i < sizeof names / sizeof names[0] && !setlocale(LC_NUMERIC, names[i])) {
        i++;
    }
    if (i == sizeof names / sizeof names[0]) {
        skip();
    }
    check_float("1.5", 1.5);
    check_repr(1.5, "1.5");
    setlocale(LC_NUMERIC, "C");
}

static void test_int_of_double__truncates_and_clamps(void **state)
{
    int64_t value = 0;

    (void)state;
    assert_int_equal(sb__py_int_of_double(&value, -5.9), 1);
    assert_int_equal(value, -5);
    assert_int_equal(sb__py_int_of_double(&value, 9223372036854775808.0), 1);
    assert_true(value == INT64_MAX);
    assert_int_equal(sb__py_int_of_double(&value, -1e300), 1);
    assert_true(value == INT64_MIN);
    assert_int_equal(sb__py_int_of_double(&value, (double)NAN), 0);
    assert_int_equal(sb__py_int_of_double(&value, HUGE_VAL), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_int__blanks_signs_and_underscores),
        cmocka_unit_test(test_int__other_texts_are_refused),
        cmocka_unit_test(test_int__nul_is_refused),
        cmocka_unit_test(test_int__is_clamped_to_64_bits),
        cmocka_unit_test(test_int__more_than_4300_digits_are_refused),
        cmocka_unit_test(test_int_of_double__truncates_and_clamps),
        cmocka_unit_test(test_float__accepts_what_python_accepts),
        cmocka_unit_test(test_float__other_texts_are_refused),
        cmocka_unit_test(test_float_repr__is_the_shortest),
        cmocka_unit_test(test_locale__does_not_matter),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
