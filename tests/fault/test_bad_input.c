/*
 * Every function of the header with NULL, closed, extreme and malformed arguments: the documented
 * answer, nothing changed, and the handle usable. The list is compared with the header, so that a
 * new function without a check is noticed.
 */
#include "bad_input.h"

#include "core/files_testing.h"

typedef struct arguments {
    sb_broker *broker;
    const sb_options *options;
    const char *name; /* of a queue */
    size_t name_len;
    int64_t id;
    size_t limit;
    const char *body;
    size_t body_len;
} arguments;

enum traits {
    HAS_OPTIONS = 1,
    HAS_NAME = 2,
    HAS_ID = 4,
    HAS_LIMIT = 8,
    HAS_BODY = 16,
    CHANGES = 32, /* with good arguments */
    NAME_OF_ALIAS = 64
};

typedef struct broker_call {
    const char *function;
    sb_status (*call)(const arguments *a);
    unsigned traits;
} broker_call;

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
    sb_status status = sb_move(&out, a->broker, a->name, a->name_len, "to", 2, a->limit, a->options);

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

static sb_status call_on_trace(const arguments *a)
{
    return sb_broker_on_trace(a->broker, NULL, NULL, NULL);
}

static const broker_call calls[] = {
    {"sb_write", call_write, HAS_OPTIONS | HAS_NAME | HAS_BODY | CHANGES},
    {"sb_claim", call_claim, HAS_OPTIONS | HAS_NAME | HAS_LIMIT | CHANGES},
    {"sb_claim_id", call_claim_id, HAS_OPTIONS | HAS_NAME | HAS_ID | CHANGES},
    {"sb_peek", call_peek, HAS_OPTIONS | HAS_NAME | HAS_LIMIT},
    {"sb_peek_id", call_peek_id, HAS_OPTIONS | HAS_NAME | HAS_ID},
    {"sb_move", call_move, HAS_OPTIONS | HAS_NAME | HAS_LIMIT | CHANGES},
    {"sb_move_id", call_move_id, HAS_OPTIONS | HAS_NAME | HAS_ID | CHANGES},
    {"sb_delete_queue", call_delete_queue, HAS_OPTIONS | HAS_NAME | CHANGES},
    {"sb_delete_ids", call_delete_ids, HAS_OPTIONS | HAS_NAME | HAS_ID | CHANGES},
    {"sb_delete_queues", call_delete_queues, HAS_OPTIONS | HAS_NAME | CHANGES},
    {"sb_delete_all", call_delete_all, HAS_OPTIONS | CHANGES},
    {"sb_broadcast", call_broadcast, HAS_OPTIONS | HAS_BODY | CHANGES},
    {"sb_broadcast_to", call_broadcast_to, HAS_OPTIONS | HAS_NAME | HAS_BODY | CHANGES},
    {"sb_insert", call_insert, HAS_OPTIONS | HAS_NAME | HAS_BODY | CHANGES},
    {"sb_rename", call_rename, HAS_OPTIONS | HAS_NAME | CHANGES},
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
    {"sb_alias_add", call_alias_add, HAS_OPTIONS | HAS_NAME | NAME_OF_ALIAS | CHANGES},
    {"sb_alias_remove", call_alias_remove, HAS_OPTIONS | HAS_NAME | NAME_OF_ALIAS},
    {"sb_alias_resolve", call_alias_resolve, HAS_OPTIONS | HAS_NAME | NAME_OF_ALIAS},
    {"sb_alias_list", call_alias_list, HAS_OPTIONS},
    {"sb_alias_version", call_alias_version, HAS_OPTIONS},
    {"sb_queue_resolve", call_queue_resolve, HAS_OPTIONS},
    {"sb_timestamp_generate", call_timestamp_generate, HAS_OPTIONS},
    {"sb_timestamp_cached", call_timestamp_cached, HAS_OPTIONS},
    {"sb_timestamp_refresh", call_timestamp_refresh, HAS_OPTIONS},
    {"sb_timestamp_advance", call_timestamp_advance, HAS_OPTIONS | HAS_ID},
    {"sb_dump_open", call_dump_open, HAS_OPTIONS},
    {"sb_load_open", call_load_open, HAS_OPTIONS},
    {"sb_vacuum", call_vacuum, HAS_OPTIONS | CHANGES},
    {"sb_backup", call_backup, HAS_OPTIONS},
    {"sb_broker_on_trace", call_on_trace, 0},
};

enum { CALLS = sizeof calls / sizeof calls[0] };

void assert_refused(const char *function, sb_status status)
{
    if (status >= 0 || sb_error_status(NULL) != status || !*sb_error_message(NULL)) {
        fail_msg("%s: SB_%s, detail SB_%s (%s)", function, sb_status_name(status),
                 sb_status_name(sb_error_status(NULL)), sb_error_message(NULL));
    }
}

static void expect(const broker_call *call, const arguments *a, sb_status expected, const char *why)
{
    sb_status status = call->call(a);

    if (status != expected) {
        fail_msg("%s with %s: SB_%s (%s), expected SB_%s", call->function, why,
                 sb_status_name(status), sb_error_message(NULL), sb_status_name(expected));
    }
    if (status < 0) {
        assert_refused(call->function, status);
    }
}

static void assert_not_ok(const broker_call *call, const arguments *a)
{
    sb_status status = call->call(a);

    if (status != SB_EMPTY) {
        assert_refused(call->function, status);
    }
}

/* Extreme, but allowed: success or nothing found. */
static void assert_allowed(const broker_call *call, const arguments *a)
{
    sb_status status = call->call(a);

    if (status != SB_OK && status != SB_EMPTY) {
        fail_msg("%s: SB_%s (%s)", call->function, sb_status_name(status), sb_error_message(NULL));
    }
}

static void assert_unchanged(stage *st, const char *function)
{
    char after[sizeof st->before];

    stage_contents(after, sizeof after, st);
    if (strcmp(st->before, after) != 0) {
        fail_msg("%s changed\n%s\ninto\n%s", function, st->before, after);
    }
}

static arguments good(const stage *st)
{
    arguments a = {st->s->broker, NULL, "q", 1, STAGE_FIRST_ID, 1, "body", 4};

    return a;
}

static void test_broker__null_or_closed(void **state)
{
    stage *st = *state;
    sb_broker *closed = NULL;

    assert_ok(sb_open_path(&closed, st->s->path, NTS, st->s->config, NULL));
    sb_close(closed);
    stage_reset(st);
    for (size_t i = 0; i < CALLS; i++) {
        arguments a = good(st);

        a.broker = NULL;
        expect(&calls[i], &a, SB_EINVALID, "a NULL broker");
        a.broker = closed;
        expect(&calls[i], &a, SB_ECLOSED, "a closed broker");
        assert_unchanged(st, calls[i].function);
    }
    assert_int_equal(sb_broker_has_safe_checkpoints(NULL), 0);
    sb_broker_has_safe_checkpoints(closed);
    sb_close(closed);
    sb_close(NULL);
}

static void test_options__uninitialised_or_out_of_range(void **state)
{
    stage *st = *state;
    sb_options bad[6];

    for (int i = 0; i < 6; i++) {
        sb_options_init(&bad[i], SB_OPTIONS_VERSION);
    }
    memset(&bad[0], 0, sizeof bad[0]);
    bad[1].version = SB_OPTIONS_VERSION + 1;
    bad[2].size = 8;
    bad[3].after = -2;
    bad[4].before = INT64_MIN;
    memset(&bad[5], 0xA5, sizeof bad[5]);
    stage_reset(st);
    for (size_t i = 0; i < CALLS; i++) {
        for (int o = 0; o < 6 && calls[i].traits & HAS_OPTIONS; o++) {
            arguments a = good(st);

            a.options = &bad[o];
            expect(&calls[i], &a, SB_EINVALID, "bad options");
        }
        assert_unchanged(st, calls[i].function);
    }
}

static void test_options__thrown_switch(void **state)
{
    stage *st = *state;
    sb_options options;
    sb_cancel *cancel;

    assert_ok(sb_cancel_new(&cancel));
    sb_cancel_set(cancel);
    sb_options_init(&options, SB_OPTIONS_VERSION);
    options.cancel = cancel;
    stage_reset(st);
    for (size_t i = 0; i < CALLS; i++) {
        arguments a = good(st);

        a.options = &options;
        if (calls[i].traits & HAS_OPTIONS) {
            expect(&calls[i], &a, SB_CANCELLED, "a thrown switch");
        }
        assert_unchanged(st, calls[i].function);
    }
    sb_cancel_free(cancel);
}

static void test_names__malformed(void **state)
{
    static char long_name[SB_QUEUE_NAME_MAX + 2];
    const struct {
        const char *text;
        size_t len;
        sb_status status;
    } names[] = {
        {NULL, 0, SB_EINVALID},       {NULL, 5, SB_EINVALID},
        {"", 0, SB_EQUEUENAME},       {"", NTS, SB_EQUEUENAME},
        {".q", 2, SB_EQUEUENAME},     {"-q", NTS, SB_EQUEUENAME},
        {"a b", 3, SB_EQUEUENAME},    {"q\0q", 3, SB_EQUEUENAME},
        {"\xff\xfe", 2, SB_EQUEUENAME}, {"\xc3\xa4", 2, SB_EQUEUENAME},
        {"../x", 4, SB_EQUEUENAME},   {"@a", 2, SB_EQUEUENAME},
        {long_name, SB_QUEUE_NAME_MAX + 1, SB_EQUEUENAME},
    };
    stage *st = *state;

    memset(long_name, 'q', SB_QUEUE_NAME_MAX + 1);
    stage_reset(st);
    for (size_t i = 0; i < CALLS; i++) {
        for (size_t n = 0; n < sizeof names / sizeof names[0]; n++) {
            arguments a = good(st);

            a.name = names[n].text;
            a.name_len = names[n].len;
            if (!(calls[i].traits & HAS_NAME)) {
                continue;
            }
            if (calls[i].traits & NAME_OF_ALIAS) {
                assert_not_ok(&calls[i], &a);
            } else {
                expect(&calls[i], &a, names[n].status, names[n].text ? names[n].text : "no name");
            }
        }
        assert_unchanged(st, calls[i].function);
    }
}

static void test_names__longest_is_good(void **state)
{
    static char name[SB_QUEUE_NAME_MAX];
    stage *st = *state;

    memset(name, 'q', sizeof name);
    for (size_t i = 0; i < CALLS; i++) {
        arguments a = good(st);

        a.name = name;
        a.name_len = sizeof name;
        stage_reset(st);
        if (calls[i].traits & HAS_NAME) {
            assert_allowed(&calls[i], &a);
        }
    }
}

static void test_ids_and_limits__at_every_edge(void **state)
{
    static const int64_t ids[] = {INT64_MIN, -1, 0, 1, INT64_MAX - 1, INT64_MAX};
    static const size_t limits[] = {0, 2, INT64_MAX, (size_t)INT64_MAX + 1, SIZE_MAX};
    stage *st = *state;

    for (size_t i = 0; i < CALLS; i++) {
        for (size_t n = 0; n < 6 && calls[i].traits & HAS_ID; n++) {
            arguments a = good(st);

            a.id = ids[n];
            stage_reset(st);
            if (ids[n] < 0) {
                expect(&calls[i], &a, SB_EINVALID, "a negative id");
                assert_unchanged(st, calls[i].function);
            } else if (calls[i].call != call_timestamp_advance) {
                assert_allowed(&calls[i], &a);
            }
        }
        for (size_t n = 0; n < 5 && calls[i].traits & HAS_LIMIT; n++) {
            arguments a = good(st);

            a.limit = limits[n];
            stage_reset(st);
            expect(&calls[i], &a, limits[n] ? SB_OK : SB_EINVALID, "a limit at an edge");
        }
    }
}

static void test_bounds__at_every_edge(void **state)
{
    static const int64_t bounds[] = {-1, 0, 1, STAGE_FIRST_ID, INT64_MAX - 1, INT64_MAX};
    stage *st = *state;
    sb_options options;

    sb_options_init(&options, SB_OPTIONS_VERSION);
    for (size_t i = 0; i < CALLS; i++) {
        for (int n = 0; n < 36 && calls[i].traits & HAS_LIMIT; n++) {
            arguments a = good(st);

            options.after = bounds[n / 6];
            options.before = bounds[n % 6];
            a.options = &options;
            stage_reset(st);
            assert_allowed(&calls[i], &a);
        }
    }
}

static void test_bodies__malformed(void **state)
{
    enum { TOO_LONG = 10 * 1024 * 1024 + 1 };
    char *large = malloc(TOO_LONG);
    const struct {
        const char *text;
        size_t len;
        sb_status status;
    } bodies[] = {
        {NULL, 0, SB_EINVALID},
        {NULL, 9, SB_EINVALID},
        {"\xff", 1, SB_EMESSAGE},
        {"\xed\xa0\x80", 3, SB_EMESSAGE},
        {"\xc3", 1, SB_EMESSAGE},
        {large, TOO_LONG, SB_EMESSAGE},
    };
    stage *st = *state;

    assert_non_null(large);
    memset(large, 'x', TOO_LONG);
    stage_reset(st);
    for (size_t i = 0; i < CALLS; i++) {
        for (size_t n = 0; n < sizeof bodies / sizeof bodies[0]; n++) {
            arguments a = good(st);

            a.body = bodies[n].text;
            a.body_len = bodies[n].len;
            if (calls[i].traits & HAS_BODY) {
                expect(&calls[i], &a, bodies[n].status, "a bad body");
            }
        }
        assert_unchanged(st, calls[i].function);
    }
    free(large);
}

static void test_other_functions__refuse_bad_input(void **state)
{
    stage *st = *state;

    for (size_t i = 0; i < bad_case_count; i++) {
        stage_reset(st);
        if (bad_cases[i].check) {
            bad_cases[i].check(st);
        }
        assert_unchanged(st, bad_cases[i].function);
    }
    put(st->s->broker, "q", "usable");
}

static int is_listed(const char *name, size_t len)
{
    for (size_t i = 0; i < CALLS; i++) {
        if (strlen(calls[i].function) == len && !memcmp(calls[i].function, name, len)) {
            return 1;
        }
    }
    for (size_t i = 0; i < bad_case_count; i++) {
        if (strlen(bad_cases[i].function) == len && !memcmp(bad_cases[i].function, name, len)) {
            return 1;
        }
    }
    return 0;
}

/* Every name in front of the first parenthesis after SB_EXTERN is a function of the header. */
static void test_header__every_function_is_checked(void **state)
{
    size_t size;
    char *header = read_file(&size, SB_TEST_SOURCE_DIR "/../core/include/simplebroker.h");
    int count = 0;
    (void)state;

    header[size] = '\0';
    for (const char *p = header; (p = strstr(p, "\nSB_EXTERN ")) != NULL; p++) {
        const char *end = strchr(p, '(');
        const char *name = end;

        while (name[-1] == '_' || (name[-1] >= 'a' && name[-1] <= 'z') ||
               (name[-1] >= '0' && name[-1] <= '9')) {
            name--;
        }
        count++;
        if (!is_listed(name, (size_t)(end - name))) {
            fail_msg("%.*s() is not checked", (int)(end - name), name);
        }
    }
    assert_in_range(count, 150, 1000);
    free(header);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, stage_open, stage_close)
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_header__every_function_is_checked),
        TEST(test_broker__null_or_closed),
        TEST(test_options__uninitialised_or_out_of_range),
        TEST(test_options__thrown_switch),
        TEST(test_names__malformed),
        TEST(test_names__longest_is_good),
        TEST(test_ids_and_limits__at_every_edge),
        TEST(test_bounds__at_every_edge),
        TEST(test_bodies__malformed),
        TEST(test_other_functions__refuse_bad_input),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
