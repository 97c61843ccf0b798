/*
 * Memory that runs out at any point of any operation: in our allocations, and in SQLite's. The
 * answer is SB_ENOMEM, nothing has changed, nothing leaks, and the broker works on.
 */
#include "faulty_vfs.h"
#include "operations.h"

static long countdown = -1; /* allocations until one fails; negative: none does */
static int failed;
static long live; /* allocations of the library that are not freed */

static int fails(void)
{
    if (countdown < 0 || countdown-- > 0) {
        return 0;
    }
    failed = 1;
    return 1;
}

static void *failing_malloc(size_t size)
{
    void *memory = fails() ? NULL : malloc(size);

    live += memory != NULL;
    return memory;
}

static void *failing_realloc(void *memory, size_t size)
{
    void *grown = fails() ? NULL : realloc(memory, size);

    live += grown && !memory;
    return grown;
}

static void counting_free(void *memory)
{
    live -= memory != NULL;
    free(memory);
}

static sqlite3_mem_methods sqlite_methods;
static long sqlite_countdown = -1;

static int sqlite_fails(void)
{
    if (sqlite_countdown < 0 || sqlite_countdown-- > 0) {
        return 0;
    }
    failed = 1;
    return 1;
}

static void *sqlite_failing_malloc(int size)
{
    return sqlite_fails() ? NULL : sqlite_methods.xMalloc(size);
}

static void *sqlite_failing_realloc(void *memory, int size)
{
    return sqlite_fails() ? NULL : sqlite_methods.xRealloc(memory, size);
}

/* Without the lookaside every small allocation of SQLite can fail too. */
static int replace_allocators(void)
{
    sqlite3_mem_methods failing;

    if (sqlite3_config(SQLITE_CONFIG_GETMALLOC, &sqlite_methods) != SQLITE_OK) {
        return -1;
    }
    failing = sqlite_methods;
    failing.xMalloc = sqlite_failing_malloc;
    failing.xRealloc = sqlite_failing_realloc;
    return sqlite3_config(SQLITE_CONFIG_MALLOC, &failing) ||
           sqlite3_config(SQLITE_CONFIG_LOOKASIDE, 0, 0) ||
           sb_allocator_set(failing_malloc, failing_realloc, counting_free);
}

/* Some memory can be done without: then the operation succeeds, and has done its work. */
static void check_result(stage *st, const operation *op, sb_status status)
{
    if (status == op->expected) {
        return;
    }
    if (status != SB_ENOMEM) {
        fail_msg("%s: SB_%s (%s)", op->name, sb_status_name(status), sb_error_message(NULL));
    }
    stage_assert_unharmed(st, op);
}

/* Fails ever later allocations of one kind, until one is not reached any more. */
static int fail_every(stage *st, const operation *op, long *kind, int cold)
{
    int failures = 0;

    for (long n = 0;; n++) {
        long live_before;
        sb_status status;

        stage_reset(st);
        if (cold) {
            stage_reopen(st);
        }
        failed = 0;
        live_before = live;
        *kind = n;
        status = op->run(st);
        *kind = -1;
        if (!failed) {
            assert_status(op->expected, status);
            return failures;
        }
        failures++;
        check_result(st, op, status);
        assert_in_range(live - live_before, 0, cold ? 64 : 8);
        stage_assert_usable(st, op);
    }
}

static void test_operations__our_memory_runs_out(void **state)
{
    int failures = 0;

    for (size_t i = 0; i < operation_count; i++) {
        failures += fail_every(*state, &operations[i], &countdown, 0);
    }
    assert_in_range(failures, 150, 100000);
}

static void test_operations__sqlites_memory_runs_out(void **state)
{
    int failures = 0;

    for (size_t i = 0; i < operation_count; i++) {
        failures += fail_every(*state, &operations[i], &sqlite_countdown, 1);
    }
    assert_in_range(failures, 2000, 100000);
}

static void test_close__gives_back_all_memory(void **state)
{
    void *st = NULL;
    long before;
    (void)state;

    for (int round = 0; round < 2; round++) {
        before = live;
        assert_int_equal(stage_open(&st), 0);
        for (size_t i = 0; i < operation_count; i++) {
            stage_reset(st);
            assert_status(operations[i].expected, operations[i].run(st));
        }
        assert_int_equal(stage_close(&st), 0);
        assert_int_equal(live, before);
    }
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, stage_open, stage_close)
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_close__gives_back_all_memory),
        TEST(test_operations__our_memory_runs_out),
        TEST(test_operations__sqlites_memory_runs_out),
    };

    /* The failing file system is here for its syncs, which cost no time. */
    if (replace_allocators() || faulty_vfs_register()) {
        return 1;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
