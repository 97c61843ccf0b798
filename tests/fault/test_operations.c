/*
 * Operations that meet a failure at every possible place: each allocation fails once, and each
 * statement of a runner. The failure is reported, nothing has changed, and the broker goes on.
 */
#include "core/foreign.h"

static long countdown = -1; /* events until one fails; negative: none does */
static int fired;
static int arm_statements; /* events are statements; otherwise allocations */

static int fails(void)
{
    if (countdown < 0 || countdown-- > 0) {
        return 0;
    }
    fired = 1;
    return 1;
}

static void *failing_malloc(size_t size)
{
    return !arm_statements && fails() ? NULL : malloc(size);
}

static void *failing_realloc(void *memory, size_t size)
{
    return !arm_statements && fails() ? NULL : realloc(memory, size);
}

static int use_failing_allocator(void **state)
{
    (void)state;
    return sb_allocator_set(failing_malloc, failing_realloc, free);
}

static sb_status failing_run(void *payload, const char *sql, size_t sql_len,
                             const sb_values *params, sb_rows *rows)
{
    if (arm_statements && fails()) {
        return sb_error_set(SB_EUSER, "no statement for you", NTS, 0);
    }
    return foreign_run(payload, sql, sql_len, params, rows);
}

static sb_status failing_begin(void *payload)
{
    if (arm_statements && fails()) {
        return sb_error_set(SB_EUSER, "no transaction for you", NTS, 0);
    }
    return foreign_begin(payload);
}

static sb_status failing_commit(void *payload)
{
    if (arm_statements && fails()) {
        return sb_error_set(SB_EUSER, "no commit for you", NTS, 0);
    }
    return foreign_commit(payload);
}

static int open_failing_runner(void **state)
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
    runner.run = failing_run;
    runner.begin_immediate = failing_begin;
    runner.commit = failing_commit;
    runner.rollback = foreign_rollback;
    return sb_open_runner(&s->broker, &runner, db, foreign_destroy, s->config, NULL);
}

static sb_status delete_queue(sb_broker *broker)
{
    return sb_delete_queue(NULL, broker, "a", 1, NULL);
}

static sb_status delete_ids(sb_broker *broker)
{
    return sb_delete_ids(NULL, broker, "a", 1, (const int64_t[]){1, 3}, 2, NULL);
}

static sb_strings *names;

static sb_status delete_queues(sb_broker *broker)
{
    return sb_delete_queues(NULL, broker, names, NULL);
}

static sb_status delete_all(sb_broker *broker)
{
    return sb_delete_all(NULL, broker, NULL);
}

static sb_status broadcast(sb_broker *broker)
{
    return sb_broadcast(NULL, broker, "x", 1, "[ab]", 4, NULL);
}

static sb_status broadcast_to(sb_broker *broker)
{
    sb_options create = with_flags(SB_CREATE_MISSING);

    return sb_broadcast_to(NULL, broker, "x", 1, names, &create);
}

static sb_messages *batch;

static sb_status insert(sb_broker *broker)
{
    return sb_insert(broker, batch, NULL);
}

static sb_status rename_queue(sb_broker *broker)
{
    return sb_rename(NULL, NULL, broker, "a", 1, "z", 1, NULL);
}

static sb_status alias_add(sb_broker *broker)
{
    return sb_alias_add(broker, "y", 1, "b", 1, NULL);
}

static sb_status alias_remove(sb_broker *broker)
{
    return sb_alias_remove(broker, "x", 1, NULL);
}

static sb_status alias_list(sb_broker *broker)
{
    sb_aliases *aliases = NULL;
    sb_status status = sb_alias_list(&aliases, broker, NULL, 0, NULL);

    assert_true((status == SB_OK) == (aliases != NULL));
    sb_aliases_free(aliases);
    return status;
}

static sb_status queue_resolve(sb_broker *broker)
{
    char *name = NULL;
    sb_status status = sb_queue_resolve(&name, NULL, broker, "@x", 2, NULL);

    assert_true((status == SB_OK) == (name != NULL));
    sb_free(name);
    return status;
}

static sb_status queues_list(sb_broker *broker)
{
    sb_queues *queues = NULL;
    sb_status status = sb_queues_list(&queues, broker, "", 0, NULL, 0, NULL);

    assert_true((status == SB_OK) == (queues != NULL));
    sb_queues_free(queues);
    return status;
}

static sb_status search(sb_broker *broker)
{
    sb_messages *found = NULL;
    sb_options bounds = with_bounds(0, -1);
    sb_status status = sb_search(&found, broker, "a", 1, "body", 4, 10, &bounds);

    assert_true((status == SB_OK) == (found != NULL));
    sb_messages_free(found);
    return status;
}

static sb_status status_of_broker(sb_broker *broker)
{
    return sb_broker_status(NULL, NULL, NULL, broker, NULL);
}

static sb_status sidecar(sb_broker *broker)
{
    return sb_sidecar_run(broker, "INSERT INTO own VALUES (1), (2) RETURNING n", NTS, NULL, NULL,
                          NULL, NULL);
}

static sb_status vacuum(sb_broker *broker)
{
    return sb_vacuum(NULL, broker, NULL);
}

static char copy_path[192];

static sb_status backup(sb_broker *broker)
{
    sb_status status;

    remove(copy_path);
    status = sb_backup(broker, copy_path, NTS, NULL);
    assert_true((status == SB_OK) == (access(copy_path, F_OK) == 0));
    return status;
}

typedef struct operation {
    const char *name;
    sb_status (*run)(sb_broker *broker);
    int shrugs; /* some failures do not matter to it */
} operation;

static const operation operations[] = {
    {"delete_queue", delete_queue, 0},   {"delete_ids", delete_ids, 0},
    {"delete_queues", delete_queues, 0}, {"delete_all", delete_all, 0},
    {"broadcast", broadcast, 0},         {"broadcast_to", broadcast_to, 0},
    {"insert", insert, 0},               {"rename", rename_queue, 0},
    {"alias_add", alias_add, 0},         {"alias_remove", alias_remove, 0},
    {"alias_list", alias_list, 0},       {"queue_resolve", queue_resolve, 0},
    {"queues_list", queues_list, 0},     {"search", search, 0},
    {"status", status_of_broker, 0},     {"sidecar", sidecar, 0},
    {"vacuum", vacuum, 1},               {"backup", backup, 0},
};

static void set_up_rows(sqlite3 *db)
{
    static const char sql[] =
        "BEGIN; DELETE FROM messages; DELETE FROM queue_aliases; "
        "CREATE TABLE IF NOT EXISTS own (n); DELETE FROM own; "
        "INSERT INTO messages (queue, body, ts, claimed) VALUES ('a', 'body 1', 1, 1), "
        "('a', 'body 2', 2, 0), ('b', 'body 3', 3, 0), ('c', 'body 4', 4, 1); "
        "INSERT INTO queue_aliases VALUES ('x', 'a'); "
        "UPDATE meta SET value = 100 WHERE key IN ('last_ts', 'alias_version'); COMMIT";

    if (sqlite3_exec(db, sql, NULL, NULL, NULL) != SQLITE_OK) {
        fail_msg("%s", sqlite3_errmsg(db));
    }
}

/* Everything that an operation could have changed, in one text. */
static void read_rows(char *out, size_t size, sqlite3 *db)
{
    static const char sql[] =
        "SELECT (SELECT group_concat(queue || body || ts || claimed) FROM messages) || '|' || "
        "(SELECT group_concat(alias || target) FROM queue_aliases) || '|' || "
        "(SELECT group_concat(key || value) FROM meta) || '|' || (SELECT count(*) FROM own)";
    sqlite3_stmt *statement;

    assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &statement, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(statement), SQLITE_ROW);
    snprintf(out, size, "%s", (const char *)sqlite3_column_text(statement, 0));
    sqlite3_finalize(statement);
}

static void try_operation(sb_broker *broker, const operation *op, sb_status expected, sqlite3 *db)
{
    char before[1024], after[1024];
    int failures = 0;

    for (long n = 0;; n++) {
        sb_status status;

        set_up_rows(db);
        read_rows(before, sizeof before, db);
        fired = 0;
        countdown = n;
        status = op->run(broker);
        countdown = -1;
        if (!fired) {
            if (status) {
                fail_msg("%s: %s", op->name, sb_error_message(NULL));
            }
            break;
        }
        failures++;
        if (status == SB_OK && op->shrugs) {
            continue;
        }
        if (status != expected) {
            fail_msg("%s, failure %ld: SB_%s (%s)", op->name, n, sb_status_name(status),
                     sb_error_message(NULL));
        }
        read_rows(after, sizeof after, db);
        assert_string_equal(after, before);
    }
    /* What allocates nothing at all cannot run out of memory. */
    assert_true(failures > 0 || expected == SB_ENOMEM);
}

static void try_all(scratch *s, sb_status expected)
{
    sqlite3 *db;

    snprintf(copy_path, sizeof copy_path, "%s/copy.db", s->directory);
    names = strings("a", "b", "a", NULL);
    batch = sb_messages_new();
    assert_ok(sb_messages_add(batch, "n", 1, "one", 3, 200));
    assert_ok(sb_messages_add(batch, "n", 1, "two", 3, 150));
    assert_int_equal(sqlite3_open(s->path, &db), SQLITE_OK);
    sqlite3_busy_timeout(db, 5000);
    for (size_t i = 0; i < sizeof operations / sizeof operations[0]; i++) {
        try_operation(s->broker, &operations[i], expected, db);
    }
    sqlite3_close(db);
    sb_messages_free(batch);
    sb_strings_free(names);
}

static void test_operations__each_allocation_fails_once(void **state)
{
    arm_statements = 0;
    try_all(*state, SB_ENOMEM);
}

static void test_operations__each_statement_fails_once(void **state)
{
    arm_statements = 1;
    try_all(*state, SB_EUSER);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_operations__each_allocation_fails_once, scratch_open,
                                        scratch_free),
        cmocka_unit_test_setup_teardown(test_operations__each_statement_fails_once,
                                        open_failing_runner, scratch_free),
    };

    return cmocka_run_group_tests(tests, use_failing_allocator, NULL);
}
