/* Write, claim, peek and move: what is delivered, in which order, once. */
#include "foreign.h"
#include "testing.h"

#include "text.h"

static void test_write__ids_grow_and_are_current(void **state)
{
    sb_broker *broker = ((scratch *)*state)->broker;
    int64_t last = 1700000000000000000;

    for (int i = 0; i < 10000; i++) {
        int64_t id = put(broker, "q", "x");

        assert_true(id > last);
        last = id;
    }
}

static void test_write__keeps_every_byte_of_a_body(void **state)
{
    static const char body[] = "a\0b\n\xC3\xA9\x7F\x01 \xF0\x9F\x90\xB3";
    sb_broker *broker = ((scratch *)*state)->broker;
    sb_messages *messages;
    size_t len;
    const char *found;

    assert_ok(sb_write(NULL, broker, "q", 1, body, sizeof body - 1, NULL));
    assert_ok(sb_write(NULL, broker, "q", 1, "", 0, NULL));
    assert_ok(sb_claim(&messages, broker, "q", 1, 10, NULL));
    assert_int_equal(sb_messages_count(messages), 2);
    found = sb_messages_body(&len, messages, 0);
    assert_int_equal(len, sizeof body - 1);
    assert_memory_equal(found, body, sizeof body);
    sb_messages_body(&len, messages, 1);
    assert_int_equal(len, 0);
    sb_messages_free(messages);
}

static void test_write__bad_input_is_refused_before_anything_changes(void **state)
{
    scratch *s = *state;
    char name[514];

    memset(name, 'n', sizeof name);
    assert_ok(sb_write(NULL, s->broker, name, 512, "x", 1, NULL));
    assert_status(SB_EQUEUENAME, sb_write(NULL, s->broker, name, 513, "x", 1, NULL));
    assert_message("exceeds 512 characters");
    assert_status(SB_EQUEUENAME, sb_write(NULL, s->broker, "", 0, "x", 1, NULL));
    assert_status(SB_EQUEUENAME, sb_write(NULL, s->broker, "-q", 2, "x", 1, NULL));
    assert_status(SB_EQUEUENAME, sb_write(NULL, s->broker, "q\0q", 3, "x", 1, NULL));
    assert_status(SB_EMESSAGE, sb_write(NULL, s->broker, "q", 1, "\xFF", 1, NULL));
    assert_status(SB_EMESSAGE, sb_write(NULL, s->broker, "q", 1, "\xED\xA0\x80", 3, NULL));
    assert_status(SB_EINVALID, sb_write(NULL, s->broker, NULL, 0, "x", 1, NULL));
    assert_status(SB_EINVALID, sb_write(NULL, s->broker, "q", 1, NULL, 0, NULL));
    assert_status(SB_EINVALID, sb_write(NULL, NULL, "q", 1, "x", 1, NULL));
    assert_pending(s->broker, "q", 0);
    put(s->broker, "q", "still usable");
}

static void test_write__limit_is_counted_in_bytes_and_may_be_reached(void **state)
{
    scratch *s = *state;
    sb_broker *broker;

    assert_ok(sb_config_set_int64(s->config, "BROKER_MAX_MESSAGE_SIZE", NTS, 4));
    assert_ok(sb_open_path(&broker, s->path, NTS, s->config, NULL));
    assert_ok(sb_write(NULL, broker, "q", 1, "1234", 4, NULL));
    assert_status(SB_EMESSAGE, sb_write(NULL, broker, "q", 1, "12345", 5, NULL));
    assert_message("Message size (5 bytes) exceeds maximum allowed size (4 bytes)");
    assert_status(SB_EMESSAGE, sb_write(NULL, broker, "q", 1, "\xC3\xA9\xC3\xA9\xC3\xA9", 6, NULL));
    sb_close(broker);
}

static void test_settings__changed_after_opening_do_not_reach_the_broker(void **state)
{
    scratch *s = *state;
    sb_broker *broker;

    assert_ok(sb_open_path(&broker, s->path, NTS, s->config, NULL));
    assert_ok(sb_config_set_int64(s->config, "BROKER_MAX_MESSAGE_SIZE", NTS, 4));
    assert_ok(sb_write(NULL, broker, "q", 1, "12345", 5, NULL));
    sb_close(broker);
}

static void test_claim__empty_queue_returns_empty(void **state)
{
    sb_broker *broker = ((scratch *)*state)->broker;
    sb_messages *messages = (sb_messages *)1;

    assert_status(SB_EMPTY, sb_claim(&messages, broker, "q", 1, 1, NULL));
    assert_null(messages);
    assert_string_equal(sb_error_message(NULL), "");
}

static void test_claim__takes_the_oldest_once(void **state)
{
    sb_broker *broker = ((scratch *)*state)->broker;

    put(broker, "q", "first");
    put(broker, "other", "elsewhere");
    put(broker, "q", "second");
    assert_claims(broker, "q", "first");
    assert_claims(broker, "q", "second");
    assert_claims(broker, "q", NULL);
    assert_claims(broker, "other", "elsewhere");
}

static void test_claim__many_stops_at_the_limit(void **state)
{
    sb_broker *broker = ((scratch *)*state)->broker;
    sb_messages *messages;

    put(broker, "q", "1");
    put(broker, "q", "2");
    put(broker, "q", "3");
    assert_ok(sb_claim(&messages, broker, "q", 1, 2, NULL));
    assert_bodies(messages, "1", "2", NULL);
    sb_messages_free(messages);
    assert_ok(sb_claim(&messages, broker, "q", 1, SIZE_MAX, NULL));
    assert_bodies(messages, "3", NULL);
    sb_messages_free(messages);
    assert_status(SB_EINVALID, sb_claim(&messages, broker, "q", 1, 0, NULL));
    assert_message("limit must be at least 1");
}

/* Pending messages of a queue between others of it and of its neighbours. */
static void put_between(sb_broker *broker)
{
    int64_t gone;
    sb_messages *claimed;

    put(broker, "q", "1");
    put(broker, "other", "elsewhere");
    gone = put(broker, "q", "claimed");
    put(broker, "q", "2");
    put(broker, "q", "3");
    put(broker, "other", "elsewhere too");
    put(broker, "q", "4");
    put(broker, "q", "5");
    assert_ok(sb_claim_id(&claimed, broker, "q", 1, gone, NULL));
    sb_messages_free(claimed);
}

static void test_claim__many_leaves_what_lies_between_alone(void **state)
{
    sb_broker *broker = ((scratch *)*state)->broker;
    sb_messages *messages;

    put_between(broker);
    assert_ok(sb_claim(&messages, broker, "q", 1, 4, NULL));
    assert_bodies(messages, "1", "2", "3", "4", NULL);
    sb_messages_free(messages);
    assert_pending(broker, "q", 1);
    assert_pending(broker, "other", 2);
}

static void test_move__many_leaves_what_lies_between_alone(void **state)
{
    sb_broker *broker = ((scratch *)*state)->broker;
    sb_messages *messages;

    put_between(broker);
    assert_ok(sb_move(&messages, broker, "q", 1, "work", NTS, 4, NULL));
    assert_bodies(messages, "1", "2", "3", "4", NULL);
    sb_messages_free(messages);
    assert_pending(broker, "q", 1);
    assert_pending(broker, "work", 4);
    assert_pending(broker, "other", 2);
}

static void test_claim__bounds_are_strict(void **state)
{
    sb_broker *broker = ((scratch *)*state)->broker;
    int64_t a = put(broker, "q", "a"), b = put(broker, "q", "b"), c = put(broker, "q", "c");
    sb_options options = with_bounds(a, c);
    sb_messages *messages;

    assert_ok(sb_peek(&messages, broker, "q", 1, 10, &options));
    assert_bodies(messages, "b", NULL);
    sb_messages_free(messages);
    options = with_bounds(b, -1);
    assert_ok(sb_claim(&messages, broker, "q", 1, 10, &options));
    assert_bodies(messages, "c", NULL);
    sb_messages_free(messages);
    options = with_bounds(-1, 0);
    assert_status(SB_EMPTY, sb_claim(&messages, broker, "q", 1, 10, &options));
    options = with_bounds(INT64_MAX, -1);
    assert_status(SB_EMPTY, sb_claim(&messages, broker, "q", 1, 10, &options));
    options = with_bounds(-2, -1);
    assert_status(SB_EINVALID, sb_claim(&messages, broker, "q", 1, 10, &options));
    options = with_bounds(-1, b);
    assert_ok(sb_claim(&messages, broker, "q", 1, 10, &options));
    assert_bodies(messages, "a", NULL);
    sb_messages_free(messages);
}

/* More messages than a range that is sorted: the walk must find the same ones in the same order. */
static void test_claim__long_and_short_ranges_agree_with_storage_order(void **state)
{
    enum { COUNT = 1500 };
    sb_broker *broker = ((scratch *)*state)->broker;
    sb_messages *batch = sb_messages_new(), *messages;
    char body[16];
    sb_options options;

    /* Ids descend while storage ids ascend, as an exact insert can bring about. */
    for (int i = 0; i < COUNT; i++) {
        snprintf(body, sizeof body, "%d", i);
        assert_ok(sb_messages_add(batch, "q", 1, body, NTS, 1000000 - i));
    }
    assert_ok(sb_insert(broker, batch, NULL));
    sb_messages_free(batch);
    options = with_bounds(1000000 - COUNT, 1000001);
    assert_ok(sb_claim(&messages, broker, "q", 1, 2, &options));
    assert_bodies(messages, "0", "1", NULL);
    sb_messages_free(messages);
    options = with_bounds(1000000 - 20, 1000000 - 10);
    assert_ok(sb_claim(&messages, broker, "q", 1, 2, &options));
    assert_bodies(messages, "11", "12", NULL);
    sb_messages_free(messages);
}

static void test_claim_id__finds_pending_messages_of_its_queue_only(void **state)
{
    sb_broker *broker = ((scratch *)*state)->broker;
    int64_t id = put(broker, "q", "wanted");
    sb_messages *messages;

    assert_status(SB_EMPTY, sb_claim_id(&messages, broker, "other", 5, id, NULL));
    assert_status(SB_EMPTY, sb_claim_id(&messages, broker, "q", 1, id + 1, NULL));
    assert_status(SB_EINVALID, sb_claim_id(&messages, broker, "q", 1, -1, NULL));
    assert_ok(sb_claim_id(&messages, broker, "q", 1, id, NULL));
    assert_bodies(messages, "wanted", NULL);
    assert_int_equal(sb_messages_id(messages, 0), id);
    sb_messages_free(messages);
    assert_status(SB_EMPTY, sb_claim_id(&messages, broker, "q", 1, id, NULL));
}

static void test_peek__changes_nothing_and_shows_claimed_rows_on_demand(void **state)
{
    sb_broker *broker = ((scratch *)*state)->broker;
    int64_t first = put(broker, "q", "1");
    sb_options options;
    sb_messages *messages;

    put(broker, "q", "2");
    put(broker, "q", "3");
    assert_claims(broker, "q", "1");
    assert_ok(sb_peek(&messages, broker, "q", 1, 10, NULL));
    assert_bodies(messages, "2", "3", NULL);
    sb_messages_free(messages);
    assert_ok(sb_options_init(&options, SB_OPTIONS_VERSION));
    options.flags = SB_INCLUDE_CLAIMED;
    assert_ok(sb_peek(&messages, broker, "q", 1, 10, &options));
    assert_bodies(messages, "1", "2", "3", NULL);
    sb_messages_free(messages);
    assert_status(SB_EMPTY, sb_peek_id(&messages, broker, "q", 1, first, NULL));
    assert_ok(sb_peek_id(&messages, broker, "q", 1, first, &options));
    sb_messages_free(messages);
    assert_pending(broker, "q", 2);
}

static void test_move__keeps_ids_and_place_in_the_order(void **state)
{
    sb_broker *broker = ((scratch *)*state)->broker;
    int64_t early = put(broker, "inbox", "early");
    sb_messages *messages;

    put(broker, "work", "late");
    assert_ok(sb_move(&messages, broker, "inbox", NTS, "work", NTS, 5, NULL));
    assert_bodies(messages, "early", NULL);
    assert_int_equal(sb_messages_id(messages, 0), early);
    sb_messages_free(messages);
    assert_claims(broker, "work", "early");
    assert_claims(broker, "work", "late");
    assert_status(SB_EMPTY, sb_move(&messages, broker, "inbox", NTS, "work", NTS, 5, NULL));
    assert_status(SB_EINVALID, sb_move(&messages, broker, "work", NTS, "work", NTS, 5, NULL));
    assert_message("Source and target queues cannot be the same");
    assert_status(SB_EQUEUENAME, sb_move(&messages, broker, "work", NTS, "a b", NTS, 5, NULL));
}

static void test_move_id__makes_a_claimed_message_pending_again_on_demand(void **state)
{
    sb_broker *broker = ((scratch *)*state)->broker;
    int64_t id = put(broker, "q", "again");
    sb_options options;
    sb_messages *messages;

    assert_claims(broker, "q", "again");
    assert_status(SB_EMPTY, sb_move_id(&messages, broker, "q", 1, "r", 1, id, NULL));
    assert_ok(sb_options_init(&options, SB_OPTIONS_VERSION));
    options.flags = SB_INCLUDE_CLAIMED;
    assert_ok(sb_move_id(&messages, broker, "q", 1, "r", 1, id, &options));
    sb_messages_free(messages);
    assert_claims(broker, "r", "again");
}

static void test_utf8__body_of_another_program_is_refused_and_kept(void **state)
{
    scratch *s = *state;
    int64_t id = put(s->broker, "q", "text");
    sb_options options = with_flags(SB_UTF8);
    sb_messages *messages;

    put(s->broker, "q", "more");
    run_sql(s->broker, "UPDATE messages SET body = CAST(x'ff' AS TEXT) WHERE body = 'text'");
    assert_status(SB_EOPERATIONAL, sb_claim(&messages, s->broker, "q", 1, 5, &options));
    assert_status(SB_EOPERATIONAL, sb_move(&messages, s->broker, "q", 1, "w", 1, 1, &options));
    assert_status(SB_EOPERATIONAL, sb_peek_id(&messages, s->broker, "q", 1, id, &options));
    assert_pending(s->broker, "q", 2);
    assert_ok(sb_claim(&messages, s->broker, "q", 1, 5, NULL));
    assert_bodies(messages, "\xff", "more", NULL);
    sb_messages_free(messages);
}

static void test_closed_handle__answers_closed(void **state)
{
    scratch *s = *state;
    sb_broker *broker;
    sb_messages *messages;

    assert_ok(sb_open_path(&broker, s->path, NTS, s->config, NULL));
    sb_close(broker);
    assert_status(SB_ECLOSED, sb_write(NULL, broker, "q", 1, "x", 1, NULL));
    assert_status(SB_ECLOSED, sb_claim(&messages, broker, "q", 1, 1, NULL));
    sb_close(broker);
    sb_close(NULL);
}

static void test_options__uninitialised_are_refused(void **state)
{
    sb_broker *broker = ((scratch *)*state)->broker;
    sb_options options;

    memset(&options, 0, sizeof options);
    assert_status(SB_EINVALID, sb_write(NULL, broker, "q", 1, "x", 1, &options));
    assert_message("sb_options_init()");
    assert_status(SB_EINVALID, sb_options_init(&options, 99));
    assert_pending(broker, "q", 0);
}

static void test_switch__thrown_before_a_call_keeps_it_from_changing_anything(void **state)
{
    sb_broker *broker = ((scratch *)*state)->broker;
    sb_options options;
    sb_cancel *cancel;

    assert_ok(sb_cancel_new(&cancel));
    assert_ok(sb_options_init(&options, SB_OPTIONS_VERSION));
    options.cancel = cancel;
    sb_cancel_set(cancel);
    assert_status(SB_CANCELLED, sb_write(NULL, broker, "q", 1, "x", 1, &options));
    sb_cancel_reset(cancel);
    assert_ok(sb_write(NULL, broker, "q", 1, "x", 1, &options));
    sb_cancel_free(cancel);
    assert_pending(broker, "q", 1);
}

static void test_file__deleted_or_replaced_under_a_broker_refuses_writes(void **state)
{
    scratch *s = *state;
    sb_messages *messages;
    char moved[160];

    put(s->broker, "q", "kept");
    snprintf(moved, sizeof moved, "%s.moved", s->path);
    assert_int_equal(rename(s->path, moved), 0);
    assert_status(SB_EOPERATIONAL, sb_write(NULL, s->broker, "q", 1, "lost", 4, NULL));
    assert_message("deleted");
    assert_int_equal(sb_error_retryable(NULL), 0);
    fclose(fopen(s->path, "w"));
    assert_status(SB_EOPERATIONAL, sb_claim(&messages, s->broker, "q", 1, 1, NULL));
    assert_message("replaced");
    assert_int_equal(rename(moved, s->path), 0);
    assert_claims(s->broker, "q", "kept");
    assert_claims(s->broker, "q", NULL);
}

#define SCRATCH_TEST(name) cmocka_unit_test_setup_teardown(name, scratch_open, scratch_free)

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCRATCH_TEST(test_write__ids_grow_and_are_current),
        SCRATCH_TEST(test_write__keeps_every_byte_of_a_body),
        SCRATCH_TEST(test_write__bad_input_is_refused_before_anything_changes),
        SCRATCH_TEST(test_write__limit_is_counted_in_bytes_and_may_be_reached),
        SCRATCH_TEST(test_settings__changed_after_opening_do_not_reach_the_broker),
        SCRATCH_TEST(test_claim__empty_queue_returns_empty),
        SCRATCH_TEST(test_claim__takes_the_oldest_once),
        SCRATCH_TEST(test_claim__many_stops_at_the_limit),
        SCRATCH_TEST(test_claim__many_leaves_what_lies_between_alone),
        SCRATCH_TEST(test_move__many_leaves_what_lies_between_alone),
        SCRATCH_TEST(test_claim__bounds_are_strict),
        SCRATCH_TEST(test_claim__long_and_short_ranges_agree_with_storage_order),
        SCRATCH_TEST(test_claim_id__finds_pending_messages_of_its_queue_only),
        SCRATCH_TEST(test_peek__changes_nothing_and_shows_claimed_rows_on_demand),
        SCRATCH_TEST(test_move__keeps_ids_and_place_in_the_order),
        SCRATCH_TEST(test_move_id__makes_a_claimed_message_pending_again_on_demand),
        SCRATCH_TEST(test_utf8__body_of_another_program_is_refused_and_kept),
        SCRATCH_TEST(test_closed_handle__answers_closed),
        SCRATCH_TEST(test_options__uninitialised_are_refused),
        SCRATCH_TEST(test_switch__thrown_before_a_call_keeps_it_from_changing_anything),
        SCRATCH_TEST(test_file__deleted_or_replaced_under_a_broker_refuses_writes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
