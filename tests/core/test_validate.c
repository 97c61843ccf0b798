/* Validation of files that may be anything, without adopting or changing them. */
#include "files_testing.h"

#include <sys/wait.h>

#include "validate.h"

static void make_broker(const char *path)
{
    sqlite_exec(path, "PRAGMA journal_mode = WAL;" VERSION_1_TABLES MAGIC_ROW);
}

static void assert_invalid(const char *path, const char *message)
{
    assert_status(SB_EDATABASE, sb__sqlite_file_validate(path));
    assert_message(message);
    assert_message(path);
}

static void test_validate__broker_of_any_schema_passes(void **state)
{
    scratch *s = *state;

    make_broker(s->path);
    assert_ok(sb__sqlite_file_validate(s->path));
    sqlite_exec(s->path, "UPDATE meta SET value = 99 WHERE key = 'schema_version'");
    assert_ok(sb__sqlite_file_validate(s->path));
}

static void test_validate__path_is_taken_literally(void **state)
{
    scratch *s = *state;
    char path[160];

    snprintf(path, sizeof path, "%s/x?immutable=1#%%41.db", s->directory);
    make_broker(path);
    assert_ok(sb__sqlite_file_validate(path));
    assert_int_equal(sb__sqlite_file_has_header(path), 1);
    snprintf(path, sizeof path, "%s/xA.db", s->directory);
    assert_invalid(path, "Database file does not exist: ");
}

static void test_validate__reasons_are_told(void **state)
{
    scratch *s = *state;
    char zeros[4096] = "";

    assert_invalid(s->path, "Database file does not exist: ");
    write_file(s->path, "", 0);
    assert_invalid(s->path, "File is not a valid SQLite database (invalid header): ");
    write_file(s->path, "x", 1);
    assert_invalid(s->path, "File is not a valid SQLite database (invalid header): ");
    write_file(s->path, "a text of more than a header's length", 37);
    assert_invalid(s->path, "File is not a valid SQLite database (invalid header): ");
    write_file(s->path, zeros, sizeof zeros);
    assert_invalid(s->path, "File is not a valid SQLite database (invalid header): ");
    write_file(s->path, "SQLite format 3\0garbage", 23);
    assert_invalid(s->path, "File is not a valid SQLite database (invalid header): ");
    assert_int_equal(unlink(s->path), 0);
    sqlite_exec(s->path, "CREATE TABLE mine (a)");
    assert_invalid(s->path, "(no such table: meta)");
    sqlite_exec(s->path, "CREATE TABLE meta (key TEXT PRIMARY KEY, value INTEGER NOT NULL)");
    assert_invalid(s->path, "Database is missing SimpleBroker metadata: ");
    sqlite_exec(s->path, "INSERT INTO meta VALUES ('magic', 'other')");
    assert_invalid(s->path,
                   "Database has incorrect magic string (not a SimpleBroker database): ");
    assert_int_equal(mkdir(strcat(s->path, ".directory"), 0755), 0);
    assert_invalid(s->path, "Path exists but is not a regular file: ");
}

static void test_validate__damaged_file_is_refused(void **state)
{
    scratch *s = *state;
    size_t size;
    char *bytes;

    make_broker(s->path);
    bytes = read_file(&size, s->path);
    write_file(s->path, bytes, 4096);
    free(bytes);
    assert_invalid(s->path, "Database corruption or invalid format: ");
    assert_int_equal(sb__sqlite_file_has_header(s->path), 1);
}

static void test_validate__nothing_is_made_or_changed(void **state)
{
    scratch *s = *state;
    size_t size, size_after;
    char *before, *after;

    sqlite_exec(s->path, "CREATE TABLE mine (a)");
    before = read_file(&size, s->path);
    assert_invalid(s->path, "no such table");
    assert_int_equal(sb__sqlite_file_has_header(s->path), 1);
    after = read_file(&size_after, s->path);
    assert_int_equal(size, size_after);
    assert_memory_equal(before, after, size);
    assert_int_equal(count_entries(s->directory), 1);
    free(before);
    free(after);
}

/* The message that a user without privileges gets, in a child process. */
static void assert_invalid_for_a_user(scratch *s, const char *message)
{
    enum { NOBODY = 65534 };
    int result;
    pid_t child = fork();

    if (!child) {
        if (geteuid() == 0 &&
            (chown(s->directory, NOBODY, NOBODY) || chown(s->path, NOBODY, NOBODY) ||
             setgid(NOBODY) || setuid(NOBODY))) {
            _exit(2);
        }
        _exit(sb__sqlite_file_validate(s->path) != SB_EDATABASE ||
              !strstr(sb_error_message(NULL), message));
    }
    assert_int_equal(waitpid(child, &result, 0), child);
    assert_int_equal(result, 0);
}

static void test_validate__permissions_are_checked(void **state)
{
    scratch *s = *state;

    make_broker(s->path);
    assert_int_equal(chmod(s->path, 0444), 0);
    assert_invalid_for_a_user(s, "Database file is not readable/writable: ");
    assert_int_equal(chmod(s->path, 0644), 0);
    assert_int_equal(chmod(s->directory, 0555), 0);
    assert_invalid_for_a_user(s, "Parent directory is not accessible: ");
    assert_int_equal(chmod(s->directory, 0), 0);
    assert_invalid_for_a_user(s, "Cannot inspect database file ");
    assert_int_equal(chmod(s->directory, 0755), 0);
}

static void test_has_header__only_of_databases(void **state)
{
    scratch *s = *state;

    assert_int_equal(sb__sqlite_file_has_header(s->path), 0);
    assert_int_equal(sb__sqlite_file_has_header(s->directory), 0);
    write_file(s->path, "x", 1);
    assert_int_equal(sb__sqlite_file_has_header(s->path), 0);
    write_file(s->path, "a text of more than a header's length", 37);
    assert_int_equal(sb__sqlite_file_has_header(s->path), 0);
    assert_int_equal(unlink(s->path), 0);
    sqlite_exec(s->path, "CREATE TABLE mine (a)");
    assert_int_equal(sb__sqlite_file_has_header(s->path), 1);
}

static int foreign_can_write(const char *path)
{
    int result;
    pid_t child = fork();

    if (!child) {
        sqlite3 *db;

        _exit(sqlite3_open(path, &db) != SQLITE_OK ||
              sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL) != SQLITE_OK);
    }
    assert_int_equal(waitpid(child, &result, 0), child);
    return result == 0;
}

/* Closing a descriptor of a database would drop the locks of this process's connections. */
static void test_looks__leave_locks_of_live_connections_alone(void **state)
{
    scratch *s = *state;
    sqlite3 *db;

    sqlite_exec(s->path, VERSION_1_TABLES MAGIC_ROW);
    assert_int_equal(sqlite3_open(s->path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
    assert_false(foreign_can_write(s->path));
    assert_int_equal(sb__sqlite_file_has_header(s->path), 1);
    assert_ok(sb__sqlite_file_validate(s->path));
    assert_false(foreign_can_write(s->path));
    sqlite3_close(db);
    assert_true(foreign_can_write(s->path));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, scratch_new, scratch_free)
    const struct CMUnitTest tests[] = {
        TEST(test_validate__broker_of_any_schema_passes),
        TEST(test_validate__path_is_taken_literally),
        TEST(test_validate__reasons_are_told),
        TEST(test_validate__damaged_file_is_refused),
        TEST(test_validate__nothing_is_made_or_changed),
        TEST(test_validate__permissions_are_checked),
        TEST(test_has_header__only_of_databases),
        TEST(test_looks__leave_locks_of_live_connections_alone),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
