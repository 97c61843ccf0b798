/* Bounds, exact ids and their texts: every row of the contract's table, and the error texts. */
#include "message_id.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#define ADVICE                                                                                     \
    "timestamp bounds require integral seconds. For finer granularity, use integer ms, "           \
    "integer ns, or a native hybrid message ID."

typedef struct row {
    const char *text;
    int64_t want;
} row;

static void check_accepted(const row *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        int64_t got = -1;
        sb_status status = sb_bound_parse(&got, rows[i].text, (size_t)SB_NTS);

        if (status != SB_OK || got != rows[i].want) {
            fail_msg("%s: status %d, %lld instead of %lld", rows[i].text, (int)status,
                     (long long)got, (long long)rows[i].want);
        }
    }
}

#define CHECK_ACCEPTED(rows) check_accepted(rows, sizeof(rows) / sizeof((rows)[0]))

static void check_refused(const char *text, const char *message)
{
    int64_t got = -77;

    assert_int_equal(sb_bound_parse(&got, text, (size_t)SB_NTS), SB_ETIMESTAMP);
    assert_int_equal(got, -77);
    assert_string_equal(sb_error_message(NULL), message);
}

static void test_bound__numbers_are_seconds_milliseconds_or_ids(void **state)
{
    static const row rows[] = {
        {"0", 0},
        {"00", 0},
        {"1", 999997440},
        {"5", 4999999488},
        {"2024", 2024000000000},
        {"4097", 4096999997440},
        {"1705329000", 1705329000000000000},
        {"01705329000", 1705329000000000000},
        {"  1705329000  ", 1705329000000000000},
        {"1705329000000", 1705329000000000000},
        {"170532900000", 170532899999997952},
        {"100000000000", 100000000000000000},
        {"999999999999", 999999999998996480},
        {"17592186044416", 17592186044416},
        {"17592186044417", 17592186044417},
        {"1705329000000000", 1705329000000000},
        {"1837025672140161025", 1837025672140161025},
        {"9223372036854775807", INT64_MAX},
        {"0000000000000000001", 999997440},
        {"20241345", 20241344999997440},
        {"99999999", 99999998999998464},
    };

    (void)state;
    CHECK_ACCEPTED(rows);
}

static void test_bound__units_scale(void **state)
{
    static const row rows[] = {
        {"1705329000s", 1705329000000000000},
        {"1705329000ms", 1705328999997440},
        {"1705329000ns", 1705328640},
        {"1705329000000ms", 1705329000000000000},
        {"1837025672140161025ns", 1837025672140161024},
        {"9223372036854775807ns", 9223372036854771712},
        {"9223372036s", 9223372035999997952},
        {"9223372036854ms", 9223372036853997568},
        {"4095ns", 0},
        {"4096ns", 4096},
        {"1ms", 999424},
        {"0s", 0},
        {"20240115s", 20240114999996416},
        {"\xEF\xBC\x91\xEF\xBC\x97\xEF\xBC\x90\xEF\xBC\x95\xEF\xBC\x93\xEF\xBC\x92\xEF\xBC\x99"
         "\xEF\xBC\x90\xEF\xBC\x90\xEF\xBC\x90s",
         1705329000000000000},
    };

    (void)state;
    CHECK_ACCEPTED(rows);
}

static void test_bound__dates_are_utc_unless_they_say_otherwise(void **state)
{
    static const row rows[] = {
        {"2024-01-15", 1705276800000000000},
        {"20240115", 1705276800000000000},
        {"2024-01-15T14:30:00Z", 1705329000000000000},
        {"2024-01-15 14:30:00", 1705329000000000000},
        {"2024-01-15T14:30", 1705329000000000000},
        {"2024-01-15T14", 1705327200000000000},
        {"20240115T143000Z", 1705329000000000000},
        {"2024-W03-1", 1705276800000000000},
        {"2024-W03", 1705276800000000000},
        {"2020-W53-7", 1609632000000000000},
        {"2024-W03-1430", 1705329000000000000},
        {"2024W031T14", 1705327200000000000},
        {"2024-01-15T14:30:00-05:00", 1705347000000000000},
        {"2024-01-15T14:30:00+0530", 1705309200000000000},
        {"2024-01-15T14:30:00+05:30:15", 1705309184999997440},
        {"2024-01-15T14:30:00+23:59:59", 1705242600999997440},
        {"2024-01-15Z", 1705276800000000000},
        {"2024-12-31T23:59:59Z", 1735689598999998464},
        {"1970-01-01T00:00:01Z", 999997440},
        {"1970-01-01T00:00:00-01:00", 3600000000000},
        {"1969-12-31T23:59:59Z", 0},
        {"1950-01-01", 0},
        {"0001-01-01", 0},
        {"10550401", 0},
        {"2262-04-11T23:47:15Z", 9223372035000000512},
        {"2262-04-11T23:47:16Z", 9223372035999997952},
        {"2024-01-15t14:30:00", 1705329000000000000},
        {"2024-01-15\xE2\x82\xAC" "14:30", 1705329000000000000},
        {"\xD9\xA2\xD9\xA0\xD9\xA2\xD9\xA4\xD9\xA0\xD9\xA1\xD9\xA1\xD9\xA5", 1705276800000000000},
    };

    (void)state;
    CHECK_ACCEPTED(rows);
}

static void test_bound__unsupported_forms_are_quoted_with_advice(void **state)
{
    static const char *const texts[] = {
        "1705329000 s", "2024-01-15T14:30:00z", "2024-01-15T14:30:00.5Z", "1705329000.0", "1.5s",
        "+5", "-5", "1_000", "0x10", "1705329000S", "5us", "5m", "2024-1-5", "2024-01", "2024-015",
        "2024-02-30", "2023-02-29", "\xC2\xB2", "now", "2024-01-15T24:00:00", "2024-01-15T",
        "2024-01-15T14:30:60", "2024-01-15T14:30:00+24:00", "2024-01-15T14:30:00,5",
        "2024-01-15t14:30:00.5", "2024-W53", "0000-01-01", "0001-01-01T00:00:00+01:00",
        "9999-12-31T23:59:59-01:00", "here", "1e", "2024W03",
    };
    char message[512];

    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        snprintf(message, sizeof message, "Invalid timestamp: %s; " ADVICE, texts[i]);
        check_refused(texts[i], message);
    }
    check_refused(" \xEF\xBC\x91x ", "Invalid timestamp: 1x; " ADVICE);
    check_refused("\xFF", "Invalid timestamp: ?; " ADVICE);
}

static void test_bound__each_cause_has_its_text(void **state)
{
    static const char *const scientific[] = {"1e9", "1e3s", "-1.5E+3ms", ".5e1", "5.e1ns"};

    (void)state;
    check_refused("", "Invalid timestamp: empty string");
    check_refused(" \t\xE3\x80\x80", "Invalid timestamp: empty string");
    check_refused("9223372036854775808", "Invalid timestamp: exceeds maximum value");
    check_refused("123456789012345678901234567890", "Invalid timestamp: exceeds maximum value");
    check_refused("9223372037s", "Invalid timestamp: too far in future");
    check_refused("2262-04-12", "Invalid timestamp: too far in future");
    check_refused("9999-12-31", "Invalid timestamp: too far in future");
    check_refused("99999999999", "Invalid timestamp: 99999999999");
    check_refused("9999999999999", "Invalid timestamp: 9999999999999");
    check_refused("17592186044415", "Invalid timestamp: 17592186044415");
    check_refused("9223372037", "Invalid timestamp: 9223372037");
    for (size_t i = 0; i < sizeof scientific / sizeof scientific[0]; i++) {
        check_refused(scientific[i],
                      "Invalid timestamp: scientific notation not supported; " ADVICE);
    }
    assert_int_equal(sb_bound_parse(NULL, NULL, 0), SB_EINVALID);
}

/* A step for each pair of characters would take hours here. */
static void test_bound__megabytes_take_linear_time(void **state)
{
    static const char *const fills[] = {"1", "0", "Z", "-", " ", ".", "T.", "\xD9\xA2", "e", "s"};
    size_t size = (size_t)4 << 20;
    char *text = malloc(size);
    int64_t id;
    clock_t begin = clock();

    (void)state;
    assert_non_null(text);
    for (size_t i = 0; i < sizeof fills / sizeof fills[0]; i++) {
        size_t unit = strlen(fills[i]);

        for (size_t at = 0; at < size; at++) {
            text[at] = fills[i][at % unit];
        }
        assert_int_equal(sb_bound_parse(&id, text, size), SB_ETIMESTAMP);
        assert_true(strlen(sb_error_message(NULL)) < 2000);
        assert_int_equal(sb_id_parse(&id, text, size), SB_EINVALID);
    }
    assert_true((clock() - begin) / CLOCKS_PER_SEC < 60);
    free(text);
}

static void test_id__exactly_19_digits_below_2_to_63(void **state)
{
    static const row rows[] = {
        {"1705329000000000000", 1705329000000000000},
        {"0000000000000000005", 5},
        {"0000000000000000000", 0},
        {" 1705329000000000000\n", 1705329000000000000},
        {"9223372036854775807", INT64_MAX},
        {"\xD9\xA1" "705329000000000000", 1705329000000000000},
    };
    static const char *const refused[] = {
        "", " ", "5", "170532900000000000", "01705329000000000000", "9223372036854775808",
        "9999999999999999999", "170532900000000000x", "+705329000000000000", "1705329000_00000000",
        "17053290000 0000000", "1705329000000000000ns", "\377705329000000000000",
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        int64_t id = -1;

        assert_int_equal(sb_id_parse(&id, rows[i].text, (size_t)SB_NTS), SB_OK);
        assert_int_equal(id, rows[i].want);
    }
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
        assert_int_equal(sb_id_parse(NULL, refused[i], (size_t)SB_NTS), SB_EINVALID);
        assert_string_equal(sb_error_message(NULL),
                            "invalid message ID: expected exactly 19 digits within range");
    }
}

static void test_exact_timestamp__each_cause_has_its_text(void **state)
{
    static const row rows[] = {
        {" 0000000000000000005\n", 5},
        {"9223372036854775807", INT64_MAX},
        {"\xD9\xA1" "705329000000000000", 1705329000000000000},
    };
    static const struct {
        const char *text, *message;
    } refused[] = {
        {" ", "Invalid timestamp: empty string"},
        {"5", "Invalid timestamp: exact mode requires exactly 19 digits"},
        {"+000000000000000005", "Invalid timestamp: exact mode requires exactly 19 digits"},
        {"01705329000000000000", "Invalid timestamp: exact mode requires exactly 19 digits"},
        {"\377705329000000000000", "Invalid timestamp: exact mode requires exactly 19 digits"},
        {"9223372036854775808", "Invalid timestamp: exceeds maximum value"},
        {"9999999999999999999", "Invalid timestamp: exceeds maximum value"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        int64_t id = -1;

        assert_int_equal(sb_timestamp_parse_exact(&id, rows[i].text, (size_t)SB_NTS), SB_OK);
        assert_int_equal(id, rows[i].want);
    }
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
        assert_int_equal(sb_timestamp_parse_exact(NULL, refused[i].text, (size_t)SB_NTS),
                         SB_ETIMESTAMP);
        assert_string_equal(sb_error_message(NULL), refused[i].message);
    }
}

static void test_id__is_formatted_with_leading_zeros(void **state)
{
    char text[SB_ID_SIZE];

    (void)state;
    assert_int_equal(sb_id_format(text, sizeof text, 5), SB_OK);
    assert_string_equal(text, "0000000000000000005");
    assert_int_equal(sb_id_format(text, sizeof text, INT64_MAX), SB_OK);
    assert_string_equal(text, "9223372036854775807");
    assert_int_equal(sb_id_format(text, sizeof text - 1, 5), SB_EINVALID);
    assert_int_equal(sb_id_format(text, sizeof text, -1), SB_EINVALID);
    assert_int_equal(sb_id_format(NULL, sizeof text, 1), SB_EINVALID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bound__numbers_are_seconds_milliseconds_or_ids),
        cmocka_unit_test(test_bound__units_scale),
        cmocka_unit_test(test_bound__dates_are_utc_unless_they_say_otherwise),
        cmocka_unit_test(test_bound__unsupported_forms_are_quoted_with_advice),
        cmocka_unit_test(test_bound__each_cause_has_its_text),
        cmocka_unit_test(test_bound__megabytes_take_linear_time),
        cmocka_unit_test(test_id__exactly_19_digits_below_2_to_63),
        cmocka_unit_test(test_exact_timestamp__each_cause_has_its_text),
        cmocka_unit_test(test_id__is_formatted_with_leading_zeros),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
