/* Joining, normalising and resolving paths. */
#include "path.h"

#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "testing.h"

typedef sb_status (*unary)(char **out, const char *path);

static void check(unary call, const char *path, const char *want)
{
    char *out = NULL;

    assert_ok(call(&out, path));
    assert_string_equal(out, want);
    sb_free(out);
}

static void check_join(const char *directory, const char *name, const char *want)
{
    char *out = NULL;

    assert_ok(sb__path_join(&out, directory, name));
    assert_string_equal(out, want);
    sb_free(out);
}

static void test_join__absolute_name_wins(void **state)
{
    (void)state;
    check_join("a", "b", "a/b");
    check_join("a/", "b", "a/b");
    check_join("/", "b", "/b");
    check_join("", "b", "b");
    check_join("a", "/b", "/b");
    check_join("a", "", "a");
}

static void test_normalize__drops_dots_and_slashes(void **state)
{
    (void)state;
    check(sb__path_normalize, "", ".");
    check(sb__path_normalize, ".", ".");
    check(sb__path_normalize, "./a/./b/", "a/b");
    check(sb__path_normalize, "a//b", "a/b");
    check(sb__path_normalize, "a/../b", "a/../b");
    check(sb__path_normalize, "/", "/");
    check(sb__path_normalize, "///a", "/a");
    check(sb__path_normalize, "//a", "//a");
}

static void test_parent__of_root_is_root(void **state)
{
    (void)state;
    check(sb__path_parent, "/a/b", "/a");
    check(sb__path_parent, "/a", "/");
    check(sb__path_parent, "/", "/");
    check(sb__path_parent, "a/b", "a");
    check(sb__path_parent, "a", ".");
}

static void test_beneath__compares_whole_components(void **state)
{
    (void)state;
    assert_true(sb__path_is_beneath("/a/b", "/a"));
    assert_true(sb__path_is_beneath("/a", "/a"));
    assert_true(sb__path_is_beneath("/a", "/"));
    assert_false(sb__path_is_beneath("/ab", "/a"));
    assert_false(sb__path_is_beneath("/", "/a"));
}

static void check_named_user(void)
{
    const struct passwd *me = getpwuid(getuid());
    char given[512], expected[512];

    assert_non_null(me);
    snprintf(given, sizeof given, "~%s/x", me->pw_name);
    snprintf(expected, sizeof expected, "%s/x", me->pw_dir);
    check(sb__path_expand_user, given, expected);
}

static void test_expand_user__takes_home(void **state)
{
    char *old = getenv("HOME") ? strdup(getenv("HOME")) : NULL;
    char *out = NULL;

    (void)state;
    setenv("HOME", "/home/of/test", 1);
    check(sb__path_expand_user, "~", "/home/of/test");
    check(sb__path_expand_user, "~/x", "/home/of/test/x");
    check(sb__path_expand_user, "a/~", "a/~");
    check(sb__path_expand_user, "", "");
    check_named_user();
    assert_status(SB_EINVALID, sb__path_expand_user(&out, "~no-such-user-here/x"));
    unsetenv("HOME");
    assert_ok(sb__path_expand_user(&out, "~"));
    assert_int_equal(out[0], '/');
    sb_free(out);
    if (old) {
        setenv("HOME", old, 1);
        free(old);
    }
}

/* Inside the scratch directory, whose own path has no links on the way. */
static int enter(void **state)
{
    scratch *s;
    char real[4096];

    if (scratch_new(state)) {
        return -1;
    }
    s = *state;
    if (!realpath(s->directory, real) || strlen(real) >= sizeof s->directory) {
        return -1;
    }
    strcpy(s->directory, real);
    return chdir(real);
}

static int leave(void **state)
{
    return chdir("/") || scratch_free(state);
}

static void check_in(const scratch *s, const char *path, const char *want)
{
    char expected[256];

    snprintf(expected, sizeof expected, "%s%s", s->directory, want);
    check(sb__path_resolve, path, expected);
}

static void test_resolve__follows_links_as_far_as_there_are_any(void **state)
{
    scratch *s = *state;

    assert_int_equal(mkdir("d", 0777), 0);
    assert_int_equal(mkdir("d/e", 0777), 0);
    assert_int_equal(symlink("d/e", "link"), 0);
    assert_int_equal(symlink("link", "link2"), 0);
    assert_int_equal(symlink("nowhere/x", "dangling"), 0);
    assert_int_equal(symlink(s->directory, "d/e/top"), 0);

    check_in(s, "", "");
    check_in(s, ".", "");
    check_in(s, "a/b", "/a/b");
    check_in(s, "a//./b/", "/a/b");
    check_in(s, "a/../b", "/b");
    check_in(s, "link/x", "/d/e/x");
    check_in(s, "link/../x", "/d/x");
    check_in(s, "link2/y", "/d/e/y");
    check_in(s, "dangling/y", "/nowhere/x/y");
    check_in(s, "link/top/link", "/d/e");
    check(sb__path_resolve, "/", "/");
    check(sb__path_resolve, "/..", "/");
    check(sb__path_resolve, "//", "/");
}

static void test_resolve__loop_of_links_is_refused(void **state)
{
    char *out = NULL;

    (void)state;
    assert_int_equal(symlink("b", "a"), 0);
    assert_int_equal(symlink("a", "b"), 0);
    assert_status(SB_EINVALID, sb__path_resolve(&out, "a/x"));
    assert_message("Symlink loop from 'a/x'");
    assert_null(out);
}

static void test_resolve__current_directory_that_is_gone(void **state)
{
    scratch *s = *state;
    char *out = NULL;

    assert_int_equal(mkdir("gone", 0777), 0);
    assert_int_equal(chdir("gone"), 0);
    assert_int_equal(rmdir("../gone"), 0);
    assert_status(SB_EINVALID, sb__path_resolve(&out, "x"));
    assert_message("the current directory cannot be read");
    assert_int_equal(chdir(s->directory), 0);
}

static void test_from_arg__refuses_nul(void **state)
{
    char *out = NULL;

    (void)state;
    assert_status(SB_EINVALID, sb__path_from_arg(&out, "a\0b", 3));
    assert_ok(sb__path_from_arg(&out, "abc", 2));
    assert_string_equal(out, "ab");
    sb_free(out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_join__absolute_name_wins),
        cmocka_unit_test(test_normalize__drops_dots_and_slashes),
        cmocka_unit_test(test_parent__of_root_is_root),
        cmocka_unit_test(test_beneath__compares_whole_components),
        cmocka_unit_test(test_expand_user__takes_home),
        cmocka_unit_test(test_from_arg__refuses_nul),
        cmocka_unit_test_setup_teardown(
            test_resolve__follows_links_as_far_as_there_are_any, enter, leave),
        cmocka_unit_test_setup_teardown(test_resolve__loop_of_links_is_refused, enter, leave),
        cmocka_unit_test_setup_teardown(test_resolve__current_directory_that_is_gone, enter, leave),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
