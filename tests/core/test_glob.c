/* Shell-style patterns: what they match, and that no pattern makes matching slow. */
#include "glob.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

static void check(const char *pattern, const char *name, int want)
{
    if (sb__glob_match(pattern, strlen(pattern), name, strlen(name)) != want) {
        fail_msg("%s on %s is not %d", pattern, name, want);
    }
}

static void test_glob__stars_and_question_marks(void **state)
{
    (void)state;
    check("", "", 1);
    check("", "a", 0);
    check("*", "", 1);
    check("*", "anything", 1);
    check("?", "", 0);
    check("?", "a", 1);
    check("a?c", "abc", 1);
    check("a?c", "ac", 0);
    check("a*c", "ac", 1);
    check("a*c", "abcbc", 1);
    check("a*c", "abcb", 0);
    check("*b*b*", "abab", 1);
    check("*b*b*", "aab", 0);
    check("**a**", "bab", 1);
    check("jobs.*", "jobs.1", 1);
    check("jobs.*", "Jobs.1", 0);
    check("jobs", "jobs1", 0);
}

static void test_glob__sets(void **state)
{
    (void)state;
    check("[abc]x", "bx", 1);
    check("[abc]x", "dx", 0);
    check("[!abc]x", "dx", 1);
    check("[!abc]x", "ax", 0);
    check("[a-c]", "b", 1);
    check("[a-c]", "d", 0);
    check("[a-]", "-", 1);
    check("[-a]", "-", 1);
    check("[a-c-e]", "-", 1);
    check("[a-c-e]", "d", 0);
    check("[]a]", "a", 1);
    check("[!]a]", "b", 1);
    check("[!]a]", "a", 0);
    check("[^a]", "a", 1);
    check("[^a]", "b", 0);
    check("[z-a]", "b", 0);
    check("[!z-a]", "b", 1);
    check("[z-ab]", "b", 1);
    check("[z-a!b]", "b", 0);
    check("[z-a!b]", "c", 1);
    check("[a*]", "*", 1);
    check("*[0-9]", "q7", 1);
}

static void test_glob__unclosed_set_is_literal(void **state)
{
    (void)state;
    check("[", "[", 1);
    check("[a", "a", 0);
    check("[a", "[a", 1);
    check("[]", "[]", 1);
    check("[!]", "[!]", 1);
    check("[!", "a", 0);
    check("a]", "a]", 1);
}

static void test_glob__stem_is_the_literal_beginning(void **state)
{
    (void)state;
    assert_int_equal(sb__glob_stem("jobs.*", 6), 5);
    assert_int_equal(sb__glob_stem("a?b*", 4), 1);
    assert_int_equal(sb__glob_stem("[ab]", 4), 0);
    assert_int_equal(sb__glob_stem("plain]", 6), 6);
    assert_int_equal(sb__glob_stem("", 0), 0);
}

/* Trying every split of the name among the stars would outlast the universe. */
static void test_glob__many_stars_stay_fast(void **state)
{
    char name[512];
    char pattern[1024];
    size_t size = (size_t)1 << 20;
    char *huge = malloc(size);
    clock_t begin = clock();

    (void)state;
    assert_non_null(huge);
    memset(name, 'a', sizeof name);
    for (size_t i = 0; i < sizeof pattern; i += 2) {
        memcpy(pattern + i, "*a", 2);
    }
    pattern[sizeof pattern - 1] = 'b';
    assert_int_equal(sb__glob_match(pattern, sizeof pattern, name, sizeof name), 0);
    memset(huge, '[', size);
    huge[0] = '*';
    assert_int_equal(sb__glob_match(huge, size, name, sizeof name), 0);
    memset(huge, '*', size);
    assert_int_equal(sb__glob_match(huge, size, name, sizeof name), 1);
    assert_true((clock() - begin) / CLOCKS_PER_SEC < 20);
    free(huge);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_glob__stars_and_question_marks),
        cmocka_unit_test(test_glob__sets),
        cmocka_unit_test(test_glob__unclosed_set_is_literal),
        cmocka_unit_test(test_glob__stem_is_the_literal_beginning),
        cmocka_unit_test(test_glob__many_stars_stay_fast),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
