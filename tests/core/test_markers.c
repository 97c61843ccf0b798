/* Set-up markers, in attributes and in F.status. */
#include "files_testing.h"

#include <sys/xattr.h>

#include "markers.h"

enum { ALL_MARKS = SB__MARK_CONNECTION | SB__MARK_SCHEMA | SB__MARK_OPTIMIZATION };

static int in_status_file(void **state)
{
    setenv("PHASELOCK_ENABLE_XATTRS", " Off ", 1);
    return scratch_new(state);
}

static int in_attributes(void **state)
{
    unsetenv("PHASELOCK_ENABLE_XATTRS");
    return scratch_new(state);
}

static void assert_status_file(scratch *s, const char *expected)
{
    char path[160];
    size_t size;
    char *text;

    snprintf(path, sizeof path, "%s.status", s->path);
    text = read_file(&size, path);
    assert_int_equal(size, strlen(expected));
    assert_memory_equal(text, expected, size);
    free(text);
}

static void test_markers__status_file_lists_the_phases(void **state)
{
    scratch *s = *state;

    write_file(s->path, "a database of some size", 23);
    assert_int_equal(sb__markers_get(s->path), 0);
    sb__markers_set(s->path, SB__MARK_CONNECTION);
    assert_status_file(s, "connection\n");
    sb__markers_set(s->path, SB__MARK_SCHEMA | SB__MARK_OPTIMIZATION);
    assert_status_file(s, "connection\nschema-v5\noptimization\n");
    assert_int_equal(sb__markers_get(s->path), ALL_MARKS);
    assert_int_equal(count_entries(s->directory), 2);
}

static void test_markers__status_file_of_any_kind_can_be_read(void **state)
{
    scratch *s = *state;
    char path[160];
    char *huge = malloc(70000);

    assert_non_null(huge);
    snprintf(path, sizeof path, "%s.status", s->path);
    write_file(path, "other\r\nschema-v5\n\nconnection-v2", 31);
    assert_int_equal(sb__markers_get(s->path), SB__MARK_SCHEMA);
    memset(huge, '\n', 70000);
    memcpy(huge, "connection", 10);
    write_file(path, huge, 70000);
    assert_int_equal(sb__markers_get(s->path), 0);
    free(huge);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(mkdir(path, 0755), 0);
    assert_int_equal(sb__markers_get(s->path), 0);
    sb__markers_set(s->path, ALL_MARKS);
    assert_int_equal(sb__markers_get(s->path), 0);
    assert_int_equal(count_entries(s->directory), 1);
}

static void test_markers__attributes_are_those_of_the_contract(void **state)
{
    scratch *s = *state;
    char value[8];

    write_file(s->path, "a database of some size", 23);
    if (setxattr(s->path, "user.simplebroker.probe", "1", 1, 0)) {
        skip();
    }
    sb__markers_set(s->path, ALL_MARKS);
    assert_int_equal(getxattr(s->path, "user.simplebroker.connection", value, 8), 1);
    assert_int_equal(value[0], '1');
    assert_int_equal(getxattr(s->path, "user.simplebroker.schema-v5", value, 8), 1);
    assert_int_equal(getxattr(s->path, "user.simplebroker.optimization", value, 8), 1);
    assert_int_equal(sb__markers_get(s->path), ALL_MARKS);
    assert_false(file_exists(s->path, ".status"));
}

static void test_markers__status_of_a_missing_database_is_forgotten(void **state)
{
    scratch *s = *state;

    make_companion(s->path, ".status");
    make_companion(s->path, ".status.tmp.12.345");
    make_companion(s->path, ".status.tmp.12.345x");
    sb__markers_forget_missing(s->path);
    assert_false(file_exists(s->path, ".status"));
    assert_false(file_exists(s->path, ".status.tmp.12.345"));
    assert_true(file_exists(s->path, ".status.tmp.12.345x"));
    make_companion(s->path, ".status");
    write_file(s->path, "short", 5);
    sb__markers_forget_missing(s->path);
    assert_false(file_exists(s->path, ".status"));
    make_companion(s->path, ".status");
    write_file(s->path, "a database of some size", 23);
    sb__markers_forget_missing(s->path);
    assert_true(file_exists(s->path, ".status"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_markers__status_file_lists_the_phases, in_status_file,
                                        scratch_free),
        cmocka_unit_test_setup_teardown(test_markers__status_file_of_any_kind_can_be_read,
                                        in_status_file, scratch_free),
        cmocka_unit_test_setup_teardown(test_markers__attributes_are_those_of_the_contract,
                                        in_attributes, scratch_free),
        cmocka_unit_test_setup_teardown(test_markers__status_of_a_missing_database_is_forgotten,
                                        in_status_file, scratch_free),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
