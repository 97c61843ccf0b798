/*
 * Memory that runs out while settings are read or a target is resolved: each allocation fails once,
 * each time the answer is SB_ENOMEM, nothing leaks, and in the end it succeeds.
 */
#include "core/project_testing.h"

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

static sb_status configure(project *p)
{
    sb_config *config = NULL;
    sb_config *copy = NULL;
    sb_status status = sb_config_from_environment(&config);

    (void)p;
    if (!status) {
        status = sb_config_set_double(config, "BROKER_BACKEND_USER", 19, 0.5);
    }
    if (!status) {
        status = sb_config_set_text(config, "BROKER_VACUUM_THRESHOLD", 23, "12.5", 4);
    }
    if (!status) {
        status = sb_config_copy(&copy, config);
    }
    if (!status) {
        status = sb_config_on_warning(copy, project_warned, p, NULL);
    }
    sb_config_free(copy);
    sb_config_free(config);
    return status;
}

static sb_status refuse(project *p)
{
    sb_status status = sb_config_set_text(p->config, "BROKER_BACKEND_PORT", 19, "x", 1);

    if (status == SB_ECONFIG) {
        status = sb_config_set_text(p->config, "BROKER_DEFAULT_DB_NAME", 22, "a\nb", 3);
    }
    return status == SB_ECONFIG ? SB_OK : status;
}

static sb_status select_file(project *p)
{
    sb_target *target = NULL;
    sb_status status = sb_target_select(&target, p->config, "d", 1, "link/x.db", 9, 0);

    if (!status) {
        status = sb_target_check(target, p->config, SB_CHECK_PATHS | SB_CHECK_CLEANUP);
    }
    sb_target_free(target);
    return status;
}

static sb_status check_unsafe(project *p)
{
    sb_target *target = NULL;
    sb_status status = sb_target_select(&target, p->config, "d", 1, "a?b", 3, 0);

    if (!status) {
        status = sb_target_check(target, p->config, SB_CHECK_CLEANUP);
    }
    sb_target_free(target);
    return status == SB_EINVALID ? SB_OK : status;
}

static sb_status resolve(project *p)
{
    sb_target *target = NULL;
    char *path = NULL;
    sb_status status = sb_target_for_directory(&target, "~/d", 3, p->config);

    sb_target_free(target);
    target = NULL;
    if (!status) {
        status = sb_target_discover(&target, "d/e", 3, p->config);
    }
    sb_target_free(target);
    if (!status) {
        status = sb_project_file_find(&path, NULL, "d/e", 3, 100, p->config);
        sb_free(path);
    }
    return status;
}

static sb_status discover_file(project *p)
{
    sb_target *target = NULL;
    sb_status status = sb_target_discover(&target, "other/in", 8, p->config);

    sb_target_free(target);
    return status;
}

static sb_status round_trip(project *p)
{
    static const char json[] =
        "{\"backend_name\":\"x\",\"target\":\"x://u:p@h\",\"backend_options\":{\"a\":\"s\",\"b\":1,"
        "\"c\":true},\"config_path\":\"a/b\",\"project_root\":\"c\"}";
    sb_target *target = NULL;
    char *text = NULL;
    sb_status status = sb_target_deserialize(&target, json, sizeof json - 1);

    (void)p;
    if (!status) {
        status = sb_target_serialize(&text, NULL, target);
    }
    sb_free(text);
    sb_target_free(target);
    return status;
}

static void until_it_succeeds(project *p, sb_status (*work)(project *p))
{
    long failures = 0;
    sb_status status;

    for (;;) {
        countdown = failures;
        status = work(p);
        if (countdown >= 0) {
            break;
        }
        if (status != SB_ENOMEM) {
            fail_msg("allocation %ld: SB_%s (%s)", failures, sb_status_name(status),
                     sb_error_message(NULL));
        }
        failures++;
    }
    countdown = -1;
    assert_int_equal(status, SB_OK);
    assert_true(failures > 0);
}

static void test_out_of_memory__is_reported_and_leaks_nothing(void **state)
{
    project *p = *state;

    put_directory("d");
    put_directory("d/e");
    put_directory("other");
    put_directory("other/in");
    put_broker(p, "other/.broker.db");
    assert_int_equal(symlink("e", "d/link"), 0);
    put_file("d/.broker.toml",
             "version=1\nbackend='sqlite'\ntarget='../p.db'\n[backend_options]\nb='x'\na=1\n",
             0600);
    setenv("HOME", p->root, 1);

    until_it_succeeds(p, configure);
    until_it_succeeds(p, refuse);
    until_it_succeeds(p, select_file);
    until_it_succeeds(p, check_unsafe);
    until_it_succeeds(p, resolve);
    until_it_succeeds(p, discover_file);
    until_it_succeeds(p, round_trip);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_out_of_memory__is_reported_and_leaks_nothing,
                                        project_new, project_free),
    };

    if (sb_allocator_set(failing_malloc, failing_realloc, free) != SB_OK) {
        return 1;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
