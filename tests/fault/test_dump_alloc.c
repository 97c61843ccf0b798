/*
 * Memory that runs out in a dump or a load: each allocation fails once, and each time the answer is
 * SB_ENOMEM, nothing leaks, and the next attempt succeeds.
 */
#include "core/testing.h"

static long countdown = -1; /* allocations until one fails; negative: none does */

static int fails(void)
{
    return countdown >= 0 && countdown-- == 0;
}

static void *failing_malloc(size_t size)
{
    return fails() ? NULL : malloc(size);
}

static void *failing_realloc(void *memory, size_t size)
{
    return fails() ? NULL : realloc(memory, size);
}

static sb_status dump_all(sb_broker *broker)
{
    sb_strings *patterns = sb_strings_new();
    sb_dump *dump = NULL;
    sb_status status = patterns ? sb_strings_add(patterns, "q*", 2) : SB_ENOMEM;
    int lines = 0;

    if (!status) {
        status = sb_dump_open(&dump, broker, patterns, patterns, NULL);
    }
    sb_dump_close(dump);
    sb_strings_free(patterns);
    if (!status) {
        status = sb_dump_open(&dump, broker, NULL, NULL, NULL);
    }
    if (!status) {
        while ((status = sb_dump_next(NULL, NULL, dump)) == SB_OK) {
            lines++;
        }
        sb_dump_close(dump);
    }
    if (status == SB_EMPTY) {
        assert_int_equal(lines, 1 + 1 + 3);
        return SB_OK;
    }
    return status;
}

static sb_status load_all(sb_broker *broker)
{
    static const char *const lines[] = {
        "{\"format\": \"simplebroker-dump\", \"last_ts\": 9, \"type\": \"header\", \"version\": 1}",
        "{\"type\": \"alias\", \"alias\": \"b\", \"target\": \"q\"}",
        "{\"type\": \"message\", \"queue\": \"new\", \"body\": \"\xC2\xA0\", \"id\": 5, \"x\": NaN}",
        "{\"type\": \"message\", \"queue\": \"new\", \"body\": \"x\", \"id\": 6}",
    };
    sb_load *load = NULL;
    sb_status status = sb_load_open(&load, broker, NULL, NULL);

    for (size_t i = 0; !status && i < sizeof lines / sizeof lines[0]; i++) {
        status = sb_load_line(load, lines[i], (size_t)SB_NTS);
    }
    if (!status) {
        status = sb_load_finish(NULL, NULL, load);
    }
    sb_load_close(load);
    return status;
}

static sb_status take_alias(void *payload, const char *alias, size_t alias_len, const char *target,
                            size_t target_len)
{
    (void)alias;
    (void)target;
    *(size_t *)payload += alias_len + target_len;
    return SB_OK;
}

static sb_status take_messages(void *payload, const sb_messages *messages)
{
    *(size_t *)payload += sb_messages_count(messages);
    return SB_OK;
}

static sb_status take_floor(void *payload, int64_t last_ts)
{
    *(size_t *)payload += (size_t)last_ts;
    return SB_OK;
}

static sb_status load_elsewhere(sb_broker *broker)
{
    static const char line[] = "{\"type\": \"header\", \"format\": \"simplebroker-dump\", "
                               "\"version\": 1, \"last_ts\": 9}";
    size_t sum = 0;
    sb_config *config = NULL;
    sb_load *load = NULL;
    sb_status status = sb_config_isolated(&config);

    (void)broker;
    if (!status) {
        status = sb_load_open_with(&load, config, NULL, take_alias, take_messages, take_floor, &sum);
    }
    if (!status) {
        status = sb_load_line(load, line, (size_t)SB_NTS);
    }
    if (!status) {
        status = sb_load_finish(NULL, NULL, load);
    }
    sb_load_close(load);
    sb_config_free(config);
    return status;
}

static sb_status refused_line(sb_broker *broker)
{
    sb_load *load = NULL;
    sb_status status = sb_load_open(&load, broker, NULL, NULL);

    if (!status) {
        status = sb_load_line(load, "{\"a\": [NaN, 1}", (size_t)SB_NTS);
    }
    sb_load_close(load);
    return status;
}

/* Repeats the work with ever later failures, until one is not reached any more. */
static void assert_survives(sb_broker *broker, sb_status (*work)(sb_broker *), sb_status expected)
{
    sb_status status = SB_ENOMEM;
    int failures = 0;

    for (long n = 0; status == SB_ENOMEM; n++, failures++) {
        countdown = n;
        status = work(broker);
        countdown = -1;
        if (status != SB_ENOMEM) {
            assert_status(expected, status);
        } else {
            sb_delete_queue(NULL, broker, "new", 3, NULL);
            sb_alias_remove(broker, "b", 1, NULL);
        }
    }
    assert_true(failures > 2);
}

static void test_dump__memory_runs_out(void **state)
{
    scratch *s = *state;

    put(s->broker, "q", "x");
    put(s->broker, "q", "y");
    put(s->broker, "r", "z");
    assert_ok(sb_alias_add(s->broker, "a", 1, "q", 1, NULL));
    assert_survives(s->broker, dump_all, SB_OK);
}

/* The lines of a dump, joined; what memory runs out for at allocation `n` is asked for again. */
static void collect_lines(char *out, size_t size, sb_broker *broker, long n, int *out_failures)
{
    sb_dump *dump = NULL;
    sb_status status = SB_OK;
    size_t used = 0;

    assert_ok(sb_dump_open(&dump, broker, NULL, NULL, NULL));
    countdown = n;
    *out_failures = 0;
    while (status != SB_EMPTY) {
        const char *line = NULL;

        status = sb_dump_next(&line, NULL, dump);
        if (status == SB_ENOMEM) {
            countdown = -1;
            ++*out_failures;
            continue;
        }
        assert_true(status == SB_OK || status == SB_EMPTY);
        if (status == SB_OK) {
            used += (size_t)snprintf(out + used, size - used, "%s\n", line);
            assert_true(used < size);
        }
    }
    countdown = -1;
    sb_dump_close(dump);
}

static void test_dump__goes_on_where_memory_ran_out(void **state)
{
    scratch *s = *state;
    char body[600], queue[200], expected[4096], found[4096];
    int failures;

    memset(body, 'b', sizeof body);
    memset(queue, 'q', sizeof queue);
    assert_ok(sb_write(NULL, s->broker, queue, sizeof queue, "x", 1, NULL));
    assert_ok(sb_write(NULL, s->broker, queue, sizeof queue, body, sizeof body, NULL));
    assert_ok(sb_write(NULL, s->broker, "r", 1, "z", 1, NULL));
    assert_ok(sb_alias_add(s->broker, "a", 1, queue, sizeof queue, NULL));
    collect_lines(expected, sizeof expected, s->broker, -1, &failures);
    for (long n = 0; n == 0 || failures; n++) {
        collect_lines(found, sizeof found, s->broker, n, &failures);
        assert_string_equal(found, expected);
        assert_true(failures || n > 8);
    }
}

static void test_load__memory_runs_out(void **state)
{
    scratch *s = *state;

    assert_survives(s->broker, load_all, SB_OK);
    assert_pending(s->broker, "new", 2);
    assert_survives(s->broker, refused_line, SB_EINVALID);
    assert_survives(s->broker, load_elsewhere, SB_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_dump__memory_runs_out, scratch_open, scratch_free),
        cmocka_unit_test_setup_teardown(test_load__memory_runs_out, scratch_open, scratch_free),
        cmocka_unit_test_setup_teardown(test_dump__goes_on_where_memory_ran_out, scratch_open,
                                        scratch_free),
    };

    if (sb_allocator_set(failing_malloc, failing_realloc, free) != SB_OK) {
        return 1;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
