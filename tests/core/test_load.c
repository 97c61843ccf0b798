/* Load: every refusal and its text, what stays after one, batches, high-water and clock. */
#include "testing.h"

#include <time.h>

#define HEADER                                                                                     \
    "{\"format\": \"simplebroker-dump\", \"last_ts\": 100, \"type\": \"header\", \"version\": 1}"
#define MESSAGE(rest) "{\"type\": \"message\", \"queue\": \"q\", \"body\": \"m\", " rest "}"
#define AT(n) "invalid dump input at line " #n ": "
#define BAD_ID AT(2) "invalid message ID: expected exactly 19 digits within range"
#define NO_TEXTS AT(2) "message record requires string 'queue' and 'body' fields"
#define NO_NAMES AT(2) "alias record requires string 'alias' and 'target' fields"
#define NAME_RULE                                                                                  \
    "Invalid queue name: must contain only letters, numbers, periods, underscores, and hyphens. "  \
    "Cannot begin with a hyphen or a period"

static sb_load *open_load(scratch *s, uint32_t flags)
{
    sb_load *load = NULL;
    sb_options options;

    assert_ok(sb_options_init(&options, SB_OPTIONS_VERSION));
    options.flags = flags;
    assert_ok(sb_load_open(&load, s->broker, NULL, &options));
    return load;
}

static sb_status give(sb_load *load, const char *line)
{
    return sb_load_line(load, line, (size_t)SB_NTS);
}

/* Loads a header and one line, then ends the input: the first failure, or SB_OK. */
static sb_status load_one(scratch *s, const char *line)
{
    sb_load *load = open_load(s, 0);
    sb_status status = give(load, HEADER);

    if (!status) {
        status = give(load, line);
    }
    if (!status) {
        status = sb_load_finish(NULL, NULL, load);
    }
    sb_load_close(load);
    return status;
}

static int64_t high_water(scratch *s)
{
    int64_t value = -1;

    assert_ok(sb_timestamp_refresh(&value, s->broker, NULL));
    return value;
}

typedef struct refusal {
    const char *line;
    sb_status status;
    const char *message;
} refusal;

static void test_load__bad_records_are_refused_with_their_line(void **state)
{
    static const refusal rows[] = {
        {"{\"type\": \"foo\"}", SB_EINVALID, AT(2) "unknown record type 'foo'"},
        {"{\"type\": \"it's\"}", SB_EINVALID, AT(2) "unknown record type \"it's\""},
        {"{\"type\": 1.50}", SB_EINVALID, AT(2) "unknown record type 1.5"},
        {"{\"type\": true}", SB_EINVALID, AT(2) "unknown record type True"},
        {"{}", SB_EINVALID, AT(2) "unknown record type None"},
        {"[]", SB_EINVALID, AT(2) "record must be a JSON object"},
        {"5", SB_EINVALID, AT(2) "record must be a JSON object"},
        {HEADER, SB_EINVALID, AT(2) "duplicate header"},
        {"{\"type\": \"alias\"}", SB_EINVALID, NO_NAMES},
        {"{\"type\": \"alias\", \"alias\": 1, \"target\": \"q\"}", SB_EINVALID, NO_NAMES},
        {"{\"type\": \"message\", \"id\": 5}", SB_EINVALID, NO_TEXTS},
        {"{\"type\": \"message\", \"queue\": \"q\", \"body\": null, \"id\": 5}", SB_EINVALID,
         NO_TEXTS},
        {MESSAGE("\"x\": 1"), SB_EINVALID, BAD_ID},
        {MESSAGE("\"id\": \"5\""), SB_EINVALID, BAD_ID},
        {MESSAGE("\"id\": null"), SB_EINVALID, BAD_ID},
        {MESSAGE("\"id\": true"), SB_EINVALID, BAD_ID},
        {MESSAGE("\"id\": 5.0"), SB_EINVALID, BAD_ID},
        {MESSAGE("\"id\": -1"), SB_EINVALID, BAD_ID},
        {MESSAGE("\"id\": 9223372036854775808"), SB_EINVALID, BAD_ID},
        {MESSAGE("\"id\": \"9223372036854775808\""), SB_EINVALID, BAD_ID},
        {MESSAGE("\"id\": 0"), SB_EINVALID,
         AT(2) "message_id 0 is reserved; use a positive compatible SimpleBroker message ID"},
        {MESSAGE("\"id\": 101"), SB_EINVALID, AT(2) "message id exceeds header last_ts"},
    };
    scratch *s = *state;

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_status(rows[i].status, load_one(s, rows[i].line));
        assert_string_equal(sb_error_message(NULL), rows[i].message);
        assert_int_equal(sb_error_line(NULL), 2);
    }
    assert_int_equal(high_water(s), 0);
}

static void test_load__matters_of_a_batch_have_the_plain_reason(void **state)
{
    static const refusal rows[] = {
        {"{\"type\": \"message\", \"queue\": \"b!d\", \"body\": \"\", \"id\": 5}", SB_EQUEUENAME,
         NAME_RULE},
        {"{\"type\": \"message\", \"queue\": \"\", \"body\": \"\", \"id\": 5}", SB_EQUEUENAME,
         "Invalid queue name: cannot be empty"},
        {"{\"type\": \"message\", \"queue\": \"\\ud800\", \"body\": \"\", \"id\": 5}",
         SB_EQUEUENAME, NAME_RULE},
        {"{\"type\": \"message\", \"queue\": \"q\", \"body\": \"a\\udc00\", \"id\": 5}",
         SB_EMESSAGE, "Message must be UTF-8 encodable (lone surrogates are not allowed)"},
        {"{\"type\": \"message\", \"queue\": \"q\", \"body\": \"\xFF\", \"id\": 5}", SB_EMESSAGE,
         "Message must be UTF-8 encodable (lone surrogates are not allowed)"},
        {"{\"type\": \"alias\", \"alias\": \"b!d\", \"target\": \"q\"}", SB_EQUEUENAME, NAME_RULE},
        {"{\"type\": \"alias\", \"alias\": \"a\", \"target\": \"a\"}", SB_EINVALID,
         "Alias and target must differ"},
    };
    scratch *s = *state;

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_status(rows[i].status, load_one(s, rows[i].line));
        assert_string_equal(sb_error_message(NULL), rows[i].message);
    }
    assert_int_equal(high_water(s), 0);
}

static void test_load__malformed_json_is_refused(void **state)
{
    static const char *const lines[] = {"x", "{", "{\"type\":", "'a'", "{} {}", "\xEF\xBB\xBF{}",
                                        "\xFF", "{\"a\": 01}"};
    scratch *s = *state;
    char digits[4302];

    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        assert_status(SB_EINVALID, load_one(s, lines[i]));
        assert_message(AT(2) "malformed JSON (");
        assert_int_equal(sb_error_line(NULL), 2);
    }
    memset(digits, '1', 4301);
    digits[4301] = '\0';
    assert_status(SB_EINVALID, load_one(s, digits));
    assert_string_equal(sb_error_message(NULL),
                        AT(2) "malformed JSON (numeric value is too large)");
}

static void test_load__bad_headers_are_refused(void **state)
{
#define TOP(rest) "{\"type\": \"header\", \"format\": \"simplebroker-dump\"" rest "}"
    static const struct {
        const char *line;
        const char *message;
    } rows[] = {
        {"{}", "first record must be the dump header"},
        {MESSAGE("\"id\": 5"), "first record must be the dump header"},
        {"{\"type\": \"header\"}", "unrecognized dump format"},
        {"{\"type\": \"header\", \"format\": \"x\", \"version\": 2}", "unrecognized dump format"},
        {TOP(""), "unsupported dump version None (supported: 1)"},
        {TOP(", \"version\": 2"), "unsupported dump version 2 (supported: 1)"},
        {TOP(", \"version\": \"1\""), "unsupported dump version '1' (supported: 1)"},
        {TOP(", \"version\": 1.5"), "unsupported dump version 1.5 (supported: 1)"},
        {TOP(", \"version\": false"), "unsupported dump version False (supported: 1)"},
        {TOP(", \"version\": 1"), "header requires 'last_ts'"},
        {TOP(", \"version\": 1, \"last_ts\": \"5\""), "invalid header last_ts"},
        {TOP(", \"version\": 1, \"last_ts\": -1"), "invalid header last_ts"},
        {TOP(", \"version\": 1, \"last_ts\": 1.0"), "invalid header last_ts"},
        {TOP(", \"version\": 1, \"last_ts\": true"), "invalid header last_ts"},
        {TOP(", \"version\": 1, \"last_ts\": null"), "invalid header last_ts"},
        {TOP(", \"version\": 1, \"last_ts\": 9223372036854775808"), "invalid header last_ts"},
    };
    scratch *s = *state;

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        sb_load *load = open_load(s, 0);
        char message[200];

        assert_ok(give(load, " \n"));
        assert_status(SB_EINVALID, give(load, rows[i].line));
        snprintf(message, sizeof message, AT(2) "%s", rows[i].message);
        assert_string_equal(sb_error_message(NULL), message);
        assert_status(SB_ERUNTIME, give(load, HEADER));
        assert_status(SB_ERUNTIME, sb_load_finish(NULL, NULL, load));
        sb_load_close(load);
    }
}

static void test_load__headers_that_are_equal_to_the_right_one_pass(void **state)
{
    static const char *const lines[] = {
        TOP(", \"version\": 1.0, \"last_ts\": 5"),
        TOP(", \"version\": true, \"last_ts\": \"0000000000000000005\""),
        TOP(", \"version\": 2, \"version\": 1, \"last_ts\": \" 0000000000000000005 \""),
        "\xC2\xA0" TOP(", \"version\": 1, \"last_ts\": 5, \"x\": [NaN, 1e999, \"\\ud800\"]") "\r\n",
    };
    scratch *s = *state;

    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        sb_load *load = open_load(s, 0);

        assert_ok(give(load, lines[i]));
        assert_ok(sb_load_finish(NULL, NULL, load));
        sb_load_close(load);
        assert_int_equal(high_water(s), 5);
    }
}

static void test_load__input_without_header_is_refused(void **state)
{
    sb_load *load = open_load(*state, 0);

    assert_ok(give(load, "\n"));
    assert_status(SB_EINVALID, sb_load_finish(NULL, NULL, load));
    assert_string_equal(sb_error_message(NULL),
                        "invalid dump input: missing header (is this a simplebroker dump?)");
    sb_load_close(load);
}

static void give_messages(sb_load *load, int64_t first, int count)
{
    for (int i = 0; i < count; i++) {
        char line[160];

        snprintf(line, sizeof line, MESSAGE("\"id\": %lld") "\n", (long long)first + i);
        assert_ok(give(load, line));
    }
}

static void test_load__messages_go_in_batches_of_1000(void **state)
{
    scratch *s = *state;
    sb_load *load = open_load(s, 0);
    int64_t messages = 0, aliases = 0;

    assert_ok(give(load, TOP(", \"version\": 1, \"last_ts\": 5000")));
    assert_ok(give(load, "{\"type\": \"alias\", \"alias\": \"a\", \"target\": \"q\"}"));
    give_messages(load, 1, 999);
    assert_pending(s->broker, "q", 0);
    give_messages(load, 1000, 501);
    assert_pending(s->broker, "q", 1000);
    assert_ok(sb_load_finish(&messages, &aliases, load));
    sb_load_close(load);
    assert_int_equal(messages, 1500);
    assert_int_equal(aliases, 1);
    assert_pending(s->broker, "q", 1500);
    assert_int_equal(high_water(s), 5000);
}

static void test_load__what_came_before_an_error_stays_but_not_its_batch(void **state)
{
    scratch *s = *state;
    sb_load *load = open_load(s, 0);
    sb_aliases *aliases = NULL;

    assert_ok(give(load, TOP(", \"version\": 1, \"last_ts\": 5000")));
    give_messages(load, 1, 1200);
    assert_ok(give(load, "{\"type\": \"alias\", \"alias\": \"a\", \"target\": \"t\"}"));
    assert_status(SB_EINVALID, give(load, "x"));
    assert_int_equal(sb_error_line(NULL), 1203);
    sb_load_close(load);
    assert_pending(s->broker, "q", 1000);
    assert_int_equal(high_water(s), 1001);
    assert_ok(sb_alias_list(&aliases, s->broker, NULL, 0, NULL));
    assert_int_equal(sb_aliases_count(aliases), 1);
    sb_aliases_free(aliases);
}

static void test_load__large_bodies_end_a_batch_early(void **state)
{
    static const char begin[] = "{\"type\": \"message\", \"queue\": \"q\", \"id\": 5, \"body\": \"";
    scratch *s = *state;
    sb_load *load = open_load(s, 0);
    size_t size = (size_t)9 << 20;
    char *line = malloc(size + sizeof begin + 2);

    assert_non_null(line);
    memcpy(line, begin, sizeof begin - 1);
    memset(line + sizeof begin - 1, 'x', size);
    memcpy(line + sizeof begin - 1 + size, "\"}", 3);
    assert_ok(give(load, HEADER));
    assert_ok(give(load, line));
    assert_pending(s->broker, "q", 1);
    sb_load_close(load);
    free(line);
}

#define FRESH " (load targets a fresh database; duplicate message IDs are never overwritten)"

static void test_load__ids_are_never_overwritten(void **state)
{
    scratch *s = *state;
    sb_load *load = open_load(s, 0);

    assert_ok(give(load, HEADER));
    give_messages(load, 5, 1);
    give_messages(load, 5, 1);
    assert_status(SB_EINTEGRITY, sb_load_finish(NULL, NULL, load));
    assert_message(FRESH);
    sb_load_close(load);
    assert_pending(s->broker, "q", 0);
    assert_int_equal(high_water(s), 0);
    assert_ok(load_one(s, MESSAGE("\"id\": 5")));
    assert_status(SB_EINTEGRITY, load_one(s, MESSAGE("\"id\": \"0000000000000000005\"")));
    assert_message(FRESH);
    assert_pending(s->broker, "q", 1);
}

static void test_load__high_water_is_at_least_the_header_and_never_falls(void **state)
{
    scratch *s = *state;

    assert_ok(load_one(s, MESSAGE("\"id\": 7")));
    assert_int_equal(high_water(s), 100);
    assert_ok(load_one(s, MESSAGE("\"id\": 100")));
    assert_int_equal(high_water(s), 101);
    assert_ok(sb_timestamp_advance(NULL, s->broker, 500, NULL));
    assert_ok(load_one(s, ""));
    assert_int_equal(high_water(s), 500);
}

static void test_load__unconfirmed_floor_says_what_to_do(void **state)
{
    scratch *s = *state;

    assert_ok(sb_sidecar_run(s->broker, "DELETE FROM meta WHERE key = 'last_ts'", (size_t)SB_NTS,
                             NULL, NULL, NULL, NULL));
    assert_status(SB_ETIMESTAMP, load_one(s, ""));
    assert_string_equal(sb_error_message(NULL),
                        "stored timestamp 0 is below requested floor 100 (correct the failure and "
                        "retry into a clean destination)");
}

typedef struct heard {
    int count;
    sb_warning kind;
    char text[512];
} heard;

static void hear(void *payload, sb_warning kind, const char *text)
{
    heard *h = payload;

    h->count++;
    h->kind = kind;
    snprintf(h->text, sizeof h->text, "%s", text);
}

static sb_status load_ahead(scratch *s, int64_t seconds, uint32_t flags)
{
    sb_load *load = open_load(s, flags);
    sb_status status;
    char line[160];

    snprintf(line, sizeof line, TOP(", \"version\": 1, \"last_ts\": %lld"),
             ((long long)time(NULL) + seconds) * 1000000000 / 4096 * 4096 + 95);
    status = give(load, line);
    if (!status) {
        status = sb_load_finish(NULL, NULL, load);
    }
    sb_load_close(load);
    return status;
}

static void test_load__header_ahead_of_the_clock_warns_or_is_refused(void **state)
{
    scratch *s = *state;
    heard h = {0};

    assert_ok(sb_config_on_warning(s->config, hear, &h, NULL));
    assert_ok(load_ahead(s, -10, 0));
    assert_int_equal(h.count, 0);
    assert_ok(load_ahead(s, 200, 0));
    assert_int_equal(h.count, 1);
    assert_int_equal(h.kind, SB_WARN_CLOCK_SKEW);
    assert_non_null(strstr(h.text, "dump header last_ts "));
    assert_non_null(strstr(h.text, " seconds ahead of local wall time; apparent clock skew leaves "
                                   "at most 4000 broker-global generated IDs before writes wait "
                                   "for wall time and may raise TimestampError"));
    assert_status(SB_EINVALID, load_ahead(s, 400, 0));
    assert_string_equal(
        sb_error_message(NULL),
        AT(1) "dump header future skew exceeds configured maximum of 300 seconds");
    assert_int_equal(h.count, 2);
    assert_ok(load_ahead(s, 400, SB_FORCE));
    assert_int_equal(h.count, 3);
}

static void test_load__allowed_skew_is_the_given_configurations(void **state)
{
    scratch *s = *state;
    sb_config *config = NULL;
    sb_load *load = NULL;
    char line[160];

    snprintf(line, sizeof line, TOP(", \"version\": 1, \"last_ts\": %lld"),
             ((long long)time(NULL) + 20) * 1000000000);
    assert_ok(sb_config_copy(&config, s->config));
    assert_ok(sb_config_set_text(config, "BROKER_LOAD_MAX_FUTURE_SKEW_SECONDS", (size_t)SB_NTS,
                                 "10", 2));
    assert_ok(sb_load_open(&load, s->broker, config, NULL));
    sb_config_free(config);
    assert_status(SB_EINVALID, give(load, line));
    assert_message("configured maximum of 10 seconds");
    sb_load_close(load);
}

static void test_load__takes_what_dump_gave(void **state)
{
    scratch *s = *state;
    sb_broker *copy = NULL;
    sb_dump *dump = NULL, *again = NULL;
    sb_load *load = NULL;
    char path[160];
    const char *line, *same;
    size_t len, same_len;
    sb_status status;

    assert_ok(sb_write(NULL, s->broker, "q", 1, "nul \0 \"\\\n\x7F\xF0\x9F\x98\x80", 14, NULL));
    put(s->broker, "p", "");
    put(s->broker, "p", "plain");
    assert_ok(sb_alias_add(s->broker, "a", 1, "q", 1, NULL));
    snprintf(path, sizeof path, "%s/copy.db", s->directory);
    assert_ok(sb_open_path(&copy, path, (size_t)SB_NTS, s->config, NULL));
    assert_ok(sb_load_open(&load, copy, NULL, NULL));
    assert_ok(sb_dump_open(&dump, s->broker, NULL, NULL, NULL));
    while ((status = sb_dump_next(&line, &len, dump)) == SB_OK) {
        assert_ok(sb_load_line(load, line, len));
    }
    assert_int_equal(status, SB_EMPTY);
    assert_ok(sb_load_finish(NULL, NULL, load));
    sb_load_close(load);
    sb_dump_close(dump);
    assert_ok(sb_dump_open(&dump, s->broker, NULL, NULL, NULL));
    assert_ok(sb_dump_open(&again, copy, NULL, NULL, NULL));
    /* The header of the copy may be one ahead, so as to stay above the last id. */
    assert_ok(sb_dump_next(NULL, NULL, dump));
    assert_ok(sb_dump_next(NULL, NULL, again));
    while ((status = sb_dump_next(&line, &len, dump)) == SB_OK) {
        assert_ok(sb_dump_next(&same, &same_len, again));
        assert_int_equal(len, same_len);
        assert_memory_equal(line, same, len);
    }
    assert_status(SB_EMPTY, sb_dump_next(NULL, NULL, again));
    sb_dump_close(dump);
    sb_dump_close(again);
    sb_close(copy);
}

/* A destination of the test's own. */
typedef struct sink {
    char seen[512];
    sb_status alias, messages, advance; /* what it answers */
} sink;

static sb_status sink_alias(void *payload, const char *alias, size_t alias_len, const char *target,
                            size_t target_len)
{
    sink *k = payload;
    size_t used = strlen(k->seen);

    snprintf(k->seen + used, sizeof k->seen - used, "alias %.*s=%.*s;", (int)alias_len, alias,
             (int)target_len, target);
    return k->alias ? sb_error_set(k->alias, "no alias", (size_t)SB_NTS, -1) : SB_OK;
}

static sb_status sink_messages(void *payload, const sb_messages *messages)
{
    sink *k = payload;

    for (size_t i = 0; i < sb_messages_count(messages); i++) {
        size_t used = strlen(k->seen), queue_len, body_len;
        const char *queue = sb_messages_queue(&queue_len, messages, i);
        const char *body = sb_messages_body(&body_len, messages, i);

        snprintf(k->seen + used, sizeof k->seen - used, "%.*s %.*s %d;", (int)queue_len, queue,
                 (int)body_len, body, (int)sb_messages_id(messages, i));
    }
    return k->messages ? sb_error_set(k->messages, "no messages", (size_t)SB_NTS, -1) : SB_OK;
}

static sb_status sink_advance(void *payload, int64_t last_ts)
{
    sink *k = payload;
    size_t used = strlen(k->seen);

    snprintf(k->seen + used, sizeof k->seen - used, "floor %d", (int)last_ts);
    return k->advance; /* says nothing */
}

static sb_status load_into(sink *k, scratch *s, int64_t *messages, int64_t *aliases)
{
    sb_load *load = NULL;
    sb_status status;

    k->seen[0] = '\0';
    assert_ok(sb_load_open_with(&load, s->config, NULL, sink_alias, sink_messages, sink_advance, k));
    assert_ok(give(load, HEADER));
    assert_ok(give(load, MESSAGE("\"id\": 5")));
    assert_ok(give(load, "{\"type\": \"message\", \"queue\": \"b!d\", \"body\": \"\\ud800\","
                         " \"id\": 5}"));
    status = give(load, "{\"type\": \"alias\", \"alias\": \"a\", \"target\": \"a\"}");
    if (!status) {
        status = sb_load_finish(messages, aliases, load);
    }
    sb_load_close(load);
    return status;
}

static void test_load_open_with__the_rules_are_the_destinations(void **state)
{
    int64_t messages = -1, aliases = -1;
    sink k = {"", SB_OK, SB_OK, SB_OK};

    assert_ok(load_into(&k, *state, &messages, &aliases));
    assert_string_equal(k.seen, "alias a=a;q m 5;b!d \xED\xA0\x80 5;floor 100");
    assert_int_equal(messages, 2);
    assert_int_equal(aliases, 1);
}

static void test_load_open_with__failures_come_through_unchanged(void **state)
{
    sink k = {"", SB_EINTEGRITY, SB_OK, SB_OK};

    assert_status(SB_EINTEGRITY, load_into(&k, *state, NULL, NULL));
    assert_string_equal(sb_error_message(NULL), "no alias");
    assert_string_equal(k.seen, "alias a=a;");
    k = (sink){"", SB_OK, SB_EINTEGRITY, SB_OK};
    assert_status(SB_EINTEGRITY, load_into(&k, *state, NULL, NULL));
    assert_string_equal(sb_error_message(NULL), "no messages");
    k = (sink){"", SB_OK, SB_OK, SB_EMPTY};
    assert_status(SB_EUSER, load_into(&k, *state, NULL, NULL));
    assert_message("without saying why");
}

static void test_load__handles_are_checked(void **state)
{
    scratch *s = *state;
    sb_load *load = open_load(s, 0);

    assert_status(SB_EINVALID, sb_load_line(load, NULL, 0));
    assert_ok(give(load, HEADER));
    sb_close(s->broker);
    s->broker = NULL;
    give_messages(load, 1, 1);
    assert_status(SB_ECLOSED, sb_load_finish(NULL, NULL, load));
    assert_status(SB_ERUNTIME, sb_load_finish(NULL, NULL, load));
    sb_load_close(load);
    sb_load_close(NULL);
    assert_status(SB_EINVALID, give(NULL, HEADER));
    assert_status(SB_EINVALID, sb_load_finish(NULL, NULL, NULL));
    assert_status(SB_EINVALID, sb_load_open(NULL, NULL, NULL, NULL));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, scratch_open, scratch_free)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_load__bad_records_are_refused_with_their_line),
        TEST(test_load__matters_of_a_batch_have_the_plain_reason),
        TEST(test_load__malformed_json_is_refused),
        TEST(test_load__bad_headers_are_refused),
        TEST(test_load__headers_that_are_equal_to_the_right_one_pass),
        TEST(test_load__input_without_header_is_refused),
        TEST(test_load__messages_go_in_batches_of_1000),
        TEST(test_load__what_came_before_an_error_stays_but_not_its_batch),
        TEST(test_load__large_bodies_end_a_batch_early),
        TEST(test_load__ids_are_never_overwritten),
        TEST(test_load__high_water_is_at_least_the_header_and_never_falls),
        TEST(test_load__unconfirmed_floor_says_what_to_do),
        TEST(test_load__header_ahead_of_the_clock_warns_or_is_refused),
        TEST(test_load__allowed_skew_is_the_given_configurations),
        TEST(test_load__takes_what_dump_gave),
        TEST(test_load_open_with__the_rules_are_the_destinations),
        TEST(test_load_open_with__failures_come_through_unchanged),
        TEST(test_load__handles_are_checked),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
