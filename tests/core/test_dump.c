/* Dump: its lines, what is chosen, and what page boundaries and writers meanwhile do not change. */
#include "testing.h"

static int64_t big_id(int64_t n)
{
    return 1700000000000000000 + n;
}

static void insert(sb_broker *broker, const char *queue, const char *body, size_t body_len,
                   int64_t id)
{
    sb_messages *messages = sb_messages_new();

    assert_non_null(messages);
    assert_ok(sb_messages_add(messages, queue, (size_t)SB_NTS, body, body_len, id));
    assert_ok(sb_insert(broker, messages, NULL));
    sb_messages_free(messages);
}

static void add_alias(sb_broker *broker, const char *alias, const char *target)
{
    assert_ok(sb_alias_add(broker, alias, (size_t)SB_NTS, target, (size_t)SB_NTS, NULL));
}

static void assert_line(sb_dump *dump, const char *want)
{
    const char *line;
    size_t len;

    if (!want) {
        assert_status(SB_EMPTY, sb_dump_next(&line, &len, dump));
        assert_status(SB_EMPTY, sb_dump_next(&line, &len, dump));
        return;
    }
    assert_ok(sb_dump_next(&line, &len, dump));
    assert_string_equal(line, want);
    assert_int_equal(len, strlen(want));
}

static void test_dump__lines_are_exact(void **state)
{
    scratch *s = *state;
    sb_dump *dump = NULL;

    insert(s->broker, "b", "nul \0 \"\xC3\xA9\"\n", 11, big_id(2));
    insert(s->broker, "a", "late", 4, big_id(3));
    insert(s->broker, "a", "", 0, 5);
    insert(s->broker, "claimed", "gone", 4, 7);
    assert_claims(s->broker, "claimed", "gone");
    add_alias(s->broker, "z", "b");
    add_alias(s->broker, "y", "a");
    assert_ok(sb_dump_open(&dump, s->broker, NULL, NULL, NULL));
    assert_line(dump, "{\"backend\": \"sqlite\", \"format\": \"simplebroker-dump\", \"last_ts\": "
                      "\"1700000000000000004\", \"type\": \"header\", \"version\": 1}");
    assert_line(dump, "{\"alias\": \"y\", \"target\": \"a\", \"type\": \"alias\"}");
    assert_line(dump, "{\"alias\": \"z\", \"target\": \"b\", \"type\": \"alias\"}");
    assert_line(dump, "{\"body\": \"\", \"id\": \"0000000000000000005\", \"queue\": \"a\", "
                      "\"type\": \"message\"}");
    assert_line(dump, "{\"body\": \"late\", \"id\": \"1700000000000000003\", \"queue\": \"a\", "
                      "\"type\": \"message\"}");
    assert_line(dump, "{\"body\": \"nul \\u0000 \\\"\xC3\xA9\\\"\\n\", \"id\": "
                      "\"1700000000000000002\", \"queue\": \"b\", \"type\": \"message\"}");
    assert_line(dump, NULL);
    sb_dump_close(dump);
}

static void test_dump__empty_broker_gives_the_header_alone(void **state)
{
    scratch *s = *state;
    sb_dump *dump = NULL;

    assert_ok(sb_dump_open(&dump, s->broker, NULL, NULL, NULL));
    assert_line(dump, "{\"backend\": \"sqlite\", \"format\": \"simplebroker-dump\", \"last_ts\": "
                      "\"0000000000000000000\", \"type\": \"header\", \"version\": 1}");
    assert_line(dump, NULL);
    sb_dump_close(dump);
}

/* The names after the last of `"key": "` in all lines, in order, each followed by a blank. */
static void collect(char *out, size_t size, sb_dump *dump, const char *key)
{
    const char *line;
    size_t used = 0;

    out[0] = '\0';
    while (sb_dump_next(&line, NULL, dump) == SB_OK) {
        const char *found = strstr(line, key);

        if (found) {
            found += strlen(key);
            used += (size_t)snprintf(out + used, size - used, "%.*s ",
                                     (int)strcspn(found, "\""), found);
            assert_true(used < size);
        }
    }
}

static sb_strings *strings(const char *const *texts)
{
    sb_strings *list = sb_strings_new();

    assert_non_null(list);
    for (; *texts; texts++) {
        assert_ok(sb_strings_add(list, *texts, (size_t)SB_NTS));
    }
    return list;
}

static void test_dump__patterns_choose_queues_and_aliases(void **state)
{
    static const struct {
        const char *include[3], *exclude[3];
        const char *queues, *aliases;
    } rows[] = {
        {{NULL}, {NULL}, "a ab b ", "x y z "},
        {{"a*", NULL}, {NULL}, "a ab ", "x y "},
        {{"a*", NULL}, {"ab", NULL}, "a ", "x "},
        {{"a", "b", NULL}, {NULL}, "a b ", "x z "},
        {{"x", NULL}, {NULL}, "", "x "},
        {{"a", NULL}, {"x", NULL}, "a ", ""},
        {{NULL}, {"x", "z", NULL}, "a ab b ", "y "},
        {{"", NULL}, {NULL}, "", ""},
        {{NULL}, {"*", NULL}, "", ""},
        {{"[!a]*", NULL}, {NULL}, "b ", "x y z "},
    };
    scratch *s = *state;

    put(s->broker, "a", "1");
    put(s->broker, "ab", "2");
    put(s->broker, "b", "3");
    add_alias(s->broker, "x", "a");
    add_alias(s->broker, "y", "ab");
    add_alias(s->broker, "z", "b");
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        static const char *const keys[] = {"\"queue\": \"", "\"alias\": \""};

        for (int k = 0; k < 2; k++) {
            sb_strings *include = strings(rows[i].include);
            sb_strings *exclude = strings(rows[i].exclude);
            sb_dump *dump = NULL;
            char found[64];

            assert_ok(sb_dump_open(&dump, s->broker, include, exclude, NULL));
            sb_strings_free(include);
            sb_strings_free(exclude);
            collect(found, sizeof found, dump, keys[k]);
            sb_dump_close(dump);
            assert_string_equal(found, k ? rows[i].aliases : rows[i].queues);
        }
    }
}

static void test_dump__pages_join_without_gap(void **state)
{
    enum { COUNT = 1203 };
    scratch *s = *state;
    sb_messages *messages = sb_messages_new();
    sb_dump *dump = NULL;
    const char *line;

    assert_non_null(messages);
    for (int i = 0; i < COUNT; i++) {
        char body[16];

        snprintf(body, sizeof body, "%d", i);
        assert_ok(sb_messages_add(messages, i < 1000 ? "p" : "q", 1, body, (size_t)SB_NTS,
                                  big_id(i)));
    }
    assert_ok(sb_insert(s->broker, messages, NULL));
    sb_messages_free(messages);
    assert_ok(sb_dump_open(&dump, s->broker, NULL, NULL, NULL));
    assert_ok(sb_dump_next(NULL, NULL, dump));
    for (int i = 0; i < COUNT; i++) {
        char want[32];

        snprintf(want, sizeof want, "{\"body\": \"%d\", ", i);
        assert_ok(sb_dump_next(&line, NULL, dump));
        assert_memory_equal(line, want, strlen(want));
    }
    assert_line(dump, NULL);
    sb_dump_close(dump);
}

static void test_dump__large_bodies_come_complete(void **state)
{
    enum { COUNT = 5 };
    scratch *s = *state;
    size_t size = 700 * 1024;
    char *body = malloc(size);
    sb_dump *dump = NULL;
    size_t len;

    assert_non_null(body);
    memset(body, 'x', size);
    for (int i = 0; i < COUNT; i++) {
        insert(s->broker, "q", body, size, i + 1);
    }
    assert_ok(sb_dump_open(&dump, s->broker, NULL, NULL, NULL));
    assert_ok(sb_dump_next(NULL, NULL, dump));
    for (int i = 0; i < COUNT; i++) {
        assert_ok(sb_dump_next(NULL, &len, dump));
        assert_int_equal(len, size + strlen("{\"body\": \"\", \"id\": \"0000000000000000001\", "
                                            "\"queue\": \"q\", \"type\": \"message\"}"));
    }
    assert_line(dump, NULL);
    sb_dump_close(dump);
    free(body);
}

static void test_dump__what_is_written_later_is_left_out(void **state)
{
    scratch *s = *state;
    sb_dump *dump = NULL;
    char found[64];

    put(s->broker, "q", "before");
    assert_ok(sb_dump_open(&dump, s->broker, NULL, NULL, NULL));
    assert_ok(sb_dump_next(NULL, NULL, dump));
    put(s->broker, "q", "after");
    collect(found, sizeof found, dump, "\"body\": \"");
    assert_string_equal(found, "before ");
    sb_dump_close(dump);
}

static void test_dump__can_be_cancelled_and_gone_on_with(void **state)
{
    scratch *s = *state;
    sb_dump *dump = NULL;
    sb_cancel *cancel = NULL;
    sb_options options;
    char found[64];

    put(s->broker, "q", "kept");
    assert_ok(sb_cancel_new(&cancel));
    assert_ok(sb_options_init(&options, SB_OPTIONS_VERSION));
    options.cancel = cancel;
    assert_ok(sb_dump_open(&dump, s->broker, NULL, NULL, &options));
    assert_ok(sb_dump_next(NULL, NULL, dump));
    sb_cancel_set(cancel);
    assert_status(SB_CANCELLED, sb_dump_next(NULL, NULL, dump));
    sb_cancel_reset(cancel);
    collect(found, sizeof found, dump, "\"body\": \"");
    assert_string_equal(found, "kept ");
    sb_dump_close(dump);
    sb_cancel_free(cancel);
}

static void test_dump__outlives_its_broker(void **state)
{
    scratch *s = *state;
    sb_dump *dump = NULL;

    assert_ok(sb_dump_open(&dump, s->broker, NULL, NULL, NULL));
    sb_close(s->broker);
    s->broker = NULL;
    assert_status(SB_ECLOSED, sb_dump_next(NULL, NULL, dump));
    sb_dump_close(dump);
    sb_dump_close(NULL);
    assert_status(SB_EINVALID, sb_dump_next(NULL, NULL, NULL));
    assert_status(SB_EINVALID, sb_dump_open(&dump, NULL, NULL, NULL, NULL));
    assert_null(dump);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_dump__lines_are_exact, scratch_open, scratch_free),
        cmocka_unit_test_setup_teardown(test_dump__empty_broker_gives_the_header_alone,
                                        scratch_open, scratch_free),
        cmocka_unit_test_setup_teardown(test_dump__patterns_choose_queues_and_aliases,
                                        scratch_open, scratch_free),
        cmocka_unit_test_setup_teardown(test_dump__pages_join_without_gap, scratch_open,
                                        scratch_free),
        cmocka_unit_test_setup_teardown(test_dump__large_bodies_come_complete, scratch_open,
                                        scratch_free),
        cmocka_unit_test_setup_teardown(test_dump__what_is_written_later_is_left_out,
                                        scratch_open, scratch_free),
        cmocka_unit_test_setup_teardown(test_dump__can_be_cancelled_and_gone_on_with,
                                        scratch_open, scratch_free),
        cmocka_unit_test_setup_teardown(test_dump__outlives_its_broker, scratch_open,
                                        scratch_free),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
