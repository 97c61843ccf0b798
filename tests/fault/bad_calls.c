/*
 * The calls on a broker whose arguments are of a few common kinds: each is made with any of them
 * wrong. Out-parameters are released, whatever the answer.
 */
#include "bad_input.h"

static sb_status freed(sb_status status, sb_messages *messages)
{
    assert_true(status == SB_OK || !messages);
    sb_messages_free(messages);
    return status;
}

static sb_status call_write(const arguments *a)
{
    return sb_write(NULL, a->broker, a->name, a->name_len, a->body, a->body_len, a->options);
}

static sb_status call_claim(const arguments *a)
{
    sb_messages *out = NULL;
    sb_status status = sb_claim(&out, a->broker, a->name, a->name_len, a->limit, a->options);

    return freed(status, out);
}

static sb_status call_claim_id(const arguments *a)
{
    sb_messages *out = NULL;
    sb_status status = sb_claim_id(&out, a->broker, a->name, a->name_len, a->id, a->options);

    return freed(status, out);
}

static sb_status call_peek(const arguments *a)
{
    sb_messages *out = NULL;
    sb_status status = sb_peek(&out, a->broker, a->name, a->name_len, a->limit, a->options);

    return freed(status, out);
}

static sb_status call_peek_id(const arguments *a)
{
    sb_messages *out = NULL;
    sb_status status = sb_peek_id(&out, a->broker, a->name, a->name_len, a->id, a->options);

    return freed(status, out);
}

static sb_status call_move(const arguments *a)
{
    sb_messages *out = NULL;
    sb_status status = sb_move(&out, a->broker, a->name, a->name_len, "to", 2, a->limit,
                               a->options);

    if (status == SB_EQUEUENAME || status == SB_EINVALID) {
        /* The other name is looked at as well. */
        assert_int_equal(sb_move(&out, a->broker, "q", 1, a->name, a->name_len, a->limit,
                                 a->options), status);
    }
    return freed(status, out);
}

static sb_status call_move_id(const arguments *a)
{
    sb_messages *out = NULL;
    sb_status status = sb_move_id(&out, a->broker, "r", 1, a->name, a->name_len, a->id, a->options);

    return freed(status, out);
}

static sb_status call_delete_queue(const arguments *a)
{
    return sb_delete_queue(NULL, a->broker, a->name, a->name_len, a->options);
}

static sb_status call_delete_ids(const arguments *a)
{
    const int64_t ids[] = {STAGE_FIRST_ID, a->id};

    return sb_delete_ids(NULL, a->broker, a->name, a->name_len, ids, 2, a->options);
}

static sb_status with_name(const arguments *a, sb_status (*call)(const arguments *,
                                                                 const sb_strings *))
{
    sb_strings *names = sb_strings_new();
    sb_status status = sb_strings_add(names, "q", 1);

    status = status ? status : sb_strings_add(names, a->name, a->name_len);
    status = status ? status : call(a, names);
    sb_strings_free(names);
    return status;
}

static sb_status delete_named(const arguments *a, const sb_strings *names)
{
    return sb_delete_queues(NULL, a->broker, names, a->options);
}

static sb_status call_delete_queues(const arguments *a)
{
    return with_name(a, delete_named);
}

static sb_status call_delete_all(const arguments *a)
{
    return sb_delete_all(NULL, a->broker, a->options);
}

static sb_status call_broadcast(const arguments *a)
{
    return sb_broadcast(NULL, a->broker, a->body, a->body_len, NULL, 0, a->options);
}

static sb_status broadcast_named(const arguments *a, const sb_strings *names)
{
    return sb_broadcast_to(NULL, a->broker, a->body, a->body_len, names, a->options);
}

static sb_status call_broadcast_to(const arguments *a)
{
    return with_name(a, broadcast_named);
}

static sb_status call_insert(const arguments *a)
{
    sb_messages *messages = sb_messages_new();
    sb_status status = sb_messages_add(messages, "q", 1, "x", 1, 77);

    status = status ? status : sb_messages_add(messages, a->name, a->name_len, a->body,
                                               a->body_len, 99);
    status = status ? status : sb_insert(a->broker, messages, a->options);
    sb_messages_free(messages);
    return status;
}

static sb_status call_rename(const arguments *a)
{
    return sb_rename(NULL, NULL, a->broker, a->name, a->name_len, "other", 5, a->options);
}

static sb_status call_search(const arguments *a)
{
    sb_messages *out = NULL;
    size_t limit = a->limit > 1000 ? 1000 : a->limit;
    sb_status status = sb_search(&out, a->broker, a->name, a->name_len, "first", 5, limit,
                                 a->options);

    return freed(status, out);
}

static sb_status call_cursor_open(const arguments *a)
{
    sb_cursor *cursor = NULL;
    sb_status status = sb_cursor_open(&cursor, a->broker, SB_CURSOR_CLAIM, a->name, a->name_len,
                                      NULL, 0, 0, a->options);

    assert_true((status == SB_OK) == (cursor != NULL));
    sb_cursor_close(cursor);
    return status;
}

static sb_status call_txn_begin(const arguments *a)
{
    sb_txn *txn = NULL;
    sb_status status = sb_txn_begin(&txn, a->broker, a->options);

    sb_txn_rollback(txn);
    return status;
}

static sb_status call_sidecar_run(const arguments *a)
{
    return sb_sidecar_run(a->broker, "SELECT 1", NTS, NULL, a->options, NULL, NULL);
}

static sb_status call_exists(const arguments *a)
{
    return sb_exists(a->broker, a->name, a->name_len, a->options);
}

static sb_status call_has_pending(const arguments *a)
{
    return sb_has_pending(a->broker, a->name, a->name_len, a->options);
}

static sb_status call_latest_pending(const arguments *a)
{
    return sb_latest_pending(NULL, a->broker, a->name, a->name_len, a->options);
}

static sb_status call_queue_stats(const arguments *a)
{
    return sb_queue_stats(NULL, NULL, a->broker, a->name, a->name_len, a->options);
}

static sb_status call_queues_list(const arguments *a)
{
    sb_queues *queues = NULL;
    sb_status status = sb_queues_list(&queues, a->broker, NULL, 0, NULL, 0, a->options);

    sb_queues_free(queues);
    return status;
}

static sb_status call_overall_stats(const arguments *a)
{
    return sb_overall_stats(NULL, NULL, a->broker, a->options);
}

static sb_status call_broker_status(const arguments *a)
{
    return sb_broker_status(NULL, NULL, NULL, a->broker, a->options);
}

static sb_status take_row(void *payload, const sb_values *row)
{
    (void)payload;
    return sb_values_count(row) == 2 ? SB_OK : SB_EUSER;
}

static sb_status call_meta_list(const arguments *a)
{
    return sb_meta_list(a->broker, a->options, take_row, NULL);
}

static sb_status call_data_version(const arguments *a)
{
    return sb_data_version(NULL, a->broker);
}

static sb_status call_conflict_metrics(const arguments *a)
{
    return sb_conflict_metrics(NULL, NULL, a->broker, 0);
}

static sb_status call_alias_add(const arguments *a)
{
    return sb_alias_add(a->broker, "new", 3, a->name, a->name_len, a->options);
}

static sb_status call_alias_remove(const arguments *a)
{
    return sb_alias_remove(a->broker, a->name, a->name_len, a->options);
}

static sb_status call_alias_resolve(const arguments *a)
{
    char *out = NULL;
    sb_status status = sb_alias_resolve(&out, NULL, a->broker, a->name, a->name_len, a->options);

    sb_free(out);
    return status;
}

static sb_status call_alias_list(const arguments *a)
{
    sb_aliases *out = NULL;
    sb_status status = sb_alias_list(&out, a->broker, NULL, 0, a->options);

    sb_aliases_free(out);
    return status;
}

static sb_status call_alias_version(const arguments *a)
{
    return sb_alias_version(NULL, a->broker, a->options);
}

static sb_status call_queue_resolve(const arguments *a)
{
    char *out = NULL;
    sb_status status = sb_queue_resolve(&out, NULL, a->broker, "@a", 2, a->options);

    sb_free(out);
    return status;
}

static sb_status call_timestamp_generate(const arguments *a)
{
    return sb_timestamp_generate(NULL, a->broker, a->options);
}

static sb_status call_timestamp_cached(const arguments *a)
{
    return sb_timestamp_cached(NULL, a->broker, a->options);
}

static sb_status call_timestamp_refresh(const arguments *a)
{
    return sb_timestamp_refresh(NULL, a->broker, a->options);
}

static sb_status call_timestamp_advance(const arguments *a)
{
    return sb_timestamp_advance(NULL, a->broker, a->id == INT64_MAX ? 0 : a->id, a->options);
}

static sb_status call_dump_open(const arguments *a)
{
    sb_dump *dump = NULL;
    sb_status status = sb_dump_open(&dump, a->broker, NULL, NULL, a->options);

    sb_dump_close(dump);
    return status;
}

static sb_status call_load_open(const arguments *a)
{
    sb_load *load = NULL;
    sb_status status = sb_load_open(&load, a->broker, NULL, a->options);

    sb_load_close(load);
    return status;
}

static sb_status call_vacuum(const arguments *a)
{
    return sb_vacuum(NULL, a->broker, a->options);
}

static sb_status call_backup(const arguments *a)
{
    return sb_backup(a->broker, "/dev/null/copy", NTS, a->options);
}

static sb_status call_waiter_open(const arguments *a)
{
    sb_waiter *waiter = NULL;
    sb_status status = sb_waiter_open(&waiter, a->broker);

    assert_true((status == SB_OK) == (waiter != NULL));
    sb_waiter_close(waiter);
    return status;
}

static sb_status call_waiter_add(const arguments *a)
{
    sb_waiter *waiter = NULL;
    sb_status status = sb_waiter_open(&waiter, a->broker);

    status = status ? status : sb_waiter_add(waiter, a->name, a->name_len, a->options);
    sb_waiter_close(waiter);
    return status;
}

static sb_status call_waiter_remove(const arguments *a)
{
    sb_waiter *waiter = NULL;
    sb_status status = sb_waiter_open(&waiter, a->broker);

    status = status ? status : sb_waiter_add(waiter, "q", 1, NULL);
    status = status ? status : sb_waiter_add(waiter, NULL, 0, NULL);
    status = status ? status : sb_waiter_remove(waiter, a->name, a->name_len);
    sb_waiter_close(waiter);
    return status;
}

static sb_status call_waiter_wait(const arguments *a)
{
    sb_waiter *waiter = NULL;
    sb_status status = sb_waiter_open(&waiter, a->broker);

    status = status ? status : sb_waiter_add(waiter, "q", 1, NULL);
    status = status ? status : sb_waiter_wait(waiter, a->options);
    sb_waiter_close(waiter);
    return status;
}

static sb_status handle_nothing(void *payload, int64_t id, const char *body, size_t body_len)
{
    (void)payload;
    (void)id;
    (void)body;
    (void)body_len;
    return SB_OK;
}

static sb_status call_watcher_open(const arguments *a)
{
    sb_watcher *watcher = NULL;
    sb_status status = sb_watcher_open(&watcher, a->broker, SB_CURSOR_CLAIM, a->name, a->name_len,
                                       NULL, 0, 0, a->options, handle_nothing, NULL);

    assert_true((status == SB_OK) == (watcher != NULL));
    sb_watcher_close(watcher);
    if (status == SB_EQUEUENAME || status == SB_EINVALID) {
        /* The other name is looked at as well. */
        assert_int_equal(sb_watcher_open(&watcher, a->broker, SB_CURSOR_MOVE, "other", 5, a->name,
                                         a->name_len, 0, a->options, handle_nothing, NULL),
                         status);
    }
    return status;
}

/* Each with one argument wrong. */
void check_watchers(stage *st)
{
    static const struct {
        sb_cursor_kind kind;
        const char *target;
        sb_watch_fn handler;
    } wrong[] = {
        {SB_CURSOR_CLAIM, NULL, NULL},
        {(sb_cursor_kind)0, NULL, handle_nothing},
        {(sb_cursor_kind)99, NULL, handle_nothing},
        {SB_CURSOR_MOVE, NULL, handle_nothing},
        {SB_CURSOR_MOVE, "q", handle_nothing},
    };
    sb_broker *b = st->s->broker;
    sb_watcher *w = NULL;

    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        assert_refused("sb_watcher_open",
                       sb_watcher_open(&w, b, wrong[i].kind, "q", 1, wrong[i].target, NTS, 0, NULL,
                                       wrong[i].handler, NULL));
        assert_null(w);
    }
    assert_refused("sb_watcher_open", sb_watcher_open(NULL, b, SB_CURSOR_CLAIM, "q", 1, NULL, 0, 0,
                                                      NULL, handle_nothing, NULL));
    assert_ok(sb_watcher_open(&w, b, SB_CURSOR_CLAIM, "q", 1, NULL, 0, SIZE_MAX, NULL,
                              handle_nothing, NULL));
    sb_watcher_set_limit(w, INT64_MIN);
    sb_watcher_end_on_hangup(w, -1);
    sb_watcher_on_error(w, NULL, NULL);
    assert_int_equal(sb_watcher_count(w), 0);
    sb_watcher_stop(w);
    assert_ok(sb_watcher_run(w));
    assert_int_equal(sb_watcher_count(w), 0);
    sb_watcher_close(w);
}

static sb_status call_on_trace(const arguments *a)
{
    return sb_broker_on_trace(a->broker, NULL, NULL, NULL);
}

const broker_call broker_calls[] = {
    {"sb_write", call_write, HAS_OPTIONS | HAS_NAME | HAS_BODY},
    {"sb_claim", call_claim, HAS_OPTIONS | HAS_NAME | HAS_LIMIT},
    {"sb_claim_id", call_claim_id, HAS_OPTIONS | HAS_NAME | HAS_ID},
    {"sb_peek", call_peek, HAS_OPTIONS | HAS_NAME | HAS_LIMIT},
    {"sb_peek_id", call_peek_id, HAS_OPTIONS | HAS_NAME | HAS_ID},
    {"sb_move", call_move, HAS_OPTIONS | HAS_NAME | HAS_LIMIT},
    {"sb_move_id", call_move_id, HAS_OPTIONS | HAS_NAME | HAS_ID},
    {"sb_delete_queue", call_delete_queue, HAS_OPTIONS | HAS_NAME},
    {"sb_delete_ids", call_delete_ids, HAS_OPTIONS | HAS_NAME | HAS_ID},
    {"sb_delete_queues", call_delete_queues, HAS_OPTIONS | HAS_NAME},
    {"sb_delete_all", call_delete_all, HAS_OPTIONS},
    {"sb_broadcast", call_broadcast, HAS_OPTIONS | HAS_BODY},
    {"sb_broadcast_to", call_broadcast_to, HAS_OPTIONS | HAS_NAME | HAS_BODY},
    {"sb_insert", call_insert, HAS_OPTIONS | HAS_NAME | HAS_BODY},
    {"sb_rename", call_rename, HAS_OPTIONS | HAS_NAME},
    {"sb_search", call_search, HAS_OPTIONS | HAS_NAME | HAS_LIMIT},
    {"sb_cursor_open", call_cursor_open, HAS_OPTIONS | HAS_NAME},
    {"sb_txn_begin", call_txn_begin, HAS_OPTIONS},
    {"sb_sidecar_run", call_sidecar_run, HAS_OPTIONS},
    {"sb_exists", call_exists, HAS_OPTIONS | HAS_NAME},
    {"sb_has_pending", call_has_pending, HAS_OPTIONS | HAS_NAME},
    {"sb_latest_pending", call_latest_pending, HAS_OPTIONS | HAS_NAME},
    {"sb_queue_stats", call_queue_stats, HAS_OPTIONS | HAS_NAME},
    {"sb_queues_list", call_queues_list, HAS_OPTIONS},
    {"sb_overall_stats", call_overall_stats, HAS_OPTIONS},
    {"sb_broker_status", call_broker_status, HAS_OPTIONS},
    {"sb_meta_list", call_meta_list, HAS_OPTIONS},
    {"sb_data_version", call_data_version, 0},
    {"sb_conflict_metrics", call_conflict_metrics, 0},
    {"sb_alias_add", call_alias_add, HAS_OPTIONS | HAS_NAME | NAME_OF_ALIAS},
    {"sb_alias_remove", call_alias_remove, HAS_OPTIONS | HAS_NAME | NAME_OF_ALIAS},
    {"sb_alias_resolve", call_alias_resolve, HAS_OPTIONS | HAS_NAME | NAME_OF_ALIAS},
    {"sb_alias_list", call_alias_list, HAS_OPTIONS},
    {"sb_alias_version", call_alias_version, HAS_OPTIONS},
    {"sb_queue_resolve", call_queue_resolve, HAS_OPTIONS},
    {"sb_timestamp_generate", call_timestamp_generate, HAS_OPTIONS},
    {"sb_timestamp_cached", call_timestamp_cached, HAS_OPTIONS},
    {"sb_timestamp_refresh", call_timestamp_refresh, HAS_OPTIONS},
    {"sb_timestamp_advance", call_timestamp_advance, HAS_OPTIONS | HAS_ID | NO_GREAT_ID},
    {"sb_dump_open", call_dump_open, HAS_OPTIONS},
    {"sb_load_open", call_load_open, HAS_OPTIONS},
    {"sb_vacuum", call_vacuum, HAS_OPTIONS},
    {"sb_backup", call_backup, HAS_OPTIONS},
    {"sb_waiter_open", call_waiter_open, 0},
    {"sb_waiter_add", call_waiter_add, HAS_OPTIONS | HAS_NAME | NO_NAME_IS_ANY},
    {"sb_waiter_remove", call_waiter_remove, HAS_NAME | NO_NAME_IS_ANY},
    {"sb_waiter_wait", call_waiter_wait, HAS_OPTIONS},
    {"sb_watcher_open", call_watcher_open, HAS_OPTIONS | HAS_NAME},
    {"sb_broker_on_trace", call_on_trace, 0},
};

const size_t broker_call_count = sizeof broker_calls / sizeof broker_calls[0];
