/*
 * Every function of the header with NULL, closed, extreme and malformed arguments: the documented
 * answer, nothing changed, and the handle usable. The list is compared with the header, so that a
 * new function without a check is noticed.
 */
#include "bad_input.h"

#include "core/files_testing.h"

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
    for (size_t i = 0; i < broker_call_count; i++) {
        arguments a = good(st);

        a.broker = NULL;
        expect(&broker_calls[i], &a, SB_EINVALID, "a NULL broker");
        a.broker = closed;
        expect(&broker_calls[i], &a, SB_ECLOSED, "a closed broker");
        assert_unchanged(st, broker_calls[i].function);
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
    for (size_t i = 0; i < broker_call_count; i++) {
        for (int o = 0; o < 6 && broker_calls[i].traits & HAS_OPTIONS; o++) {
            arguments a = good(st);

            a.options = &bad[o];
            expect(&broker_calls[i], &a, SB_EINVALID, "bad options");
        }
        assert_unchanged(st, broker_calls[i].function);
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
    for (size_t i = 0; i < broker_call_count; i++) {
        arguments a = good(st);

        a.options = &options;
        if (broker_calls[i].traits & HAS_OPTIONS) {
            expect(&broker_calls[i], &a, SB_CANCELLED, "a thrown switch");
        }
        assert_unchanged(st, broker_calls[i].function);
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
    for (size_t i = 0; i < broker_call_count; i++) {
        for (size_t n = 0; n < sizeof names / sizeof names[0]; n++) {
            arguments a = good(st);

            a.name = names[n].text;
            a.name_len = names[n].len;
            if (!(broker_calls[i].traits & HAS_NAME)) {
                continue;
            }
            if (!names[n].text && broker_calls[i].traits & NO_NAME_IS_ANY) {
                expect(&broker_calls[i], &a, SB_OK, "any name");
            } else if (broker_calls[i].traits & NAME_OF_ALIAS) {
                assert_not_ok(&broker_calls[i], &a);
            } else {
                expect(&broker_calls[i], &a, names[n].status,
                       names[n].text ? names[n].text : "no name");
            }
        }
        assert_unchanged(st, broker_calls[i].function);
    }
}

static void test_names__longest_is_good(void **state)
{
    static char name[SB_QUEUE_NAME_MAX];
    stage *st = *state;

    memset(name, 'q', sizeof name);
    for (size_t i = 0; i < broker_call_count; i++) {
        arguments a = good(st);

        a.name = name;
        a.name_len = sizeof name;
        stage_reset(st);
        if (broker_calls[i].traits & HAS_NAME) {
            assert_allowed(&broker_calls[i], &a);
        }
    }
}

static void test_ids_and_limits__at_every_edge(void **state)
{
    static const int64_t ids[] = {INT64_MIN, -1, 0, 1, INT64_MAX - 1, INT64_MAX};
    static const size_t limits[] = {0, 2, INT64_MAX, (size_t)INT64_MAX + 1, SIZE_MAX};
    stage *st = *state;

    for (size_t i = 0; i < broker_call_count; i++) {
        for (size_t n = 0; n < 6 && broker_calls[i].traits & HAS_ID; n++) {
            arguments a = good(st);

            a.id = ids[n];
            stage_reset(st);
            if (ids[n] < 0) {
                expect(&broker_calls[i], &a, SB_EINVALID, "a negative id");
                assert_unchanged(st, broker_calls[i].function);
            } else if (!(broker_calls[i].traits & NO_GREAT_ID)) {
                assert_allowed(&broker_calls[i], &a);
            }
        }
        for (size_t n = 0; n < 5 && broker_calls[i].traits & HAS_LIMIT; n++) {
            arguments a = good(st);

            a.limit = limits[n];
            stage_reset(st);
            expect(&broker_calls[i], &a, limits[n] ? SB_OK : SB_EINVALID, "a limit at an edge");
        }
    }
}

static void test_bounds__at_every_edge(void **state)
{
    static const int64_t bounds[] = {-1, 0, 1, STAGE_FIRST_ID, INT64_MAX - 1, INT64_MAX};
    stage *st = *state;
    sb_options options;

    sb_options_init(&options, SB_OPTIONS_VERSION);
    for (size_t i = 0; i < broker_call_count; i++) {
        for (int n = 0; n < 36 && broker_calls[i].traits & HAS_LIMIT; n++) {
            arguments a = good(st);

            options.after = bounds[n / 6];
            options.before = bounds[n % 6];
            a.options = &options;
            stage_reset(st);
            assert_allowed(&broker_calls[i], &a);
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
    for (size_t i = 0; i < broker_call_count; i++) {
        for (size_t n = 0; n < sizeof bodies / sizeof bodies[0]; n++) {
            arguments a = good(st);

            a.body = bodies[n].text;
            a.body_len = bodies[n].len;
            if (broker_calls[i].traits & HAS_BODY) {
                expect(&broker_calls[i], &a, bodies[n].status, "a bad body");
            }
        }
        assert_unchanged(st, broker_calls[i].function);
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

static int is_name(const char *function, const char *name, size_t len)
{
    return strlen(function) == len && !memcmp(function, name, len);
}

static int is_listed(const char *name, size_t len)
{
    for (size_t i = 0; i < broker_call_count; i++) {
        if (is_name(broker_calls[i].function, name, len)) {
            return 1;
        }
    }
    for (size_t i = 0; i < bad_case_count; i++) {
        if (is_name(bad_cases[i].function, name, len)) {
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
