/* Ids: monotonic against the clock, the counter and other writers. */
#include "testing.h"

#include <pthread.h>
#include <sqlite3.h>
#include <time.h>

#define NTS ((size_t)SB_NTS)

static void sql(scratch *s, const char *text)
{
    sqlite3 *db;

    assert_int_equal(sqlite3_open(s->path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, text, NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
}

static int64_t now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_REALTIME, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static void test_generate__is_near_the_clock_with_a_counter_in_the_low_bits(void **state)
{
    scratch *s = *state;
    int64_t id, before = now() - 4096;

    assert_ok(sb_timestamp_generate(&id, s->broker, NULL));
    assert_true(id >= before && id <= now());
    assert_int_equal(id & 4095, 0);
}

static void test_generate__counts_on_when_the_clock_is_behind(void **state)
{
    scratch *s = *state;
    int64_t ahead = (now() + 3600000000000) & ~(int64_t)4095, id, stored;

    assert_ok(sb_timestamp_advance(&stored, s->broker, ahead, NULL));
    assert_int_equal(stored, ahead);
    for (int i = 1; i <= 100; i++) {
        assert_ok(sb_timestamp_generate(&id, s->broker, NULL));
        assert_int_equal(id, ahead + i);
    }
}

static void test_generate__an_exhausted_counter_far_ahead_of_the_clock_is_an_error(void **state)
{
    scratch *s = *state;
    int64_t full = ((now() + 3600000000000) | 4095), id, stored;

    assert_ok(sb_timestamp_advance(NULL, s->broker, full, NULL));
    assert_status(SB_ETIMESTAMP, sb_timestamp_generate(&id, s->broker, NULL));
    assert_message("Logical counter exhausted");
    assert_ok(sb_timestamp_refresh(&stored, s->broker, NULL));
    assert_int_equal(stored, full);
}

static void test_generate__beyond_the_greatest_id_is_an_error(void **state)
{
    scratch *s = *state;
    int64_t id;

    assert_ok(sb_timestamp_advance(NULL, s->broker, INT64_MAX, NULL));
    assert_status(SB_ETIMESTAMP, sb_timestamp_generate(&id, s->broker, NULL));
    assert_status(SB_ETIMESTAMP, sb_write(NULL, s->broker, "q", 1, "x", 1, NULL));
    assert_pending(s->broker, "q", 0);
}

static void test_generate__goes_above_what_another_writer_stored(void **state)
{
    scratch *s = *state;
    sb_broker *other;
    int64_t mine, theirs;

    assert_ok(sb_open_path(&other, s->path, NTS, s->config, NULL));
    for (int i = 0; i < 200; i++) {
        assert_ok(sb_timestamp_generate(&mine, s->broker, NULL));
        assert_ok(sb_timestamp_generate(&theirs, other, NULL));
        assert_true(theirs > mine);
    }
    sb_close(other);
}

static void test_advance__never_lowers(void **state)
{
    scratch *s = *state;
    int64_t id, stored;

    assert_ok(sb_timestamp_generate(&id, s->broker, NULL));
    assert_ok(sb_timestamp_advance(&stored, s->broker, id - 5, NULL));
    assert_int_equal(stored, id);
    assert_ok(sb_timestamp_advance(&stored, s->broker, 0, NULL));
    assert_int_equal(stored, id);
    assert_status(SB_EINVALID, sb_timestamp_advance(&stored, s->broker, -1, NULL));
}

static void test_cached__is_zero_on_a_new_broker_and_follows_own_writes(void **state)
{
    scratch *s = *state;
    sb_broker *other;
    int64_t cached, id;

    assert_ok(sb_timestamp_cached(&cached, s->broker, NULL));
    assert_int_equal(cached, 0);
    assert_ok(sb_open_path(&other, s->path, NTS, s->config, NULL));
    put(other, "q", "x");
    assert_ok(sb_timestamp_cached(&cached, s->broker, NULL));
    assert_int_equal(cached, 0);
    id = put(s->broker, "q", "x");
    assert_ok(sb_timestamp_cached(&cached, s->broker, NULL));
    assert_int_equal(cached, id);
    sb_close(other);
}

static void test_write__repairs_a_high_water_below_stored_ids(void **state)
{
    scratch *s = *state;
    int64_t future = (now() + 60000000000) & ~(int64_t)4095;
    int64_t conflicts, resyncs, id;
    char text[256];

    put(s->broker, "q", "x");
    for (int i = 1; i <= 3; i++) {
        snprintf(text, sizeof text,
                 "INSERT INTO messages (queue, body, ts) VALUES ('q', 'ahead', %lld);"
                 "UPDATE meta SET value = %lld WHERE key = 'last_ts'",
                 (long long)future + i, (long long)future);
        sql(s, text);
    }
    id = put(s->broker, "q", "above");
    assert_int_equal(id, future + 4);
    assert_ok(sb_conflict_metrics(&conflicts, &resyncs, s->broker, 1));
    assert_int_equal(resyncs, 1);
    assert_int_equal(conflicts, 2);
    assert_ok(sb_conflict_metrics(&conflicts, NULL, s->broker, 0));
    assert_int_equal(conflicts, 0);
}

static void test_missing_high_water__is_an_error_for_each_kind_of_call(void **state)
{
    scratch *s = *state;
    int64_t value;

    sql(s, "DELETE FROM meta WHERE key = 'last_ts'");
    assert_ok(sb_timestamp_refresh(&value, s->broker, NULL));
    assert_int_equal(value, 0);
    assert_status(SB_EINTEGRITY, sb_timestamp_generate(&value, s->broker, NULL));
    assert_message("unable to generate unique timestamp");
    assert_status(SB_ERUNTIME, sb_write(NULL, s->broker, "q", 1, "x", 1, NULL));
    assert_status(SB_ETIMESTAMP, sb_timestamp_advance(&value, s->broker, 7, NULL));
    assert_message("stored timestamp 0 is below requested floor 7");
}

typedef struct worker {
    sb_broker *broker;
    int64_t ids[500];
} worker;

static void *generate_many(void *argument)
{
    worker *w = argument;

    for (size_t i = 0; i < sizeof w->ids / sizeof w->ids[0]; i++) {
        if (sb_timestamp_generate(&w->ids[i], w->broker, NULL)) {
            return argument;
        }
    }
    return NULL;
}

static int compare(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

    return (x > y) - (x < y);
}

static void test_generate__is_unique_and_ascending_in_each_of_many_threads(void **state)
{
    enum { THREADS = 4, EACH = 500 };
    scratch *s = *state;
    static worker workers[THREADS];
    static int64_t all[THREADS * EACH];
    pthread_t threads[THREADS];

    for (int t = 0; t < THREADS; t++) {
        workers[t].broker = s->broker;
        assert_int_equal(pthread_create(&threads[t], NULL, generate_many, &workers[t]), 0);
    }
    for (int t = 0; t < THREADS; t++) {
        void *failed;

        pthread_join(threads[t], &failed);
        assert_null(failed);
        for (int i = 1; i < EACH; i++) {
            assert_true(workers[t].ids[i] > workers[t].ids[i - 1]);
        }
        memcpy(all + t * EACH, workers[t].ids, sizeof workers[t].ids);
    }
    qsort(all, THREADS * EACH, sizeof all[0], compare);
    for (int i = 1; i < THREADS * EACH; i++) {
        assert_true(all[i] != all[i - 1]);
    }
}

#define SCRATCH_TEST(name) cmocka_unit_test_setup_teardown(name, scratch_open, scratch_free)

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCRATCH_TEST(test_generate__is_near_the_clock_with_a_counter_in_the_low_bits),
        SCRATCH_TEST(test_generate__counts_on_when_the_clock_is_behind),
        SCRATCH_TEST(test_generate__an_exhausted_counter_far_ahead_of_the_clock_is_an_error),
        SCRATCH_TEST(test_generate__beyond_the_greatest_id_is_an_error),
        SCRATCH_TEST(test_generate__goes_above_what_another_writer_stored),
        SCRATCH_TEST(test_advance__never_lowers),
        SCRATCH_TEST(test_cached__is_zero_on_a_new_broker_and_follows_own_writes),
        SCRATCH_TEST(test_write__repairs_a_high_water_below_stored_ids),
        SCRATCH_TEST(test_missing_high_water__is_an_error_for_each_kind_of_call),
        SCRATCH_TEST(test_generate__is_unique_and_ascending_in_each_of_many_threads),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
