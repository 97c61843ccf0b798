/*
 * Memory that runs out while a database is made, checked or removed: each allocation fails once, and
 * each time the answer is SB_ENOMEM, nothing leaks, and the next attempt succeeds.
 */
#include "core/files_testing.h"

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

typedef sb_status (*work_fn)(const sb_target *target, const sb_config *config);

/* Repeats the work with ever later failures, until one is not reached any more. */
static void assert_survives(scratch *s, work_fn work, sb_status expected)
{
    sb_target *target;
    sb_status status = SB_ENOMEM;
    int failures = 0;

    assert_ok(sb_target_sqlite(&target, s->path, (size_t)SB_NTS));
    for (long n = 0; status == SB_ENOMEM; n++, failures++) {
        countdown = n;
        status = work(target, s->config);
        countdown = -1;
        if (status != SB_ENOMEM) {
            assert_status(expected, status);
        }
    }
    assert_true(failures > 2);
    sb_target_free(target);
}

static sb_status open_and_close(const sb_target *target, const sb_config *config)
{
    sb_broker *broker;
    sb_status status = sb_open(&broker, target, config, NULL);

    sb_close(broker);
    return status;
}

static void test_init__memory_runs_out(void **state)
{
    assert_survives(*state, sb_init, SB_OK);
    assert_sqlite_rows(((scratch *)*state)->path, "SELECT count(*) FROM meta", "4\n");
}

static void test_open__memory_runs_out_in_a_migration(void **state)
{
    scratch *s = *state;

    sqlite_exec(s->path, VERSION_1_TABLES MAGIC_ROW TWO_MESSAGES);
    assert_survives(s, open_and_close, SB_OK);
    assert_sqlite_rows(s->path, "SELECT value FROM meta WHERE key = 'schema_version'", "5\n");
}

static void test_cleanup__memory_runs_out(void **state)
{
    scratch *s = *state;

    sqlite_exec(s->path, VERSION_1_TABLES MAGIC_ROW);
    make_companion(s->path, ".status.tmp.1.2");
    make_companion(s->path, ".status.tmp.3.4");
    assert_survives(s, sb_cleanup, SB_OK);
    assert_int_equal(count_entries(s->directory), 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, scratch_new, scratch_free)
    const struct CMUnitTest tests[] = {
        TEST(test_init__memory_runs_out),
        TEST(test_open__memory_runs_out_in_a_migration),
        TEST(test_cleanup__memory_runs_out),
    };

    sb_allocator_set(failing_malloc, failing_realloc, free);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
