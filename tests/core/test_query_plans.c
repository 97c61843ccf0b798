/*
 * Every statement of SQLite's dialect is answered from an index, without visiting or sorting what
 * it does not need, whatever the data look like and whether or not somebody has run ANALYZE. The
 * exceptions stand in a list, with the reason.
 */
#include "foreign.h"

#include "sql.h"

enum { STATEMENTS = sizeof(sb__sql) / sizeof(const char *) };

/* What a statement may do although others may not. */
typedef struct exception {
    const char *const *statement;
    const char *allowed;
} exception;

static const exception exceptions[] = {
    /* Over a foreign runner a look at every row costs less than to fetch pages of them. */
    {&sb__sql_sqlite.vacuum_take, "SCAN messages"},
    /* Counting all rows visits all rows, of the smallest indexes. */
    {&sb__sql_sqlite.overall_stats, "SCAN messages USING COVERING INDEX"},
    {&sb__sql_sqlite.broker_status, "SCAN messages USING COVERING INDEX"},
    /* Order by id with bounds on ts: for ranges known to be short ... */
    {&sb__sql_sqlite.range_sort[0], "USE TEMP B-TREE FOR ORDER BY"},
    {&sb__sql_sqlite.range_sort[1], "USE TEMP B-TREE FOR ORDER BY"},
    {&sb__sql_sqlite.range_head, "USE TEMP B-TREE FOR ORDER BY"},
    {&sb__sql_sqlite.search_sort[0], "USE TEMP B-TREE FOR ORDER BY"},
    /* ... and with claimed rows, which have no index by id: a search sorts only what it found, */
    {&sb__sql_sqlite.search_sort[1], "USE TEMP B-TREE FOR ORDER BY"},
    /* and a walk goes along the table itself, ending at its limit. */
    {&sb__sql_sqlite.range_walk[1], "SEARCH messages USING INTEGER PRIMARY KEY"},
    /* New rows, in the order of the table itself, and a limited number of them. */
    {&sb__sql_sqlite.rows_above, "USING INTEGER PRIMARY KEY (rowid>?)"},
    /* There are few aliases. */
    {&sb__sql_sqlite.alias_list_target, "USE TEMP B-TREE FOR ORDER BY"},
    /* Everything is to be removed. */
    {&sb__sql_sqlite.delete_all_count, "SCAN messages USING COVERING INDEX"},
};

/* Where the plan itself matters. */
static const exception wanted[] = {
    {&sb__sql_sqlite.oldest, "idx_messages_unclaimed (queue=? AND claimed=?)"},
    {&sb__sql_sqlite.exists, "COVERING INDEX idx_messages_queue_ts_id (queue=?)"},
    {&sb__sql_sqlite.has_pending, "COVERING INDEX idx_messages_unclaimed"},
    {&sb__sql_sqlite.has_pending_bounded,
     "idx_messages_pending_queue_ts (queue=? AND ts>? AND ts<?)"},
    {&sb__sql_sqlite.latest_pending, "idx_messages_pending_queue_ts (queue=? AND ts>?)"},
    {&sb__sql_sqlite.queue_names, "COVERING INDEX idx_messages_queue_ts_id (queue>? AND queue<?)"},
    {&sb__sql_sqlite.queue_list, "COVERING INDEX idx_messages_unclaimed"},
    {&sb__sql_sqlite.delete_queue_before, "idx_messages_queue_ts_id (queue=? AND ts<?)"},
    {&sb__sql_sqlite.search_oldest, "idx_messages_unclaimed (queue=? AND claimed=?)"},
    {&sb__sql_sqlite.vacuum_page, "COVERING INDEX idx_messages_queue_ts_id ((queue,ts)>(?,?))"},
    {&sb__sql_sqlite.vacuum_delete, "INTEGER PRIMARY KEY (rowid=?)"},
    {&sb__sql_sqlite.mark_claimed, "INTEGER PRIMARY KEY (rowid=?)"},
    {&sb__sql_sqlite.mark_some_claimed, "INTEGER PRIMARY KEY (rowid=?)"},
    {&sb__sql_sqlite.mark_some_moved, "INTEGER PRIMARY KEY (rowid=?)"},
    {&sb__sql_sqlite.mark_range_claimed,
     "idx_messages_unclaimed (queue=? AND claimed=? AND id>? AND id<?)"},
    {&sb__sql_sqlite.mark_range_moved,
     "idx_messages_unclaimed (queue=? AND claimed=? AND id>? AND id<?)"},
    {&sb__sql_sqlite.mark_bounded_claimed,
     "idx_messages_unclaimed (queue=? AND claimed=? AND id>? AND id<?)"},
    {&sb__sql_sqlite.mark_bounded_moved,
     "idx_messages_unclaimed (queue=? AND claimed=? AND id>? AND id<?)"},
    {&sb__sql_sqlite.oldest_bare, "idx_messages_unclaimed (queue=? AND claimed=? AND id>?)"},
    {&sb__sql_sqlite.max_ts, "COVERING INDEX"},
    {&sb__sql_sqlite.newest_row, "SEARCH messages"},
};

/* Shapes of data that lead a planner to different opinions. */
static const char *const shapes[] = {
    "SELECT 'q', '', i, 0 FROM n WHERE 0",
    "SELECT 'q', '', i, i < 1990 FROM n",
    "SELECT 'q', '', i, 0 FROM n",
    "SELECT 'q' || i, '', i, i % 2 FROM n",
    "SELECT 'q' || i % 50, hex(zeroblob(i % 700)), i, i % 3 = 0 FROM n",
};

static void exec(sqlite3 *db, const char *sql)
{
    if (sqlite3_exec(db, sql, NULL, NULL, NULL) != SQLITE_OK) {
        fail_msg("%s: %s", sql, sqlite3_errmsg(db));
    }
}

static sqlite3 *connect(const scratch *s)
{
    sqlite3 *db;

    assert_int_equal(sqlite3_open(s->path, &db), SQLITE_OK);
    return db;
}

/* A connection to the database with new contents, and with statistics of them or without. */
static sqlite3 *load(const scratch *s, const char *shape, int analyzed)
{
    sqlite3 *db = connect(s);
    char sql[512];

    exec(db, "DROP TABLE IF EXISTS sqlite_stat1; DROP TABLE IF EXISTS sqlite_stat4; "
             "DELETE FROM messages");
    snprintf(sql, sizeof sql,
             "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2000) "
             "INSERT INTO messages (queue, body, ts, claimed) %s",
             shape);
    exec(db, sql);
    if (analyzed) {
        exec(db, "ANALYZE");
    }
    sqlite3_close(db);
    return connect(s);
}

static int is_allowed(const char *statement, const char *step)
{
    for (size_t i = 0; i < sizeof exceptions / sizeof exceptions[0]; i++) {
        if (*exceptions[i].statement == statement && strstr(step, exceptions[i].allowed)) {
            return 1;
        }
    }
    return 0;
}

/* `m` and `p` are the names that a statement on messages twice gives them. */
static int is_scan_of(const char *step, const char *table)
{
    size_t len = strlen(table);

    return strncmp(step, "SCAN ", 5) == 0 && strncmp(step + 5, table, len) == 0 &&
           (step[5 + len] == ' ' || step[5 + len] == '\0');
}

static int is_costly(const char *step)
{
    return is_scan_of(step, "messages") || is_scan_of(step, "m") || is_scan_of(step, "p") ||
           strstr(step, "TEMP B-TREE") || strstr(step, "AUTOMATIC") ||
           strstr(step, "USING INTEGER PRIMARY KEY (rowid>?");
}

/* The whole plan in one text; fails on a step that is not allowed. */
static void check_plan(char *plan, size_t size, sqlite3 *db, const char *statement)
{
    char sql[2048];
    sqlite3_stmt *explain;

    plan[0] = '\0';
    snprintf(sql, sizeof sql, "EXPLAIN QUERY PLAN %s", statement);
    if (sqlite3_prepare_v2(db, sql, -1, &explain, NULL) != SQLITE_OK) {
        fail_msg("%s: %s", sql, sqlite3_errmsg(db));
    }
    while (sqlite3_step(explain) == SQLITE_ROW) {
        const char *step = (const char *)sqlite3_column_text(explain, 3);

        if (is_costly(step) && !is_allowed(statement, step)) {
            fail_msg("%s\n    %s", statement, step);
        }
        snprintf(plan + strlen(plan), size - strlen(plan), "%s\n", step);
    }
    sqlite3_finalize(explain);
}

enum { SHAPES = 2 * sizeof shapes / sizeof shapes[0] };

static void test_plans__no_statement_scans_or_sorts(void **state)
{
    const char *const *statements = (const char *const *)&sb__sql_sqlite;
    char plan[4096];

    for (size_t shape = 0; shape < SHAPES; shape++) {
        sqlite3 *db = load(*state, shapes[shape / 2], shape % 2);

        for (size_t i = 0; i < STATEMENTS; i++) {
            if (statements[i]) {
                check_plan(plan, sizeof plan, db, statements[i]);
            }
        }
        sqlite3_close(db);
    }
}

static void test_plans__use_the_index_made_for_them(void **state)
{
    char plan[4096];

    for (size_t shape = 0; shape < SHAPES; shape++) {
        sqlite3 *db = load(*state, shapes[shape / 2], shape % 2);

        for (size_t i = 0; i < sizeof wanted / sizeof wanted[0]; i++) {
            check_plan(plan, sizeof plan, db, *wanted[i].statement);
            if (!strstr(plan, wanted[i].allowed)) {
                fail_msg("%s\n%sexpected %s", *wanted[i].statement, plan, wanted[i].allowed);
            }
        }
        sqlite3_close(db);
    }
}

/* Steps of SQLite's virtual machine until a statement has given its rows. */
static int count_steps(sqlite3 *db, const char *sql, int64_t second)
{
    sqlite3_stmt *statement;
    int steps;

    assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &statement, NULL), SQLITE_OK);
    for (int i = 1; i <= sqlite3_bind_parameter_count(statement); i++) {
        if (i == 1) {
            sqlite3_bind_text(statement, i, "q", 1, SQLITE_STATIC);
        } else {
            sqlite3_bind_int64(statement, i, second);
        }
    }
    while (sqlite3_step(statement) == SQLITE_ROW) {
    }
    steps = sqlite3_stmt_status(statement, SQLITE_STMTSTATUS_VM_STEP, 0);
    sqlite3_finalize(statement);
    return steps;
}

/* A large queue that came into being after the statistics. */
static void grow_queue(sqlite3 *db)
{
    static const char sql[] =
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2000) "
        "INSERT INTO messages (queue, body, ts, claimed) SELECT 'q', '', 5000 + i, i < 1000 FROM n";

    exec(db, sql);
}

/* The work of what is called all the time does not grow with the queue. */
static void test_plans__hot_questions_take_the_same_steps_on_a_large_queue(void **state)
{
    static const char *const *const hot[] = {
        &sb__sql_sqlite.exists,         &sb__sql_sqlite.has_pending,
        &sb__sql_sqlite.latest_pending, &sb__sql_sqlite.oldest,
        &sb__sql_sqlite.max_ts,         &sb__sql_sqlite.last_ts_get,
        &sb__sql_sqlite.by_ts[0],       &sb__sql_sqlite.by_ts[1],
        &sb__sql_sqlite.alias_target,   &sb__sql_sqlite.has_pending_bounded,
    };
    sqlite3 *db = load(*state, "SELECT 'q', '', i, i < 3 FROM n WHERE i < 10", 0);
    int small[sizeof hot / sizeof hot[0]];

    for (size_t i = 0; i < sizeof hot / sizeof hot[0]; i++) {
        small[i] = count_steps(db, *hot[i], 1);
    }
    sqlite3_close(db);
    for (size_t shape = 0; shape < SHAPES; shape++) {
        db = load(*state, shapes[shape / 2], shape % 2);
        grow_queue(db);
        for (size_t i = 0; i < sizeof hot / sizeof hot[0]; i++) {
            int large = count_steps(db, *hot[i], 1);

            if (large > small[i] + 20) {
                fail_msg("%s: %d steps, %d on a small queue", *hot[i], large, small[i]);
            }
        }
        sqlite3_close(db);
    }
}

int main(void)
{
#define OVER_FILE(test) cmocka_unit_test_setup_teardown(test, scratch_open, scratch_free)
    const struct CMUnitTest tests[] = {
        OVER_FILE(test_plans__no_statement_scans_or_sorts),
        OVER_FILE(test_plans__use_the_index_made_for_them),
        OVER_FILE(test_plans__hot_questions_take_the_same_steps_on_a_large_queue),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
