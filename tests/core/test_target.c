/* The target object: making, sharing, masking, and JSON. */
#include "target.h"

#include "testing.h"

static sb_target *parsed(const char *json)
{
    sb_target *target = NULL;

    assert_ok(sb_target_deserialize(&target, json, (size_t)SB_NTS));
    return target;
}

static void assert_json(const sb_target *target, const char *want)
{
    char *json = NULL;
    size_t len = 0;

    assert_ok(sb_target_serialize(&json, &len, target));
    assert_string_equal(json, want);
    assert_int_equal(len, strlen(want));
    sb_free(json);
}

static void test_sqlite__path_is_made_absolute(void **state)
{
    sb_target *target = NULL;

    (void)state;
    assert_int_equal(chdir("/"), 0);
    assert_ok(sb_target_sqlite(&target, "no-such-dir/./x.db", (size_t)SB_NTS));
    assert_string_equal(sb_target_backend(target), "sqlite");
    assert_string_equal(sb_target_address(target), "/no-such-dir/x.db");
    assert_string_equal(sb_target_display(target), "/no-such-dir/x.db");
    assert_string_equal(sb_target_project_root(target), "/no-such-dir");
    assert_null(sb_target_config_path(target));
    assert_int_equal(sb_target_is_plain_path(target), 1);
    assert_int_equal(sb_target_used_project_scope(target), 0);
    assert_int_equal(sb_strings_count(sb_target_option_names(target)), 0);
    assert_int_equal(sb_values_count(sb_target_option_values(target)), 0);
    sb_target_free(target);
}

static void test_sqlite__odd_paths(void **state)
{
    sb_target *target = NULL;

    (void)state;
    assert_int_equal(chdir("/"), 0);
    assert_ok(sb_target_sqlite(&target, ":memory:", (size_t)SB_NTS));
    assert_string_equal(sb_target_address(target), "/:memory:");
    sb_target_free(target);
    assert_ok(sb_target_sqlite(&target, "postgres://u:p@h", (size_t)SB_NTS));
    assert_string_equal(sb_target_display(target), "/postgres:/u:p@h");
    sb_target_free(target);
    assert_status(SB_EINVALID, sb_target_sqlite(&target, "", 0));
    assert_status(SB_EINVALID, sb_target_sqlite(&target, NULL, 0));
    assert_null(target);
    assert_status(SB_EINVALID, sb_target_sqlite(NULL, "a", 1));
    assert_status(SB_EDATABASE, sb_target_sqlite(&target, "a\0b", 3));
    assert_message("Cannot resolve database path");
    assert_status(SB_EDATABASE, sb_target_sqlite(&target, "~no-such-user-here/x", (size_t)SB_NTS));
}

static void test_retain__shares_the_object(void **state)
{
    sb_target *target = parsed("{\"backend_name\":\"a\",\"target\":\"b\"}");

    (void)state;
    assert_ptr_equal(sb_target_retain(target), target);
    sb_target_free(target);
    assert_string_equal(sb_target_address(target), "b");
    sb_target_free(target);
    assert_null(sb_target_retain(NULL));
    sb_target_free(NULL);
}

static void check_display(const char *address, const char *want)
{
    char *masked = NULL;
    int found = -1;

    assert_ok(sb__address_mask(&masked, &found, address));
    assert_string_equal(masked, want);
    assert_int_equal(found, strcmp(address, want) != 0);
    sb_free(masked);
}

static void test_display__masks_urls(void **state)
{
    (void)state;
    check_display("postgresql://u:pw@h:5432/d", "postgresql://u:***@h:5432/d");
    check_display("postgresql://u@h/d", "postgresql://u@h/d");
    check_display("postgresql://h:5432/d", "postgresql://h:5432/d");
    check_display("redis://:pw@h:6379/0", "redis://:***@h:6379/0");
    check_display("redis://u:@h", "redis://u:***@h");
    check_display("rediss://u:pw@[::1]:6379/0", "rediss://u:***@[::1]:6379/0");
    check_display("http://u:p@q@h/x", "http://u:***@h/x");
    check_display("http://u:p:q@h", "http://u:***@h");
    check_display("u:pw@h", "u:pw@h");
    check_display("", "");
}

static void test_display__masks_parameters(void **state)
{
    (void)state;
    check_display("host=h password=secret user=u", "host=h password=*** user=u");
    check_display("password = secret", "password = ***");
    check_display("PassWord=secret", "PassWord=***");
    check_display("password='a b\\'c' user=u", "password=*** user=u");
    check_display("password=a\\ b c=d", "password=*** c=d");
    check_display("password='abc", "password=***");
    check_display("sslpassword=a password=b", "sslpassword=*** password=***");
    check_display("mypassword=a passwords=b password", "mypassword=a passwords=b password");
    check_display("postgresql://u:p@h/d?password=zz&x=1", "postgresql://u:***@h/d?password=***");
}

static void test_json__is_what_the_reference_writes(void **state)
{
    static const char json[] =
        "{\"backend_name\":\"x\",\"backend_options\":{\"b\":true,\"big\":1e+22,\"f\":1.5,\"i\":-3,"
        "\"n\":null,\"s\":\"\\\"\\u00e9\\ud83d\\ude00\\n\"},\"config_path\":\"/a/c\","
        "\"legacy_sqlite_path_mode\":false,\"project_root\":\"/a\",\"target\":\"b\","
        "\"used_project_scope\":true}";
    sb_target *target = parsed(json);
    const sb_strings *names = sb_target_option_names(target);
    const sb_values *values = sb_target_option_values(target);
    size_t len;

    (void)state;
    assert_json(target, json);
    assert_int_equal(sb_strings_count(names), 6);
    assert_string_equal(sb_strings_get(NULL, names, 0), "b");
    assert_int_equal(sb_values_type(values, 0), SB_BOOL);
    assert_int_equal(sb_values_type(values, 1), SB_DOUBLE);
    assert_int_equal(sb_values_int64(values, 3), -3);
    assert_int_equal(sb_values_type(values, 4), SB_NULL);
    assert_string_equal(sb_values_text(&len, values, 5), "\"\xC3\xA9\xF0\x9F\x98\x80\n");
    sb_target_free(target);
}

static void test_json__missing_and_odd_members(void **state)
{
    sb_target *target = parsed("{\"zzz\":1,\"target\":\"b\",\"backend_options\":{\"z\":1,\"a\":2},"
                               "\"project_root\":3,\"config_path\":\"/x/../y\","
                               "\"used_project_scope\":\"no\",\"legacy_sqlite_path_mode\":[],"
                               "\"backend_name\":\"a\"}");

    (void)state;
    assert_json(target, "{\"backend_name\":\"a\",\"backend_options\":{\"a\":2,\"z\":1},"
                        "\"config_path\":\"/y\",\"legacy_sqlite_path_mode\":false,"
                        "\"project_root\":null,\"target\":\"b\",\"used_project_scope\":true}");
    sb_target_free(target);
}

static void test_json__bad_payloads(void **state)
{
    static const struct {
        const char *json;
        const char *message;
    } bad[] = {
        {"", "not valid JSON"},
        {"x", "not valid JSON"},
        {"{\"target\":\"postgres://u:hunter2@h\"", "not valid JSON"},
        {"[]", "must decode to an object"},
        {"null", "must decode to an object"},
        {"{}", "missing backend_name"},
        {"{\"backend_name\":1,\"target\":\"b\"}", "missing backend_name"},
        {"{\"backend_name\":\"\",\"target\":\"b\"}", "missing backend_name"},
        {"{\"backend_name\":\"a\"}", "missing target"},
        {"{\"backend_name\":\"a\",\"target\":\"\"}", "missing target"},
        {"{\"backend_name\":\"a\",\"target\":\"b\\u0000c\"}", "NUL in target"},
        {"{\"backend_name\":\"a\",\"target\":\"b\",\"backend_options\":[]}", "must be an object"},
        {"{\"backend_name\":\"a\",\"target\":\"b\",\"backend_options\":null}", "must be an object"},
        {"{\"backend_name\":\"a\",\"target\":\"b\",\"backend_options\":{\"x\":[]}}", "must hold"},
        {"{\"backend_name\":\"a\",\"target\":\"b\"} x", "not valid JSON"},
    };
    sb_target *target = NULL;

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_status(SB_EINVALID, sb_target_deserialize(&target, bad[i].json, (size_t)SB_NTS));
        assert_message(bad[i].message);
        assert_null(strstr(sb_error_message(NULL), "hunter2"));
        assert_null(target);
    }
    assert_status(SB_EINVALID, sb_target_deserialize(&target, NULL, 0));
    assert_status(SB_EINVALID, sb_target_deserialize(NULL, "{}", 2));
    assert_status(SB_EINVALID, sb_target_serialize(NULL, NULL, target));
}

static void test_json__path_that_is_not_text_is_refused(void **state)
{
    sb_target *target = NULL;
    char *json = NULL;

    (void)state;
    assert_ok(sb_target_sqlite(&target, "/\xFF", 2));
    assert_status(SB_EINVALID, sb_target_serialize(&json, NULL, target));
    assert_message("not UTF-8");
    assert_null(json);
    sb_target_free(target);
}

static void test_backend__only_sqlite_is_built_in(void **state)
{
    const sb__backend *backend = NULL;

    (void)state;
    assert_ok(sb__backend_require(&backend, "sqlite"));
    assert_string_equal(backend->name, "sqlite");
    assert_status(SB_ERUNTIME, sb__backend_require(&backend, "SQLite"));
    assert_null(backend);
    assert_message("Requested backend 'SQLite' is not available");
    assert_null(sb__backend_find(""));
}

static void test_getters__accept_null(void **state)
{
    (void)state;
    assert_null(sb_target_backend(NULL));
    assert_null(sb_target_address(NULL));
    assert_null(sb_target_display(NULL));
    assert_null(sb_target_project_root(NULL));
    assert_null(sb_target_config_path(NULL));
    assert_null(sb_target_option_names(NULL));
    assert_null(sb_target_option_values(NULL));
    assert_int_equal(sb_target_used_project_scope(NULL), 0);
    assert_int_equal(sb_target_is_plain_path(NULL), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sqlite__path_is_made_absolute),
        cmocka_unit_test(test_sqlite__odd_paths),
        cmocka_unit_test(test_retain__shares_the_object),
        cmocka_unit_test(test_display__masks_urls),
        cmocka_unit_test(test_display__masks_parameters),
        cmocka_unit_test(test_json__is_what_the_reference_writes),
        cmocka_unit_test(test_json__missing_and_odd_members),
        cmocka_unit_test(test_json__bad_payloads),
        cmocka_unit_test(test_json__path_that_is_not_text_is_refused),
        cmocka_unit_test(test_backend__only_sqlite_is_built_in),
        cmocka_unit_test(test_getters__accept_null),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
