/* Many messages at once: under ids that the caller brings, and under new ones. */
#include "foreign.h"

static sb_messages *batch(void)
{
    sb_messages *messages = sb_messages_new();

    assert_non_null(messages);
    return messages;
}

static void add(sb_messages *messages, const char *queue, const char *body, int64_t id)
{
    assert_ok(sb_messages_add(messages, queue, NTS, body, NTS, id));
}

static int64_t high_water(sb_broker *broker)
{
    int64_t value = -1;

    assert_ok(sb_timestamp_refresh(&value, broker, NULL));
    return value;
}

static void test_insert__raises_the_high_water_above_the_greatest(void **state)
{
    sb_broker *broker = ((scratch *)*state)->broker;
    sb_messages *messages = batch();
    int64_t far = put(broker, "q", "1") + (INT64_C(1) << 50);

    add(messages, "a", "x", far);
    add(messages, "b", "y", 5);
    assert_ok(sb_insert(broker, messages, NULL));
    assert_int_equal(high_water(broker), far + 1);
    assert_claims(broker, "a", "x");
    assert_claims(broker, "b", "y");
    assert_true(put(broker, "q", "2") > far + 1);
    sb_messages_free(messages);
}

static void test_insert__below_the_high_water_leaves_it(void **state)
{
    sb_broker *broker = ((scratch *)*state)->broker;
    sb_messages *messages = batch();
    int64_t before;

    put(broker, "q", "1");
    before = high_water(broker);
    add(messages, "q", "old", 5);
    assert_ok(sb_insert(broker, messages, NULL));
    assert_int_equal(high_water(broker), before);
    /* Delivered in the order of arrival, not of ids. */
    assert_claims(broker, "q", "1");
    assert_claims(broker, "q", "old");
    sb_messages_free(messages);
}

static void test_insert__a_stored_id_rolls_all_back(void **state)
{
    sb_broker *broker = ((scratch *)*state)->broker;
    sb_messages *messages = batch();
    int64_t id = put(broker, "q", "1"), before = high_water(broker);

    add(messages, "a", "x", id + (INT64_C(1) << 50));
    add(messages, "a", "y", id);
    assert_status(SB_EINTEGRITY, sb_insert(broker, messages, NULL));
    assert_message("UNIQUE constraint failed: messages.ts");
    assert_status(SB_EMPTY, sb_exists(broker, "a", 1, NULL));
    assert_int_equal(high_water(broker), before);
    sb_messages_free(messages);
}

typedef struct record {
    const char *queue;
    const char *body;
    int64_t id;
} record;

static void assert_refused(sb_broker *broker, sb_status status, const char *text,
                           const record *records, size_t count)
{
    sb_messages *messages = batch();
    int64_t before = high_water(broker);

    for (size_t i = 0; i < count; i++) {
        add(messages, records[i].queue, records[i].body, records[i].id);
    }
    assert_status(status, sb_insert(broker, messages, NULL));
    assert_message(text);
    assert_int_equal(high_water(broker), before);
    assert_int_equal(ask_sql(broker, "SELECT count(*) FROM messages"), 0);
    sb_messages_free(messages);
}

#define REFUSED(broker, status, text, ...)                                                         \
    do {                                                                                           \
        const record records_[] = {__VA_ARGS__};                                                   \
        assert_refused(broker, status, text, records_, sizeof records_ / sizeof records_[0]);      \
    } while (0)

static void test_insert__checks_the_whole_batch_first(void **state)
{
    sb_broker *broker = ((scratch *)*state)->broker;

    REFUSED(broker, SB_EINVALID, "message_id 0 is reserved", {"q", "a", 5}, {"q", "a", 0});
    REFUSED(broker, SB_EINVALID, "message_id must be non-negative", {"q", "a", -1});
    REFUSED(broker, SB_EINTEGRITY, "duplicate message ID in insert batch", {"q", "a", 5},
            {"q", "b", 6}, {"r", "c", 5});
    REFUSED(broker, SB_EINVALID,
            "insert high-water timestamp exceeds maximum timestamp value", {"q", "a", INT64_MAX});
    REFUSED(broker, SB_EQUEUENAME, "Invalid queue name", {"q", "a", 5}, {"b d", "a", 0});
    REFUSED(broker, SB_EMESSAGE, "UTF-8", {"q", "\xED\xA0\x80", 5});
}

static void test_insert__of_several_faults_the_first_is_named(void **state)
{
    sb_broker *broker = ((scratch *)*state)->broker;

    REFUSED(broker, SB_EINTEGRITY, "duplicate", {"q", "a", 5}, {"q", "b", 5}, {"q", "c", 0});
    REFUSED(broker, SB_EINVALID, "reserved", {"q", "a", 5}, {"q", "b", 0}, {"q", "c", 5});
    REFUSED(broker, SB_EINTEGRITY, "duplicate", {"q", "a", INT64_MAX}, {"q", "b", INT64_MAX});
    REFUSED(broker, SB_EQUEUENAME, "name", {"b d", "\xFF", 0});
}

static void test_insert__empty_batch_does_nothing(void **state)
{
    sb_broker *broker = ((scratch *)*state)->broker;
    sb_messages *messages = batch();

    assert_ok(sb_insert(broker, messages, NULL));
    assert_status(SB_EINVALID, sb_insert(broker, NULL, NULL));
    sb_messages_free(messages);
}

static void test_insert__results_of_a_claim_have_no_queue(void **state)
{
    sb_broker *broker = ((scratch *)*state)->broker;
    sb_messages *messages;

    put(broker, "q", "1");
    assert_ok(sb_claim(&messages, broker, "q", 1, 1, NULL));
    assert_status(SB_EINVALID, sb_insert(broker, messages, NULL));
    sb_messages_free(messages);
}

static void test_insert__unsorted_batch_of_thousands(void **state)
{
    enum { COUNT = 5000 };
    sb_broker *broker = ((scratch *)*state)->broker;
    sb_messages *messages = batch();

    for (int64_t i = 0; i < COUNT; i++) {
        add(messages, "q", "body", 1 + i * 7919 % COUNT);
    }
    assert_ok(sb_insert(broker, messages, NULL));
    assert_pending(broker, "q", COUNT);
    sb_messages_free(messages);
}

static void test_write_many__ids_ascend_past_what_was_there(void **state)
{
    enum { COUNT = 5000 };
    static int64_t ids[COUNT];
    sb_broker *broker = ((scratch *)*state)->broker;
    sb_messages *messages = batch();
    int64_t last = put(broker, "q", "first");

    for (int i = 0; i < COUNT; i++) {
        add(messages, i % 2 ? "odd" : "even", "body", 0);
    }
    assert_ok(sb_write_many(ids, broker, messages, NULL));
    for (int i = 0; i < COUNT; i++) {
        assert_true(ids[i] > last);
        last = ids[i];
    }
    assert_int_equal(high_water(broker), last);
    assert_pending(broker, "even", COUNT / 2);
    assert_pending(broker, "odd", COUNT / 2);
    assert_true(put(broker, "q", "next") > last);
    sb_messages_free(messages);
}

static void write_and_take(sb_broker *broker, size_t count)
{
    sb_messages *messages = batch(), *taken = NULL;
    int64_t ids[128];
    char body[24];

    for (size_t i = 0; i < count; i++) {
        snprintf(body, sizeof body, "%zu", i);
        add(messages, "q", body, 7);
    }
    assert_ok(sb_write_many(ids, broker, messages, NULL));
    assert_status(count ? SB_OK : SB_EMPTY, sb_claim(&taken, broker, "q", 1, 128, NULL));
    assert_int_equal(sb_messages_count(taken), count);
    for (size_t i = 0; i < count; i++) {
        size_t len;

        snprintf(body, sizeof body, "%zu", i);
        assert_string_equal(sb_messages_body(&len, taken, i), body);
        assert_int_equal(sb_messages_id(taken, i), ids[i]);
    }
    sb_messages_free(taken);
    sb_messages_free(messages);
}

static void test_write_many__of_any_number(void **state)
{
    static const size_t counts[] = {0, 1, 2, 3, 49, 50, 51, 99, 100, 101};

    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++) {
        write_and_take(((scratch *)*state)->broker, counts[i]);
    }
}

static void test_write_many__all_or_none(void **state)
{
    sb_broker *broker = ((scratch *)*state)->broker;
    sb_messages *messages = batch();
    int64_t ids[3], before;

    put(broker, "q", "first");
    before = high_water(broker);
    add(messages, "q", "good", 0);
    add(messages, "q", "good", 0);
    add(messages, "no name", "bad", 0);
    assert_status(SB_EQUEUENAME, sb_write_many(ids, broker, messages, NULL));
    assert_pending(broker, "q", 1);
    assert_int_equal(high_water(broker), before);
    sb_messages_free(messages);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        EVERY_RUNNER(test_insert__raises_the_high_water_above_the_greatest),
        EVERY_RUNNER(test_insert__below_the_high_water_leaves_it),
        EVERY_RUNNER(test_insert__a_stored_id_rolls_all_back),
        EVERY_RUNNER(test_insert__checks_the_whole_batch_first),
        EVERY_RUNNER(test_insert__of_several_faults_the_first_is_named),
        EVERY_RUNNER(test_insert__empty_batch_does_nothing),
        EVERY_RUNNER(test_insert__results_of_a_claim_have_no_queue),
        EVERY_RUNNER(test_insert__unsorted_batch_of_thousands),
        EVERY_RUNNER(test_write_many__ids_ascend_past_what_was_there),
        EVERY_RUNNER(test_write_many__of_any_number),
        EVERY_RUNNER(test_write_many__all_or_none),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
