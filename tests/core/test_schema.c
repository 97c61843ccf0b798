/* Creation, verification and migration of databases, by path and through runners. */
#include "files_testing.h"

#include <sys/wait.h>
#include <time.h>

#include "config.h"
#include "runner_sqlite.h"
#include "schema.h"

static const char all_objects[] =
    "messages|CREATE TABLE messages (\n"
    "    id INTEGER PRIMARY KEY AUTOINCREMENT,\n"
    "    queue TEXT NOT NULL,\n"
    "    body TEXT NOT NULL,\n"
    "    ts INTEGER NOT NULL UNIQUE,\n"
    "    claimed INTEGER DEFAULT 0\n"
    ")\n"
    "sqlite_autoindex_messages_1|NULL\n"
    "sqlite_sequence|CREATE TABLE sqlite_sequence(name,seq)\n"
    "idx_messages_queue_ts_id|CREATE INDEX idx_messages_queue_ts_id\n"
    "ON messages(queue, ts, id)\n\n"
    "idx_messages_unclaimed|CREATE INDEX idx_messages_unclaimed\n"
    "ON messages(queue, claimed, id)\n"
    "WHERE claimed = 0\n\n"
    "idx_messages_pending_queue_ts|CREATE INDEX idx_messages_pending_queue_ts\n"
    "ON messages(queue, ts)\n"
    "WHERE claimed = 0\n\n"
    "meta|CREATE TABLE meta (\n"
    "    key TEXT PRIMARY KEY,\n"
    "    value INTEGER NOT NULL\n"
    ")\n"
    "sqlite_autoindex_meta_1|NULL\n"
    "queue_aliases|CREATE TABLE queue_aliases (\n"
    "    alias TEXT PRIMARY KEY,\n"
    "    target TEXT NOT NULL\n"
    ")\n"
    "sqlite_autoindex_queue_aliases_1|NULL\n"
    "idx_queue_aliases_target|CREATE INDEX idx_queue_aliases_target ON queue_aliases(target)\n\n"
    "idx_messages_ts_unique|CREATE UNIQUE INDEX idx_messages_ts_unique\n"
    "ON messages(ts)\n\n";
static const char list_sql[] = "SELECT name, sql FROM sqlite_master";
static const char names_sql[] = "SELECT name FROM sqlite_master WHERE name NOT LIKE 'sqlite_%' "
                                "ORDER BY name";
static const char all_names[] =
    "idx_messages_pending_queue_ts\nidx_messages_queue_ts_id\nidx_messages_ts_unique\n"
    "idx_messages_unclaimed\nidx_queue_aliases_target\nmessages\nmeta\nqueue_aliases\n";
static const char meta_sql[] = "SELECT key, value, typeof(value) FROM meta ORDER BY key";

/* Opens and closes a path as a broker would. */
static sb_status prepare(scratch *s, const sb_options *options)
{
    sb__runner runner;
    sb_status status = sb__sqlite_runner_new(&runner, s->path);

    if (!status) {
        status = sb__sqlite_prepare(&runner, sb__config_settings(s->config), s->config, options);
        sb__runner_dispose(&runner);
    }
    return status;
}

/* A file is refused, and neither it nor the directory has changed. */
static void assert_refused_unchanged(scratch *s, sb_status expected, const char *message)
{
    size_t size, size_after;
    char *before = read_file(&size, s->path), *after;
    int entries = count_entries(s->directory);

    assert_status(expected, prepare(s, NULL));
    assert_message(message);
    assert_message(s->path);
    after = read_file(&size_after, s->path);
    assert_int_equal(size_after, size);
    assert_memory_equal(after, before, size);
    assert_int_equal(count_entries(s->directory), entries);
    free(before);
    free(after);
}

static void test_prepare__new_file_has_the_schema_to_the_character(void **state)
{
    scratch *s = *state;

    assert_ok(prepare(s, NULL));
    assert_sqlite_rows(s->path, list_sql, all_objects);
    assert_sqlite_rows(s->path, "SELECT * FROM meta",
                       "last_ts|0\nalias_version|0\nmagic|simplebroker-v1\nschema_version|5\n");
    assert_sqlite_rows(s->path,
                       "PRAGMA auto_vacuum; PRAGMA journal_mode; PRAGMA user_version; "
                       "PRAGMA application_id; PRAGMA integrity_check",
                       "2\nwal\n0\n0\nok\n");
    assert_true(file_exists(s->path, ".lock"));
    assert_false(file_exists(s->path, "-wal"));
}

static void test_prepare__existing_empty_file_is_new(void **state)
{
    scratch *s = *state;

    write_file(s->path, "", 0);
    assert_ok(prepare(s, NULL));
    assert_sqlite_rows(s->path, list_sql, all_objects);
    assert_sqlite_rows(s->path, "PRAGMA auto_vacuum", "2\n");
}

static void test_prepare__second_open_changes_nothing(void **state)
{
    scratch *s = *state;
    size_t size, size_after;
    char *before, *after;

    assert_ok(prepare(s, NULL));
    before = read_file(&size, s->path);
    assert_ok(prepare(s, NULL));
    after = read_file(&size_after, s->path);
    assert_int_equal(size_after, size);
    assert_memory_equal(after, before, size);
    free(before);
    free(after);
}

static void test_prepare__lock_file_is_made_again(void **state)
{
    scratch *s = *state;
    char lock[160];

    assert_ok(prepare(s, NULL));
    snprintf(lock, sizeof lock, "%s.lock", s->path);
    assert_int_equal(unlink(lock), 0);
    assert_ok(prepare(s, NULL));
    assert_true(file_exists(lock, ""));
}

static void test_prepare__missing_directories_are_made(void **state)
{
    scratch *s = *state;

    snprintf(s->path, sizeof s->path, "%s/a/b/c.db", s->directory);
    assert_ok(prepare(s, NULL));
    assert_true(file_exists(s->path, ""));
}

static void test_prepare__path_is_taken_literally(void **state)
{
    scratch *s = *state;

    snprintf(s->path, sizeof s->path, "%s/a?mode=ro#%%20 b.db", s->directory);
    assert_ok(prepare(s, NULL));
    assert_true(file_exists(s->path, ""));
    assert_ok(prepare(s, NULL));
}

static void test_prepare__wrong_magic_is_refused_unchanged(void **state)
{
    scratch *s = *state;

    sqlite_exec(s->path, VERSION_1_TABLES "INSERT INTO meta VALUES ('magic', 'other');");
    assert_refused_unchanged(s, SB_ERUNTIME,
                             "Database magic string mismatch. Expected 'simplebroker-v1', found "
                             "'other'");
    sqlite_exec(s->path, "UPDATE meta SET value = 17 WHERE key = 'magic'");
    assert_refused_unchanged(s, SB_ERUNTIME, "found '17'");
}

static void test_prepare__newer_schema_is_refused_unchanged(void **state)
{
    scratch *s = *state;

    sqlite_exec(s->path, VERSION_1_TABLES MAGIC_ROW
                "UPDATE meta SET value = 6 WHERE key = 'schema_version'");
    assert_refused_unchanged(s, SB_ERUNTIME,
                             "schema version 6 is newer than supported version 5");
}

static void test_prepare__meta_of_another_shape_is_refused_unchanged(void **state)
{
    scratch *s = *state;

    sqlite_exec(s->path, "CREATE TABLE meta (name, setting)");
    assert_refused_unchanged(s, SB_EOPERATIONAL, "not one of SimpleBroker's");
    sqlite_exec(s->path, "DROP TABLE meta; CREATE TABLE meta (key, value);"
                         "INSERT INTO meta VALUES ('schema_version', '1.0-beta')");
    assert_refused_unchanged(s, SB_ERUNTIME, "'1.0-beta' is not a number");
}

static void test_prepare__other_files_are_refused_unchanged(void **state)
{
    scratch *s = *state;
    char zeros[4096] = "";

    write_file(s->path, "x", 1);
    assert_refused_unchanged(s, SB_EDATABASE, "exists but is not a valid SQLite database");
    write_file(s->path, "a text of more than a header's length", 37);
    assert_refused_unchanged(s, SB_EDATABASE, "exists but is not a valid SQLite database");
    write_file(s->path, zeros, sizeof zeros);
    assert_refused_unchanged(s, SB_EDATABASE, "exists but is not a valid SQLite database");
}

static void test_prepare__damaged_file_is_refused_unchanged(void **state)
{
    scratch *s = *state;
    size_t size;
    char *bytes;

    sqlite_exec(s->path, VERSION_1_TABLES MAGIC_ROW TWO_MESSAGES);
    bytes = read_file(&size, s->path);
    memset(bytes + 4096, 0xA5, size - 4096);
    write_file(s->path, bytes, size);
    assert_refused_unchanged(s, SB_EDATABASE, "malformed");
    write_file(s->path, bytes, 4096 + 100);
    assert_refused_unchanged(s, SB_EDATABASE, "malformed");
    free(bytes);
}

static void test_prepare__directory_is_refused(void **state)
{
    scratch *s = *state;

    snprintf(s->path, sizeof s->path, "%s", s->directory);
    assert_status(SB_EDATABASE, prepare(s, NULL));
    assert_message("not a valid SQLite database");
}

static void test_prepare__refusal_takes_no_pauses(void **state)
{
    scratch *s = *state;
    struct timespec begin, end;

    write_file(s->path, "a text of more than a header's length", 37);
    clock_gettime(CLOCK_MONOTONIC, &begin);
    assert_status(SB_EDATABASE, prepare(s, NULL));
    clock_gettime(CLOCK_MONOTONIC, &end);
    assert_true(end.tv_sec - begin.tv_sec < 2);
}

static void test_prepare__database_without_meta_is_adopted(void **state)
{
    scratch *s = *state;

    sqlite_exec(s->path, "CREATE TABLE mine (a); INSERT INTO mine VALUES (1), (2)");
    assert_ok(prepare(s, NULL));
    assert_sqlite_rows(s->path, "SELECT * FROM mine", "1\n2\n");
    assert_sqlite_rows(s->path, meta_sql,
                       "alias_version|0|integer\nlast_ts|0|integer\n"
                       "magic|simplebroker-v1|text\nschema_version|5|integer\n");
    assert_sqlite_rows(s->path, "PRAGMA journal_mode", "wal\n");
}

static void test_prepare__missing_magic_is_filled_in(void **state)
{
    scratch *s = *state;

    sqlite_exec(s->path, "CREATE TABLE meta (key TEXT PRIMARY KEY, value INTEGER NOT NULL);"
                         "INSERT INTO meta VALUES ('mine', 1)");
    assert_ok(prepare(s, NULL));
    assert_sqlite_rows(s->path, meta_sql,
                       "alias_version|0|integer\nlast_ts|0|integer\nmagic|simplebroker-v1|text\n"
                       "mine|1|integer\nschema_version|5|integer\n");
}

static void assert_migrates(scratch *s, const char *sql)
{
    sqlite_exec(s->path, sql);
    assert_ok(prepare(s, NULL));
    assert_sqlite_rows(s->path, names_sql, all_names);
    assert_sqlite_rows(s->path, "SELECT key, value FROM meta ORDER BY key",
                       "alias_version|0\nlast_ts|7\nmagic|simplebroker-v1\nschema_version|5\n");
    assert_sqlite_rows(s->path, "SELECT queue, body, ts, claimed FROM messages",
                       "q|one|5|0\nq|two|6|0\n");
    assert_int_equal(unlink(s->path), 0);
}

#define CLAIMED_COLUMN                                                                             \
    "ALTER TABLE messages ADD COLUMN claimed INTEGER DEFAULT 0;"                                   \
    "CREATE INDEX idx_messages_unclaimed ON messages(queue, claimed, id) WHERE claimed = 0;"
#define UNIQUE_TS "CREATE UNIQUE INDEX idx_messages_ts_unique ON messages(ts);"
#define VERSION(n) "UPDATE meta SET value = " #n " WHERE key = 'schema_version';"

static void test_prepare__every_older_schema_is_migrated(void **state)
{
    scratch *s = *state;

    assert_migrates(s, VERSION_1_TABLES TWO_MESSAGES);
    assert_migrates(s, VERSION_1_TABLES MAGIC_ROW TWO_MESSAGES);
    assert_migrates(s, VERSION_1_TABLES MAGIC_ROW TWO_MESSAGES
                    "DELETE FROM meta WHERE key = 'schema_version'");
    assert_migrates(s, VERSION_1_TABLES MAGIC_ROW TWO_MESSAGES CLAIMED_COLUMN);
    assert_migrates(s, VERSION_1_TABLES MAGIC_ROW TWO_MESSAGES CLAIMED_COLUMN VERSION(2));
    assert_migrates(s, VERSION_1_TABLES MAGIC_ROW TWO_MESSAGES CLAIMED_COLUMN UNIQUE_TS
                    VERSION(3));
    assert_migrates(s, VERSION_1_TABLES MAGIC_ROW TWO_MESSAGES CLAIMED_COLUMN UNIQUE_TS
                    "CREATE TABLE queue_aliases (alias TEXT PRIMARY KEY, target TEXT NOT NULL);"
                    "INSERT INTO meta VALUES ('alias_version', 0);" VERSION(4));
    assert_migrates(s, VERSION_1_TABLES MAGIC_ROW TWO_MESSAGES VERSION(5));
}

static void test_prepare__duplicate_ids_stop_the_migration(void **state)
{
    scratch *s = *state;

    sqlite_exec(s->path, VERSION_1_TABLES MAGIC_ROW TWO_MESSAGES CLAIMED_COLUMN VERSION(2)
                "UPDATE messages SET ts = 5");
    assert_status(SB_ERUNTIME, prepare(s, NULL));
    assert_message("Cannot add unique constraint on timestamp column: ");
    assert_sqlite_rows(s->path, "SELECT value FROM meta WHERE key = 'schema_version'", "2\n");
    sqlite_exec(s->path, "UPDATE messages SET ts = id");
    assert_ok(prepare(s, NULL));
    assert_sqlite_rows(s->path, names_sql, all_names);
}

static void test_prepare__dropped_index_is_made_again(void **state)
{
    scratch *s = *state;

    assert_ok(prepare(s, NULL));
    sqlite_exec(s->path, "DROP INDEX idx_messages_pending_queue_ts");
    assert_ok(prepare(s, NULL));
    assert_sqlite_rows(s->path, names_sql, all_names);
}

static void test_prepare__messages_table_of_another_shape_is_kept(void **state)
{
    scratch *s = *state;

    sqlite_exec(s->path, "CREATE TABLE messages (id INTEGER PRIMARY KEY, extra, queue, body, ts);"
                         "INSERT INTO messages (extra, queue, body, ts) VALUES ('e', 'q', 'b', 1)");
    assert_ok(prepare(s, NULL));
    assert_sqlite_rows(s->path, "SELECT * FROM messages", "1|e|q|b|1|0\n");
}

static void test_prepare__processes_that_race_all_succeed(void **state)
{
    enum { PROCESSES = 8 };
    scratch *s = *state;
    pid_t children[PROCESSES];
    int gate[2], failures = 0;
    char byte;

    assert_int_equal(pipe(gate), 0);
    for (int i = 0; i < PROCESSES; i++) {
        children[i] = fork();
        assert_true(children[i] >= 0);
        if (!children[i]) {
            close(gate[1]);
            _exit(read(gate[0], &byte, 1) != 0 || prepare(s, NULL) != SB_OK);
        }
    }
    close(gate[0]);
    close(gate[1]);
    for (int i = 0; i < PROCESSES; i++) {
        int result;

        assert_int_equal(waitpid(children[i], &result, 0), children[i]);
        failures += !WIFEXITED(result) || WEXITSTATUS(result) != 0;
    }
    assert_int_equal(failures, 0);
    assert_sqlite_rows(s->path, list_sql, all_objects);
}

/* A process that holds a foreign exclusive lock for so long. */
static pid_t lock_out(scratch *s, int milliseconds)
{
    int ready[2];
    char byte;
    pid_t child;

    assert_int_equal(pipe(ready), 0);
    child = fork();
    if (!child) {
        struct timespec pause = {milliseconds / 1000, milliseconds % 1000 * 1000000L};
        sqlite3 *db;
        int code = sqlite3_open(s->path, &db);

        if (code == SQLITE_OK) {
            code = sqlite3_exec(db, "BEGIN EXCLUSIVE", NULL, NULL, NULL);
        }
        if (code != SQLITE_OK || write(ready[1], "x", 1) != 1) {
            _exit(1);
        }
        nanosleep(&pause, NULL);
        sqlite3_close(db);
        _exit(0);
    }
    assert_true(child > 0);
    close(ready[1]);
    assert_int_equal(read(ready[0], &byte, 1), 1);
    close(ready[0]);
    return child;
}

static void test_prepare__foreign_lock_is_waited_out(void **state)
{
    scratch *s = *state;
    int result;
    pid_t child;

    sqlite_exec(s->path, "CREATE TABLE mine (a)");
    child = lock_out(s, 700);
    assert_ok(prepare(s, NULL));
    assert_int_equal(waitpid(child, &result, 0), child);
    assert_int_equal(result, 0);
    assert_sqlite_rows(s->path, "SELECT count(*) FROM meta", "4\n");
}

static void test_prepare__foreign_lock_is_waited_for_as_long_as_allowed(void **state)
{
    scratch *s = *state;
    sb_options options;
    int result;
    pid_t child;

    sqlite_exec(s->path, "CREATE TABLE mine (a)");
    child = lock_out(s, 1500);
    assert_ok(sb_options_init(&options, SB_OPTIONS_VERSION));
    options.timeout_ms = 100;
    assert_status(SB_EOPERATIONAL, prepare(s, &options));
    assert_message("database is locked");
    assert_int_equal(waitpid(child, &result, 0), child);
    options.timeout_ms = -1;
    assert_ok(prepare(s, &options));
}

static void test_prepare__waiting_can_be_cancelled(void **state)
{
    scratch *s = *state;
    sb_options options;
    int result;
    pid_t child;

    sqlite_exec(s->path, "CREATE TABLE mine (a)");
    child = lock_out(s, 300);
    assert_ok(sb_options_init(&options, SB_OPTIONS_VERSION));
    assert_ok(sb_cancel_new(&options.cancel));
    sb_cancel_set(options.cancel);
    assert_status(SB_CANCELLED, prepare(s, &options));
    sb_cancel_free(options.cancel);
    assert_int_equal(waitpid(child, &result, 0), child);
}

/* ---- through a runner ----------------------------------------------------------------------- */

/* An application's runner over its own connection, which counts what it is asked. */
struct foreign {
    sqlite3 *db;
    int statements, transactions, phases;
    int deaf; /* delivers no rows, as a mock would */
};

static sb_status foreign_exec(struct foreign *foreign, const char *sql)
{
    return sqlite3_exec(foreign->db, sql, NULL, NULL, NULL) == SQLITE_OK
               ? SB_OK
               : sb_error_set(SB_EOPERATIONAL, sqlite3_errmsg(foreign->db), (size_t)SB_NTS, -1);
}

static sb_status foreign_step(struct foreign *foreign, sqlite3_stmt *statement, sb_rows *rows)
{
    int code;

    while ((code = sqlite3_step(statement)) == SQLITE_ROW) {
        sb_values *row = sb_values_new();
        sb_status status;

        for (int i = 0; i < sqlite3_column_count(statement); i++) {
            if (sqlite3_column_type(statement, i) == SQLITE_TEXT) {
                sb_values_add_text(row, (const char *)sqlite3_column_text(statement, i),
                                   (size_t)sqlite3_column_bytes(statement, i));
            } else {
                sb_values_add_int64(row, sqlite3_column_int64(statement, i));
            }
        }
        status = rows && !foreign->deaf ? sb_rows_push(rows, row) : SB_OK;
        sb_values_free(row);
        if (status) {
            return status;
        }
    }
    return code == SQLITE_DONE ? SB_OK
                               : sb_error_set(SB_EOPERATIONAL, sqlite3_errmsg(foreign->db),
                                              (size_t)SB_NTS, -1);
}

static sb_status foreign_run(void *payload, const char *sql, size_t sql_len,
                             const sb_values *params, sb_rows *rows)
{
    struct foreign *foreign = payload;
    sqlite3_stmt *statement = NULL;
    sb_status status;

    foreign->statements++;
    if (sqlite3_prepare_v2(foreign->db, sql, (int)sql_len, &statement, NULL) != SQLITE_OK) {
        return sb_error_set(SB_EOPERATIONAL, sqlite3_errmsg(foreign->db), (size_t)SB_NTS, -1);
    }
    for (size_t i = 0; i < sb_values_count(params); i++) {
        sqlite3_bind_int64(statement, (int)i + 1, sb_values_int64(params, i));
    }
    status = foreign_step(foreign, statement, rows);
    sqlite3_finalize(statement);
    return status;
}

static sb_status foreign_begin(void *payload)
{
    ((struct foreign *)payload)->transactions++;
    return foreign_exec(payload, "BEGIN IMMEDIATE");
}

static sb_status foreign_commit(void *payload)
{
    return foreign_exec(payload, "COMMIT");
}

static sb_status foreign_rollback(void *payload)
{
    return foreign_exec(payload, "ROLLBACK");
}

static sb_status foreign_setup(void *payload, sb_setup_phase phase)
{
    struct foreign *foreign = payload;

    foreign->phases = foreign->phases * 10 + (int)phase;
    return SB_OK;
}

static void foreign_open(struct foreign *foreign, sb__runner *runner, const char *path)
{
    memset(foreign, 0, sizeof *foreign);
    memset(runner, 0, sizeof *runner);
    assert_int_equal(sqlite3_open(path, &foreign->db), SQLITE_OK);
    assert_ok(sb_runner_init(&runner->calls, SB_RUNNER_VERSION));
    runner->calls.run = foreign_run;
    runner->calls.begin_immediate = foreign_begin;
    runner->calls.commit = foreign_commit;
    runner->calls.rollback = foreign_rollback;
    runner->calls.setup = foreign_setup;
    runner->payload = foreign;
}

static void test_setup_runner__creates_through_the_runner_alone(void **state)
{
    scratch *s = *state;
    struct foreign foreign;
    sb__runner runner;

    foreign_open(&foreign, &runner, s->path);
    assert_ok(sb__schema_setup_runner(&runner, sb__config_settings(s->config), NULL));
    assert_int_equal(foreign.transactions, 1);
    assert_int_equal(foreign.phases, 13);
    assert_sqlite_rows(s->path, list_sql, all_objects);
    foreign.statements = 0;
    assert_ok(sb__schema_setup_runner(&runner, sb__config_settings(s->config), NULL));
    assert_int_equal(foreign.statements, 2);
    assert_int_equal(foreign.transactions, 1);
    sqlite3_close(foreign.db);
    assert_false(file_exists(s->path, ".lock"));
}

static void test_setup_runner__migrates_through_the_runner_alone(void **state)
{
    scratch *s = *state;
    struct foreign foreign;
    sb__runner runner;

    sqlite_exec(s->path, VERSION_1_TABLES TWO_MESSAGES);
    foreign_open(&foreign, &runner, s->path);
    assert_ok(sb__schema_setup_runner(&runner, sb__config_settings(s->config), NULL));
    sqlite3_close(foreign.db);
    assert_sqlite_rows(s->path, names_sql, all_names);
}

static void test_setup_runner__refuses_without_a_change(void **state)
{
    scratch *s = *state;
    struct foreign foreign;
    sb__runner runner;

    sqlite_exec(s->path, VERSION_1_TABLES "INSERT INTO meta VALUES ('magic', 'other');");
    foreign_open(&foreign, &runner, s->path);
    assert_status(SB_ERUNTIME,
                  sb__schema_setup_runner(&runner, sb__config_settings(s->config), NULL));
    assert_message("magic string mismatch");
    assert_int_equal(foreign.transactions, 0);
    sqlite3_close(foreign.db);
}

static void test_setup_runner__mock_without_rows_is_set_up_once(void **state)
{
    scratch *s = *state;
    struct foreign foreign;
    sb__runner runner;

    foreign_open(&foreign, &runner, s->path);
    foreign.deaf = 1;
    assert_ok(sb__schema_setup_runner(&runner, sb__config_settings(s->config), NULL));
    assert_int_equal(foreign.transactions, 1);
    sqlite3_close(foreign.db);
}

static void test_setup_runner__adopted_transaction_takes_it_along(void **state)
{
    scratch *s = *state;
    sb__runner runner;
    sqlite3 *db;

    assert_int_equal(sqlite3_open(s->path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, "CREATE TABLE mine (a); BEGIN; INSERT INTO mine VALUES (1)",
                                  NULL, NULL, NULL),
                     SQLITE_OK);
    assert_ok(sb__sqlite_runner_adopt(&runner, db));
    assert_ok(sb__schema_setup_runner(&runner, sb__config_settings(s->config), NULL));
    assert_false(sqlite3_get_autocommit(db));
    sb__runner_dispose(&runner);
    assert_int_equal(sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
    assert_sqlite_rows(s->path, names_sql, "mine\n");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, scratch_new, scratch_free)
    const struct CMUnitTest tests[] = {
        TEST(test_prepare__new_file_has_the_schema_to_the_character),
        TEST(test_prepare__existing_empty_file_is_new),
        TEST(test_prepare__second_open_changes_nothing),
        TEST(test_prepare__lock_file_is_made_again),
        TEST(test_prepare__missing_directories_are_made),
        TEST(test_prepare__path_is_taken_literally),
        TEST(test_prepare__wrong_magic_is_refused_unchanged),
        TEST(test_prepare__newer_schema_is_refused_unchanged),
        TEST(test_prepare__meta_of_another_shape_is_refused_unchanged),
        TEST(test_prepare__other_files_are_refused_unchanged),
        TEST(test_prepare__damaged_file_is_refused_unchanged),
        TEST(test_prepare__directory_is_refused),
        TEST(test_prepare__refusal_takes_no_pauses),
        TEST(test_prepare__database_without_meta_is_adopted),
        TEST(test_prepare__missing_magic_is_filled_in),
        TEST(test_prepare__every_older_schema_is_migrated),
        TEST(test_prepare__duplicate_ids_stop_the_migration),
        TEST(test_prepare__dropped_index_is_made_again),
        TEST(test_prepare__messages_table_of_another_shape_is_kept),
        TEST(test_prepare__processes_that_race_all_succeed),
        TEST(test_prepare__foreign_lock_is_waited_out),
        TEST(test_prepare__foreign_lock_is_waited_for_as_long_as_allowed),
        TEST(test_prepare__waiting_can_be_cancelled),
        TEST(test_setup_runner__creates_through_the_runner_alone),
        TEST(test_setup_runner__migrates_through_the_runner_alone),
        TEST(test_setup_runner__refuses_without_a_change),
        TEST(test_setup_runner__mock_without_rows_is_set_up_once),
        TEST(test_setup_runner__adopted_transaction_takes_it_along),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
