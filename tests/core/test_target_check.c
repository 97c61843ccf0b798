/* The checks that a command makes of its target. */
#include "project_testing.h"

static sb_status check(project *p, const char *directory, const char *file, uint32_t checks)
{
    sb_target *target = NULL;
    sb_status status;

    assert_ok(sb_target_select(&target, p->config, directory, (size_t)SB_NTS, file, (size_t)SB_NTS,
                               0));
    status = sb_target_check(target, p->config, checks);
    sb_target_free(target);
    return status;
}

static void refuse(project *p, const char *directory, const char *file, const char *message)
{
    assert_status(SB_EINVALID, check(p, directory, file, SB_CHECK_PATHS));
    assert_message(message);
}

static void accept(project *p, const char *directory, const char *file)
{
    assert_ok(check(p, directory, file, SB_CHECK_PATHS));
}

static void test_directory__dots_are_refused(void **state)
{
    project *p = *state;

    put_directory("d");
    accept(p, "d", NULL);
    accept(p, "./d/", "x.db");
    refuse(p, ".", NULL, "Directory argument (-d/--dir) must not contain current directory");
    refuse(p, "", NULL, "Directory argument (-d/--dir) must not contain current directory");
    refuse(p, "..", NULL, "Directory argument (-d/--dir) must not contain parent directory");
    refuse(p, "d/../d", NULL, "Directory argument (-d/--dir) must not contain parent directory");
}

static void test_directory__may_have_an_odd_name(void **state)
{
    project *p = *state;

    put_directory("d;e ");
    accept(p, "d;e ", NULL);
    assert_int_equal(chdir("d;e "), 0);
    accept(p, NULL, NULL);
    accept(p, NULL, "/tmp/x.db");
}

static void test_directory__exists(void **state)
{
    project *p = *state;

    put_file("file", "x", 0600);
    refuse(p, "nope", "x.db", "Directory not found: nope");
    refuse(p, "file", NULL, "Path is a file, not a directory: file");
}

static void test_file__text_is_path_safe(void **state)
{
    project *p = *state;

    refuse(p, NULL, "", "Database filename must be a non-empty string");
    refuse(p, NULL, "../x.db", "Database filename must not contain parent directory references");
    refuse(p, NULL, "./x.db", "Database filename must not contain current directory references");
    refuse(p, NULL, "x?.db", "Database filename contains dangerous character '?': x?.db");
    refuse(p, NULL, " x.db", "Database filename component cannot start or end with spaces");
    accept(p, NULL, "a b%20.db");
}

static void test_file__stays_inside_its_directory(void **state)
{
    project *p = *state;
    char path[PATH_MAX + 16];

    put_directory("d");
    assert_int_equal(symlink("/somewhere/else.db", "out.db"), 0);
    assert_int_equal(symlink("out.db", "chain.db"), 0);
    assert_int_equal(symlink("d/x.db", "in.db"), 0);
    assert_int_equal(symlink("/tmp", "dir"), 0);
    refuse(p, NULL, "out.db", "Database file must be within the working directory");
    refuse(p, NULL, "chain.db", "Database file must be within the working directory");
    refuse(p, NULL, "dir/x.db", "Database file must be within the working directory");
    accept(p, NULL, "in.db");
    snprintf(path, sizeof path, "%s/out.db", p->root);
    accept(p, NULL, path);
}

static void test_parent__may_be_missing_once(void **state)
{
    project *p = *state;

    accept(p, NULL, "a/x.db");
    refuse(p, NULL, "a/b/x.db", "Parent directory not found: ");
    assert_message("/a");
    refuse(p, NULL, "/no-such-directory/b/x.db", "Parent directory not found: /no-such-directory");
}

static void test_parent__must_be_accessible(void **state)
{
    project *p = *state;

    if (geteuid() == 0) {
        skip();
    }
    put_directory("closed");
    put_directory("closed/in");
    assert_int_equal(chmod("closed", 0500), 0);
    refuse(p, NULL, "closed/new/x.db", "Parent directory is not accessible: ");
    accept(p, NULL, "closed/in/x.db");
    assert_int_equal(chmod("closed/in", 0600), 0);
    refuse(p, NULL, "closed/in/x.db", "Parent directory is not accessible: ");
    assert_int_equal(chmod("closed/in", 0700), 0);
    assert_int_equal(chmod("closed", 0700), 0);
}

static void test_sqlite__existing_file_begins_like_one(void **state)
{
    project *p = *state;

    put_file("text.db", "hello", 0600);
    put_file("empty.db", "", 0600);
    put_directory("dir.db");
    put_broker(p, "x.db");
    assert_ok(check(p, NULL, "none.db", SB_CHECK_SQLITE));
    assert_ok(check(p, NULL, "x.db", SB_CHECK_SQLITE));
    assert_ok(check(p, NULL, "text.db", SB_CHECK_PATHS));
    assert_status(SB_EDATABASE, check(p, NULL, "text.db", SB_CHECK_SQLITE));
    assert_message("File is not a valid SQLite database (invalid header): ");
    assert_status(SB_EDATABASE, check(p, NULL, "empty.db", SB_CHECK_SQLITE));
    assert_status(SB_EDATABASE, check(p, NULL, "dir.db", SB_CHECK_SQLITE));
    assert_message("Path exists but is not a regular file: ");
}

static void test_initialized__for_project_files_only(void **state)
{
    project *p = *state;
    const uint32_t all = SB_CHECK_PATHS | SB_CHECK_SQLITE | SB_CHECK_INITIALIZED;

    assert_ok(check(p, NULL, NULL, all));
    put_file(".broker.toml", "version=1\nbackend='sqlite'\ntarget='p.db'\n", 0600);
    assert_status(SB_EDATABASE, check(p, NULL, NULL, all));
    assert_message("Database file does not exist: ");
    assert_ok(check(p, NULL, NULL, SB_CHECK_PATHS | SB_CHECK_SQLITE));
    put_file("p.db", "hello", 0600);
    assert_status(SB_EDATABASE, check(p, NULL, NULL, all));
    assert_int_equal(remove("p.db"), 0);
    put_broker(p, "p.db");
    assert_ok(check(p, NULL, NULL, all));
}

static void test_cleanup__looks_at_the_texts_only(void **state)
{
    project *p = *state;

    assert_ok(check(p, "nope", "x.db", SB_CHECK_CLEANUP));
    assert_status(SB_EINVALID, check(p, ".", "x.db", SB_CHECK_CLEANUP));
    assert_status(SB_EINVALID, check(p, NULL, "x?", SB_CHECK_CLEANUP));
}

static void test_backend__that_is_not_available(void **state)
{
    project *p = *state;
    sb_target *target = NULL;

    assert_ok(sb_target_deserialize(&target, "{\"backend_name\":\"nope\",\"target\":\"x\"}",
                                    (size_t)SB_NTS));
    assert_status(SB_ERUNTIME, sb_target_check(target, p->config, SB_CHECK_INITIALIZED));
    sb_target_free(target);
    assert_status(SB_EINVALID, sb_target_check(NULL, p->config, 0));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, project_new, project_free)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_directory__dots_are_refused),
        TEST(test_directory__may_have_an_odd_name),
        TEST(test_directory__exists),
        TEST(test_file__text_is_path_safe),
        TEST(test_file__stays_inside_its_directory),
        TEST(test_parent__may_be_missing_once),
        TEST(test_parent__must_be_accessible),
        TEST(test_sqlite__existing_file_begins_like_one),
        TEST(test_initialized__for_project_files_only),
        TEST(test_cleanup__looks_at_the_texts_only),
        TEST(test_backend__that_is_not_available),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
