/* The application's own SQL beside the queues. */
#include "foreign.h"

static sb_status run(sb_broker *broker, const char *sql, const sb_options *options)
{
    return sb_sidecar_run(broker, sql, NTS, NULL, options, NULL, NULL);
}

static void test_sidecar__values_go_in_and_rows_come_out(void **state)
{
    sb_broker *broker = ((scratch *)*state)->broker;
    sb_values *params = sb_values_new();
    int64_t n = -1;

    assert_ok(run(broker, "CREATE TABLE own (t TEXT, n INTEGER)", NULL));
    assert_ok(sb_values_add_text(params, "a", 1));
    assert_ok(sb_values_add_int64(params, INT64_MAX));
    assert_ok(sb_sidecar_run(broker, "INSERT INTO own VALUES (?, ?) RETURNING n", NTS, params, NULL,
                             keep_int64, &n));
    assert_int_equal(n, INT64_MAX);
    assert_int_equal(ask_sql(broker, "SELECT count(*) FROM own WHERE t = 'a'"), 1);
    assert_int_equal(ask_sql(broker, "WITH x(n) AS (VALUES (7)) SELECT n FROM x"), 7);
    assert_ok(run(broker, "WITH x(n) AS (VALUES (7)) INSERT INTO own SELECT 'b', n FROM x", NULL));
    assert_int_equal(ask_sql(broker, "SELECT n FROM own WHERE t = 'b'"), 7);
    sb_values_free(params);
}

static void test_values__a_lent_text_is_not_copied(void **state)
{
    static const char text[] = "lent";
    sb_values *values = sb_values_new();
    size_t len;

    (void)state;
    assert_ok(sb_values_lend_text(values, text, NTS));
    assert_ok(sb_values_lend_text(values, text, 2));
    assert_ptr_equal(sb_values_text(&len, values, 0), text);
    assert_int_equal(len, 4);
    assert_ptr_equal(sb_values_text(&len, values, 1), text);
    assert_int_equal(len, 2);
    sb_values_clear(values);
    assert_int_equal(sb_values_count(values), 0);
    sb_values_free(values);
}

static void test_values__adding_one_clears_the_last_error(void **state)
{
    sb_values *values = sb_values_new();

    (void)state;
    assert_status(SB_EINVALID, sb_values_add_text(values, NULL, 0));
    assert_ok(sb_values_add_int64(values, 1));
    assert_int_equal(sb_error_status(NULL), SB_OK);
    assert_status(SB_EINVALID, sb_values_add_blob(values, NULL, 1));
    assert_ok(sb_values_add_text(values, "x", NTS));
    assert_int_equal(sb_error_status(NULL), SB_OK);
    assert_status(SB_ENOMEM, sb_values_add_blob(values, "x", SIZE_MAX));
    assert_int_equal(sb_values_count(values), 2);
    sb_values_free(values);
}

static void test_sidecar__refuses_transaction_control(void **state)
{
    sb_broker *broker = ((scratch *)*state)->broker;
    static const char *const refused[] = {
        "BEGIN", "begin immediate", "  COMMIT", "END", "ROLLBACK", "SAVEPOINT x",
        "RELEASE x", "ATTACH ':memory:' AS other", "DETACH other", "-- a comment\nBEGIN",
        "/* one */ /* two */BEGIN", ";;BEGIN", "\xEF\xBB\xBF" "COMMIT", "/**/--\n\tbegin;",
    };

    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
        assert_status(SB_EINVALID, run(broker, refused[i], NULL));
        assert_message("not allowed in sidecar SQL");
    }
    assert_status(SB_EINVALID, sb_sidecar_run(broker, NULL, 0, NULL, NULL, NULL, NULL));
    put(broker, "q", "the handle stays usable");
}

static void test_sidecar__comments_may_follow_the_statement(void **state)
{
    sb_broker *broker = ((scratch *)*state)->broker;

    assert_ok(run(broker, "SELECT 1; -- a comment", NULL));
    assert_ok(run(broker, "SELECT 1 ; ;; /* one */ -- two\n ; ", NULL));
    assert_status(SB_EINVALID, run(broker, "SELECT 1; /* one */ ; SELECT 2", NULL));
    assert_status(SB_EINVALID, run(broker, "SELECT 1; nonsense", NULL));
}

static void test_sidecar__odd_texts_fail_without_harm(void **state)
{
    sb_broker *broker = ((scratch *)*state)->broker;
    static const char *const odd[] = {"SELEC 1", "/* open", "/*", "-- only", "'", "(",
                                      "SELECT * FROM missing"};

    for (size_t i = 0; i < sizeof odd / sizeof odd[0]; i++) {
        assert_true(run(broker, odd[i], NULL) < 0);
    }
    assert_true(run(broker, "SELECT 1; SELECT 2", NULL) < 0);
    assert_true(run(broker, "SELECT ?", NULL) < 0);
    put(broker, "q", "the handle stays usable");
}

static void test_sidecar__text_ends_at_its_length(void **state)
{
    sb_broker *broker = ((scratch *)*state)->broker;
    static const char text[] = "SELECT 7; SELECT 8";
    static const char with_nul[] = "SELECT 7\0; SELECT 8";
    int64_t n = -1;

    assert_ok(sb_sidecar_run(broker, text, strlen("SELECT 7"), NULL, NULL, keep_int64, &n));
    assert_int_equal(n, 7);
    assert_status(SB_EINVALID, sb_sidecar_run(broker, with_nul, sizeof with_nul - 1, NULL, NULL,
                                              keep_int64, &n));
}

static sb_status refuse(void *payload, const sb_values *row)
{
    (void)payload;
    (void)row;
    return SB_EUSER;
}

static sb_status refuse_with_reason(void *payload, const sb_values *row)
{
    (void)payload;
    (void)row;
    return sb_error_set(SB_EUSER, "my reason", NTS, 0);
}

static void test_sidecar__a_callback_that_fails_undoes_the_statement(void **state)
{
    sb_broker *broker = ((scratch *)*state)->broker;
    static const char insert[] = "INSERT INTO own VALUES (1), (2) RETURNING n";

    assert_ok(run(broker, "CREATE TABLE own (n)", NULL));
    assert_status(SB_EUSER, sb_sidecar_run(broker, insert, NTS, NULL, NULL, refuse, NULL));
    assert_status(SB_EUSER,
                  sb_sidecar_run(broker, insert, NTS, NULL, NULL, refuse_with_reason, NULL));
    assert_message("my reason");
    assert_int_equal(ask_sql(broker, "SELECT count(*) FROM own"), 0);
}

static void test_sidecar__constraints_are_integrity(void **state)
{
    sb_broker *broker = ((scratch *)*state)->broker;

    assert_ok(run(broker, "CREATE TABLE own (n UNIQUE)", NULL));
    assert_ok(run(broker, "INSERT INTO own VALUES (1)", NULL));
    assert_status(SB_EINTEGRITY, run(broker, "INSERT INTO own VALUES (2), (1)", NULL));
    assert_message("UNIQUE constraint failed: own.n");
    assert_int_equal(ask_sql(broker, "SELECT count(*) FROM own"), 1);
}

static void test_sidecar__vanishes_with_its_transaction(void **state)
{
    sb_broker *broker = ((scratch *)*state)->broker;
    sb_options options = with_flags(0);

    assert_ok(run(broker, "CREATE TABLE own (n)", NULL));
    assert_ok(sb_txn_begin(&options.txn, broker, NULL));
    assert_ok(run(broker, "INSERT INTO own VALUES (1)", &options));
    assert_ok(sb_write(NULL, broker, "q", 1, "x", 1, &options));
    assert_status(SB_EINVALID, run(broker, "COMMIT", &options));
    assert_status(SB_EBUSY_OWNER, run(broker, "INSERT INTO own VALUES (2)", NULL));
    sb_txn_rollback(options.txn);
    assert_int_equal(ask_sql(broker, "SELECT count(*) FROM own"), 0);
    assert_pending(broker, "q", 0);
}

static void test_sidecar__tables_survive_vacuum_and_delete(void **state)
{
    sb_broker *broker = ((scratch *)*state)->broker;
    sb_options compact = with_flags(SB_COMPACT);

    assert_ok(run(broker, "CREATE TABLE own (n)", NULL));
    assert_ok(run(broker, "INSERT INTO own VALUES (1)", NULL));
    put(broker, "q", "1");
    take(broker, "q");
    assert_ok(sb_vacuum(NULL, broker, &compact));
    assert_status(SB_EMPTY, sb_delete_all(NULL, broker, NULL));
    assert_int_equal(ask_sql(broker, "SELECT count(*) FROM own"), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        EVERY_RUNNER(test_sidecar__values_go_in_and_rows_come_out),
        cmocka_unit_test(test_values__a_lent_text_is_not_copied),
        cmocka_unit_test(test_values__adding_one_clears_the_last_error),
        EVERY_RUNNER(test_sidecar__refuses_transaction_control),
        cmocka_unit_test_setup_teardown(test_sidecar__comments_may_follow_the_statement,
                                        scratch_open, scratch_free),
        cmocka_unit_test_setup_teardown(test_sidecar__odd_texts_fail_without_harm, scratch_open,
                                        scratch_free),
        EVERY_RUNNER(test_sidecar__text_ends_at_its_length),
        EVERY_RUNNER(test_sidecar__a_callback_that_fails_undoes_the_statement),
        EVERY_RUNNER(test_sidecar__constraints_are_integrity),
        EVERY_RUNNER(test_sidecar__vanishes_with_its_transaction),
        EVERY_RUNNER(test_sidecar__tables_survive_vacuum_and_delete),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
