/* The path-safe rule. */
#include "path_rules.h"

#include "testing.h"

static void assert_safe(const char *path)
{
    if (!sb__path_is_safe(path, strlen(path))) {
        fail_msg("'%s' is refused", path);
    }
    assert_ok(sb__path_check_safe("Path", path, strlen(path)));
}

static void assert_unsafe(const char *path, const char *why)
{
    if (sb__path_is_safe(path, strlen(path))) {
        fail_msg("'%s' is accepted", path);
    }
    assert_status(SB_EINVALID, sb__path_check_safe("Path", path, strlen(path)));
    assert_message(why);
}

static void test_safe__ordinary_names(void **state)
{
    static const char *const paths[] = {"a", "a/b", "/a/b", "//a", "a//b", "a/", "/", "a b", "a%20",
                                        "a@b:c,d+e=f", "\xC3\xA9", "C:\\x", "..a", "a..", "a.",
                                        ".a", "\x01", "a/.", "\xFF", "con"};

    (void)state;
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
        assert_safe(paths[i]);
    }
}

static void test_unsafe__each_shell_character(void **state)
{
    static const char characters[] = "\r\n\t\x7F|&;$`\"'<>(){}[]*?~^!#";
    char path[] = "a?b";

    (void)state;
    for (size_t i = 0; characters[i]; i++) {
        path[1] = characters[i];
        assert_unsafe(path, "Path contains dangerous character '");
    }
    assert_int_equal(sb__path_is_safe("a\0b", 3), 0);
}

static void test_unsafe__message_is_one_line(void **state)
{
    (void)state;
    assert_unsafe("a\nb", "Path contains dangerous character '\\n': a\\nb.");
    assert_unsafe("x;?a", "Path contains dangerous character ';': x;?a. Path components must not "
                          "contain shell metacharacters or control characters.");
}

static void test_unsafe__dots(void **state)
{
    (void)state;
    assert_unsafe("", "Path must be a non-empty string");
    assert_unsafe("..", "Path must not contain parent directory references: ..");
    assert_unsafe("a/../b", "parent directory references");
    assert_unsafe("a/..", "parent directory references");
    assert_unsafe("a\\..\\b", "parent directory references");
    assert_unsafe("./../a", "parent directory references");
    assert_unsafe(".", "Path must not contain current directory references: .");
    assert_unsafe("./a", "current directory references");
    assert_unsafe(".\\a", "current directory references");
    assert_unsafe("a/./b", "current directory references");
}

static void test_unsafe__edge_spaces(void **state)
{
    (void)state;
    assert_unsafe("a ", "Path component cannot start or end with spaces: 'a ' in a ");
    assert_unsafe(" a", "start or end with spaces");
    assert_unsafe("a /b", "start or end with spaces");
    assert_unsafe("a\\ b", "start or end with spaces");
    assert_unsafe(" ", "start or end with spaces");
}

/* `count` times a character of two bytes. */
static size_t repeat(char *out, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        memcpy(out + 2 * i, "\xC3\xA9", 2);
    }
    return 2 * count;
}

static void test_length__is_counted_in_characters(void **state)
{
    char path[4096];
    size_t len;

    (void)state;
    len = repeat(path, 255);
    assert_int_equal(sb__path_is_safe(path, len), 1);
    len = repeat(path, 256);
    assert_status(SB_EINVALID, sb__path_check_safe("Path", path, len));
    assert_message("Path component too long (max 255 chars): '");

    len = 0;
    for (int i = 0; i < 10; i++) {
        len += repeat(path + len, 99);
        path[len++] = '/';
    }
    len += repeat(path + len, 24);
    assert_int_equal(sb__path_is_safe(path, len), 1);
    path[len++] = 'x';
    assert_status(SB_EINVALID, sb__path_check_safe("Path", path, len));
    assert_message("Path too long (max 1024 chars): 1025 chars in ");
}

static void check_parts(const char *path, size_t plain, size_t with_backslash)
{
    assert_int_equal(sb__path_part_count(path, strlen(path), 0), plain);
    assert_int_equal(sb__path_part_count(path, strlen(path), 1), with_backslash);
}

static void test_part_count__counts_the_root(void **state)
{
    (void)state;
    check_parts("", 0, 0);
    check_parts("a", 1, 1);
    check_parts("a/b", 2, 2);
    check_parts("a//b/", 2, 2);
    check_parts("/", 1, 1);
    check_parts("/a", 2, 2);
    check_parts("a\\b", 1, 2);
    check_parts("\\", 1, 1);
    check_parts("\\a", 1, 2);
    check_parts("a/.", 1, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_safe__ordinary_names),
        cmocka_unit_test(test_unsafe__each_shell_character),
        cmocka_unit_test(test_unsafe__message_is_one_line),
        cmocka_unit_test(test_unsafe__dots),
        cmocka_unit_test(test_unsafe__edge_spaces),
        cmocka_unit_test(test_length__is_counted_in_characters),
        cmocka_unit_test(test_part_count__counts_the_root),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
