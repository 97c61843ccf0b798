/* JSON as Python reads it: what strict JSON has not, and what is refused all the same. */
#include "json_in.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define LITERAL(text) (text), sizeof(text) - 1

static json_t *read_good(int *out_repaired, const char *text, size_t len)
{
    sb__str reason = SB__STR_INIT;
    sb__json json;

    if (!sb__json_read(&json, &reason, text, len)) {
        fail_msg("%s: %s", text, reason.data ? reason.data : "out of memory");
    }
    assert_int_equal(reason.len, 0);
    sb__str_dispose(&reason);
    if (out_repaired) {
        *out_repaired = json.repaired;
    }
    return json.value;
}

static void check_bad(const char *text, size_t len, const char *want)
{
    sb__str reason = SB__STR_INIT;
    sb__json json;

    if (sb__json_read(&json, &reason, text, len)) {
        fail_msg("%s was read", text);
    }
    assert_null(json.value);
    assert_true(reason.len > 0);
    if (want) {
        assert_string_equal(reason.data, want);
    }
    sb__str_dispose(&reason);
}

static void test_json__values_of_any_type(void **state)
{
    static const struct {
        const char *text;
        json_type type;
    } rows[] = {
        {"{}", JSON_OBJECT}, {" [ ] ", JSON_ARRAY}, {"\"x\"", JSON_STRING}, {"0", JSON_INTEGER},
        {"1.5", JSON_REAL}, {"true", JSON_TRUE}, {"false", JSON_FALSE}, {"null", JSON_NULL},
        {"9223372036854775807", JSON_INTEGER}, {"-9223372036854775808", JSON_INTEGER},
        {"9223372036854775808", JSON_REAL}, {"NaN", JSON_REAL}, {"-Infinity", JSON_REAL},
        {"Infinity", JSON_REAL}, {"1e999", JSON_REAL}, {"-1.5E+400", JSON_REAL},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        json_t *value = read_good(NULL, rows[i].text, strlen(rows[i].text));

        assert_int_equal(json_typeof(value), rows[i].type);
        json_decref(value);
    }
}

static void test_json__odd_values_leave_their_neighbours_alone(void **state)
{
    int repaired;
    json_t *value = read_good(&repaired,
                              LITERAL("{\"a\": NaN, \"id\": 1705329000000000001, \"v\": 1.0, "
                                      "\"s\": \"NaN -1 \\\"1e999\", \"b\": [1e999, 5]}"));

    (void)state;
    assert_int_equal(repaired, 0);
    assert_int_equal(json_integer_value(json_object_get(value, "id")), 1705329000000000001);
    assert_true(json_real_value(json_object_get(value, "v")) == 1.0);
    assert_string_equal(json_string_value(json_object_get(value, "s")), "NaN -1 \"1e999");
    assert_int_equal(json_integer_value(json_array_get(json_object_get(value, "b"), 1)), 5);
    json_decref(value);
}

static void test_json__integers_end_at_4300_digits(void **state)
{
    char text[4400];

    (void)state;
    memset(text, '7', sizeof text);
    text[0] = '[';
    text[4301] = ']';
    json_decref(read_good(NULL, text, 4302));
    text[4301] = '7';
    text[4302] = ']';
    check_bad(text, 4303, "numeric value is too large");
    text[1] = '-';
    json_decref(read_good(NULL, text, 4303));
}

static void test_json__lone_surrogates_and_stray_bytes_are_marked(void **state)
{
    static const char *const texts[] = {"[\"a\\ud800z\"]", "[\"a\\uDFFFz\"]", "[\"a\xFFz\"]"};
    int repaired;
    json_t *value;

    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        value = read_good(&repaired, texts[i], strlen(texts[i]));
        assert_int_equal(repaired, 1);
        assert_string_equal(json_string_value(json_array_get(value, 0)), "a" SB__JSON_LOST "z");
        json_decref(value);
    }
    value = read_good(&repaired, LITERAL("[NaN, \"\\ud83d\\ude00\\u0000\\\\ud800\"]"));
    assert_int_equal(repaired, 0);
    assert_int_equal(json_string_length(json_array_get(value, 1)), 4 + 1 + 6);
    assert_memory_equal(json_string_value(json_array_get(value, 1)), "\xF0\x9F\x98\x80\0\\ud800",
                        11);
    json_decref(value);
}

static void test_json__the_last_of_equal_keys_counts(void **state)
{
    json_t *value = read_good(NULL, LITERAL("{\"a\": 1, \"a\": 2}"));

    (void)state;
    assert_int_equal(json_integer_value(json_object_get(value, "a")), 2);
    json_decref(value);
}

static void test_json__what_python_refuses_is_refused(void **state)
{
    static const char *const texts[] = {
        "", "{", "}", "[1,]", "[1 2]", "{\"a\" 1}", "{\"a\": 1,}", "{a: 1}", "'a'", "tru", "nan",
        "+1", "01", "1.", ".5", "-", "--1", "-NaN", "NaN1", "1Infinity", "\"a", "\"a\\", "\"\\x\"",
        "\"\\u12\"", "\"\\ud800", "\"a\tb\"", "{} x", "\xEF\xBB\xBF{}", "\xFF", "[NaN",
    };
    char deep[5000];

    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        check_bad(texts[i], strlen(texts[i]), NULL);
    }
    check_bad(LITERAL("{}\0"), NULL);
    memset(deep, '[', sizeof deep);
    check_bad(deep, sizeof deep, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_json__values_of_any_type),
        cmocka_unit_test(test_json__odd_values_leave_their_neighbours_alone),
        cmocka_unit_test(test_json__integers_end_at_4300_digits),
        cmocka_unit_test(test_json__lone_surrogates_and_stray_bytes_are_marked),
        cmocka_unit_test(test_json__the_last_of_equal_keys_counts),
        cmocka_unit_test(test_json__what_python_refuses_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
