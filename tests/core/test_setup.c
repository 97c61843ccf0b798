/* The parts of a set-up, as runners made outside the core use them. */
#include "testing.h"

#include <sqlite3.h>

#define NTS ((size_t)SB_NTS)

/* One answer of SQLite as a text; "" where there is none. */
static void ask(char out[64], const char *path, const char *sql)
{
    sqlite3 *db = NULL;
    sqlite3_stmt *statement = NULL;

    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &statement, NULL), SQLITE_OK);
    *out = '\0';
    if (sqlite3_step(statement) == SQLITE_ROW) {
        snprintf(out, 64, "%s", (const char *)sqlite3_column_text(statement, 0));
    }
    sqlite3_finalize(statement);
    sqlite3_close(db);
}

static void test_setup__file_is_made_without_tables(void **state)
{
    scratch *s = *state;
    char path[160], answer[64];

    snprintf(path, sizeof path, "%s/a/b/new.db", s->directory);
    assert_ok(sb_setup_file(path, NTS, NULL, NULL));
    ask(answer, path, "PRAGMA journal_mode");
    assert_string_equal(answer, "wal");
    ask(answer, path, "SELECT count(*) FROM sqlite_master");
    assert_string_equal(answer, "0");
    assert_ok(sb_setup_is_done(path, NTS, SB_SETUP_CONNECTION));
    assert_status(SB_EMPTY, sb_setup_is_done(path, NTS, SB_SETUP_SCHEMA));
    assert_ok(sb_setup_file(path, NTS, NULL, NULL));
}

static void test_setup__other_files_are_refused(void **state)
{
    static const char *const contents[] = {"x", "short of a header", "this is a text and no "
                                           "database, though it is longer than a header"};
    scratch *s = *state;

    for (size_t i = 0; i < sizeof contents / sizeof contents[0]; i++) {
        FILE *file = fopen(s->path, "w");

        assert_non_null(file);
        fputs(contents[i], file);
        fclose(file);
        assert_status(SB_EDATABASE, sb_setup_file(s->path, NTS, NULL, NULL));
        assert_message("not a valid SQLite database");
        assert_message(s->path);
    }
}

static void test_setup__marks_are_kept_by_the_database(void **state)
{
    scratch *s = *state;

    assert_ok(sb_setup_is_done(s->path, NTS, SB_SETUP_SCHEMA));
    assert_ok(sb_setup_mark(s->path, NTS, SB_SETUP_OPTIMIZATION));
    assert_ok(sb_setup_is_done(s->path, NTS, SB_SETUP_OPTIMIZATION));
}

static void test_setup__lock_excludes(void **state)
{
    scratch *s = *state;
    sb_setup_lock *first = NULL, *second = NULL;
    sb_options options;

    assert_ok(sb_options_init(&options, SB_OPTIONS_VERSION));
    options.timeout_ms = 10;
    assert_ok(sb_setup_lock_take(&first, s->path, NTS, NULL));
    assert_ok(sb_setup_file(s->path, NTS, first, &options));
    assert_status(SB_EOPERATIONAL, sb_setup_file(s->path, NTS, NULL, &options));
    assert_status(SB_EOPERATIONAL, sb_setup_lock_take(&second, s->path, NTS, &options));
    assert_int_equal(sb_error_retryable(NULL), 1);
    assert_null(second);
    sb_setup_lock_release(first);
    assert_ok(sb_setup_lock_take(&second, s->path, NTS, &options));
    sb_setup_lock_release(second);
}

/* ---- through a runner ----------------------------------------------------------------------- */

static sb_status run(void *payload, const char *sql, size_t sql_len, const sb_values *params,
                     sb_rows *rows)
{
    sqlite3_stmt *statement;
    sb_status status = SB_OK;

    (void)sql_len;
    if (sqlite3_prepare_v2(payload, sql, -1, &statement, NULL) != SQLITE_OK) {
        return sb_error_set(SB_EOPERATIONAL, sqlite3_errmsg(payload), NTS, -1);
    }
    if (sb_values_count(params)) {
        sqlite3_bind_int64(statement, 1, sb_values_int64(params, 0));
    }
    while (!status && sqlite3_step(statement) == SQLITE_ROW) {
        sb_values *row = sb_values_new();

        for (int c = 0; c < sqlite3_column_count(statement); c++) {
            if (sqlite3_column_type(statement, c) == SQLITE_INTEGER) {
                sb_values_add_int64(row, sqlite3_column_int64(statement, c));
            } else {
                sb_values_add_text(row, (const char *)sqlite3_column_text(statement, c), NTS);
            }
        }
        status = rows ? sb_rows_push(rows, row) : SB_OK;
        sb_values_free(row);
    }
    sqlite3_finalize(statement);
    return status;
}

static int64_t stored(const sb_runner *runner, sqlite3 *db, sb_stored_value which)
{
    sb_values *values = sb_values_new();
    int64_t value;

    assert_ok(sb_runner_read(values, runner, db, which));
    assert_int_equal(sb_values_count(values), 1);
    value = sb_values_int64(values, 0);
    sb_values_free(values);
    return value;
}

static void test_setup__stored_values_and_settings_through_a_runner(void **state)
{
    scratch *s = *state;
    sb_values *values = sb_values_new();
    sqlite3 *db = NULL;
    sb_runner runner;
    size_t len;

    assert_ok(sb_runner_init(&runner, SB_RUNNER_VERSION));
    runner.run = run;
    assert_int_equal(sqlite3_open(s->path, &db), SQLITE_OK);
    assert_ok(sb_runner_read(values, &runner, db, SB_STORED_MAGIC));
    assert_string_equal(sb_values_text(&len, values, 0), "simplebroker-v1");
    assert_int_equal(stored(&runner, db, SB_STORED_SCHEMA_VERSION), SB_SCHEMA_VERSION);
    assert_int_equal(stored(&runner, db, SB_STORED_LAST_TS), 0);
    assert_int_equal(stored(&runner, db, SB_STORED_ALIAS_VERSION), 0);
    assert_true(stored(&runner, db, SB_STORED_DATA_VERSION) > 0);
    assert_true(stored(&runner, db, SB_STORED_SIZE) > 0);
    assert_status(SB_EINVALID, sb_runner_read(values, &runner, db, (sb_stored_value)0));
    assert_status(SB_EINVALID, sb_runner_read(values, &runner, db, (sb_stored_value)7));

    assert_ok(sb_runner_advance(&runner, db, 7));
    assert_status(SB_EMPTY, sb_runner_advance(&runner, db, 7));
    assert_status(SB_EINVALID, sb_runner_advance(&runner, db, -1));
    assert_int_equal(stored(&runner, db, SB_STORED_LAST_TS), 7);
    assert_int_equal(sqlite3_exec(db, "DELETE FROM meta", NULL, NULL, NULL), SQLITE_OK);
    assert_status(SB_EMPTY, sb_runner_read(values, &runner, db, SB_STORED_LAST_TS));

    assert_ok(sb_runner_apply_settings(&runner, db, s->config));
    assert_status(SB_EINVALID, sb_runner_apply_settings(&runner, db, NULL));
    sqlite3_close(db);
    sb_values_free(values);
}

static void hear(void *count, sb_warning kind, const char *message)
{
    assert_int_equal(kind, SB_WARN_CONFIG);
    assert_non_null(strstr(message, "BROKER_WAL_AUTOCHECKPOINT"));
    ++*(int *)count;
}

static void test_setup__a_negative_checkpoint_setting_is_the_default(void **state)
{
    static const char key[] = "BROKER_WAL_AUTOCHECKPOINT";
    scratch *s = *state;
    sqlite3_stmt *statement = NULL;
    sqlite3 *db = NULL;
    sb_runner runner;
    int warnings = 0;

    assert_ok(sb_runner_init(&runner, SB_RUNNER_VERSION));
    runner.run = run;
    assert_int_equal(sqlite3_open(s->path, &db), SQLITE_OK);
    assert_ok(sb_config_on_warning(s->config, hear, &warnings, NULL));
    assert_ok(sb_config_set_int64(s->config, key, SB_NTS, -5));
    assert_ok(sb_runner_apply_settings(&runner, db, s->config));
    assert_int_equal(warnings, 1);
    assert_int_equal(sqlite3_prepare_v2(db, "PRAGMA wal_autocheckpoint", -1, &statement, NULL),
                     SQLITE_OK);
    assert_int_equal(sqlite3_step(statement), SQLITE_ROW);
    assert_int_equal(sqlite3_column_int(statement, 0), 1000);
    sqlite3_finalize(statement);
    sqlite3_close(db);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_setup__file_is_made_without_tables, scratch_new,
                                        scratch_free),
        cmocka_unit_test_setup_teardown(test_setup__other_files_are_refused, scratch_new,
                                        scratch_free),
        cmocka_unit_test_setup_teardown(test_setup__marks_are_kept_by_the_database, scratch_open,
                                        scratch_free),
        cmocka_unit_test_setup_teardown(test_setup__lock_excludes, scratch_open, scratch_free),
        cmocka_unit_test_setup_teardown(test_setup__stored_values_and_settings_through_a_runner,
                                        scratch_open, scratch_free),
        cmocka_unit_test_setup_teardown(test_setup__a_negative_checkpoint_setting_is_the_default,
                                        scratch_open, scratch_free),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
