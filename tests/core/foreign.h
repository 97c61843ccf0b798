/*
 * A broker over a runner of the test's own, which has nothing but the required members: no counter
 * of changes, so that the library has to ask with RETURNING. EVERY_RUNNER(test) runs a test over
 * the built-in runner and over this one.
 */
#ifndef SB_TESTING_FOREIGN_H
#define SB_TESTING_FOREIGN_H

#include "testing.h"

#include <sqlite3.h>

#define NTS ((size_t)SB_NTS)

static inline sb_status foreign_failed(sqlite3 *db)
{
    int code = sqlite3_errcode(db) & 0xff;

    return sb_error_set(code == SQLITE_CONSTRAINT ? SB_EINTEGRITY : SB_EOPERATIONAL,
                        sqlite3_errmsg(db), NTS, -1);
}

static inline void foreign_bind(sqlite3_stmt *statement, const sb_values *params)
{
    for (size_t i = 0; i < sb_values_count(params); i++) {
        size_t len;
        const char *text = sb_values_text(&len, params, i);

        if (text) {
            sqlite3_bind_text(statement, (int)i + 1, text, (int)len, SQLITE_TRANSIENT);
        } else {
            sqlite3_bind_int64(statement, (int)i + 1, sb_values_int64(params, i));
        }
    }
}

static inline sb_status foreign_push(sb_rows *rows, sqlite3_stmt *statement)
{
    sb_values *row = sb_values_new();
    sb_status status;

    for (int c = 0; c < sqlite3_column_count(statement); c++) {
        if (sqlite3_column_type(statement, c) == SQLITE_INTEGER) {
            sb_values_add_int64(row, sqlite3_column_int64(statement, c));
        } else if (sqlite3_column_type(statement, c) == SQLITE_NULL) {
            sb_values_add_null(row);
        } else {
            sb_values_add_text(row, (const char *)sqlite3_column_text(statement, c),
                               (size_t)sqlite3_column_bytes(statement, c));
        }
    }
    status = sb_rows_push(rows, row);
    sb_values_free(row);
    return status;
}

static inline sb_status foreign_run(void *payload, const char *sql, size_t sql_len,
                                    const sb_values *params, sb_rows *rows)
{
    sqlite3 *db = payload;
    sqlite3_stmt *statement;
    sb_status status = SB_OK;
    int code = SQLITE_DONE;

    if (sqlite3_prepare_v2(db, sql, (int)sql_len, &statement, NULL) != SQLITE_OK) {
        return foreign_failed(db);
    }
    foreign_bind(statement, params);
    while (!status && (code = sqlite3_step(statement)) == SQLITE_ROW) {
        status = rows ? foreign_push(rows, statement) : SB_OK;
    }
    if (!status && code != SQLITE_DONE) {
        status = foreign_failed(db);
    }
    sqlite3_finalize(statement);
    return status;
}

static inline sb_status foreign_exec(sqlite3 *db, const char *sql)
{
    return sqlite3_exec(db, sql, NULL, NULL, NULL) == SQLITE_OK ? SB_OK : foreign_failed(db);
}

static inline sb_status foreign_begin(void *payload)
{
    return foreign_exec(payload, "BEGIN IMMEDIATE");
}

static inline sb_status foreign_commit(void *payload)
{
    return foreign_exec(payload, "COMMIT");
}

static inline sb_status foreign_rollback(void *payload)
{
    return foreign_exec(payload, "ROLLBACK");
}

static inline void foreign_destroy(void *payload)
{
    sqlite3_close(payload);
}

/* As scratch_open(), over the runner above. */
static inline int scratch_open_foreign(void **state)
{
    scratch *s;
    sb_runner runner;
    sqlite3 *db;

    if (scratch_new(state)) {
        return -1;
    }
    s = *state;
    if (sqlite3_open(s->path, &db) != SQLITE_OK || sb_runner_init(&runner, SB_RUNNER_VERSION)) {
        return -1;
    }
    runner.run = foreign_run;
    runner.begin_immediate = foreign_begin;
    runner.commit = foreign_commit;
    runner.rollback = foreign_rollback;
    return sb_open_runner(&s->broker, &runner, db, foreign_destroy, s->config, NULL);
}

#define EVERY_RUNNER(test)                                                                         \
    cmocka_unit_test_setup_teardown(test, scratch_open, scratch_free),                             \
    {                                                                                              \
        #test "__foreign_runner", test, scratch_open_foreign, scratch_free, NULL                   \
    }

/* Default options with one thing set. */
static inline sb_options with_flags(uint32_t flags)
{
    sb_options options;

    assert_ok(sb_options_init(&options, SB_OPTIONS_VERSION));
    options.flags = flags;
    return options;
}

static inline sb_options with_bounds(int64_t after, int64_t before)
{
    sb_options options = with_flags(0);

    options.after = after;
    options.before = before;
    return options;
}

/* The list of NUL-terminated texts; the last argument is NULL. */
static inline sb_strings *strings(const char *first, ...)
{
    sb_strings *list = sb_strings_new();
    va_list texts;

    va_start(texts, first);
    for (const char *text = first; text; text = va_arg(texts, const char *)) {
        assert_ok(sb_strings_add(list, text, NTS));
    }
    va_end(texts);
    return list;
}

/* Claims one message, whatever it is. */
static inline void take(sb_broker *broker, const char *queue)
{
    sb_messages *messages;

    assert_ok(sb_claim(&messages, broker, queue, NTS, 1, NULL));
    sb_messages_free(messages);
}

static inline void assert_claimed(sb_broker *broker, const char *queue, int64_t expected)
{
    int64_t claimed = -1;

    assert_ok(sb_queue_stats(NULL, &claimed, broker, queue, NTS, NULL));
    assert_int_equal(claimed, expected);
}

static inline sb_status keep_int64(void *payload, const sb_values *row)
{
    *(int64_t *)payload = sb_values_int64(row, 0);
    return SB_OK;
}

/* The first number that a statement gives. */
static inline int64_t ask_sql(sb_broker *broker, const char *sql)
{
    int64_t number = -1;

    assert_ok(sb_sidecar_run(broker, sql, NTS, NULL, NULL, keep_int64, &number));
    return number;
}

static inline void run_sql(sb_broker *broker, const char *sql)
{
    assert_ok(sb_sidecar_run(broker, sql, NTS, NULL, NULL, NULL, NULL));
}

#endif
