/* Questions about queues and the broker. */
#include "foreign.h"

#include <sys/stat.h>

static void test_exists__pending_or_claimed(void **state)
{
    sb_broker *broker = ((scratch *)*state)->broker;

    assert_status(SB_EMPTY, sb_exists(broker, "q", 1, NULL));
    put(broker, "q", "1");
    assert_ok(sb_exists(broker, "q", 1, NULL));
    take(broker, "q");
    assert_ok(sb_exists(broker, "q", 1, NULL));
    assert_status(SB_EQUEUENAME, sb_exists(broker, "b d", 3, NULL));
    assert_status(SB_EINVALID, sb_exists(broker, NULL, 0, NULL));
}

static void test_has_pending__within_bounds(void **state)
{
    sb_broker *broker = ((scratch *)*state)->broker;
    int64_t first, second;
    sb_options bounds;

    assert_status(SB_EMPTY, sb_has_pending(broker, "q", 1, NULL));
    first = put(broker, "q", "1");
    second = put(broker, "q", "2");
    assert_ok(sb_has_pending(broker, "q", 1, NULL));
    bounds = with_bounds(first, -1);
    assert_ok(sb_has_pending(broker, "q", 1, &bounds));
    bounds = with_bounds(first, second);
    assert_status(SB_EMPTY, sb_has_pending(broker, "q", 1, &bounds));
    bounds = with_bounds(-1, first);
    assert_status(SB_EMPTY, sb_has_pending(broker, "q", 1, &bounds));
    take(broker, "q");
    bounds = with_bounds(-1, second);
    assert_status(SB_EMPTY, sb_has_pending(broker, "q", 1, &bounds));
}

static void test_latest_pending__is_by_id_not_by_arrival(void **state)
{
    sb_broker *broker = ((scratch *)*state)->broker;
    sb_messages *batch = sb_messages_new(), *messages;
    int64_t newest, latest = -1;

    assert_status(SB_EMPTY, sb_latest_pending(&latest, broker, "q", 1, NULL));
    assert_int_equal(latest, -1);
    newest = put(broker, "q", "1");
    assert_ok(sb_messages_add(batch, "q", 1, "old", 3, 5));
    assert_ok(sb_insert(broker, batch, NULL));
    assert_ok(sb_latest_pending(&latest, broker, "q", 1, NULL));
    assert_int_equal(latest, newest);
    assert_ok(sb_claim_id(&messages, broker, "q", 1, newest, NULL));
    assert_ok(sb_latest_pending(&latest, broker, "q", 1, NULL));
    assert_int_equal(latest, 5);
    sb_messages_free(messages);
    sb_messages_free(batch);
}

static void test_queue_stats__unknown_queue_has_none(void **state)
{
    sb_broker *broker = ((scratch *)*state)->broker;

    assert_pending(broker, "q", 0);
    assert_claimed(broker, "q", 0);
    put(broker, "q", "1");
    put(broker, "q", "2");
    put(broker, "q", "3");
    take(broker, "q");
    assert_pending(broker, "q", 2);
    assert_claimed(broker, "q", 1);
    assert_ok(sb_queue_stats(NULL, NULL, broker, "q", 1, NULL));
}

static void test_overall_stats__counts_all_queues(void **state)
{
    sb_broker *broker = ((scratch *)*state)->broker;
    int64_t claimed = -1, total = -1;

    assert_ok(sb_overall_stats(&claimed, &total, broker, NULL));
    assert_int_equal(claimed, 0);
    assert_int_equal(total, 0);
    put(broker, "a", "1");
    put(broker, "b", "2");
    put(broker, "b", "3");
    take(broker, "b");
    assert_ok(sb_overall_stats(&claimed, &total, broker, NULL));
    assert_int_equal(claimed, 1);
    assert_int_equal(total, 3);
}

static void test_broker_status__size_is_that_of_the_file(void **state)
{
    scratch *s = *state;
    int64_t total = -1, last = -1, size = -1, id;
    struct stat info;

    assert_ok(sb_broker_status(&total, &last, &size, s->broker, NULL));
    assert_int_equal(total, 0);
    assert_int_equal(last, 0);
    id = put(s->broker, "q", "1");
    assert_ok(sb_broker_status(&total, &last, &size, s->broker, NULL));
    assert_int_equal(total, 1);
    assert_int_equal(last, id);
    assert_int_equal(stat(s->path, &info), 0);
    assert_int_equal(size, info.st_size);
}

static void test_broker_status__size_over_a_foreign_runner(void **state)
{
    scratch *s = *state;
    int64_t size = -1;

    assert_ok(sb_broker_status(NULL, NULL, &size, s->broker, NULL));
    assert_true(size > 0);
    assert_int_equal(size % 512, 0);
}

static void test_broker_status__without_a_high_water_is_0(void **state)
{
    sb_broker *broker = ((scratch *)*state)->broker;
    int64_t last = -1;

    run_sql(broker, "DELETE FROM meta WHERE key = 'last_ts'");
    assert_ok(sb_broker_status(NULL, &last, NULL, broker, NULL));
    assert_int_equal(last, 0);
}

typedef struct meta {
    int rows;
    int64_t schema_version;
    char magic[32];
} meta;

static sb_status keep_meta(void *payload, const sb_values *row)
{
    meta *m = payload;
    const char *key = sb_values_text(NULL, row, 0);

    m->rows++;
    if (strncmp(key, "schema_version", 14) == 0) {
        m->schema_version = sb_values_int64(row, 1);
    } else if (strncmp(key, "magic", 5) == 0) {
        size_t len;
        const char *text = sb_values_text(&len, row, 1);

        snprintf(m->magic, sizeof m->magic, "%.*s", (int)len, text);
    }
    return SB_OK;
}

static sb_status stop(void *payload, const sb_values *row)
{
    (void)payload;
    (void)row;
    return SB_EUSER;
}

static void test_meta_list__tells_every_row(void **state)
{
    sb_broker *broker = ((scratch *)*state)->broker;
    meta m = {0};

    assert_ok(sb_meta_list(broker, NULL, keep_meta, &m));
    assert_int_equal(m.rows, 4);
    assert_int_equal(m.schema_version, SB_SCHEMA_VERSION);
    assert_string_equal(m.magic, "simplebroker-v1");
    assert_status(SB_EUSER, sb_meta_list(broker, NULL, stop, NULL));
    put(broker, "q", "the handle stays usable");
}

/* Asks the same question again at each row. */
typedef struct asker {
    sb_broker *broker;
    int64_t rows;
    meta inner;
} asker;

static sb_status ask_again(void *payload, const sb_values *row)
{
    asker *a = payload;

    (void)row;
    a->rows++;
    a->inner = (meta){0};
    return a->rows > 4 ? SB_EUSER : sb_meta_list(a->broker, NULL, keep_meta, &a->inner);
}

static void test_meta_list__may_be_asked_again_in_its_callback(void **state)
{
    asker a = {.broker = ((scratch *)*state)->broker};

    assert_ok(sb_meta_list(a.broker, NULL, ask_again, &a));
    assert_int_equal(a.rows, 4);
    assert_int_equal(a.inner.rows, 4);
}

static void test_data_version__moves_with_commits_of_others(void **state)
{
    scratch *s = *state;
    int64_t first = -1, second = -1, third = -1;
    sb_broker *other;

    assert_ok(sb_data_version(&first, s->broker));
    put(s->broker, "q", "own");
    assert_ok(sb_data_version(&second, s->broker));
    assert_int_equal(second, first);
    assert_ok(sb_open_path(&other, s->path, NTS, s->config, NULL));
    put(other, "q", "foreign");
    assert_ok(sb_data_version(&third, s->broker));
    assert_int_not_equal(third, second);
    sb_close(other);
}

static void test_conflict_metrics__are_0_in_normal_operation(void **state)
{
    sb_broker *broker = ((scratch *)*state)->broker;
    int64_t conflicts = -1, resyncs = -1;

    put(broker, "q", "1");
    assert_ok(sb_conflict_metrics(&conflicts, &resyncs, broker, 1));
    assert_int_equal(conflicts, 0);
    assert_int_equal(resyncs, 0);
    assert_status(SB_EINVALID, sb_conflict_metrics(NULL, NULL, NULL, 0));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        EVERY_RUNNER(test_exists__pending_or_claimed),
        EVERY_RUNNER(test_has_pending__within_bounds),
        EVERY_RUNNER(test_latest_pending__is_by_id_not_by_arrival),
        EVERY_RUNNER(test_queue_stats__unknown_queue_has_none),
        EVERY_RUNNER(test_overall_stats__counts_all_queues),
        cmocka_unit_test_setup_teardown(test_broker_status__size_is_that_of_the_file, scratch_open,
                                        scratch_free),
        cmocka_unit_test_setup_teardown(test_broker_status__size_over_a_foreign_runner,
                                        scratch_open_foreign, scratch_free),
        EVERY_RUNNER(test_broker_status__without_a_high_water_is_0),
        EVERY_RUNNER(test_meta_list__tells_every_row),
        EVERY_RUNNER(test_meta_list__may_be_asked_again_in_its_callback),
        EVERY_RUNNER(test_data_version__moves_with_commits_of_others),
        EVERY_RUNNER(test_conflict_metrics__are_0_in_normal_operation),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
