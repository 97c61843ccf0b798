/* Companion files, and making, checking and removing what a target stands for. */
#include "files_testing.h"

#include <sys/wait.h>

#include "files.h"
#include "netfs.h"

static sb_target *target_of(const char *path)
{
    sb_target *target;

    assert_ok(sb_target_sqlite(&target, path, (size_t)SB_NTS));
    return target;
}

static sb_status init(scratch *s)
{
    sb_target *target = target_of(s->path);
    sb_status status = sb_init(target, s->config);

    sb_target_free(target);
    return status;
}

static sb_status cleanup(scratch *s)
{
    sb_target *target = target_of(s->path);
    sb_status status = sb_cleanup(target, s->config);

    sb_target_free(target);
    return status;
}

static sb_status verify(scratch *s)
{
    sb_target *target = target_of(s->path);
    sb_status status = sb_target_verify(target, s->config);

    sb_target_free(target);
    return status;
}

static void test_status_temporary__has_two_numbers_and_no_more(void **state)
{
    (void)state;
    assert_true(sb__is_status_temporary("a.db.status.tmp.1.2", "a.db"));
    assert_true(sb__is_status_temporary("a.db.status.tmp.123.00456", "a.db"));
    assert_false(sb__is_status_temporary("a.db.status.tmp.1.2x", "a.db"));
    assert_false(sb__is_status_temporary("a.db.status.tmp.1.2.3", "a.db"));
    assert_false(sb__is_status_temporary("a.db.status.tmp.1.", "a.db"));
    assert_false(sb__is_status_temporary("a.db.status.tmp..2", "a.db"));
    assert_false(sb__is_status_temporary("a.db.status.tmp.-1.2", "a.db"));
    assert_false(sb__is_status_temporary("xa.db.status.tmp.1.2", "a.db"));
    assert_false(sb__is_status_temporary("a.db.status.tmp.\xD9\xA1.2", "a.db"));
    assert_false(sb__is_status_temporary("a.db.status", "a.db"));
}

static void test_init__creates_once(void **state)
{
    scratch *s = *state;
    size_t size, size_after;
    char *before, *after;

    assert_status(SB_EDATABASE, verify(s));
    assert_message("Database file does not exist: ");
    assert_ok(init(s));
    assert_ok(verify(s));
    before = read_file(&size, s->path);
    assert_status(SB_EXISTS, init(s));
    after = read_file(&size_after, s->path);
    assert_int_equal(size, size_after);
    assert_memory_equal(before, after, size);
    free(before);
    free(after);
}

static void test_init__other_files_are_refused(void **state)
{
    scratch *s = *state;

    write_file(s->path, "", 0);
    assert_status(SB_EDATABASE, init(s));
    assert_message("File exists but is not a SimpleBroker database: ");
    write_file(s->path, "a text of more than a header's length", 37);
    assert_status(SB_EDATABASE, init(s));
    assert_int_equal(unlink(s->path), 0);
    sqlite_exec(s->path, "CREATE TABLE mine (a)");
    assert_status(SB_EDATABASE, init(s));
    assert_message("File exists but is not a SimpleBroker database: ");
    assert_int_equal(count_entries(s->directory), 1);
}

static void test_init__processes_that_race_all_succeed(void **state)
{
    enum { PROCESSES = 8 };
    scratch *s = *state;
    pid_t children[PROCESSES];
    int gate[2], made = 0, found = 0;
    char byte;

    assert_int_equal(pipe(gate), 0);
    for (int i = 0; i < PROCESSES; i++) {
        children[i] = fork();
        if (!children[i]) {
            sb_status status;

            close(gate[1]);
            status = read(gate[0], &byte, 1) == 0 ? init(s) : SB_ERROR;
            _exit(status >= 0 ? (int)status : 100);
        }
        assert_true(children[i] > 0);
    }
    close(gate[0]);
    close(gate[1]);
    for (int i = 0; i < PROCESSES; i++) {
        int result;

        assert_int_equal(waitpid(children[i], &result, 0), children[i]);
        assert_true(WIFEXITED(result));
        made += WEXITSTATUS(result) == SB_OK;
        found += WEXITSTATUS(result) == SB_EXISTS;
    }
    assert_int_equal(made + found, PROCESSES);
    assert_true(made >= 1);
    assert_ok(verify(s));
}

static void test_init__arguments_are_checked(void **state)
{
    scratch *s = *state;
    sb_target *target = target_of(s->path);

    assert_status(SB_EINVALID, sb_init(NULL, s->config));
    assert_status(SB_EINVALID, sb_init(target, NULL));
    assert_status(SB_EINVALID, sb_cleanup(NULL, s->config));
    assert_status(SB_EINVALID, sb_cleanup(target, NULL));
    assert_status(SB_EINVALID, sb_target_verify(NULL, s->config));
    assert_status(SB_EINVALID, sb_target_verify(target, NULL));
    sb_target_free(target);
}

static void test_cleanup__removes_every_file_of_the_database(void **state)
{
    static const char *const suffixes[] = {".status", ".vacuum.lock", ".status.tmp.1.2",
                                           ".status.tmp.44.5"};
    scratch *s = *state;

    assert_ok(init(s));
    for (size_t i = 0; i < sizeof suffixes / sizeof suffixes[0]; i++) {
        make_companion(s->path, suffixes[i]);
    }
    make_companion(s->path, ".lock.backup");
    make_companion(s->path, ".status.tmp.1.2x");
    assert_ok(cleanup(s));
    assert_true(file_exists(s->path, ".lock.backup"));
    assert_true(file_exists(s->path, ".status.tmp.1.2x"));
    assert_int_equal(count_entries(s->directory), 2);
    assert_status(SB_EMPTY, cleanup(s));
}

static void test_cleanup__leftovers_of_a_missing_database_count(void **state)
{
    scratch *s = *state;

    make_companion(s->path, ".lock");
    make_companion(s->path, "-wal");
    assert_ok(cleanup(s));
    assert_int_equal(count_entries(s->directory), 0);
    snprintf(s->path, sizeof s->path, "%s/none/x.db", s->directory);
    assert_status(SB_EMPTY, cleanup(s));
    assert_int_equal(count_entries(s->directory), 0);
}

static void test_cleanup__other_files_are_refused_before_anything_goes(void **state)
{
    scratch *s = *state;

    sqlite_exec(s->path, "CREATE TABLE mine (a)");
    make_companion(s->path, ".lock");
    assert_status(SB_EDATABASE, cleanup(s));
    assert_int_equal(count_entries(s->directory), 2);
    sqlite_exec(s->path, "CREATE TABLE meta (key, value); INSERT INTO meta VALUES ('magic', 'x')");
    assert_status(SB_EDATABASE, cleanup(s));
    assert_message("incorrect magic string");
    assert_int_equal(count_entries(s->directory), 2);
}

static void test_cleanup__failures_are_all_told_and_the_rest_goes(void **state)
{
    scratch *s = *state;
    char vacuum[160], status[160];
    const char *first, *second;

    assert_ok(init(s));
    snprintf(vacuum, sizeof vacuum, "%s.vacuum.lock", s->path);
    snprintf(status, sizeof status, "%s.status", s->path);
    assert_int_equal(mkdir(vacuum, 0755), 0);
    assert_int_equal(mkdir(status, 0755), 0);
    assert_status(SB_EDATABASE, cleanup(s));
    assert_message("other entries may already be gone; failed attempts: unlink ");
    first = strstr(sb_error_message(NULL), status);
    second = strstr(sb_error_message(NULL), vacuum);
    assert_true(first && second && first < second);
    assert_int_equal(count_entries(s->directory), 2);
}

static void test_cleanup__link_and_its_files_stay(void **state)
{
    scratch *s = *state;
    char link[160], outside[160];

    assert_ok(init(s));
    snprintf(outside, sizeof outside, "%s/outside", s->directory);
    write_file(outside, "x", 1);
    snprintf(link, sizeof link, "%s.vacuum.lock", s->path);
    assert_int_equal(symlink(outside, link), 0);
    snprintf(link, sizeof link, "%s/link.db", s->directory);
    assert_int_equal(symlink(s->path, link), 0);
    make_companion(link, ".lock");
    snprintf(s->path, sizeof s->path, "%s/link.db", s->directory);
    assert_ok(cleanup(s));
    assert_true(file_exists(link, ""));
    assert_true(file_exists(link, ".lock"));
    assert_true(file_exists(outside, ""));
    assert_int_equal(count_entries(s->directory), 3);
}

static void test_make_parents__file_in_the_way_is_an_error(void **state)
{
    scratch *s = *state;
    char path[200];

    write_file(s->path, "x", 1);
    snprintf(path, sizeof path, "%s/below.db", s->path);
    assert_status(SB_EIO, sb__files_make_parents(path));
    snprintf(path, sizeof path, "%s/further/below.db", s->path);
    assert_status(SB_EIO, sb__files_make_parents(path));
}

static void test_network_fs__local_directories_are_none(void **state)
{
    scratch *s = *state;

    assert_int_equal(sb__is_network_fs("/proc"), 0);
    assert_int_equal(sb__is_network_fs("/proc/none/such/path"), 0);
    assert_int_equal(sb__is_network_fs("none"), sb__is_network_fs("."));
    assert_int_equal(sb__is_network_fs(s->path), sb__is_network_fs(s->directory));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, scratch_new, scratch_free)
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_status_temporary__has_two_numbers_and_no_more),
        TEST(test_init__creates_once),
        TEST(test_init__other_files_are_refused),
        TEST(test_init__processes_that_race_all_succeed),
        TEST(test_init__arguments_are_checked),
        TEST(test_cleanup__removes_every_file_of_the_database),
        TEST(test_cleanup__leftovers_of_a_missing_database_count),
        TEST(test_cleanup__other_files_are_refused_before_anything_goes),
        TEST(test_cleanup__failures_are_all_told_and_the_rest_goes),
        TEST(test_cleanup__link_and_its_files_stay),
        TEST(test_make_parents__file_in_the_way_is_an_error),
        TEST(test_network_fs__local_directories_are_none),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
