/* Which target is used: the command line's six steps and the library's two resolutions. */
#include "project_testing.h"

static const char project_text[] = "version=1\nbackend='sqlite'\ntarget='p.db'\n";

static sb_target *selected(project *p, const char *directory, const char *file, int for_init)
{
    sb_target *target = NULL;

    assert_ok(sb_target_select(&target, p->config, directory, (size_t)SB_NTS, file, (size_t)SB_NTS,
                               for_init));
    return target;
}

static void assert_selects(project *p, const char *directory, const char *file, const char *want)
{
    sb_target *target = selected(p, directory, file, 0);

    assert_address(p, target, want);
    sb_target_free(target);
}

static void assert_refuses(project *p, const char *directory, const char *file, sb_status status,
                           const char *message)
{
    sb_target *target = NULL;

    assert_status(status, sb_target_select(&target, p->config, directory, (size_t)SB_NTS, file,
                                           (size_t)SB_NTS, 0));
    assert_message(message);
    assert_null(target);
}

static void test_step_1__explicit_file_wins(void **state)
{
    project *p = *state;
    sb_target *target;

    put_directory("d");
    put_file(".broker.toml", project_text, 0600);
    set(p, "BROKER_BACKEND", "nope");
    assert_selects(p, NULL, "x.db", "/x.db");
    assert_selects(p, "d", "x.db", "/d/x.db");
    assert_selects(p, "./d/", "s/x.db", "/d/s/x.db");
    target = selected(p, "d", "x.db", 0);
    assert_string_equal(sb_target_display(target), "d/x.db");
    assert_int_equal(sb_target_is_plain_path(target), 1);
    assert_int_equal(sb_target_used_project_scope(target), 0);
    sb_target_free(target);
    target = selected(p, NULL, "/somewhere/x.db", 0);
    assert_string_equal(sb_target_address(target), "/somewhere/x.db");
    sb_target_free(target);
}

static void test_step_1__absolute_file_must_lie_in_an_explicit_directory(void **state)
{
    project *p = *state;
    char file[PATH_MAX + 16];

    put_directory("d");
    snprintf(file, sizeof file, "%s/d/x.db", p->root);
    assert_selects(p, "d", file, "/d/x.db");
    snprintf(file, sizeof file, "%s/x.db", p->root);
    assert_refuses(p, "d", file, SB_EINVALID, "Inconsistent paths: absolute database path '");
    assert_message("' conflicts with directory 'd'");
}

static void test_step_2__project_file_of_this_directory_only(void **state)
{
    project *p = *state;
    sb_target *target;

    put_directory("a");
    put_directory("a/b");
    put_file("a/.broker.toml", project_text, 0600);
    assert_selects(p, "a", NULL, "/a/p.db");
    assert_selects(p, "a/b", NULL, "/a/b/.broker.db");
    assert_int_equal(chdir("a"), 0);
    assert_selects(p, NULL, NULL, "/a/p.db");
    assert_selects(p, "b", NULL, "/a/b/.broker.db");
    target = selected(p, NULL, NULL, 1);
    assert_address(p, target, "/a/p.db");
    sb_target_free(target);
    assert_int_equal(chdir("b"), 0);
    set(p, "BROKER_DEFAULT_DB_LOCATION", "/no/such/place");
    target = selected(p, "..", NULL, 0);
    assert_address(p, target, "/a/p.db");
    assert_int_equal(sb_target_is_plain_path(target), 0);
    assert_int_equal(sb_target_used_project_scope(target), 1);
    sb_target_free(target);
}

static void test_step_3__scope_finds_a_project_file_upward(void **state)
{
    project *p = *state;

    put_directory("a");
    put_directory("a/b");
    put_directory("a/b/c");
    put_file("a/.broker.toml", project_text, 0600);
    put_broker(p, "a/b/.broker.db");
    set(p, "BROKER_PROJECT_SCOPE", "1");
    assert_selects(p, "a/b/c", NULL, "/a/p.db");
    assert_int_equal(chdir("a/b/c"), 0);
    assert_selects(p, NULL, NULL, "/a/p.db");
}

static void test_step_4__scope_finds_a_broker_file_upward(void **state)
{
    project *p = *state;
    sb_target *target;

    put_directory("a");
    put_directory("a/b");
    put_directory("a/b/c");
    put_broker(p, "a/.broker.db");
    put_file("a/b/.broker.db", "not a database", 0600);
    set(p, "BROKER_PROJECT_SCOPE", "1");
    assert_int_equal(chdir("a/b/c"), 0);
    target = selected(p, NULL, NULL, 0);
    assert_address(p, target, "/a/.broker.db");
    assert_int_equal(sb_target_used_project_scope(target), 1);
    assert_int_equal(sb_target_is_plain_path(target), 1);
    assert_ok(sb_target_check(target, p->config, SB_CHECK_PATHS | SB_CHECK_SQLITE));
    sb_target_free(target);
    target = selected(p, NULL, NULL, 1);
    assert_address(p, target, "/a/.broker.db");
    sb_target_free(target);
}

static void test_step_5__server(void **state)
{
    project *p = *state;

    set(p, "BROKER_BACKEND", "nope");
    set(p, "BROKER_DEFAULT_DB_LOCATION", "/no/such/place");
    assert_refuses(p, NULL, NULL, SB_ERUNTIME, "Requested backend 'nope' is not available");
    set(p, "BROKER_BACKEND", "");
    assert_refuses(p, NULL, NULL, SB_ERUNTIME, "Requested backend '' is not available");
    put_file(".broker.toml", project_text, 0600);
    assert_selects(p, NULL, NULL, "/p.db");
}

static void test_step_6__default_file(void **state)
{
    project *p = *state;
    sb_target *target;
    char location[PATH_MAX + 8];

    put_directory("d");
    put_directory("e");
    assert_selects(p, NULL, NULL, "/.broker.db");
    assert_selects(p, "d", NULL, "/d/.broker.db");
    set(p, "BROKER_DEFAULT_DB_NAME", "n/x.db");
    assert_selects(p, NULL, NULL, "/n/x.db");
    snprintf(location, sizeof location, "%s/e", p->root);
    set(p, "BROKER_DEFAULT_DB_LOCATION", location);
    assert_selects(p, NULL, NULL, "/e/n/x.db");
    assert_selects(p, "d", NULL, "/d/n/x.db");
    target = selected(p, NULL, NULL, 1);
    assert_address(p, target, "/n/x.db");
    sb_target_free(target);
}

static void test_step_6__scope_without_project_is_refused(void **state)
{
    project *p = *state;
    sb_target *target;

    put_directory("d");
    set(p, "BROKER_PROJECT_SCOPE", "1");
    set(p, "BROKER_DEFAULT_DB_NAME", "zz.db");
    assert_refuses(p, "d", NULL, SB_EINVALID,
                   "BROKER_PROJECT_SCOPE is enabled but no project database 'zz.db' was found in "
                   "'d' or any parent directory.");
    assert_refuses(p, "nope", NULL, SB_EINVALID, "Starting directory does not exist: ");
    target = selected(p, NULL, NULL, 1);
    assert_address(p, target, "/zz.db");
    sb_target_free(target);
}

static void test_arguments__are_checked(void **state)
{
    project *p = *state;
    sb_target *target = NULL;

    assert_status(SB_EINVALID, sb_target_select(NULL, p->config, NULL, 0, NULL, 0, 0));
    assert_status(SB_EINVALID, sb_target_select(&target, NULL, NULL, 0, NULL, 0, 0));
    assert_status(SB_EINVALID, sb_target_select(&target, p->config, "a\0b", 3, NULL, 0, 0));
    assert_status(SB_EINVALID, sb_target_select(&target, p->config, NULL, 0, "a\0b", 3, 0));
    assert_status(SB_EINVALID, sb_target_for_directory(&target, NULL, 0, NULL));
    assert_status(SB_EINVALID, sb_target_discover(NULL, NULL, 0, p->config));
    assert_null(target);
}

static void test_for_directory__file_server_or_default(void **state)
{
    project *p = *state;
    sb_target *target = NULL;
    char location[PATH_MAX + 8];

    put_directory("a");
    put_directory("a/b");
    put_file("a/.broker.toml", project_text, 0600);
    assert_int_equal(symlink("a/b", "link"), 0);

    assert_ok(sb_target_for_directory(&target, "a", 1, p->config));
    assert_address(p, target, "/a/p.db");
    sb_target_free(target);
    assert_ok(sb_target_for_directory(&target, "link", 4, p->config));
    assert_address(p, target, "/a/b/.broker.db");
    assert_int_equal(sb_target_used_project_scope(target), 0);
    sb_target_free(target);
    assert_ok(sb_target_for_directory(&target, "missing", 7, p->config));
    assert_address(p, target, "/missing/.broker.db");
    sb_target_free(target);
    assert_ok(sb_target_for_directory(&target, NULL, 0, p->config));
    assert_address(p, target, "/.broker.db");
    sb_target_free(target);
    snprintf(location, sizeof location, "%s/a/b", p->root);
    set(p, "BROKER_DEFAULT_DB_LOCATION", location);
    assert_ok(sb_target_for_directory(&target, NULL, 0, p->config));
    assert_address(p, target, "/a/b/.broker.db");
    assert_string_equal(sb_target_project_root(target), location);
    sb_target_free(target);
    set(p, "BROKER_BACKEND", "nope");
    assert_status(SB_ERUNTIME, sb_target_for_directory(&target, "a/b", 3, p->config));
}

static void test_discover__searches_whatever_the_scope(void **state)
{
    project *p = *state;
    sb_target *target = NULL;

    put_directory("a");
    put_directory("a/n");
    put_directory("a/b");
    assert_status(SB_EMPTY, sb_target_discover(&target, "a/b", 3, p->config));
    assert_status(SB_EINVALID, sb_target_discover(&target, "none", 4, p->config));
    assert_message("Starting directory does not exist: ");
    put_broker(p, "a/n/x.db");
    set(p, "BROKER_DEFAULT_DB_NAME", "n/x.db");
    assert_ok(sb_target_discover(&target, "a/b", 3, p->config));
    assert_address(p, target, "/a/n/x.db");
    assert_string_equal(strrchr(sb_target_project_root(target), '/'), "/a");
    assert_int_equal(sb_target_used_project_scope(target), 1);
    sb_target_free(target);
    put_file("a/.broker.toml", project_text, 0600);
    assert_ok(sb_target_discover(&target, "a/b", 3, p->config));
    assert_address(p, target, "/a/p.db");
    sb_target_free(target);
}

static void test_discover__passes_over_foreign_files(void **state)
{
    project *p = *state;
    sb_target *target = NULL;

    put_directory("a");
    put_file(".broker.db", "", 0600);
    put_directory("a/.broker.db");
    assert_status(SB_EMPTY, sb_target_discover(&target, "a", 1, p->config));
    assert_int_equal(sb_error_status(NULL), SB_OK);
}

static void test_discover__follows_links_of_broker_files(void **state)
{
    project *p = *state;
    sb_target *target = NULL;

    put_directory("a");
    put_directory("b");
    put_broker(p, "b/real.db");
    assert_int_equal(symlink("../b/real.db", "a/.broker.db"), 0);
    assert_ok(sb_target_discover(&target, "a", 1, p->config));
    assert_address(p, target, "/b/real.db");
    assert_string_equal(strrchr(sb_target_project_root(target), '/'), "/b");
    sb_target_free(target);
}

static void assert_finds(project *p, const char *directory, int32_t depth, const char *want)
{
    char full[PATH_MAX + 64];
    char *path = NULL;
    size_t len = 99;

    if (!want) {
        assert_status(SB_EMPTY, sb_project_file_find(&path, &len, directory, (size_t)SB_NTS, depth,
                                                     p->config));
        assert_null(path);
        assert_int_equal(len, 0);
        return;
    }
    snprintf(full, sizeof full, "%s%s", p->root, want);
    assert_ok(sb_project_file_find(&path, &len, directory, (size_t)SB_NTS, depth, p->config));
    assert_string_equal(path, full);
    assert_int_equal(len, strlen(full));
    sb_free(path);
}

static void test_project_file_find__looks_at_so_many_levels(void **state)
{
    project *p = *state;

    put_directory("a");
    put_directory("a/b");
    put_directory("a/b/c");
    put_file("a/.broker.toml", "", 0600);
    put_directory("a/b/.broker.toml");
    assert_finds(p, "a/b/c", 100, "/a/.broker.toml");
    assert_finds(p, "a/b/c", 3, "/a/.broker.toml");
    assert_finds(p, "a/b/c", 2, NULL);
    assert_finds(p, "a/b/c", -1, NULL);
    assert_finds(p, "missing", 100, NULL);
}

static void test_project_file_find__absolute_place_only(void **state)
{
    project *p = *state;
    char place[PATH_MAX + 8];

    put_directory("a");
    put_directory("b");
    put_file("a/.broker.toml", "", 0600);
    snprintf(place, sizeof place, "%s/b", p->root);
    set(p, "BROKER_PROJECT_CONFIG_PATH", place);
    assert_finds(p, "a", 100, NULL);
    put_file("b/.broker.toml", "", 0600);
    assert_finds(p, "/", 0, "/b/.broker.toml");
}

static void test_project_file_path__need_not_exist(void **state)
{
    project *p = *state;
    char want[PATH_MAX + 64];
    char *path = NULL;

    set(p, "BROKER_PROJECT_CONFIG_PATH", "s");
    snprintf(want, sizeof want, "%s/none/s/.broker.toml", p->root);
    assert_ok(sb_project_file_path(&path, NULL, "none", (size_t)SB_NTS, p->config));
    assert_string_equal(path, want);
    sb_free(path);
    assert_ok(sb_project_file_path(&path, NULL, NULL, 0, p->config));
    sb_free(path);
    assert_status(SB_EINVALID, sb_project_file_path(&path, NULL, "a\0b", 3, p->config));
    assert_null(path);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, project_new, project_free)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_step_1__explicit_file_wins),
        TEST(test_step_1__absolute_file_must_lie_in_an_explicit_directory),
        TEST(test_step_2__project_file_of_this_directory_only),
        TEST(test_step_3__scope_finds_a_project_file_upward),
        TEST(test_step_4__scope_finds_a_broker_file_upward),
        TEST(test_step_5__server),
        TEST(test_step_6__default_file),
        TEST(test_step_6__scope_without_project_is_refused),
        TEST(test_arguments__are_checked),
        TEST(test_for_directory__file_server_or_default),
        TEST(test_discover__searches_whatever_the_scope),
        TEST(test_discover__passes_over_foreign_files),
        TEST(test_discover__follows_links_of_broker_files),
        TEST(test_project_file_find__looks_at_so_many_levels),
        TEST(test_project_file_find__absolute_place_only),
        TEST(test_project_file_path__need_not_exist),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
