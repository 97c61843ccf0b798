/*
 * The table of operations. Each frees all it got, whatever the result, and answers with the first
 * failure.
 */
#include "operations.h"

#include "core/files_testing.h"

#define BROKER (st->s->broker)

static int64_t id_of(int index)
{
    return STAGE_FIRST_ID + (int64_t)index * STAGE_ID_STEP;
}

static sb_options defaults(void)
{
    sb_options options;

    sb_options_init(&options, SB_OPTIONS_VERSION);
    return options;
}

static sb_status run_open(stage *st)
{
    sb_broker *broker = NULL;
    sb_status status = sb_open_path(&broker, st->s->path, NTS, st->s->config, NULL);

    sb_close(broker);
    return status;
}

static sb_status run_open_new(stage *st)
{
    sb_broker *broker = NULL;
    sb_status status = sb_open_path(&broker, st->spare, NTS, st->s->config, NULL);

    sb_close(broker);
    return status;
}

static sb_status run_init(stage *st)
{
    sb_target *target = NULL;
    sb_status status = sb_target_sqlite(&target, st->spare, NTS);

    if (!status) {
        status = sb_init(target, st->s->config);
    }
    sb_target_free(target);
    return status;
}

static sb_status run_verify(stage *st)
{
    sb_target *target = NULL;
    sb_status status = sb_target_sqlite(&target, st->s->path, NTS);

    if (!status) {
        status = sb_target_verify(target, st->s->config);
    }
    sb_target_free(target);
    return status;
}

static sb_status run_write(stage *st)
{
    return sb_write(NULL, BROKER, "q", 1, "new", 3, NULL);
}

static sb_status run_write_large(stage *st)
{
    char *body = malloc(100000);
    sb_status status;

    memset(body, 'x', 100000);
    status = sb_write(NULL, BROKER, "q", 1, body, 100000, NULL);
    free(body);
    return status;
}

static sb_status run_claim(stage *st)
{
    sb_messages *messages = NULL;
    sb_status status = sb_claim(&messages, BROKER, "q", 1, 1, NULL);

    assert_true((status == SB_OK) == (messages != NULL));
    sb_messages_free(messages);
    return status;
}

static sb_status run_claim_many(stage *st)
{
    sb_messages *messages = NULL;
    sb_status status = sb_claim(&messages, BROKER, "q", 1, 4, NULL);

    assert_int_equal(sb_messages_count(messages), status ? 0 : 4);
    sb_messages_free(messages);
    return status;
}

static sb_status run_claim_bounds(stage *st)
{
    sb_options options = defaults();
    sb_messages *messages = NULL;
    sb_status status;

    options.after = id_of(1);
    options.before = id_of(4);
    status = sb_claim(&messages, BROKER, "q", 1, 100, &options);
    assert_int_equal(sb_messages_count(messages), status ? 0 : 2);
    sb_messages_free(messages);
    return status;
}

static sb_status run_claim_id(stage *st)
{
    sb_messages *messages = NULL;
    sb_status status = sb_claim_id(&messages, BROKER, "q", 1, id_of(2), NULL);

    sb_messages_free(messages);
    return status;
}

static sb_status run_peek(stage *st)
{
    sb_options options = defaults();
    sb_messages *messages = NULL;
    sb_status status;

    options.flags = SB_INCLUDE_CLAIMED;
    status = sb_peek(&messages, BROKER, "q", 1, 100, &options);
    assert_int_equal(sb_messages_count(messages), status ? 0 : 6);
    sb_messages_free(messages);
    return status;
}

static sb_status run_peek_id(stage *st)
{
    sb_messages *messages = NULL;
    sb_status status = sb_peek_id(&messages, BROKER, "r", 1, id_of(6), NULL);

    sb_messages_free(messages);
    return status;
}

static sb_status run_move(stage *st)
{
    sb_messages *messages = NULL;
    sb_status status = sb_move(&messages, BROKER, "q", 1, "r", 1, 3, NULL);

    sb_messages_free(messages);
    return status;
}

static sb_status run_move_id(stage *st)
{
    sb_options options = defaults();
    sb_messages *messages = NULL;
    sb_status status;

    options.flags = SB_INCLUDE_CLAIMED;
    status = sb_move_id(&messages, BROKER, "q", 1, "new", 3, id_of(5), &options);
    sb_messages_free(messages);
    return status;
}

static sb_status run_delete_queue(stage *st)
{
    return sb_delete_queue(NULL, BROKER, "q", 1, NULL);
}

static sb_status run_delete_ids(stage *st)
{
    const int64_t ids[] = {id_of(0), id_of(2), id_of(5), id_of(0)};

    return sb_delete_ids(NULL, BROKER, "q", 1, ids, 4, NULL);
}

static sb_status with_queues(stage *st, sb_status (*run)(stage *, const sb_strings *))
{
    sb_strings *queues = sb_strings_new();
    sb_status status = queues ? SB_OK : SB_ENOMEM;
    static const char *const names[] = {"q", "r", "q", "missing"};

    for (size_t i = 0; !status && i < sizeof names / sizeof names[0]; i++) {
        status = sb_strings_add(queues, names[i], NTS);
    }
    if (!status) {
        status = run(st, queues);
    }
    sb_strings_free(queues);
    return status;
}

static sb_status delete_queues(stage *st, const sb_strings *queues)
{
    sb_options options = defaults();

    options.before = id_of(3);
    return sb_delete_queues(NULL, BROKER, queues, &options);
}

static sb_status run_delete_queues(stage *st)
{
    return with_queues(st, delete_queues);
}

static sb_status run_delete_all(stage *st)
{
    return sb_delete_all(NULL, BROKER, NULL);
}

static sb_status run_broadcast(stage *st)
{
    return sb_broadcast(NULL, BROKER, "news", 4, "[qr]*", NTS, NULL);
}

static sb_status broadcast_to(stage *st, const sb_strings *queues)
{
    sb_options options = defaults();

    options.flags = SB_CREATE_MISSING;
    return sb_broadcast_to(NULL, BROKER, "news", 4, queues, &options);
}

static sb_status run_broadcast_to(stage *st)
{
    return with_queues(st, broadcast_to);
}

static sb_status run_insert(stage *st)
{
    sb_messages *messages = sb_messages_new();
    sb_status status = messages ? SB_OK : SB_ENOMEM;

    for (int i = 0; !status && i < 4; i++) {
        status = sb_messages_add(messages, "new", 3, "given id", 8, id_of(20 + i));
    }
    if (!status) {
        status = sb_insert(BROKER, messages, NULL);
    }
    sb_messages_free(messages);
    return status;
}

static sb_status run_write_many(stage *st)
{
    sb_messages *messages = sb_messages_new();
    sb_status status = messages ? SB_OK : SB_ENOMEM;
    int64_t ids[12];

    for (int i = 0; !status && i < 12; i++) {
        status = sb_messages_add(messages, i < 6 ? "new" : "q", i < 6 ? 3 : 1, "one of many", 11, 0);
    }
    if (!status) {
        status = sb_write_many(ids, BROKER, messages, NULL);
    }
    sb_messages_free(messages);
    return status;
}

static sb_status run_rename(stage *st)
{
    return sb_rename(NULL, NULL, BROKER, "q", 1, "renamed", 7, NULL);
}

static sb_status run_search(stage *st)
{
    sb_messages *messages = NULL;
    sb_status status = sb_search(&messages, BROKER, "q", 1, "sec", 3, 10, NULL);

    sb_messages_free(messages);
    return status;
}

static sb_status drain(stage *st, sb_cursor_kind kind, uint32_t flags, int expected)
{
    sb_options options = defaults();
    sb_cursor *cursor = NULL;
    const char *target = kind == SB_CURSOR_MOVE ? "new" : NULL;
    int count = 0;
    sb_status status;

    options.flags = flags;
    status = sb_cursor_open(&cursor, BROKER, kind, "q", 1, target, NTS, 2, &options);
    while (!status) {
        const char *body = NULL;

        status = sb_cursor_next(NULL, &body, NULL, cursor);
        count += status == SB_OK;
        assert_true(status || (body && *body));
    }
    sb_cursor_close(cursor);
    if (status == SB_EMPTY) {
        assert_int_equal(count, expected);
        return SB_OK;
    }
    return status;
}

static sb_status run_claim_cursor(stage *st)
{
    return drain(st, SB_CURSOR_CLAIM, 0, 5);
}

static sb_status run_claim_batches(stage *st)
{
    return drain(st, SB_CURSOR_CLAIM, SB_AT_LEAST_ONCE, 5);
}

static sb_status run_move_batches(stage *st)
{
    return drain(st, SB_CURSOR_MOVE, SB_AT_LEAST_ONCE, 5);
}

static sb_status run_peek_cursor(stage *st)
{
    return drain(st, SB_CURSOR_PEEK, SB_INCLUDE_CLAIMED, 6);
}

static sb_status note(stage *st, const sb_options *options)
{
    sb_values *values = sb_values_new();
    sb_status status = values ? sb_values_add_text(values, "noted", NTS) : SB_ENOMEM;

    if (!status) {
        status = sb_sidecar_run(BROKER, "INSERT INTO notes VALUES (?)", NTS, values, options, NULL,
                                NULL);
    }
    sb_values_free(values);
    return status;
}

static sb_status run_sidecar_change(stage *st)
{
    return note(st, NULL);
}

static sb_status count_row(void *payload, const sb_values *row)
{
    size_t len;

    assert_int_equal(sb_values_count(row), 2);
    assert_non_null(sb_values_text(&len, row, 0));
    ++*(int *)payload;
    return SB_OK;
}

static sb_status run_sidecar_question(stage *st)
{
    int rows = 0;
    sb_status status = sb_sidecar_run(BROKER, "SELECT body, ts FROM messages ORDER BY body", NTS,
                                      NULL, NULL, count_row, &rows);

    assert_true(status || rows == 8);
    return status;
}

static sb_status run_txn(stage *st)
{
    sb_options options = defaults();
    sb_messages *claimed = NULL, *moved = NULL;
    sb_status status = sb_txn_begin(&options.txn, BROKER, NULL);

    if (status) {
        return status;
    }
    status = sb_write(NULL, BROKER, "q", 1, "in it", 5, &options);
    status = status ? status : sb_claim(&claimed, BROKER, "q", 1, 2, &options);
    status = status ? status : sb_move(&moved, BROKER, "r", 1, "q", 1, 2, &options);
    status = status ? status : note(st, &options);
    if (status) {
        sb_txn_rollback(options.txn);
    } else {
        status = sb_txn_commit(options.txn);
    }
    sb_messages_free(claimed);
    sb_messages_free(moved);
    return status;
}

static sb_status run_questions(stage *st)
{
    int64_t number, other, third;
    sb_status status = sb_exists(BROKER, "q", 1, NULL);

    status = status ? status : sb_has_pending(BROKER, "q", 1, NULL);
    status = status ? status : sb_latest_pending(&number, BROKER, "q", 1, NULL);
    status = status ? status : sb_queue_stats(&number, &other, BROKER, "q", 1, NULL);
    status = status ? status : sb_overall_stats(&number, &other, BROKER, NULL);
    status = status ? status : sb_broker_status(&number, &other, &third, BROKER, NULL);
    status = status ? status : sb_data_version(&number, BROKER);
    status = status ? status : sb_conflict_metrics(&number, &other, BROKER, 1);
    return status;
}

static sb_status run_meta_list(stage *st)
{
    int rows = 0;

    return sb_meta_list(BROKER, NULL, count_row, &rows);
}

static sb_status run_queues_list(stage *st)
{
    sb_queues *queues = NULL;
    sb_status status = sb_queues_list(&queues, BROKER, NULL, 0, "[qr]*", NTS, NULL);

    assert_int_equal(sb_queues_count(queues), status ? 0 : 2);
    sb_queues_free(queues);
    return status;
}

static sb_status run_alias_add(stage *st)
{
    return sb_alias_add(BROKER, "b", 1, "r", 1, NULL);
}

static sb_status run_alias_remove(stage *st)
{
    return sb_alias_remove(BROKER, "a", 1, NULL);
}

static sb_status run_alias_questions(stage *st)
{
    sb_aliases *aliases = NULL;
    char *target = NULL, *name = NULL;
    size_t len;
    int64_t version;
    sb_status status = sb_alias_resolve(&target, &len, BROKER, "a", 1, NULL);

    status = status ? status : sb_queue_resolve(&name, &len, BROKER, "@a", 2, NULL);
    status = status ? status : sb_alias_list(&aliases, BROKER, NULL, 0, NULL);
    status = status ? status : sb_alias_version(&version, BROKER, NULL);
    assert_true(status || sb_aliases_count(aliases) == 1);
    sb_aliases_free(aliases);
    sb_free(target);
    sb_free(name);
    return status;
}

static sb_status run_timestamps(stage *st)
{
    int64_t id = 0;
    sb_status status = sb_timestamp_generate(&id, BROKER, NULL);

    status = status ? status : sb_timestamp_cached(&id, BROKER, NULL);
    status = status ? status : sb_timestamp_refresh(&id, BROKER, NULL);
    status = status ? status : sb_timestamp_advance(&id, BROKER, id + STAGE_ID_STEP, NULL);
    return status;
}

static sb_status run_dump(stage *st)
{
    sb_dump *dump = NULL;
    const char *line;
    size_t len;
    int lines = 0;
    sb_status status = sb_dump_open(&dump, BROKER, NULL, NULL, NULL);

    while (!status) {
        status = sb_dump_next(&line, &len, dump);
        lines += status == SB_OK;
    }
    sb_dump_close(dump);
    if (status == SB_EMPTY) {
        assert_int_equal(lines, 1 + 1 + 7);
        return SB_OK;
    }
    return status;
}

static sb_status run_load(stage *st)
{
    static const char *const lines[] = {
        "{\"format\": \"simplebroker-dump\", \"last_ts\": 9, \"type\": \"header\", \"version\": 1}",
        "{\"type\": \"message\", \"queue\": \"l\", \"body\": \"one\", \"id\": 5}",
        "{\"type\": \"message\", \"queue\": \"l\", \"body\": \"two\", \"id\": 6}"};
    sb_load *load = NULL;
    sb_status status = sb_load_open(&load, BROKER, NULL, NULL);

    for (size_t i = 0; !status && i < sizeof lines / sizeof lines[0]; i++) {
        status = sb_load_line(load, lines[i], NTS);
    }
    status = status ? status : sb_load_finish(NULL, NULL, load);
    sb_load_close(load);
    return status;
}

static sb_status run_vacuum(stage *st)
{
    return sb_vacuum(NULL, BROKER, NULL);
}

static sb_status run_compact(stage *st)
{
    sb_options options = defaults();

    options.flags = SB_COMPACT;
    return sb_vacuum(NULL, BROKER, &options);
}

static sb_status run_backup(stage *st)
{
    sb_status status = sb_backup(BROKER, st->spare, NTS, NULL);

    if (status) {
        assert_false(file_exists(st->spare, ""));
    }
    return status;
}

static sb_status run_waiter(stage *st)
{
    sb_options options = defaults();
    sb_waiter *waiter = NULL;
    const char *name = NULL;
    sb_status status = sb_waiter_open(&waiter, BROKER);

    assert_true((status == SB_OK) == (waiter != NULL));
    options.timeout_ms = 2000;
    options.flags = SB_TAKING;
    status = status ? status : sb_waiter_add(waiter, "empty", 5, NULL);
    sb_waiter_fd(waiter);
    status = status ? status : sb_waiter_add(waiter, "q", 1, &options);
    status = status ? status : sb_waiter_add(waiter, NULL, 0, NULL);
    status = status ? status : sb_waiter_wait(waiter, &options);
    status = status ? status : sb_waiter_next(&name, NULL, waiter);
    sb_waiter_close(waiter);
    return status;
}

static sb_status ignore_message(void *payload, int64_t id, const char *body, size_t body_len)
{
    (void)payload;
    (void)id;
    (void)body;
    (void)body_len;
    return SB_OK;
}

/* It does not run, since it would try again for seconds. */
static sb_status run_watcher_open(stage *st)
{
    sb_watcher *watcher = NULL;
    sb_status status = sb_watcher_open(&watcher, BROKER, SB_CURSOR_MOVE, "q", 1, "r", 1, 2, NULL,
                                       ignore_message, NULL);

    assert_true((status == SB_OK) == (watcher != NULL));
    sb_watcher_close(watcher);
    return status;
}

/* A name, its answer, and what may be left of it after a failure. */
const operation operations[] = {
    {"open", run_open, SB_OK, EFFECT_ALL_OR_NOTHING},
    {"open a new file", run_open_new, SB_OK, EFFECT_ALL_OR_NOTHING},
    {"init", run_init, SB_OK, EFFECT_ALL_OR_NOTHING},
    {"verify", run_verify, SB_OK, EFFECT_ALL_OR_NOTHING},
    {"write", run_write, SB_OK, EFFECT_ALL_OR_NOTHING},
    {"write a large body", run_write_large, SB_OK, EFFECT_ALL_OR_NOTHING},
    {"claim", run_claim, SB_OK, EFFECT_ALL_OR_NOTHING},
    {"claim many", run_claim_many, SB_OK, EFFECT_ALL_OR_NOTHING},
    {"claim within bounds", run_claim_bounds, SB_OK, EFFECT_ALL_OR_NOTHING},
    {"claim an id", run_claim_id, SB_OK, EFFECT_ALL_OR_NOTHING},
    {"peek", run_peek, SB_OK, EFFECT_ALL_OR_NOTHING},
    {"peek an id", run_peek_id, SB_OK, EFFECT_ALL_OR_NOTHING},
    {"move", run_move, SB_OK, EFFECT_ALL_OR_NOTHING},
    {"move an id", run_move_id, SB_OK, EFFECT_ALL_OR_NOTHING},
    {"delete a queue", run_delete_queue, SB_OK, EFFECT_ALL_OR_NOTHING},
    {"delete ids", run_delete_ids, SB_OK, EFFECT_ALL_OR_NOTHING},
    {"delete queues", run_delete_queues, SB_OK, EFFECT_ALL_OR_NOTHING},
    {"delete all", run_delete_all, SB_OK, EFFECT_ALL_OR_NOTHING},
    {"broadcast", run_broadcast, SB_OK, EFFECT_ALL_OR_NOTHING},
    {"broadcast to", run_broadcast_to, SB_OK, EFFECT_ALL_OR_NOTHING},
    {"insert", run_insert, SB_OK, EFFECT_ALL_OR_NOTHING},
    {"write_many", run_write_many, SB_OK, EFFECT_ALL_OR_NOTHING},
    {"rename", run_rename, SB_OK, EFFECT_ALL_OR_NOTHING},
    {"search", run_search, SB_OK, EFFECT_ALL_OR_NOTHING},
    {"claim cursor", run_claim_cursor, SB_OK, EFFECT_MESSAGE_BY_MESSAGE},
    {"claim batches", run_claim_batches, SB_OK, EFFECT_MESSAGE_BY_MESSAGE},
    {"move batches", run_move_batches, SB_OK, EFFECT_MESSAGE_BY_MESSAGE},
    {"peek cursor", run_peek_cursor, SB_OK, EFFECT_ALL_OR_NOTHING},
    {"sidecar change", run_sidecar_change, SB_OK, EFFECT_ALL_OR_NOTHING},
    {"sidecar question", run_sidecar_question, SB_OK, EFFECT_ALL_OR_NOTHING},
    {"transaction", run_txn, SB_OK, EFFECT_ALL_OR_NOTHING},
    {"questions", run_questions, SB_OK, EFFECT_ALL_OR_NOTHING},
    {"meta list", run_meta_list, SB_OK, EFFECT_ALL_OR_NOTHING},
    {"queues list", run_queues_list, SB_OK, EFFECT_ALL_OR_NOTHING},
    {"alias add", run_alias_add, SB_OK, EFFECT_ALL_OR_NOTHING},
    {"alias remove", run_alias_remove, SB_OK, EFFECT_ALL_OR_NOTHING},
    {"alias questions", run_alias_questions, SB_OK, EFFECT_ALL_OR_NOTHING},
    {"timestamps", run_timestamps, SB_OK, EFFECT_ALL_OR_NOTHING},
    {"dump", run_dump, SB_OK, EFFECT_ALL_OR_NOTHING},
    {"load", run_load, SB_OK, EFFECT_MESSAGE_BY_MESSAGE},
    {"vacuum", run_vacuum, SB_OK, EFFECT_ALL_OR_NOTHING},
    {"compact", run_compact, SB_OK, EFFECT_CLAIMED_GONE},
    {"backup", run_backup, SB_OK, EFFECT_ALL_OR_NOTHING},
    {"waiter", run_waiter, SB_OK, EFFECT_ALL_OR_NOTHING},
    {"watcher", run_watcher_open, SB_OK, EFFECT_ALL_OR_NOTHING},
};

const size_t operation_count = sizeof operations / sizeof operations[0];
