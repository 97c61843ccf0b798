/* Message ids over a high-water that the test keeps. */
#include "testing.h"

#define NTS ((size_t)SB_NTS)

typedef struct store {
    int64_t last;
    int is_missing;
    int losses;   /* advances yet to fail because another was faster */
    int failures; /* calls yet to fail with a lock error */
    int reads, advances, released;
} store;

static sb_status fail_locked(store *s)
{
    s->failures--;
    return sb_error_set(SB_EOPERATIONAL, "database is locked", NTS, -1);
}

static sb_status read_store(void *payload, int64_t *out)
{
    store *s = payload;

    s->reads++;
    if (s->failures > 0) {
        return fail_locked(s);
    }
    *out = s->last;
    return s->is_missing ? SB_EMPTY : SB_OK;
}

static sb_status advance_store(void *payload, int64_t value)
{
    store *s = payload;

    s->advances++;
    if (s->failures > 0) {
        return fail_locked(s);
    }
    if (s->losses > 0 || value <= s->last || s->is_missing) {
        s->losses--;
        return SB_EMPTY;
    }
    s->last = value;
    return SB_OK;
}

static void release(void *payload)
{
    ((store *)payload)->released++;
}

static sb_generator *make(store *s)
{
    sb_generator *generator = NULL;

    assert_ok(sb_generator_new(&generator, read_store, advance_store, s, release));
    return generator;
}

static void test_generator__ids_grow_and_are_stored(void **state)
{
    store s = {.last = 5};
    sb_generator *generator = make(&s);
    int64_t before = 5, id = 0;

    (void)state;
    assert_int_equal(s.reads + s.advances, 0);
    for (int i = 0; i < 10000; i++) {
        assert_ok(sb_generator_next(&id, generator));
        assert_true(id > before);
        assert_true(s.last == id);
        before = id;
    }
    assert_int_equal(s.reads, 1);
    assert_int_equal(s.advances, 10000);
    assert_ok(sb_generator_cached(&id, generator));
    assert_true(id == before);
    assert_int_equal(s.reads, 1);
    sb_generator_free(generator);
    assert_int_equal(s.released, 1);
}

static void test_generator__follows_what_others_store(void **state)
{
    store s = {.last = 0};
    sb_generator *generator = make(&s);
    int64_t id = 0;

    (void)state;
    assert_ok(sb_generator_next(&id, generator));
    s.last = INT64_MAX - 4095;
    assert_ok(sb_generator_next(&id, generator));
    assert_true(id == INT64_MAX - 4094);
    assert_ok(sb_generator_refresh(&id, generator));
    assert_true(id == s.last);
    sb_generator_free(generator);
}

static void test_generator__advances_to_a_floor_and_never_back(void **state)
{
    store s = {.last = 100};
    sb_generator *generator = make(&s);
    int64_t id = 0;

    (void)state;
    assert_ok(sb_generator_advance(&id, generator, 50));
    assert_true(id == 100);
    assert_ok(sb_generator_advance(&id, generator, 200));
    assert_true(id == 200 && s.last == 200);
    s.losses = 1;
    assert_status(SB_ETIMESTAMP, sb_generator_advance(&id, generator, 300));
    assert_status(SB_EINVALID, sb_generator_advance(&id, generator, -1));
    sb_generator_free(generator);
}

static void test_generator__missing_or_always_lost(void **state)
{
    store s = {.is_missing = 1};
    sb_generator *generator = make(&s);
    int64_t id = -1;

    (void)state;
    assert_ok(sb_generator_refresh(&id, generator));
    assert_true(id == 0);
    assert_status(SB_ETIMESTAMP, sb_generator_next(&id, generator));
    assert_message("meta.last_ts missing");
    s.is_missing = 0;
    s.losses = 1000;
    assert_status(SB_EINTEGRITY, sb_generator_next(&id, generator));
    s.losses = 1;
    assert_ok(sb_generator_next(&id, generator));
    s.last = -7;
    assert_status(SB_ETIMESTAMP, sb_generator_refresh(&id, generator));
    sb_generator_free(generator);
}

static void test_generator__lock_errors_are_tried_again(void **state)
{
    store s = {.failures = 2};
    sb_generator *generator = make(&s);
    int64_t id = 0;

    (void)state;
    assert_ok(sb_generator_next(&id, generator));
    assert_true(id > 0);
    sb_generator_free(generator);
}

static void test_generator__bad_arguments(void **state)
{
    store s = {.last = 0};
    sb_generator *generator = NULL;

    (void)state;
    assert_status(SB_EINVALID, sb_generator_new(NULL, read_store, advance_store, &s, release));
    assert_status(SB_EINVALID, sb_generator_new(&generator, NULL, advance_store, &s, release));
    assert_status(SB_EINVALID, sb_generator_new(&generator, read_store, NULL, &s, release));
    assert_int_equal(s.released, 3);
    assert_status(SB_EINVALID, sb_generator_next(NULL, NULL));
    assert_status(SB_EINVALID, sb_generator_cached(NULL, NULL));
    assert_status(SB_EINVALID, sb_generator_refresh(NULL, NULL));
    assert_status(SB_EINVALID, sb_generator_advance(NULL, NULL, 1));
    sb_generator_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_generator__ids_grow_and_are_stored),
        cmocka_unit_test(test_generator__follows_what_others_store),
        cmocka_unit_test(test_generator__advances_to_a_floor_and_never_back),
        cmocka_unit_test(test_generator__missing_or_always_lost),
        cmocka_unit_test(test_generator__lock_errors_are_tried_again),
        cmocka_unit_test(test_generator__bad_arguments),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
