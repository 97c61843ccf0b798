/* Cursors: order, guarantees, what an early close undoes. */
#include "testing.h"

#include <pthread.h>

#define NTS ((size_t)SB_NTS)

static sb_options with_flags(uint32_t flags)
{
    sb_options options;

    assert_ok(sb_options_init(&options, SB_OPTIONS_VERSION));
    options.flags = flags;
    return options;
}

static void put_numbers(sb_broker *broker, const char *queue, int count)
{
    char body[16];

    for (int i = 0; i < count; i++) {
        snprintf(body, sizeof body, "%d", i);
        put(broker, queue, body);
    }
}

/* The next message is the number. */
static void assert_next(sb_cursor *cursor, int number)
{
    const char *body;
    char expected[16];
    size_t len;

    snprintf(expected, sizeof expected, "%d", number);
    assert_ok(sb_cursor_next(NULL, &body, &len, cursor));
    assert_string_equal(body, expected);
    assert_int_equal(len, strlen(expected));
}

static void test_peek__streams_everything_in_order_over_many_pages(void **state)
{
    enum { COUNT = 2500 };
    sb_broker *broker = ((scratch *)*state)->broker;
    sb_cursor *cursor;

    put_numbers(broker, "q", COUNT);
    assert_ok(sb_cursor_open(&cursor, broker, SB_CURSOR_PEEK, "q", 1, NULL, 0, 0, NULL));
    assert_int_equal(sb_cursor_at_hand(cursor), 0);
    for (int i = 0; i < COUNT; i++) {
        assert_next(cursor, i);
        assert_int_equal(sb_cursor_at_hand(cursor), i < 2000 ? 999 - i % 1000 : COUNT - 1 - i);
    }
    assert_status(SB_EMPTY, sb_cursor_next(NULL, NULL, NULL, cursor));
    assert_int_equal(sb_cursor_at_hand(cursor), 0);
    assert_int_equal(sb_cursor_at_hand(NULL), 0);
    assert_status(SB_EMPTY, sb_cursor_next(NULL, NULL, NULL, cursor));
    sb_cursor_close(cursor);
    assert_pending(broker, "q", COUNT);
}

static void test_peek__claimed_rows_and_bounds_stream_too(void **state)
{
    sb_broker *broker = ((scratch *)*state)->broker;
    sb_options options = with_flags(SB_INCLUDE_CLAIMED);
    sb_cursor *cursor;
    int64_t first;

    put_numbers(broker, "q", 30);
    assert_claims(broker, "q", "0");
    assert_ok(sb_cursor_open(&cursor, broker, SB_CURSOR_PEEK, "q", 1, NULL, 0, 7, &options));
    assert_ok(sb_cursor_next(&first, NULL, NULL, cursor));
    for (int i = 1; i < 30; i++) {
        assert_next(cursor, i);
    }
    assert_status(SB_EMPTY, sb_cursor_next(NULL, NULL, NULL, cursor));
    sb_cursor_close(cursor);
    options.after = first;
    assert_ok(sb_cursor_open(&cursor, broker, SB_CURSOR_PEEK, "q", 1, NULL, 0, 7, &options));
    for (int i = 1; i < 30; i++) {
        assert_next(cursor, i);
    }
    assert_status(SB_EMPTY, sb_cursor_next(NULL, NULL, NULL, cursor));
    sb_cursor_close(cursor);
}

static void test_peek__pages_of_large_bodies_are_short(void **state)
{
    enum { BODIES = 20, BODY = 1024 * 1024 };
    sb_broker *broker = ((scratch *)*state)->broker;
    char *body = malloc(BODY);
    sb_cursor *cursor;
    int64_t seen = 0;

    assert_non_null(body);
    memset(body, 'x', BODY);
    for (int i = 0; i < BODIES; i++) {
        assert_ok(sb_write(NULL, broker, "q", 1, body, BODY, NULL));
    }
    assert_ok(sb_cursor_open(&cursor, broker, SB_CURSOR_PEEK, "q", 1, NULL, 0, 0, NULL));
    while (sb_cursor_next(NULL, NULL, NULL, cursor) == SB_OK) {
        seen++;
    }
    assert_int_equal(seen, BODIES);
    sb_cursor_close(cursor);

    /* What is delivered after the queue is gone is what the cursor had in memory. */
    assert_ok(sb_cursor_open(&cursor, broker, SB_CURSOR_PEEK, "q", 1, NULL, 0, 0, NULL));
    assert_ok(sb_cursor_next(NULL, NULL, NULL, cursor));
    assert_ok(sb_delete_queue(NULL, broker, "q", 1, NULL));
    for (seen = 1; sb_cursor_next(NULL, NULL, NULL, cursor) == SB_OK; seen++) {
    }
    assert_in_range(seen, 1, BODIES / 2);
    sb_cursor_close(cursor);
    free(body);
}

static void test_claim__each_message_is_committed_before_it_is_seen(void **state)
{
    scratch *s = *state;
    sb_broker *other;
    sb_cursor *cursor;

    put_numbers(s->broker, "q", 3);
    assert_ok(sb_open_path(&other, s->path, NTS, s->config, NULL));
    assert_ok(sb_cursor_open(&cursor, s->broker, SB_CURSOR_CLAIM, "q", 1, NULL, 0, 100, NULL));
    assert_next(cursor, 0);
    assert_pending(other, "q", 2);
    assert_claims(other, "q", "1");
    assert_next(cursor, 2);
    assert_status(SB_EMPTY, sb_cursor_next(NULL, NULL, NULL, cursor));
    sb_cursor_close(cursor);
    sb_close(other);
}

static void test_at_least_once__early_close_returns_the_whole_batch(void **state)
{
    scratch *s = *state;
    sb_options options = with_flags(SB_AT_LEAST_ONCE);
    sb_cursor *cursor;

    put_numbers(s->broker, "q", 5);
    assert_ok(sb_cursor_open(&cursor, s->broker, SB_CURSOR_CLAIM, "q", 1, NULL, 0, 2, &options));
    assert_next(cursor, 0);
    assert_next(cursor, 1);
    assert_next(cursor, 2); /* commits the first batch */
    sb_cursor_close(cursor);
    assert_pending(s->broker, "q", 3);
    assert_claims(s->broker, "q", "2");
}

/* A batch of more messages than are held in memory at once is still one transaction. */
static void test_at_least_once__a_large_batch_is_one_transaction(void **state)
{
    enum { COUNT = 2500, BATCH = 2300 };
    scratch *s = *state;
    sb_options options = with_flags(SB_AT_LEAST_ONCE);
    sb_cursor *cursor;

    put_numbers(s->broker, "q", COUNT);
    assert_ok(sb_cursor_open(&cursor, s->broker, SB_CURSOR_CLAIM, "q", 1, NULL, 0, BATCH,
                             &options));
    for (int i = 0; i < BATCH; i++) {
        assert_next(cursor, i);
    }
    sb_cursor_close(cursor);
    assert_pending(s->broker, "q", COUNT);
    assert_ok(sb_cursor_open(&cursor, s->broker, SB_CURSOR_CLAIM, "q", 1, NULL, 0, BATCH,
                             &options));
    for (int i = 0; i <= BATCH; i++) {
        assert_next(cursor, i);
    }
    sb_cursor_close(cursor);
    assert_pending(s->broker, "q", COUNT - BATCH);
}

static void test_at_least_once__the_end_commits(void **state)
{
    scratch *s = *state;
    sb_options options = with_flags(SB_AT_LEAST_ONCE);
    sb_cursor *cursor;

    put_numbers(s->broker, "q", 2);
    assert_ok(sb_cursor_open(&cursor, s->broker, SB_CURSOR_MOVE, "q", 1, "r", 1, 2, &options));
    assert_next(cursor, 0);
    assert_next(cursor, 1);
    assert_status(SB_EMPTY, sb_cursor_next(NULL, NULL, NULL, cursor));
    sb_cursor_close(cursor);
    assert_pending(s->broker, "q", 0);
    assert_pending(s->broker, "r", 2);
}

static void test_at_least_once__open_batch_refuses_other_mutations_and_allows_reads(void **state)
{
    scratch *s = *state;
    sb_options options = with_flags(SB_AT_LEAST_ONCE);
    sb_messages *messages;
    sb_cursor *cursor;

    put_numbers(s->broker, "q", 3);
    put(s->broker, "r", "readable");
    assert_ok(sb_cursor_open(&cursor, s->broker, SB_CURSOR_CLAIM, "q", 1, NULL, 0, 2, &options));
    assert_next(cursor, 0);
    assert_status(SB_EBUSY_OWNER, sb_write(NULL, s->broker, "q", 1, "x", 1, NULL));
    assert_message("at_least_once claim_generator batch");
    assert_status(SB_EBUSY_OWNER, sb_delete_all(NULL, s->broker, NULL));
    assert_ok(sb_peek(&messages, s->broker, "r", 1, 1, NULL));
    assert_bodies(messages, "readable", NULL);
    sb_messages_free(messages);
    sb_cursor_close(cursor);
    put(s->broker, "q", "usable again");
}

static void test_second_broker__in_the_batch_owners_thread_fails_at_once(void **state)
{
    scratch *s = *state;
    sb_options options = with_flags(SB_AT_LEAST_ONCE);
    sb_broker *other;
    sb_cursor *cursor;

    put_numbers(s->broker, "q", 3);
    assert_ok(sb_open_path(&other, s->path, NTS, s->config, NULL));
    assert_ok(sb_cursor_open(&cursor, s->broker, SB_CURSOR_CLAIM, "q", 1, NULL, 0, 2, &options));
    assert_next(cursor, 0);
    assert_status(SB_EBUSY_OWNER, sb_write(NULL, other, "q", 1, "x", 1, NULL));
    sb_cursor_close(cursor);
    put(other, "q", "x");
    sb_close(other);
}

static void *next_elsewhere(void *cursor)
{
    return (void *)(intptr_t)sb_cursor_next(NULL, NULL, NULL, cursor);
}

static void test_at_least_once__batch_belongs_to_its_thread(void **state)
{
    scratch *s = *state;
    sb_options options = with_flags(SB_AT_LEAST_ONCE);
    sb_cursor *cursor;
    pthread_t thread;
    void *result;

    put_numbers(s->broker, "q", 3);
    assert_ok(sb_cursor_open(&cursor, s->broker, SB_CURSOR_CLAIM, "q", 1, NULL, 0, 2, &options));
    assert_next(cursor, 0);
    assert_int_equal(pthread_create(&thread, NULL, next_elsewhere, cursor), 0);
    pthread_join(thread, &result);
    assert_int_equal((intptr_t)result, SB_ETHREAD);
    assert_next(cursor, 1);
    sb_cursor_close(cursor);
    assert_pending(s->broker, "q", 3);
}

static void test_cursor__outlives_its_broker(void **state)
{
    scratch *s = *state;
    sb_options options = with_flags(SB_AT_LEAST_ONCE);
    sb_broker *broker;
    sb_cursor *cursor;

    put_numbers(s->broker, "q", 3);
    assert_ok(sb_open_path(&broker, s->path, NTS, s->config, NULL));
    assert_ok(sb_cursor_open(&cursor, broker, SB_CURSOR_CLAIM, "q", 1, NULL, 0, 2, &options));
    assert_next(cursor, 0);
    sb_close(broker);
    assert_status(SB_ECLOSED, sb_cursor_next(NULL, NULL, NULL, cursor));
    sb_cursor_close(cursor);
    assert_pending(s->broker, "q", 3);
}

static void test_open__bad_arguments_are_refused(void **state)
{
    scratch *s = *state;
    sb_cursor *cursor = (sb_cursor *)state;

    assert_status(SB_EINVALID, sb_cursor_open(&cursor, s->broker, (sb_cursor_kind)9, "q", 1, NULL,
                                              0, 0, NULL));
    assert_null(cursor);
    assert_status(SB_EQUEUENAME, sb_cursor_open(&cursor, s->broker, SB_CURSOR_PEEK, "", 0, NULL, 0,
                                                0, NULL));
    assert_status(SB_EINVALID, sb_cursor_open(&cursor, s->broker, SB_CURSOR_MOVE, "q", 1, NULL, 0,
                                              0, NULL));
    assert_status(SB_EINVALID, sb_cursor_open(&cursor, s->broker, SB_CURSOR_MOVE, "q", 1, "q", 1,
                                              0, NULL));
    assert_null(cursor);
    assert_status(SB_EINVALID, sb_cursor_next(NULL, NULL, NULL, NULL));
    sb_cursor_close(NULL);
}

#define SCRATCH_TEST(name) cmocka_unit_test_setup_teardown(name, scratch_open, scratch_free)

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCRATCH_TEST(test_peek__streams_everything_in_order_over_many_pages),
        SCRATCH_TEST(test_peek__claimed_rows_and_bounds_stream_too),
        SCRATCH_TEST(test_peek__pages_of_large_bodies_are_short),
        SCRATCH_TEST(test_claim__each_message_is_committed_before_it_is_seen),
        SCRATCH_TEST(test_at_least_once__early_close_returns_the_whole_batch),
        SCRATCH_TEST(test_at_least_once__a_large_batch_is_one_transaction),
        SCRATCH_TEST(test_at_least_once__the_end_commits),
        SCRATCH_TEST(test_at_least_once__open_batch_refuses_other_mutations_and_allows_reads),
        SCRATCH_TEST(test_second_broker__in_the_batch_owners_thread_fails_at_once),
        SCRATCH_TEST(test_at_least_once__batch_belongs_to_its_thread),
        SCRATCH_TEST(test_cursor__outlives_its_broker),
        SCRATCH_TEST(test_open__bad_arguments_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
