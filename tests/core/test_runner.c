/*
 * Foreign runners: a vtable of this test over its own SQLite connection, which records and fails on
 * demand, and an application's connection adopted as it is.
 */
#include "testing.h"

#include <sqlite3.h>

#define NTS ((size_t)SB_NTS)

typedef struct recorder {
    sqlite3 *db;
    int statements;   /* run so far */
    int inserts;      /* statements with INSERT INTO messages */
    int begins, commits, rollbacks;
    int fail_at;      /* the statement that fails, counted from 1; 0: none */
    sb_status fail_with; /* returned without a word instead of a failure; SB_OK: not */
    int destroyed;
    int in_transaction;
    int misuse;       /* commit or rollback outside a transaction */
    int deaf;         /* does not hear what sb_rows_push() answers */
} recorder;

static sb_status sqlite_failed(sqlite3 *db)
{
    const char *message = sqlite3_errmsg(db);

    return sb_error_set(sqlite3_errcode(db) == SQLITE_CONSTRAINT ? SB_EINTEGRITY : SB_EOPERATIONAL,
                        message, strlen(message), -1);
}

static void bind(sqlite3_stmt *statement, const sb_values *params)
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

static sb_status push_row(sb_rows *rows, sqlite3_stmt *statement)
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

static sb_status run(void *payload, const char *sql, size_t sql_len, const sb_values *params,
                     sb_rows *rows)
{
    recorder *r = payload;
    sqlite3_stmt *statement;
    sb_status status = SB_OK;
    int code;

    r->statements++;
    r->inserts += strstr(sql, "INSERT INTO messages") != NULL;
    if (r->fail_at && r->statements == r->fail_at) {
        return r->fail_with ? r->fail_with
                            : sb_error_set(SB_EUSER, "this runner fails on demand", NTS, 0);
    }
    if (sqlite3_prepare_v2(r->db, sql, (int)sql_len, &statement, NULL) != SQLITE_OK) {
        return sqlite_failed(r->db);
    }
    bind(statement, params);
    while ((code = sqlite3_step(statement)) == SQLITE_ROW && !status) {
        status = rows ? push_row(rows, statement) : SB_OK;
        status = r->deaf ? SB_OK : status;
    }
    if (code != SQLITE_ROW && code != SQLITE_DONE) {
        status = sqlite_failed(r->db);
    }
    sqlite3_finalize(statement);
    return status;
}

static sb_status exec(recorder *r, const char *sql)
{
    return sqlite3_exec(r->db, sql, NULL, NULL, NULL) == SQLITE_OK ? SB_OK : sqlite_failed(r->db);
}

static sb_status begin_immediate(void *payload)
{
    recorder *r = payload;

    r->begins++;
    r->in_transaction = 1;
    return exec(r, "BEGIN IMMEDIATE");
}

static sb_status commit(void *payload)
{
    recorder *r = payload;

    r->commits++;
    r->misuse += !r->in_transaction;
    r->in_transaction = 0;
    return exec(r, "COMMIT");
}

static sb_status rollback(void *payload)
{
    recorder *r = payload;

    r->rollbacks++;
    r->misuse += !r->in_transaction;
    r->in_transaction = 0;
    return exec(r, "ROLLBACK");
}

static void destroy(void *payload)
{
    ((recorder *)payload)->destroyed++;
}

static sb_runner vtable(void)
{
    sb_runner runner;

    assert_ok(sb_runner_init(&runner, SB_RUNNER_VERSION));
    runner.run = run;
    runner.begin_immediate = begin_immediate;
    runner.commit = commit;
    runner.rollback = rollback;
    return runner;
}

static sb_broker *open_over(recorder *r, scratch *s)
{
    sb_runner runner = vtable();
    sb_broker *broker;

    memset(r, 0, sizeof *r);
    assert_int_equal(sqlite3_open(":memory:", &r->db), SQLITE_OK);
    assert_ok(sb_open_runner(&broker, &runner, r, destroy, s->config, NULL));
    return broker;
}

static void close_over(recorder *r, sb_broker *broker)
{
    sb_close(broker);
    assert_int_equal(r->destroyed, 1);
    assert_int_equal(r->misuse, 0);
    assert_int_equal(r->in_transaction, 0);
    sqlite3_close(r->db);
}

static void test_runner__sees_one_transaction_and_one_insert_for_a_write(void **state)
{
    recorder r;
    sb_broker *broker = open_over(&r, *state);

    r.begins = r.commits = r.inserts = r.statements = 0;
    put(broker, "q", "x");
    assert_int_equal(r.begins, 1);
    assert_int_equal(r.commits, 1);
    assert_int_equal(r.inserts, 1);
    assert_int_equal(r.statements, 2);
    close_over(&r, broker);
}

static void test_runner__carries_every_operation(void **state)
{
    recorder r;
    sb_broker *broker = open_over(&r, *state);
    sb_messages *messages;
    int64_t count = 0;

    put(broker, "q", "1");
    put(broker, "q", "2");
    put(broker, "q", "3");
    assert_claims(broker, "q", "1");
    assert_ok(sb_move(&messages, broker, "q", 1, "r", 1, 1, NULL));
    sb_messages_free(messages);
    assert_ok(sb_peek(&messages, broker, "r", 1, 1, NULL));
    assert_bodies(messages, "2", NULL);
    sb_messages_free(messages);
    assert_ok(sb_broadcast(&count, broker, "all", 3, NULL, 0, NULL));
    assert_int_equal(count, 2);
    assert_ok(sb_delete_queue(&count, broker, "q", 1, NULL));
    assert_int_equal(count, 3);
    assert_ok(sb_rename(&count, NULL, broker, "r", 1, "s", 1, NULL));
    assert_int_equal(count, 2);
    assert_ok(sb_alias_add(broker, "a", 1, "s", 1, NULL));
    assert_ok(sb_vacuum(NULL, broker, NULL) == SB_EMPTY ? SB_OK : SB_ERROR);
    close_over(&r, broker);
}

static void test_runner__failure_rolls_back_and_comes_out_as_it_is(void **state)
{
    recorder r;
    sb_broker *broker = open_over(&r, *state);

    r.rollbacks = 0;
    r.fail_at = r.statements + 2;
    assert_status(SB_EUSER, sb_write(NULL, broker, "q", 1, "x", 1, NULL));
    assert_string_equal(sb_error_message(NULL), "this runner fails on demand");
    assert_int_equal(sb_error_retryable(NULL), 0);
    assert_int_equal(r.rollbacks, 1);
    r.fail_at = 0;
    assert_pending(broker, "q", 0);
    put(broker, "q", "x");
    close_over(&r, broker);
}

static sb_status stop_at_first_row(void *payload, const sb_values *row)
{
    (void)row;
    return ++*(int *)payload == 1 ? SB_EUSER : SB_OK;
}

static void test_runner__that_pushes_on_is_stopped_all_the_same(void **state)
{
    recorder r;
    sb_broker *broker = open_over(&r, *state);
    sb_messages *messages;
    int rows = 0;

    r.deaf = 1;
    assert_status(SB_EUSER, sb_meta_list(broker, NULL, stop_at_first_row, &rows));
    assert_int_equal(rows, 1);
    put(broker, "q", "1");
    put(broker, "q", "2");
    assert_ok(sb_peek(&messages, broker, "q", 1, 1, NULL));
    assert_bodies(messages, "1", NULL);
    sb_messages_free(messages);
    close_over(&r, broker);
}

/* Fails the first statement, then the second, until opening succeeds. */
static void test_open_runner__any_failing_statement_leaves_nothing_open(void **state)
{
    scratch *s = *state;
    sb_runner runner = vtable();
    sb_status status = SB_ERROR;

    for (int at = 1; status; at++) {
        recorder r = {.fail_at = at};
        sb_broker *broker;

        assert_int_equal(sqlite3_open(":memory:", &r.db), SQLITE_OK);
        status = sb_open_runner(&broker, &runner, &r, destroy, s->config, NULL);
        assert_true(status == SB_OK || status == SB_EUSER);
        assert_true(status == SB_OK || broker == NULL);
        sb_close(broker);
        assert_int_equal(r.destroyed, 1);
        assert_int_equal(r.in_transaction, 0);
        assert_int_equal(sqlite3_close(r.db), SQLITE_OK);
    }
}

/* A runner has no expected "no" to give: what it says must not pass for an answer of the library. */
static void test_open_runner__a_positive_status_is_a_failure(void **state)
{
    scratch *s = *state;
    sb_runner runner = vtable();
    sb_status status = SB_ERROR;

    for (int at = 1; status; at++) {
        recorder r = {.fail_at = at, .fail_with = SB_EMPTY};
        sb_broker *broker;

        assert_int_equal(sqlite3_open(":memory:", &r.db), SQLITE_OK);
        status = sb_open_runner(&broker, &runner, &r, destroy, s->config, NULL);
        assert_true(status == SB_OK || status == SB_EUSER);
        assert_true(status == SB_OK || strstr(sb_error_message(NULL), "without saying why"));
        sb_close(broker);
        assert_int_equal(sqlite3_close(r.db), SQLITE_OK);
    }
}

static void test_open_runner__without_required_members_is_refused(void **state)
{
    scratch *s = *state;
    recorder r = {.db = NULL};
    sb_runner runner = vtable();
    sb_broker *broker;

    runner.commit = NULL;
    assert_status(SB_EINVALID, sb_open_runner(&broker, &runner, &r, destroy, s->config, NULL));
    assert_int_equal(r.destroyed, 1);
    assert_status(SB_EINVALID, sb_open_runner(&broker, NULL, &r, destroy, s->config, NULL));
    assert_int_equal(r.destroyed, 2);
    assert_status(SB_EINVALID, sb_runner_init(&runner, 99));
}

static void test_adopted_connection__makes_a_write_part_of_the_applications_transaction(
    void **state)
{
    scratch *s = *state;
    sb_broker *broker;
    sqlite3 *db;

    assert_int_equal(sqlite3_open(s->path, &db), SQLITE_OK);
    assert_ok(sb_open_sqlite(&broker, db, s->config, NULL));
    assert_int_equal(sb_broker_has_safe_checkpoints(broker), 0);
    assert_int_equal(sqlite3_exec(db, "CREATE TABLE orders (n); BEGIN; INSERT INTO orders VALUES "
                                      "(1)", NULL, NULL, NULL), SQLITE_OK);
    put(broker, "q", "rolled back");
    assert_int_equal(sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL), SQLITE_OK);
    assert_pending(broker, "q", 0);
    assert_int_equal(sqlite3_exec(db, "BEGIN; INSERT INTO orders VALUES (2)", NULL, NULL, NULL),
                     SQLITE_OK);
    put(broker, "q", "committed");
    assert_int_equal(sqlite3_exec(db, "COMMIT", NULL, NULL, NULL), SQLITE_OK);
    assert_claims(broker, "q", "committed");
    sb_close(broker);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

#define SCRATCH_TEST(name) cmocka_unit_test_setup_teardown(name, scratch_new, scratch_free)

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCRATCH_TEST(test_runner__sees_one_transaction_and_one_insert_for_a_write),
        SCRATCH_TEST(test_runner__carries_every_operation),
        SCRATCH_TEST(test_runner__failure_rolls_back_and_comes_out_as_it_is),
        SCRATCH_TEST(test_runner__that_pushes_on_is_stopped_all_the_same),
        SCRATCH_TEST(test_open_runner__any_failing_statement_leaves_nothing_open),
        SCRATCH_TEST(test_open_runner__a_positive_status_is_a_failure),
        SCRATCH_TEST(test_open_runner__without_required_members_is_refused),
        SCRATCH_TEST(test_adopted_connection__makes_a_write_part_of_the_applications_transaction),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
