/* Names of queues, their beginnings, and bodies: what is accepted, and the texts of refusals. */
#include "queue_name.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define LITERAL(text) (text), sizeof(text) - 1
#define CHARACTERS                                                                                 \
    "must contain only letters, numbers, periods, underscores, and hyphens. Cannot begin with a "  \
    "hyphen or a period"

static void check_name(const char *name, size_t len, const char *reason)
{
    char message[256];

    if (!reason) {
        assert_int_equal(sb__queue_name_check(name, len), SB_OK);
        assert_int_equal(sb__queue_prefix_check(name, len), SB_OK);
        return;
    }
    snprintf(message, sizeof message, "Invalid queue name: %s", reason);
    assert_int_equal(sb__queue_name_check(name, len), SB_EQUEUENAME);
    assert_string_equal(sb_error_message(NULL), message);
    if (len > 0) {
        snprintf(message, sizeof message, "Invalid queue prefix: %s", reason);
        assert_int_equal(sb__queue_prefix_check(name, len), SB_EQUEUENAME);
        assert_string_equal(sb_error_message(NULL), message);
    }
}

static void test_name__every_byte_in_front_and_behind(void **state)
{
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_";

    (void)state;
    for (int c = 0; c < 256; c++) {
        int front = c && strchr(letters, c) != NULL;
        char name[2] = {(char)c, 'x'};

        check_name(name, 1, front ? NULL : CHARACTERS);
        check_name(name, 2, front ? NULL : CHARACTERS);
        name[0] = 'x';
        name[1] = (char)c;
        check_name(name, 2, front || c == '-' || c == '.' ? NULL : CHARACTERS);
    }
}

static void test_name__length_counts_characters(void **state)
{
    char name[1200];

    (void)state;
    memset(name, 'q', sizeof name);
    check_name(name, 0, "cannot be empty");
    check_name(name, 512, NULL);
    check_name(name, 513, "exceeds 512 characters");
    name[0] = '-';
    check_name(name, 513, "exceeds 512 characters");
    for (size_t i = 0; i < 1024; i += 2) {
        memcpy(name + i, "\xC3\xA9", 2);
    }
    check_name(name, 1024, CHARACTERS);
    check_name(name, 1025, "exceeds 512 characters");
}

static void test_prefix__may_be_empty(void **state)
{
    (void)state;
    assert_int_equal(sb__queue_prefix_check("", 0), SB_OK);
    assert_int_equal(sb__queue_prefix_check("jobs.", 5), SB_OK);
}

static void test_body__size_is_counted_in_bytes(void **state)
{
    (void)state;
    assert_int_equal(sb__body_check("", 0, 0), SB_OK);
    assert_int_equal(sb__body_check(LITERAL("a\0bc"), 4), SB_OK);
    assert_int_equal(sb__body_check(LITERAL("\xC3\xA9\xC3\xA9"), 4), SB_OK);
    assert_int_equal(sb__body_check(LITERAL("12345"), 4), SB_EMESSAGE);
    assert_non_null(strstr(sb_error_message(NULL),
                           "Message size (5 bytes) exceeds maximum allowed size (4 bytes)"));
}

static void test_body__must_be_utf8_whatever_its_size(void **state)
{
    (void)state;
    assert_int_equal(sb__body_check(LITERAL("ab\xFF" "cd"), 5), SB_EMESSAGE);
    assert_non_null(strstr(sb_error_message(NULL), "Message must be UTF-8 encodable"));
    assert_int_equal(sb__body_check(LITERAL("\xED\xA0\x80 too long"), 4), SB_EMESSAGE);
    assert_non_null(strstr(sb_error_message(NULL), "Message must be UTF-8 encodable"));
}

static void test_public_check__takes_lengths_and_terminated_names(void **state)
{
    (void)state;
    assert_int_equal(sb_queue_name_check("jobs", SB_NTS), SB_OK);
    assert_int_equal(sb_queue_name_check("jobs!", 4), SB_OK);
    assert_int_equal(sb_queue_name_check("", 0), SB_EQUEUENAME);
    assert_int_equal(sb_queue_name_check("jobs!", SB_NTS), SB_EQUEUENAME);
    assert_int_equal(sb_queue_name_check(NULL, 0), SB_EINVALID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_public_check__takes_lengths_and_terminated_names),
        cmocka_unit_test(test_name__every_byte_in_front_and_behind),
        cmocka_unit_test(test_name__length_counts_characters),
        cmocka_unit_test(test_prefix__may_be_empty),
        cmocka_unit_test(test_body__size_is_counted_in_bytes),
        cmocka_unit_test(test_body__must_be_utf8_whatever_its_size),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
