/*
 * Bad input for the functions whose arguments are of a kind of their own.
 */
#include "bad_input.h"

#include <math.h>

#define REFUSED(function, call) assert_refused(#function, call)

static void check_static_texts(stage *st)
{
    (void)st;
    assert_string_equal(sb_status_name((sb_status)12345), "UNKNOWN");
    assert_non_null(sb_status_text((sb_status)-12345));
    assert_non_null(sb_status_family((sb_status)INT32_MIN));
    assert_int_equal(sb_feature((sb_feature_id)-1), 0);
    assert_int_equal(sb_feature((sb_feature_id)1000000), 0);
    assert_non_null(sb_version());
    assert_non_null(sb_contract_version());
    assert_non_null(sb_sqlite_version());
    assert_true(sb_version_number() > 0);
    assert_in_range(sb_sqlite_has_wal_reset_bug(), 0, 1);
}

static void check_memory(stage *st)
{
    void *memory = sb_alloc(0);

    (void)st;
    assert_non_null(memory);
    sb_free(memory);
    sb_free(NULL);
    assert_status(SB_EINVALID, sb_allocator_set(NULL, realloc, free));
    assert_status(SB_EINVALID, sb_allocator_set(malloc, NULL, free));
    assert_status(SB_EINVALID, sb_allocator_set(malloc, realloc, NULL));
    assert_status(SB_ERUNTIME, sb_allocator_set(malloc, realloc, free));
}

static void check_errors(stage *st)
{
    static char text[5000];
    sb_error *saved;

    (void)st;
    assert_string_equal(sb_error_field(NULL, (sb_error_field_id)0), "");
    assert_string_equal(sb_error_field(NULL, (sb_error_field_id)99), "");
    assert_status(SB_EUSER, sb_error_set(SB_EUSER, NULL, NTS, 0));
    assert_status(SB_EUSER, sb_error_set(SB_EUSER, NULL, 7, 1000));
    assert_status(SB_EUSER, sb_error_set(SB_EUSER, "\xff\xff", 2, -1000));
    memset(text, 'x', sizeof text);
    assert_status(SB_EUSER, sb_error_set(SB_EUSER, text, sizeof text, 0));
    assert_true(strlen(sb_error_message(NULL)) < sizeof text);
    saved = sb_error_save();
    assert_string_equal(sb_error_message(saved), sb_error_message(NULL));
    assert_int_equal(sb_error_status(saved), SB_EUSER);
    assert_int_equal(sb_error_retryable(saved), 0);
    assert_int_equal(sb_error_outcome_ambiguous(saved), 0);
    assert_int_equal(sb_error_sqlite_code(saved), 0);
    assert_int_equal(sb_error_line(saved), 0);
    sb_error_free(saved);
    sb_error_free(NULL);
}

static void check_options(stage *st)
{
    sb_options options, *heap = sb_options_new();

    (void)st;
    REFUSED(sb_options_init, sb_options_init(NULL, SB_OPTIONS_VERSION));
    REFUSED(sb_options_init, sb_options_init(&options, 0));
    REFUSED(sb_options_init, sb_options_init(&options, UINT32_MAX));
    assert_non_null(heap);
    sb_options_set_cancel(heap, NULL);
    sb_options_set_timeout(heap, INT64_MIN);
    sb_options_set_txn(heap, NULL);
    sb_options_set_bounds(heap, INT64_MIN, INT64_MAX);
    sb_options_set_flags(heap, UINT32_MAX);
    sb_options_set_progress(heap, NULL, NULL);
    assert_status(SB_EINVALID, sb_exists(st->s->broker, "q", 1, heap));
    sb_options_set_bounds(heap, -1, -1);
    assert_ok(sb_exists(st->s->broker, "q", 1, heap));
    sb_options_free(heap);
    sb_options_free(NULL);
}

static void check_cancel(stage *st)
{
    (void)st;
    REFUSED(sb_cancel_new, sb_cancel_new(NULL));
    sb_cancel_set(NULL);
    sb_cancel_reset(NULL);
    assert_int_equal(sb_cancel_is_set(NULL), 0);
    assert_int_equal(sb_cancel_fd(NULL), -1);
    sb_cancel_on_poll(NULL, NULL, NULL);
    sb_cancel_free(NULL);
}

static void check_strings(stage *st)
{
    sb_strings *strings = sb_strings_new();
    size_t len = 9;

    (void)st;
    REFUSED(sb_strings_add, sb_strings_add(NULL, "x", 1));
    REFUSED(sb_strings_add, sb_strings_add(strings, NULL, 0));
    assert_ok(sb_strings_add(strings, "", 0));
    assert_ok(sb_strings_add(strings, "a\0b", 3));
    assert_int_equal(sb_strings_count(strings), 2);
    assert_null(sb_strings_get(&len, strings, 2));
    assert_null(sb_strings_get(&len, strings, SIZE_MAX));
    assert_memory_equal(sb_strings_get(NULL, strings, 1), "a\0b", 4);
    assert_int_equal(sb_strings_count(NULL), 0);
    assert_null(sb_strings_get(&len, NULL, 0));
    sb_strings_free(strings);
    sb_strings_free(NULL);
}

static void check_values_added(stage *st)
{
    sb_values *values = sb_values_new();

    (void)st;
    REFUSED(sb_values_add_null, sb_values_add_null(NULL));
    REFUSED(sb_values_add_int64, sb_values_add_int64(NULL, 1));
    REFUSED(sb_values_add_double, sb_values_add_double(NULL, 1));
    REFUSED(sb_values_add_text, sb_values_add_text(NULL, "x", 1));
    REFUSED(sb_values_add_text, sb_values_add_text(values, NULL, 0));
    REFUSED(sb_values_lend_text, sb_values_lend_text(NULL, "x", 1));
    REFUSED(sb_values_lend_text, sb_values_lend_text(values, NULL, 0));
    REFUSED(sb_values_add_blob, sb_values_add_blob(NULL, "x", 1));
    REFUSED(sb_values_add_blob, sb_values_add_blob(values, NULL, 1));
    assert_ok(sb_values_add_blob(values, NULL, 0));
    assert_int_equal(sb_values_count(values), 1);
    assert_int_equal(sb_values_count(NULL), 0);
    sb_values_clear(values);
    sb_values_clear(NULL);
    sb_values_free(values);
    sb_values_free(NULL);
}

static void check_values_read(stage *st)
{
    static const double numbers[] = {0, -0.0, 1e300, -1e300, 9.3e18, -9.3e18};
    sb_values *values = sb_values_new();
    size_t len = 9;

    (void)st;
    assert_ok(sb_values_add_double(values, (double)NAN));
    assert_ok(sb_values_add_double(values, (double)INFINITY));
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        assert_ok(sb_values_add_double(values, numbers[i]));
    }
    for (size_t i = 0; i < sb_values_count(values) + 1; i++) {
        sb_values_int64(values, i);
        sb_values_double(values, i);
        assert_null(sb_values_text(&len, values, i));
        assert_int_equal(len, 0);
    }
    assert_int_equal(sb_values_type(values, SIZE_MAX), SB_NULL);
    assert_int_equal(sb_values_type(NULL, 0), SB_NULL);
    assert_int_equal(sb_values_int64(NULL, 0), 0);
    assert_true(sb_values_double(NULL, 0) == 0);
    assert_null(sb_values_text(NULL, NULL, 0));
    sb_values_free(values);
}

static void check_messages(stage *st)
{
    sb_messages *messages = sb_messages_new();
    size_t len = 9;

    (void)st;
    REFUSED(sb_messages_add, sb_messages_add(NULL, "q", 1, "x", 1, 1));
    REFUSED(sb_messages_add, sb_messages_add(messages, NULL, 0, "x", 1, 1));
    REFUSED(sb_messages_add, sb_messages_add(messages, "q", 1, NULL, 0, 1));
    REFUSED(sb_messages_add, sb_messages_add(messages, "q", 1, "x", SIZE_MAX / 2, 1));
    assert_int_equal(sb_messages_count(messages), 0);
    assert_int_equal(sb_messages_id(messages, 0), 0);
    assert_null(sb_messages_body(&len, messages, 0));
    assert_null(sb_messages_body(NULL, messages, SIZE_MAX));
    assert_int_equal(sb_messages_count(NULL), 0);
    assert_int_equal(sb_messages_id(NULL, 0), 0);
    assert_null(sb_messages_body(&len, NULL, 0));
    assert_null(sb_messages_queue(&len, messages, 0));
    assert_null(sb_messages_queue(NULL, messages, SIZE_MAX));
    assert_null(sb_messages_queue(&len, NULL, 0));
    sb_messages_free(messages);
    sb_messages_free(NULL);
}

static void check_insert(stage *st)
{
    static const int64_t bad[] = {INT64_MIN, -1, 0, INT64_MAX};

    REFUSED(sb_insert, sb_insert(st->s->broker, NULL, NULL));
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        sb_messages *messages = sb_messages_new();

        assert_ok(sb_messages_add(messages, "q", 1, "x", 1, 77));
        assert_ok(sb_messages_add(messages, "q", 1, "x", 1, bad[i]));
        assert_status(SB_EINVALID, sb_insert(st->s->broker, messages, NULL));
        sb_messages_free(messages);
    }
}

static void check_write_many(stage *st)
{
    sb_messages *messages = sb_messages_new();
    int64_t ids[2];

    REFUSED(sb_write_many, sb_write_many(ids, st->s->broker, NULL, NULL));
    assert_ok(sb_write_many(ids, st->s->broker, messages, NULL));
    assert_ok(sb_messages_add(messages, "q", 1, "x", 1, INT64_MIN));
    REFUSED(sb_write_many, sb_write_many(NULL, st->s->broker, messages, NULL));
    REFUSED(sb_write_many, sb_write_many(ids, NULL, messages, NULL));
    assert_ok(sb_messages_add(messages, "no name", 7, "x", 1, 0));
    assert_status(SB_EQUEUENAME, sb_write_many(ids, st->s->broker, messages, NULL));
    sb_messages_free(messages);
}

static void check_lists(stage *st)
{
    sb_queues *queues = NULL;
    sb_aliases *aliases = NULL;
    size_t len = 9;

    REFUSED(sb_queues_list, sb_queues_list(NULL, st->s->broker, NULL, 0, NULL, 0, NULL));
    REFUSED(sb_queues_list, sb_queues_list(&queues, st->s->broker, "q", 1, "q", 1, NULL));
    assert_null(queues);
    assert_ok(sb_queues_list(&queues, st->s->broker, NULL, 0, NULL, 0, NULL));
    assert_null(sb_queues_name(&len, queues, SIZE_MAX));
    assert_int_equal(sb_queues_pending(queues, 2), 0);
    assert_int_equal(sb_queues_claimed(queues, 2), 0);
    sb_queues_free(queues);
    sb_queues_free(NULL);
    assert_int_equal(sb_queues_count(NULL), 0);
    assert_null(sb_queues_name(NULL, NULL, 0));
    REFUSED(sb_alias_list, sb_alias_list(NULL, st->s->broker, NULL, 0, NULL));
    assert_ok(sb_alias_list(&aliases, st->s->broker, NULL, 0, NULL));
    assert_null(sb_aliases_name(&len, aliases, 1));
    assert_null(sb_aliases_target(&len, aliases, SIZE_MAX));
    sb_aliases_free(aliases);
    sb_aliases_free(NULL);
    assert_int_equal(sb_aliases_count(NULL), 0);
    assert_null(sb_aliases_name(NULL, NULL, 0));
    assert_null(sb_aliases_target(NULL, NULL, 0));
}

static void check_rows(stage *st)
{
    sb_values *values = sb_values_new();

    (void)st;
    REFUSED(sb_rows_push, sb_rows_push(NULL, values));
    sb_values_free(values);
}

static void check_config_made(stage *st)
{
    sb_config *copy = st->s->config;

    REFUSED(sb_config_from_environment, sb_config_from_environment(NULL));
    REFUSED(sb_config_isolated, sb_config_isolated(NULL));
    REFUSED(sb_config_copy, sb_config_copy(NULL, st->s->config));
    REFUSED(sb_config_copy, sb_config_copy(&copy, NULL));
    assert_null(copy);
    sb_config_free(NULL);
    assert_int_equal(sb_config_key_count(), 32);
    assert_null(sb_config_key(32));
    assert_null(sb_config_key(SIZE_MAX));
    sb_config_key_type(SIZE_MAX);
}

static void check_config_set(stage *st)
{
    sb_config *c = st->s->config;

    REFUSED(sb_config_set_text, sb_config_set_text(NULL, "BROKER_SYNC_MODE", NTS, "OFF", 3));
    REFUSED(sb_config_set_text, sb_config_set_text(c, NULL, 0, "OFF", 3));
    REFUSED(sb_config_set_text, sb_config_set_text(c, "BROKER_SYNC_MODE", NTS, NULL, 3));
    REFUSED(sb_config_set_text, sb_config_set_text(c, "BROKER_MISSING", NTS, "OFF", 3));
    REFUSED(sb_config_set_text, sb_config_set_text(c, "", 0, "OFF", 3));
    REFUSED(sb_config_set_text, sb_config_set_text(c, "BROKER_BUSY_TIMEOUT", NTS, "\xff", 1));
    REFUSED(sb_config_set_int64, sb_config_set_int64(NULL, "BROKER_CACHE_MB", NTS, 1));
    REFUSED(sb_config_set_int64, sb_config_set_int64(c, NULL, NTS, 1));
    REFUSED(sb_config_set_int64, sb_config_set_int64(c, "BROKER_CACHE_MB ", NTS, 1));
    REFUSED(sb_config_set_double, sb_config_set_double(NULL, "BROKER_VACUUM_THRESHOLD", NTS, 1));
    REFUSED(sb_config_set_double, sb_config_set_double(c, NULL, 3, 1));
    REFUSED(sb_config_set_double,
            sb_config_set_double(c, "BROKER_BUSY_TIMEOUT", NTS, (double)INFINITY));
    REFUSED(sb_config_set_bool, sb_config_set_bool(NULL, "BROKER_AUTO_VACUUM", NTS, 1));
    REFUSED(sb_config_set_bool, sb_config_set_bool(c, NULL, NTS, 1));
    REFUSED(sb_queue_name_check, sb_queue_name_check(NULL, NTS));
    REFUSED(sb_config_refuse, sb_config_refuse(NULL, NTS, "x", NTS));
    REFUSED(sb_config_refuse, sb_config_refuse("BROKER_AUTO_VACUUM", NTS, NULL, NTS));
    for (size_t i = 0; i < sb_config_key_count(); i++) {
        sb_config *copy;

        assert_ok(sb_config_copy(&copy, c));
        sb_config_set_int64(copy, sb_config_key(i), NTS, INT64_MIN);
        sb_config_set_int64(copy, sb_config_key(i), NTS, INT64_MAX);
        sb_config_set_double(copy, sb_config_key(i), NTS, 1e308);
        sb_config_set_double(copy, sb_config_key(i), NTS, (double)NAN);
        sb_config_set_bool(copy, sb_config_key(i), NTS, 7);
        sb_config_set_text(copy, sb_config_key(i), NTS, "", 0);
        sb_config_set_text(copy, sb_config_key(i), NTS, "\0\0", 2);
        sb_config_free(copy);
    }
}

static void check_config_get(stage *st)
{
    sb_config *c = st->s->config;
    int64_t integer = 0;
    double number = 0;
    const char *text = NULL;

    REFUSED(sb_config_get_int64, sb_config_get_int64(&integer, NULL, "BROKER_CACHE_MB", NTS));
    REFUSED(sb_config_get_int64, sb_config_get_int64(&integer, c, NULL, NTS));
    REFUSED(sb_config_get_int64, sb_config_get_int64(&integer, c, "BROKER_SYNC_MODE", NTS));
    REFUSED(sb_config_get_double, sb_config_get_double(&number, NULL, "x", 1));
    REFUSED(sb_config_get_double, sb_config_get_double(&number, c, "x", 1));
    REFUSED(sb_config_get_text, sb_config_get_text(&text, NULL, NULL, "x", 1));
    REFUSED(sb_config_get_text, sb_config_get_text(&text, NULL, c, "BROKER_CACHE_MB", NTS));
    assert_ok(sb_config_get_int64(NULL, c, "BROKER_CACHE_MB", NTS));
    assert_ok(sb_config_get_text(NULL, NULL, c, "BROKER_SYNC_MODE", NTS));
}

static int destroyed;

static void destroy(void *payload)
{
    destroyed += payload == &destroyed;
}

static void check_payloads(stage *st)
{
    destroyed = 0;
    REFUSED(sb_config_on_warning, sb_config_on_warning(NULL, NULL, &destroyed, destroy));
    assert_int_equal(destroyed, 1);
    REFUSED(sb_broker_on_trace, sb_broker_on_trace(NULL, NULL, &destroyed, destroy));
    assert_int_equal(destroyed, 2);
    assert_ok(sb_config_on_warning(st->s->config, NULL, &destroyed, destroy));
    assert_ok(sb_config_on_warning(st->s->config, NULL, NULL, NULL));
    assert_int_equal(destroyed, 3);
}

static void check_target_made(stage *st)
{
    static char path[70000];
    sb_config *c = st->s->config;
    sb_target *t = NULL;

    memset(path, 'p', sizeof path);
    REFUSED(sb_target_sqlite, sb_target_sqlite(NULL, "x", 1));
    REFUSED(sb_target_sqlite, sb_target_sqlite(&t, NULL, 0));
    REFUSED(sb_target_sqlite, sb_target_sqlite(&t, "", 0));
    REFUSED(sb_target_sqlite, sb_target_sqlite(&t, "a\0b", 3));
    sb_target_sqlite(&t, path, sizeof path);
    sb_target_free(t);
    REFUSED(sb_target_select, sb_target_select(NULL, c, NULL, 0, NULL, 0, 0));
    REFUSED(sb_target_select, sb_target_select(&t, NULL, NULL, 0, NULL, 0, 0));
    REFUSED(sb_target_select, sb_target_select(&t, c, "/missing/directory", NTS, "a\0b", 3, 0));
    REFUSED(sb_target_for_directory, sb_target_for_directory(NULL, NULL, 0, c));
    REFUSED(sb_target_for_directory, sb_target_for_directory(&t, "/", 1, NULL));
    REFUSED(sb_target_discover, sb_target_discover(NULL, NULL, 0, c));
    REFUSED(sb_target_discover, sb_target_discover(&t, "/missing/directory", NTS, c));
    REFUSED(sb_target_discover, sb_target_discover(&t, "/", 1, NULL));
    REFUSED(sb_target_from_project_file, sb_target_from_project_file(NULL, "x", 1, c));
    REFUSED(sb_target_from_project_file, sb_target_from_project_file(&t, NULL, 0, c));
    REFUSED(sb_target_from_project_file, sb_target_from_project_file(&t, "/missing", NTS, c));
    REFUSED(sb_target_from_project_file, sb_target_from_project_file(&t, "/missing", NTS, NULL));
    assert_null(t);
}

static void check_project_files(stage *st)
{
    sb_config *c = st->s->config;
    char *path = NULL;

    REFUSED(sb_project_file_find, sb_project_file_find(NULL, NULL, NULL, 0, 1, c));
    REFUSED(sb_project_file_find, sb_project_file_find(&path, NULL, NULL, 0, 1, NULL));
    assert_status(SB_EMPTY, sb_project_file_find(&path, NULL, "/missing/dir", NTS, 1, c));
    assert_null(path);
    sb_project_file_find(&path, NULL, st->s->directory, NTS, INT32_MIN, c);
    sb_free(path);
    path = NULL;
    sb_project_file_find(&path, NULL, st->s->directory, NTS, INT32_MAX, c);
    sb_free(path);
    path = NULL;
    REFUSED(sb_project_file_path, sb_project_file_path(NULL, NULL, NULL, 0, c));
    REFUSED(sb_project_file_path, sb_project_file_path(&path, NULL, NULL, 0, NULL));
}

static void check_target_read(stage *st)
{
    size_t len;
    char *text = NULL;
    sb_target *t = NULL;

    (void)st;
    assert_null(sb_target_retain(NULL));
    sb_target_free(NULL);
    assert_null(sb_target_backend(NULL));
    assert_null(sb_target_address(NULL));
    assert_null(sb_target_display(NULL));
    assert_null(sb_target_project_root(NULL));
    assert_null(sb_target_config_path(NULL));
    assert_int_equal(sb_target_used_project_scope(NULL), 0);
    assert_int_equal(sb_target_is_plain_path(NULL), 0);
    assert_null(sb_target_option_names(NULL));
    assert_null(sb_target_option_values(NULL));
    REFUSED(sb_target_serialize, sb_target_serialize(&text, &len, NULL));
    REFUSED(sb_target_deserialize, sb_target_deserialize(NULL, "{}", 2));
    REFUSED(sb_target_deserialize, sb_target_deserialize(&t, NULL, 0));
    REFUSED(sb_target_deserialize, sb_target_deserialize(&t, "", 0));
    REFUSED(sb_target_deserialize, sb_target_deserialize(&t, "{\"a\":", NTS));
    REFUSED(sb_target_deserialize, sb_target_deserialize(&t, "\xff", 1));
    assert_null(t);
}

static void check_target_used(stage *st)
{
    sb_config *c = st->s->config;
    sb_target *t;

    assert_ok(sb_target_sqlite(&t, st->s->path, NTS));
    REFUSED(sb_target_serialize, sb_target_serialize(NULL, NULL, t));
    REFUSED(sb_target_check, sb_target_check(NULL, c, 0));
    REFUSED(sb_target_check, sb_target_check(t, NULL, 1));
    REFUSED(sb_target_verify, sb_target_verify(NULL, c));
    REFUSED(sb_target_verify, sb_target_verify(t, NULL));
    REFUSED(sb_init, sb_init(NULL, c));
    REFUSED(sb_init, sb_init(t, NULL));
    REFUSED(sb_cleanup, sb_cleanup(NULL, c));
    REFUSED(sb_cleanup, sb_cleanup(t, NULL));
    sb_target_check(t, c, UINT32_MAX);
    sb_target_free(t);
}

static void check_open(stage *st)
{
    sb_broker *broker = st->s->broker;
    sb_runner runner;
    sb_options zero;
    sb_target *t;

    memset(&zero, 0, sizeof zero);
    assert_ok(sb_target_sqlite(&t, st->s->path, NTS));
    REFUSED(sb_open, sb_open(NULL, t, st->s->config, NULL));
    REFUSED(sb_open, sb_open(&broker, NULL, st->s->config, NULL));
    REFUSED(sb_open, sb_open(&broker, t, st->s->config, &zero));
    REFUSED(sb_open_path, sb_open_path(NULL, "x", 1, st->s->config, NULL));
    REFUSED(sb_open_path, sb_open_path(&broker, NULL, 0, st->s->config, NULL));
    REFUSED(sb_open_path, sb_open_path(&broker, "", 0, st->s->config, NULL));
    REFUSED(sb_open_path, sb_open_path(&broker, st->s->path, NTS, st->s->config, &zero));
    REFUSED(sb_open_sqlite, sb_open_sqlite(NULL, st->observer, st->s->config, NULL));
    REFUSED(sb_open_sqlite, sb_open_sqlite(&broker, NULL, st->s->config, NULL));
    assert_null(broker);
    REFUSED(sb_runner_init, sb_runner_init(NULL, SB_RUNNER_VERSION));
    REFUSED(sb_runner_init, sb_runner_init(&runner, 0));
    assert_ok(sb_runner_init(&runner, SB_RUNNER_VERSION));
    destroyed = 0;
    REFUSED(sb_open_runner, sb_open_runner(&broker, &runner, &destroyed, destroy, NULL, NULL));
    REFUSED(sb_open_runner, sb_open_runner(&broker, NULL, &destroyed, destroy, NULL, NULL));
    REFUSED(sb_open_runner, sb_open_runner(NULL, &runner, &destroyed, destroy, NULL, NULL));
    assert_int_equal(destroyed, 3);
    sb_target_free(t);
}

static void check_handles(stage *st)
{
    const char *line;
    sb_load *load = NULL;

    REFUSED(sb_claim, sb_claim(NULL, st->s->broker, "q", 1, 1, NULL));
    REFUSED(sb_cursor_open, sb_cursor_open(NULL, st->s->broker, SB_CURSOR_PEEK, "q", 1, NULL, 0, 0,
                                           NULL));
    REFUSED(sb_cursor_next, sb_cursor_next(NULL, NULL, NULL, NULL));
    sb_cursor_at_hand(NULL);
    sb_cursor_close(NULL);
    REFUSED(sb_waiter_open, sb_waiter_open(NULL, NULL));
    REFUSED(sb_waiter_add, sb_waiter_add(NULL, "q", 1, NULL));
    REFUSED(sb_waiter_remove, sb_waiter_remove(NULL, "q", 1));
    REFUSED(sb_waiter_wait, sb_waiter_wait(NULL, NULL));
    REFUSED(sb_waiter_next, sb_waiter_next(NULL, NULL, NULL));
    assert_int_equal(sb_waiter_fd(NULL), -1);
    assert_int_equal(sb_waiter_has_events(NULL), 0);
    sb_waiter_close(NULL);
    REFUSED(sb_watcher_open, sb_watcher_open(NULL, NULL, SB_CURSOR_CLAIM, "q", 1, NULL, 0, 0, NULL,
                                             NULL, NULL));
    REFUSED(sb_watcher_run, sb_watcher_run(NULL));
    sb_watcher_on_error(NULL, NULL, NULL);
    sb_watcher_set_limit(NULL, 1);
    sb_watcher_end_on_hangup(NULL, 1);
    sb_watcher_stop(NULL);
    assert_int_equal(sb_watcher_count(NULL), 0);
    sb_watcher_close(NULL);
    REFUSED(sb_txn_begin, sb_txn_begin(NULL, st->s->broker, NULL));
    REFUSED(sb_txn_commit, sb_txn_commit(NULL));
    sb_txn_rollback(NULL);
    REFUSED(sb_dump_open, sb_dump_open(NULL, st->s->broker, NULL, NULL, NULL));
    REFUSED(sb_dump_next, sb_dump_next(&line, NULL, NULL));
    sb_dump_close(NULL);
    REFUSED(sb_load_open, sb_load_open(NULL, st->s->broker, NULL, NULL));
    REFUSED(sb_load_open_with, sb_load_open_with(NULL, st->s->config, NULL, NULL, NULL, NULL, NULL));
    REFUSED(sb_load_open_with, sb_load_open_with(&load, NULL, NULL, NULL, NULL, NULL, NULL));
    REFUSED(sb_load_open_with, sb_load_open_with(&load, st->s->config, NULL, NULL, NULL, NULL,
                                                 NULL));
    assert_null(load);
    REFUSED(sb_load_line, sb_load_line(NULL, "{}", 2));
    REFUSED(sb_load_finish, sb_load_finish(NULL, NULL, NULL));
    sb_load_close(NULL);
    REFUSED(sb_sidecar_run, sb_sidecar_run(st->s->broker, NULL, 0, NULL, NULL, NULL, NULL));
    REFUSED(sb_sidecar_run, sb_sidecar_run(st->s->broker, "", 0, NULL, NULL, NULL, NULL));
    REFUSED(sb_sidecar_run, sb_sidecar_run(st->s->broker, "/*", 2, NULL, NULL, NULL, NULL));
    REFUSED(sb_sidecar_run, sb_sidecar_run(st->s->broker, "SELECT 1\0;", 10, NULL, NULL, NULL,
                                           NULL));
    assert_ok(sb_meta_list(st->s->broker, NULL, NULL, NULL));
}

static void check_more_operations(stage *st)
{
    sb_broker *b = st->s->broker;
    sb_messages *out = NULL;

    REFUSED(sb_cursor_open, sb_cursor_open(&(sb_cursor *){NULL}, b, (sb_cursor_kind)0, "q", 1, NULL,
                                           0, 0, NULL));
    REFUSED(sb_cursor_open, sb_cursor_open(&(sb_cursor *){NULL}, b, (sb_cursor_kind)99, "q", 1,
                                           NULL, 0, 0, NULL));
    REFUSED(sb_cursor_open, sb_cursor_open(&(sb_cursor *){NULL}, b, SB_CURSOR_MOVE, "q", 1, NULL, 0,
                                           0, NULL));
    REFUSED(sb_cursor_open, sb_cursor_open(&(sb_cursor *){NULL}, b, SB_CURSOR_MOVE, "q", 1, "q", 1,
                                           0, NULL));
    REFUSED(sb_move, sb_move(&out, b, "q", 1, "q", 1, 1, NULL));
    REFUSED(sb_move_id, sb_move_id(&out, b, "q", 1, "q", 1, STAGE_FIRST_ID, NULL));
    REFUSED(sb_rename, sb_rename(NULL, NULL, b, "q", 1, "q", 1, NULL));
    REFUSED(sb_rename, sb_rename(NULL, NULL, b, "q", 1, "r", 1, NULL));
    REFUSED(sb_rename, sb_rename(NULL, NULL, b, "q", 1, NULL, 1, NULL));
    REFUSED(sb_search, sb_search(&out, b, "q", 1, "ab", 2, 1, NULL));
    REFUSED(sb_search, sb_search(&out, b, "q", 1, "abc", 3, 1001, NULL));
    REFUSED(sb_search, sb_search(&out, b, "q", 1, NULL, 3, 1, NULL));
    REFUSED(sb_search, sb_search(&out, b, "q", 1, "\xff\xff\xff", 3, 1, NULL));
    REFUSED(sb_delete_ids, sb_delete_ids(NULL, b, "q", 1, NULL, 3, NULL));
    REFUSED(sb_delete_queues, sb_delete_queues(NULL, b, NULL, NULL));
    REFUSED(sb_broadcast_to, sb_broadcast_to(NULL, b, "x", 1, NULL, NULL));
    REFUSED(sb_timestamp_advance, sb_timestamp_advance(NULL, b, -1, NULL));
    REFUSED(sb_alias_add, sb_alias_add(b, NULL, 0, "q", 1, NULL));
    REFUSED(sb_alias_add, sb_alias_add(b, "q@", 2, "q", 1, NULL));
    REFUSED(sb_queue_resolve, sb_queue_resolve(NULL, NULL, b, "@missing", NTS, NULL));
    REFUSED(sb_queue_resolve, sb_queue_resolve(NULL, NULL, b, NULL, 0, NULL));
    REFUSED(sb_backup, sb_backup(b, NULL, 0, NULL));
    REFUSED(sb_backup, sb_backup(b, "", 0, NULL));
    REFUSED(sb_backup, sb_backup(b, "a\0b", 3, NULL));
    assert_status(SB_EXISTS, sb_backup(b, st->s->path, NTS, NULL));
    assert_null(out);
}

static void check_parsers(stage *st)
{
    static const char *const bad[] = {"", " ", "-1", "+5", "1e400", "nan", "inf", "\xff",
                                      "99999999999999999999", "2024-13-01",
                                      "1700000000000000000x", "0x10", "."};
    char text[SB_ID_SIZE];
    int64_t id;

    (void)st;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        REFUSED(sb_bound_parse, sb_bound_parse(&id, bad[i], NTS));
        REFUSED(sb_id_parse, sb_id_parse(&id, bad[i], NTS));
        REFUSED(sb_timestamp_parse_exact, sb_timestamp_parse_exact(&id, bad[i], NTS));
    }
    REFUSED(sb_bound_parse, sb_bound_parse(&id, NULL, 0));
    REFUSED(sb_bound_parse, sb_bound_parse(&id, "1\0", 2));
    REFUSED(sb_id_parse, sb_id_parse(&id, NULL, 4));
    REFUSED(sb_timestamp_parse_exact, sb_timestamp_parse_exact(&id, NULL, 4));
    REFUSED(sb_id_parse, sb_id_parse(&id, "1700000000000000000\0", 20));
    REFUSED(sb_id_format, sb_id_format(NULL, sizeof text, 1));
    REFUSED(sb_id_format, sb_id_format(text, sizeof text - 1, 1));
    REFUSED(sb_id_format, sb_id_format(text, sizeof text, -1));
    REFUSED(sb_id_format, sb_id_format(text, 0, 1));
    assert_ok(sb_id_format(text, sizeof text, INT64_MAX));
    assert_string_equal(text, "9223372036854775807");
}

static sb_status no_high_water(void *payload, int64_t *out)
{
    (void)payload;
    (void)out;
    return SB_EMPTY;
}

static sb_status no_advance(void *payload, int64_t value)
{
    (void)payload;
    (void)value;
    return SB_EMPTY;
}

static void check_generators(stage *st)
{
    sb_generator *generator = NULL;

    (void)st;
    REFUSED(sb_generator_new, sb_generator_new(NULL, no_high_water, no_advance, NULL, NULL));
    REFUSED(sb_generator_new, sb_generator_new(&generator, NULL, no_advance, NULL, NULL));
    REFUSED(sb_generator_new, sb_generator_new(&generator, no_high_water, NULL, NULL, NULL));
    REFUSED(sb_generator_next, sb_generator_next(NULL, NULL));
    REFUSED(sb_generator_cached, sb_generator_cached(NULL, NULL));
    REFUSED(sb_generator_refresh, sb_generator_refresh(NULL, NULL));
    REFUSED(sb_generator_advance, sb_generator_advance(NULL, NULL, 1));
    assert_ok(sb_generator_new(&generator, no_high_water, no_advance, NULL, NULL));
    REFUSED(sb_generator_next, sb_generator_next(NULL, generator));
    REFUSED(sb_generator_advance, sb_generator_advance(NULL, generator, -1));
    sb_generator_free(generator);
    sb_generator_free(NULL);
}

static void check_setup_parts(stage *st)
{
    const sb_setup_phase none = (sb_setup_phase)99;
    sb_setup_lock *lock = NULL;
    sb_runner runner;
    sb_values *values = sb_values_new();

    assert_non_null(values);
    assert_ok(sb_runner_init(&runner, SB_RUNNER_VERSION));
    REFUSED(sb_setup_file, sb_setup_file(NULL, 0, NULL, NULL));
    REFUSED(sb_setup_file, sb_setup_file("", 0, NULL, NULL));
    REFUSED(sb_setup_file, sb_setup_file("/", 1, NULL, NULL));
    REFUSED(sb_setup_lock_take, sb_setup_lock_take(NULL, "x", 1, NULL));
    REFUSED(sb_setup_lock_take, sb_setup_lock_take(&lock, NULL, 0, NULL));
    REFUSED(sb_setup_lock_take, sb_setup_lock_take(&lock, "/missing/directory/f", NTS, NULL));
    assert_null(lock);
    REFUSED(sb_setup_is_done, sb_setup_is_done(NULL, 0, SB_SETUP_SCHEMA));
    REFUSED(sb_setup_is_done, sb_setup_is_done(st->s->path, NTS, none));
    REFUSED(sb_setup_mark, sb_setup_mark(NULL, 0, SB_SETUP_SCHEMA));
    REFUSED(sb_setup_mark, sb_setup_mark(st->s->path, NTS, none));
    REFUSED(sb_runner_apply_settings, sb_runner_apply_settings(NULL, NULL, st->s->config));
    REFUSED(sb_runner_apply_settings, sb_runner_apply_settings(&runner, NULL, st->s->config));
    REFUSED(sb_runner_read, sb_runner_read(values, NULL, NULL, SB_STORED_MAGIC));
    REFUSED(sb_runner_read, sb_runner_read(values, &runner, NULL, SB_STORED_MAGIC));
    REFUSED(sb_runner_advance, sb_runner_advance(NULL, NULL, 1));
    REFUSED(sb_runner_advance, sb_runner_advance(&runner, NULL, 1));
    sb_setup_lock_release(NULL);
    sb_values_free(values);
}

static void check_eligibility(stage *st)
{
    static const int64_t counts[] = {INT64_MIN, -1, 0, 1, INT64_MAX};
    static const double thresholds[] = {-1, 0, 0.5, 1, 1e308};

    (void)st;
    for (int i = 0; i < 125; i++) {
        assert_in_range(sb_vacuum_is_eligible(counts[i % 5], counts[i / 5 % 5],
                                              thresholds[i / 25]), 0, 1);
    }
    assert_in_range(sb_vacuum_is_eligible(1, 1, (double)NAN), 0, 1);
}

/* A function is named once; the check that it shares with others stands at the first. */
const bad_case bad_cases[] = {
    {"sb_version", check_static_texts},
    {"sb_version_number", NULL}, {"sb_contract_version", NULL}, {"sb_feature", NULL},
    {"sb_sqlite_version", NULL}, {"sb_sqlite_has_wal_reset_bug", NULL}, {"sb_status_name", NULL},
    {"sb_status_text", NULL}, {"sb_status_family", NULL},
    {"sb_allocator_set", check_memory},
    {"sb_alloc", NULL}, {"sb_free", NULL},
    {"sb_error_status", check_errors},
    {"sb_error_message", NULL}, {"sb_error_retryable", NULL}, {"sb_error_outcome_ambiguous", NULL},
    {"sb_error_sqlite_code", NULL}, {"sb_error_line", NULL}, {"sb_error_field", NULL},
    {"sb_error_save", NULL}, {"sb_error_free", NULL}, {"sb_error_set", NULL},
    {"sb_options_init", check_options},
    {"sb_options_new", NULL}, {"sb_options_free", NULL}, {"sb_options_set_cancel", NULL},
    {"sb_options_set_timeout", NULL}, {"sb_options_set_txn", NULL}, {"sb_options_set_bounds", NULL},
    {"sb_options_set_flags", NULL}, {"sb_options_set_progress", NULL},
    {"sb_cancel_new", check_cancel},
    {"sb_cancel_free", NULL}, {"sb_cancel_set", NULL}, {"sb_cancel_reset", NULL},
    {"sb_cancel_is_set", NULL}, {"sb_cancel_fd", NULL}, {"sb_cancel_on_poll", NULL},
    {"sb_fork_soon", NULL}, /* takes nothing */
    {"sb_strings_new", check_strings},
    {"sb_strings_free", NULL}, {"sb_strings_add", NULL}, {"sb_strings_count", NULL},
    {"sb_strings_get", NULL},
    {"sb_values_new", check_values_added},
    {"sb_values_free", NULL}, {"sb_values_clear", NULL}, {"sb_values_add_null", NULL},
    {"sb_values_add_int64", NULL}, {"sb_values_add_double", NULL}, {"sb_values_add_text", NULL},
    {"sb_values_lend_text", NULL},
    {"sb_values_add_blob", NULL}, {"sb_values_count", NULL},
    {"sb_values_type", check_values_read},
    {"sb_values_int64", NULL}, {"sb_values_double", NULL}, {"sb_values_text", NULL},
    {"sb_messages_new", check_messages},
    {"sb_messages_free", NULL}, {"sb_messages_add", NULL}, {"sb_messages_count", NULL},
    {"sb_messages_id", NULL}, {"sb_messages_body", NULL}, {"sb_messages_queue", NULL},
    {"sb_insert", check_insert},
    {"sb_write_many", check_write_many},
    {"sb_rows_push", check_rows},
    {"sb_queues_count", check_lists},
    {"sb_queues_name", NULL}, {"sb_queues_pending", NULL}, {"sb_queues_claimed", NULL},
    {"sb_queues_free", NULL}, {"sb_aliases_count", NULL}, {"sb_aliases_name", NULL},
    {"sb_aliases_target", NULL}, {"sb_aliases_free", NULL},
    {"sb_config_from_environment", check_config_made},
    {"sb_config_isolated", NULL}, {"sb_config_copy", NULL}, {"sb_config_free", NULL},
    {"sb_config_key_count", NULL}, {"sb_config_key", NULL}, {"sb_config_key_type", NULL},
    {"sb_config_set_text", check_config_set},
    {"sb_config_set_int64", NULL}, {"sb_config_set_double", NULL}, {"sb_config_set_bool", NULL},
    {"sb_config_refuse", NULL}, {"sb_queue_name_check", NULL},
    {"sb_config_get_int64", check_config_get},
    {"sb_config_get_double", NULL}, {"sb_config_get_text", NULL},
    {"sb_config_on_warning", check_payloads},
    {"sb_broker_on_trace", NULL},
    {"sb_target_sqlite", check_target_made},
    {"sb_target_select", NULL}, {"sb_target_for_directory", NULL}, {"sb_target_discover", NULL},
    {"sb_target_from_project_file", NULL},
    {"sb_project_file_find", check_project_files},
    {"sb_project_file_path", NULL},
    {"sb_target_retain", check_target_read},
    {"sb_target_free", NULL}, {"sb_target_backend", NULL}, {"sb_target_address", NULL},
    {"sb_target_display", NULL}, {"sb_target_project_root", NULL}, {"sb_target_config_path", NULL},
    {"sb_target_used_project_scope", NULL}, {"sb_target_is_plain_path", NULL},
    {"sb_target_option_names", NULL}, {"sb_target_option_values", NULL},
    {"sb_target_serialize", NULL}, {"sb_target_deserialize", NULL},
    {"sb_target_check", check_target_used},
    {"sb_target_verify", NULL}, {"sb_init", NULL}, {"sb_cleanup", NULL},
    {"sb_open", check_open},
    {"sb_open_path", NULL}, {"sb_open_runner", NULL}, {"sb_open_sqlite", NULL},
    {"sb_runner_init", NULL},
    {"sb_cursor_next", check_handles},
    {"sb_waiter_open", check_handles}, {"sb_waiter_add", check_handles},
    {"sb_waiter_remove", check_handles}, {"sb_waiter_wait", check_handles},
    {"sb_waiter_next", check_handles}, {"sb_waiter_fd", NULL}, {"sb_waiter_has_events", NULL},
    {"sb_waiter_close", NULL},
    {"sb_watcher_open", check_watchers}, {"sb_watcher_run", check_handles},
    {"sb_watcher_on_error", NULL}, {"sb_watcher_set_limit", NULL},
    {"sb_watcher_end_on_hangup", NULL}, {"sb_watcher_stop", NULL}, {"sb_watcher_count", NULL},
    {"sb_watcher_close", NULL},
    {"sb_cursor_at_hand", NULL}, {"sb_cursor_close", NULL}, {"sb_txn_commit", NULL}, {"sb_txn_rollback", NULL},
    {"sb_dump_next", NULL}, {"sb_dump_close", NULL}, {"sb_load_line", NULL},
    {"sb_load_open_with", NULL},
    {"sb_load_finish", NULL}, {"sb_load_close", NULL},
    {"sb_move", check_more_operations},
    {"sb_rename", NULL}, {"sb_search", NULL}, {"sb_backup", NULL},
    {"sb_bound_parse", check_parsers},
    {"sb_id_parse", NULL}, {"sb_id_format", NULL}, {"sb_timestamp_parse_exact", NULL},
    {"sb_vacuum_is_eligible", check_eligibility},
    {"sb_generator_new", check_generators},
    {"sb_generator_free", NULL}, {"sb_generator_next", NULL}, {"sb_generator_cached", NULL},
    {"sb_generator_refresh", NULL}, {"sb_generator_advance", NULL},
    {"sb_setup_file", check_setup_parts},
    {"sb_setup_lock_take", NULL}, {"sb_setup_lock_release", NULL}, {"sb_setup_is_done", NULL},
    {"sb_setup_mark", NULL}, {"sb_runner_apply_settings", NULL}, {"sb_runner_read", NULL},
    {"sb_runner_advance", NULL},
    {"sb_close", NULL}, {"sb_shut", NULL}, {"sb_broker_has_safe_checkpoints", NULL},
};

const size_t bad_case_count = sizeof bad_cases / sizeof bad_cases[0];
