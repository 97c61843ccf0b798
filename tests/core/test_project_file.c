/* Project files: what they may say, and what is said about them. */
#include "project_testing.h"

static sb_status target_of(sb_target **out, project *p, const char *text, mode_t mode)
{
    put_file(".broker.toml", text, mode);
    p->warnings = 0;
    return sb_target_from_project_file(out, ".broker.toml", (size_t)SB_NTS, p->config);
}

static void refuse(project *p, const char *text, const char *message)
{
    sb_target *target = NULL;

    assert_status(SB_EINVALID, target_of(&target, p, text, 0600));
    assert_message(message);
    assert_null(target);
    assert_int_equal(p->warnings, 0);
}

static void test_target__sqlite_file_beside_it(void **state)
{
    project *p = *state;
    sb_target *target = NULL;
    char path[PATH_MAX + 64];

    put_file(".broker.toml",
             "version = 1\nbackend = \"sqlite\"\ntarget = \"d/../x.db\"\nother = [1, {a = 2}]\n"
             "[backend_options]\nz = \"s\"\na = 1\nf = 1.5\nt = true\n",
             0600);
    snprintf(path, sizeof path, "%s/.broker.toml", p->root);
    assert_ok(sb_target_from_project_file(&target, path, (size_t)SB_NTS, p->config));
    assert_address(p, target, "/x.db");
    assert_string_equal(sb_target_backend(target), "sqlite");
    assert_string_equal(sb_target_project_root(target), p->root);
    assert_string_equal(sb_target_config_path(target), path);
    assert_int_equal(sb_target_used_project_scope(target), 1);
    assert_int_equal(sb_target_is_plain_path(target), 0);
    assert_int_equal(sb_strings_count(sb_target_option_names(target)), 4);
    assert_string_equal(sb_strings_get(NULL, sb_target_option_names(target), 0), "a");
    assert_int_equal(sb_values_type(sb_target_option_values(target), 2), SB_BOOL);
    assert_int_equal(p->warnings, 0);
    sb_target_free(target);
}

static void test_target__may_lie_anywhere(void **state)
{
    project *p = *state;
    sb_target *target = NULL;

    put_directory("d");
    assert_int_equal(symlink("d", "link"), 0);
    assert_ok(target_of(&target, p, "version=1\nbackend='sqlite'\ntarget='/a/../x.db'\n", 0600));
    assert_string_equal(sb_target_address(target), "/x.db");
    sb_target_free(target);
    assert_ok(target_of(&target, p, "version=1\nbackend='sqlite'\ntarget='link/x.db'\n", 0600));
    assert_address(p, target, "/d/x.db");
    sb_target_free(target);
}

static void test_target__must_be_path_safe(void **state)
{
    project *p = *state;
    sb_target *target = NULL;

    assert_status(SB_EINVALID,
                  target_of(&target, p, "version=1\nbackend='sqlite'\ntarget='~/x'\n", 0600));
    assert_message(".broker.toml sqlite target contains dangerous character '~': ");
    assert_status(SB_EINVALID,
                  target_of(&target, p, "version=1\nbackend='sqlite'\ntarget=\"a\\u0000b\"\n",
                            0600));
    assert_message("embedded null byte");
}

static void test_version__equals_one_as_python_compares(void **state)
{
    static const char *const ones[] = {"1", "1.0", "true", "0x1", "1e0", "+1"};
    project *p = *state;
    sb_target *target = NULL;
    char text[128];

    for (size_t i = 0; i < sizeof ones / sizeof ones[0]; i++) {
        snprintf(text, sizeof text, "version=%s\nbackend='sqlite'\ntarget='x'\n", ones[i]);
        assert_ok(target_of(&target, p, text, 0600));
        sb_target_free(target);
    }
    refuse(p, "", "Unsupported .broker.toml version None; expected 1");
    refuse(p, "version=2", "Unsupported .broker.toml version 2; expected 1");
    refuse(p, "version='1'", "Unsupported .broker.toml version '1'; expected 1");
    refuse(p, "version=1.5", "Unsupported .broker.toml version 1.5; expected 1");
    refuse(p, "version=false", "Unsupported .broker.toml version False; expected 1");
    refuse(p, "version=[1]", "Unsupported .broker.toml version [");
    refuse(p, "version=1979-05-27", "Unsupported .broker.toml version 1979-05-27");
    refuse(p, "[version]\na=1", "Unsupported .broker.toml version {");
}

static void test_checks__in_the_contracts_order(void **state)
{
    project *p = *state;

    refuse(p, "version=2\nbackend_options=1\nx=\n", "(at line 3, column ");
    assert_int_equal(sb_error_line(NULL), 3);
    refuse(p, "version=2\nbackend_options=1", "'backend_options' must be a table in .broker.toml");
    refuse(p, "[[backend_options]]\na=1", "'backend_options' must be a table");
    refuse(p, "version=2\n[backend_options]\na=[1]",
           "'backend_options' values must be strings, integers, floats, or booleans");
    refuse(p, "[backend_options]\na=1979-05-27", "'backend_options' values must be");
    refuse(p, "[backend_options.a]\nb=1", "'backend_options' values must be");
    refuse(p, "version=2\nbackend=1", "Unsupported .broker.toml version 2");
    refuse(p, "version=1\ntarget=1", ".broker.toml requires a non-empty string 'backend'");
    refuse(p, "version=1\nbackend=''", ".broker.toml requires a non-empty string 'backend'");
    refuse(p, "version=1\nbackend='x'", ".broker.toml requires a non-empty string 'target'");
    refuse(p, "version=1\nbackend='x'\n[target]", "requires a non-empty string 'target'");
}

static void test_warnings__permissions_and_passwords(void **state)
{
    static const char plain[] = "version=1\nbackend='sqlite'\ntarget='x'\n";
    project *p = *state;
    sb_target *target = NULL;

    assert_ok(target_of(&target, p, plain, 0600));
    assert_int_equal(p->warnings, 0);
    sb_target_free(target);
    assert_ok(target_of(&target, p, plain, 0640));
    assert_int_equal(p->warnings, 1);
    assert_string_equal(p->warning, ".broker.toml is group/other-readable; restrict permissions "
                                    "when it contains sensitive configuration");
    sb_target_free(target);
    assert_ok(target_of(&target, p, "version=1\nbackend='sqlite'\ntarget='x://u:p@h'\n", 0600));
    assert_int_equal(p->warnings, 1);
    assert_string_equal(p->warning, ".broker.toml embeds a backend password; store secrets in "
                                    "BROKER_BACKEND_PASSWORD or another environment variable");
    sb_target_free(target);
    assert_ok(target_of(&target, p, "version=1\nbackend='sqlite'\ntarget='password=x'\n", 0644));
    assert_int_equal(p->warnings, 2);
    sb_target_free(target);
}

static void test_backend__that_is_not_available(void **state)
{
    project *p = *state;
    sb_target *target = NULL;

    assert_status(SB_ERUNTIME,
                  target_of(&target, p, "version=1\nbackend='nope'\ntarget='x'\n", 0600));
    assert_message("Requested backend 'nope' is not available");
    assert_null(target);
}

static void test_file__that_cannot_be_read(void **state)
{
    project *p = *state;
    sb_target *target = NULL;

    assert_status(SB_EIO, sb_target_from_project_file(&target, "none", 4, p->config));
    assert_message("Cannot read none: ");
    put_directory("dir");
    assert_status(SB_EIO, sb_target_from_project_file(&target, "dir", 3, p->config));
    assert_int_equal(mkfifo("fifo", 0600), 0);
    assert_status(SB_EIO, sb_target_from_project_file(&target, "fifo", 4, p->config));
    assert_message("not a regular file");
    put_file("big", "", 0600);
    assert_int_equal(truncate("big", 2 * 1024 * 1024), 0);
    assert_status(SB_EINVALID, sb_target_from_project_file(&target, "big", 3, p->config));
    assert_message("too large");
    assert_status(SB_EINVALID, sb_target_from_project_file(&target, NULL, 0, p->config));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, project_new, project_free)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_target__sqlite_file_beside_it),
        TEST(test_target__may_lie_anywhere),
        TEST(test_target__must_be_path_safe),
        TEST(test_version__equals_one_as_python_compares),
        TEST(test_checks__in_the_contracts_order),
        TEST(test_warnings__permissions_and_passwords),
        TEST(test_backend__that_is_not_available),
        TEST(test_file__that_cannot_be_read),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
