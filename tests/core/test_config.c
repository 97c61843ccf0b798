/* Settings: defaults, normalisation, errors and warnings. */
#include <math.h>
#include <pthread.h>

#include "config.h"
#include "testing.h"

#define KEY(name) "BROKER_" name, (size_t)SB_NTS

static int clean_environment(void **state)
{
    (void)state;
    for (size_t i = 0; i < sb_config_key_count(); i++) {
        unsetenv(sb_config_key(i));
    }
    return 0;
}

static sb_config *isolated(void)
{
    sb_config *config = NULL;

    assert_ok(sb_config_isolated(&config));
    return config;
}

static int64_t integer_of(const sb_config *config, const char *key)
{
    int64_t value = -99;

    assert_ok(sb_config_get_int64(&value, config, key, (size_t)SB_NTS));
    return value;
}

static double number_of(const sb_config *config, const char *key)
{
    double value = -99;

    assert_ok(sb_config_get_double(&value, config, key, (size_t)SB_NTS));
    return value;
}

static const char *text_of(const sb_config *config, const char *key)
{
    const char *value = NULL;
    size_t len = 0;

    assert_ok(sb_config_get_text(&value, &len, config, key, (size_t)SB_NTS));
    assert_int_equal(strlen(value), len);
    return value;
}

static void set(sb_config *config, const char *key, const char *value)
{
    assert_ok(sb_config_set_text(config, key, (size_t)SB_NTS, value, (size_t)SB_NTS));
}

static void refuse(sb_config *config, const char *key, const char *value)
{
    assert_status(SB_ECONFIG,
                  sb_config_set_text(config, key, (size_t)SB_NTS, value, (size_t)SB_NTS));
    assert_string_equal(sb_error_field(NULL, SB_ERROR_KEY), key);
    assert_string_equal(sb_error_field(NULL, SB_ERROR_SOURCE), "override");
}

static void test_defaults__are_the_contracts(void **state)
{
    static const struct {
        const char *key;
        const char *value;
    } want[] = {
        {"BROKER_BUSY_TIMEOUT", "5000"}, {"BROKER_CACHE_MB", "10"}, {"BROKER_SYNC_MODE", "FULL"},
        {"BROKER_WAL_AUTOCHECKPOINT", "1000"}, {"BROKER_MAX_MESSAGE_SIZE", "10485760"},
        {"BROKER_READ_COMMIT_INTERVAL", "1"}, {"BROKER_GENERATOR_BATCH_SIZE", "100"},
        {"BROKER_LOAD_MAX_FUTURE_SKEW_SECONDS", "300"}, {"BROKER_AUTO_VACUUM", "1"},
        {"BROKER_AUTO_VACUUM_INTERVAL", "100"}, {"BROKER_VACUUM_THRESHOLD", "0.1"},
        {"BROKER_VACUUM_BATCH_SIZE", "1000"}, {"BROKER_SKIP_IDLE_CHECK", "0"},
        {"BROKER_JITTER_FACTOR", "0.15"}, {"BROKER_INITIAL_CHECKS", "100"},
        {"BROKER_MAX_INTERVAL", "0.1"}, {"BROKER_BURST_SLEEP", "1e-05"}, {"BROKER_DEBUG", "0"},
        {"BROKER_LOGGING_ENABLED", "0"}, {"BROKER_DEFAULT_DB_LOCATION", ""},
        {"BROKER_DEFAULT_DB_NAME", ".broker.db"}, {"BROKER_PROJECT_CONFIG_PATH", ""},
        {"BROKER_PROJECT_CONFIG_NAME", ".broker.toml"}, {"BROKER_PROJECT_SCOPE", "0"},
        {"BROKER_BACKEND", "sqlite"}, {"BROKER_BACKEND_HOST", "localhost"},
        {"BROKER_BACKEND_PORT", "5432"}, {"BROKER_BACKEND_USER", "postgres"},
        {"BROKER_BACKEND_PASSWORD", ""}, {"BROKER_BACKEND_DATABASE", "simplebroker"},
        {"BROKER_BACKEND_SCHEMA", "simplebroker_pg_v1"}, {"BROKER_BACKEND_TARGET", ""},
    };
    sb_config *config = isolated();

    (void)state;
    assert_int_equal(sb_config_key_count(), 32);
    assert_int_equal(sizeof want / sizeof want[0], 32);
    assert_null(sb_config_key(32));
    assert_int_equal(sb_config_key_type(32), SB_NULL);
    for (size_t i = 0; i < 32; i++) {
        char found[32];

        assert_string_equal(sb_config_key(i), want[i].key);
        switch (sb_config_key_type(i)) {
        case SB_TEXT:
            assert_string_equal(text_of(config, want[i].key), want[i].value);
            break;
        case SB_DOUBLE:
            snprintf(found, sizeof found, "%g", number_of(config, want[i].key));
            assert_string_equal(found, want[i].value);
            break;
        default:
            snprintf(found, sizeof found, "%d", (int)integer_of(config, want[i].key));
            assert_string_equal(found, want[i].value);
        }
    }
    sb_config_free(config);
}

static void test_environment__is_read_at_every_call(void **state)
{
    sb_config *config = NULL;

    (void)state;
    setenv("BROKER_BUSY_TIMEOUT", " 1_500 ", 1);
    setenv("BROKER_SYNC_MODE", "normal", 1);
    setenv("BROKER_VACUUM_THRESHOLD", "0.5", 1);
    setenv("BROKER_VACUUM_LOCK_TIMEOUT", "nonsense", 1);
    assert_ok(sb_config_from_environment(&config));
    assert_int_equal(integer_of(config, "BROKER_BUSY_TIMEOUT"), 1500);
    assert_string_equal(text_of(config, "BROKER_SYNC_MODE"), "NORMAL");
    assert_int_equal(sb__config_settings(config)->sync_mode, SB__SYNC_NORMAL);
    assert_true(number_of(config, "BROKER_VACUUM_THRESHOLD") == 0.005);
    sb_config_free(config);

    setenv("BROKER_BUSY_TIMEOUT", "7", 1);
    assert_ok(sb_config_from_environment(&config));
    assert_int_equal(integer_of(config, "BROKER_BUSY_TIMEOUT"), 7);
    sb_config_free(config);
    unsetenv("BROKER_VACUUM_LOCK_TIMEOUT");

    config = isolated();
    assert_int_equal(integer_of(config, "BROKER_BUSY_TIMEOUT"), 5000);
    sb_config_free(config);
}

static void test_environment__invalid_variable_is_named(void **state)
{
    sb_config *config = NULL;

    (void)state;
    setenv("BROKER_BUSY_TIMEOUT", "abc", 1);
    assert_status(SB_ECONFIG, sb_config_from_environment(&config));
    assert_null(config);
    assert_string_equal(sb_error_message(NULL),
                        "invalid configuration BROKER_BUSY_TIMEOUT='abc': expected an integer "
                        "number of milliseconds");
    assert_string_equal(sb_error_field(NULL, SB_ERROR_KEY), "BROKER_BUSY_TIMEOUT");
    assert_string_equal(sb_error_field(NULL, SB_ERROR_SOURCE), "environment");
    assert_string_equal(sb_error_field(NULL, SB_ERROR_EXPECTED),
                        "an integer number of milliseconds");
    assert_string_equal(sb_error_field(NULL, SB_ERROR_VALUE), "'abc'");
}

static void test_environment__paths_are_checked_last(void **state)
{
    sb_config *config;

    (void)state;
    setenv("BROKER_DEFAULT_DB_NAME", "a;b", 1);
    setenv("BROKER_BACKEND_PORT", "x", 1);
    assert_status(SB_ECONFIG, sb_config_from_environment(&config));
    assert_string_equal(sb_error_field(NULL, SB_ERROR_KEY), "BROKER_BACKEND_PORT");
    unsetenv("BROKER_BACKEND_PORT");
    assert_status(SB_ECONFIG, sb_config_from_environment(&config));
    assert_string_equal(sb_error_field(NULL, SB_ERROR_KEY), "BROKER_DEFAULT_DB_NAME");
}

static void test_environment__bytes_that_are_not_text_are_kept(void **state)
{
    sb_config *config;

    (void)state;
    setenv("BROKER_DEFAULT_DB_NAME", "\xFF.db", 1);
    assert_ok(sb_config_from_environment(&config));
    assert_string_equal(text_of(config, "BROKER_DEFAULT_DB_NAME"), "\xFF.db");
    sb_config_free(config);
    setenv("BROKER_BACKEND_PORT", "\xFF", 1);
    assert_status(SB_ECONFIG, sb_config_from_environment(&config));
    assert_string_equal(sb_error_field(NULL, SB_ERROR_VALUE), "'\\udcff'");
}

static void test_int__typed_values(void **state)
{
    sb_config *config = isolated();

    (void)state;
    assert_ok(sb_config_set_int64(config, KEY("CACHE_MB"), INT64_MIN));
    assert_true(integer_of(config, "BROKER_CACHE_MB") == INT64_MIN);
    assert_ok(sb_config_set_double(config, KEY("CACHE_MB"), -5.9));
    assert_int_equal(integer_of(config, "BROKER_CACHE_MB"), -5);
    assert_ok(sb_config_set_bool(config, KEY("CACHE_MB"), 7));
    assert_int_equal(integer_of(config, "BROKER_CACHE_MB"), 1);
    assert_status(SB_ECONFIG, sb_config_set_double(config, KEY("CACHE_MB"), (double)NAN));
    assert_string_equal(sb_error_field(NULL, SB_ERROR_VALUE), "nan");
    assert_status(SB_ECONFIG, sb_config_set_double(config, KEY("CACHE_MB"), HUGE_VAL));
    refuse(config, "BROKER_CACHE_MB", "");
    refuse(config, "BROKER_CACHE_MB", "5.5");
    assert_int_equal(integer_of(config, "BROKER_CACHE_MB"), 1);
    sb_config_free(config);
}

static void test_skew__only_natural_integers(void **state)
{
    sb_config *config = isolated();

    (void)state;
    set(config, "BROKER_LOAD_MAX_FUTURE_SKEW_SECONDS", " 0 ");
    assert_ok(sb_config_set_int64(config, KEY("LOAD_MAX_FUTURE_SKEW_SECONDS"), 5));
    refuse(config, "BROKER_LOAD_MAX_FUTURE_SKEW_SECONDS", "-1");
    assert_status(SB_ECONFIG, sb_config_set_int64(config, KEY("LOAD_MAX_FUTURE_SKEW_SECONDS"), -1));
    assert_status(SB_ECONFIG, sb_config_set_bool(config, KEY("LOAD_MAX_FUTURE_SKEW_SECONDS"), 1));
    assert_string_equal(sb_error_field(NULL, SB_ERROR_VALUE), "True");
    assert_status(SB_ECONFIG, sb_config_set_double(config, KEY("LOAD_MAX_FUTURE_SKEW_SECONDS"), 5));
    assert_string_equal(sb_error_field(NULL, SB_ERROR_VALUE), "5.0");
    assert_int_equal(sb__config_settings(config)->load_max_future_skew, 5);
    sb_config_free(config);
}

static void test_threshold__percent_or_ratio(void **state)
{
    sb_config *config = isolated();

    (void)state;
    set(config, "BROKER_VACUUM_THRESHOLD", "1");
    assert_true(number_of(config, "BROKER_VACUUM_THRESHOLD") == 0.01);
    assert_ok(sb_config_set_double(config, KEY("VACUUM_THRESHOLD"), 0.25));
    assert_true(number_of(config, "BROKER_VACUUM_THRESHOLD") == 0.25);
    assert_ok(sb_config_set_int64(config, KEY("VACUUM_THRESHOLD"), 1));
    assert_true(number_of(config, "BROKER_VACUUM_THRESHOLD") == 1.0);
    assert_ok(sb_config_set_int64(config, KEY("VACUUM_THRESHOLD"), 50));
    assert_true(number_of(config, "BROKER_VACUUM_THRESHOLD") == 0.5);
    refuse(config, "BROKER_VACUUM_THRESHOLD", "10%");
    sb_config_free(config);
}

static void check_flag(sb_config *config, const char *key, const char *value, int64_t want)
{
    set(config, key, value);
    if (integer_of(config, key) != want) {
        fail_msg("%s='%s' is not %d", key, value, (int)want);
    }
}

static void test_flags__each_has_its_own_idea_of_truth(void **state)
{
    sb_config *config = isolated();

    (void)state;
    check_flag(config, "BROKER_SKIP_IDLE_CHECK", "1", 1);
    check_flag(config, "BROKER_SKIP_IDLE_CHECK", "true", 0);
    check_flag(config, "BROKER_LOGGING_ENABLED", "1 ", 0);
    check_flag(config, "BROKER_DEBUG", "0", 1);
    check_flag(config, "BROKER_DEBUG", "", 0);
    check_flag(config, "BROKER_PROJECT_SCOPE", " Yes\n", 1);
    check_flag(config, "BROKER_PROJECT_SCOPE", "oN", 1);
    check_flag(config, "BROKER_PROJECT_SCOPE", "TRUE", 1);
    check_flag(config, "BROKER_PROJECT_SCOPE", "y", 0);
    assert_ok(sb_config_set_double(config, KEY("SKIP_IDLE_CHECK"), 1.0));
    assert_int_equal(integer_of(config, "BROKER_SKIP_IDLE_CHECK"), 1);
    assert_ok(sb_config_set_int64(config, KEY("SKIP_IDLE_CHECK"), 2));
    assert_int_equal(integer_of(config, "BROKER_SKIP_IDLE_CHECK"), 0);
    assert_ok(sb_config_set_double(config, KEY("PROJECT_SCOPE"), 1.0));
    assert_int_equal(integer_of(config, "BROKER_PROJECT_SCOPE"), 0);
    assert_ok(sb_config_set_bool(config, KEY("PROJECT_SCOPE"), 1));
    assert_int_equal(integer_of(config, "BROKER_PROJECT_SCOPE"), 1);
    assert_ok(sb_config_set_double(config, KEY("DEBUG"), 0.0));
    assert_int_equal(integer_of(config, "BROKER_DEBUG"), 0);
    sb_config_free(config);
}

static void test_text__typed_values_as_python_prints_them(void **state)
{
    sb_config *config = isolated();
    const char *text;
    size_t len;

    (void)state;
    assert_ok(sb_config_set_double(config, KEY("BACKEND_USER"), 1e22));
    assert_string_equal(text_of(config, "BROKER_BACKEND_USER"), "1e+22");
    assert_ok(sb_config_set_bool(config, KEY("BACKEND_USER"), 0));
    assert_string_equal(text_of(config, "BROKER_BACKEND_USER"), "False");
    assert_ok(sb_config_set_text(config, KEY("BACKEND_USER"), "a\0b", 3));
    assert_ok(sb_config_get_text(&text, &len, config, KEY("BACKEND_USER")));
    assert_int_equal(len, 3);
    assert_memory_equal(text, "a\0b", 4);
    sb_config_free(config);
}

static void test_sync_mode__anything_else_is_full(void **state)
{
    sb_config *config = isolated();

    (void)state;
    set(config, "BROKER_SYNC_MODE", "oFF");
    assert_string_equal(text_of(config, "BROKER_SYNC_MODE"), "OFF");
    assert_int_equal(sb__config_settings(config)->sync_mode, SB__SYNC_OFF);
    set(config, "BROKER_SYNC_MODE", " off");
    assert_string_equal(text_of(config, "BROKER_SYNC_MODE"), "FULL");
    assert_int_equal(sb__config_settings(config)->sync_mode, SB__SYNC_FULL);
    sb_config_free(config);
}

static void test_paths__names_have_at_most_one_directory(void **state)
{
    sb_config *config = isolated();

    (void)state;
    set(config, "BROKER_DEFAULT_DB_NAME", "a/b");
    set(config, "BROKER_DEFAULT_DB_NAME", "a\\b\\c");
    set(config, "BROKER_DEFAULT_DB_NAME", "");
    refuse(config, "BROKER_DEFAULT_DB_NAME", "a/b/c");
    refuse(config, "BROKER_DEFAULT_DB_NAME", "/a");
    refuse(config, "BROKER_DEFAULT_DB_NAME", "../a");
    refuse(config, "BROKER_DEFAULT_DB_NAME", "a?");
    set(config, "BROKER_PROJECT_CONFIG_NAME", "a/b");
    refuse(config, "BROKER_PROJECT_CONFIG_NAME", "a\\b\\c");
    refuse(config, "BROKER_PROJECT_CONFIG_NAME", "/a");
    set(config, "BROKER_PROJECT_CONFIG_PATH", "/a/b/c");
    refuse(config, "BROKER_PROJECT_CONFIG_PATH", "a/b");
    refuse(config, "BROKER_PROJECT_CONFIG_PATH", "~");
    set(config, "BROKER_PROJECT_CONFIG_PATH", "");
    assert_string_equal(text_of(config, "BROKER_PROJECT_CONFIG_NAME"), "a/b");
    sb_config_free(config);
}

static void test_paths__relative_path_and_name_count_together(void **state)
{
    sb_config *config = isolated();

    (void)state;
    set(config, "BROKER_PROJECT_CONFIG_PATH", "d");
    refuse(config, "BROKER_PROJECT_CONFIG_NAME", "s/x");
    set(config, "BROKER_PROJECT_CONFIG_PATH", "/d");
    set(config, "BROKER_PROJECT_CONFIG_NAME", "s/x");
    assert_status(SB_ECONFIG, sb_config_set_text(config, KEY("PROJECT_CONFIG_PATH"), "d", 1));
    assert_string_equal(sb_error_field(NULL, SB_ERROR_KEY), "BROKER_PROJECT_CONFIG_NAME");
    assert_string_equal(sb_error_field(NULL, SB_ERROR_VALUE), "'s/x'");
    assert_string_equal(text_of(config, "BROKER_PROJECT_CONFIG_PATH"), "/d");
    sb_config_free(config);
}

static void test_error__unknown_key(void **state)
{
    sb_config *config = isolated();

    (void)state;
    assert_status(SB_ECONFIG, sb_config_set_int64(config, KEY("NOPE"), 1));
    assert_string_equal(sb_error_message(NULL),
                        "invalid configuration BROKER_NOPE=1: expected a recognized canonical "
                        "BROKER_* configuration key");
    assert_status(SB_ECONFIG, sb_config_set_text(config, "broker_debug", 12, "1", 1));
    sb_config_free(config);
}

static void test_error__long_values_are_cut_and_escaped(void **state)
{
    sb_config *config = isolated();
    char value[4 * 160 + 1] = "";

    (void)state;
    refuse(config, "BROKER_BACKEND_PORT", "a\n'b");
    assert_string_equal(sb_error_field(NULL, SB_ERROR_VALUE), "\"a\\n'b\"");
    for (int i = 0; i < 160; i++) {
        memcpy(value + 4 * i, "\xF0\x9F\x98\x80", 5);
    }
    refuse(config, "BROKER_BACKEND_PORT", value);
    assert_int_equal(strlen(sb_error_field(NULL, SB_ERROR_VALUE)), 1 + 4 * 156 + 3);
    sb_config_free(config);
}

static void test_error__wrong_arguments(void **state)
{
    sb_config *config = isolated();
    int64_t integer;
    double number;

    (void)state;
    assert_status(SB_EINVALID, sb_config_isolated(NULL));
    assert_status(SB_EINVALID, sb_config_set_text(NULL, KEY("DEBUG"), "1", 1));
    assert_status(SB_EINVALID, sb_config_set_text(config, NULL, 0, "1", 1));
    assert_status(SB_EINVALID, sb_config_set_text(config, KEY("DEBUG"), NULL, 0));
    assert_status(SB_EINVALID, sb_config_get_int64(&integer, config, KEY("NOPE")));
    assert_status(SB_EINVALID, sb_config_get_int64(&integer, config, KEY("SYNC_MODE")));
    assert_status(SB_EINVALID, sb_config_get_double(&number, config, KEY("CACHE_MB")));
    assert_status(SB_EINVALID, sb_config_get_text(NULL, NULL, config, KEY("CACHE_MB")));
    assert_ok(sb_config_get_int64(NULL, config, KEY("DEBUG")));
    assert_status(SB_EINVALID, sb_config_on_warning(NULL, NULL, NULL, NULL));
    sb_config_free(config);
    sb_config_free(NULL);
}

static void test_copy__is_independent(void **state)
{
    sb_config *config = isolated();
    sb_config *copy = NULL;

    (void)state;
    set(config, "BROKER_BACKEND_USER", "me");
    assert_ok(sb_config_copy(&copy, config));
    set(config, "BROKER_BACKEND_USER", "you");
    set(config, "BROKER_CACHE_MB", "3");
    assert_string_equal(text_of(copy, "BROKER_BACKEND_USER"), "me");
    assert_int_equal(integer_of(copy, "BROKER_CACHE_MB"), 10);
    sb_config_free(config);
    assert_string_equal(text_of(copy, "BROKER_BACKEND_USER"), "me");
    sb_config_free(copy);
}

static void test_retain__keeps_the_settings_alive(void **state)
{
    sb_config *config = isolated();
    sb_config *kept = sb__config_retain(config);

    (void)state;
    sb_config_free(config);
    assert_string_equal(text_of(kept, "BROKER_BACKEND"), "sqlite");
    sb_config_free(kept);
}

typedef struct listener {
    int heard;
    int destroyed;
    sb_warning kind;
    char text[256];
} listener;

static void hear(void *payload, sb_warning kind, const char *text)
{
    listener *l = payload;

    l->heard++;
    l->kind = kind;
    snprintf(l->text, sizeof l->text, "%s", text);
    sb_error_set(SB_EUSER, "left behind by the callback", (size_t)SB_NTS, 0);
}

static void destroyed(void *payload)
{
    ((listener *)payload)->destroyed++;
}

static void test_warning__relative_location_is_ignored(void **state)
{
    listener first = {0};
    listener second = {0};
    sb_config *config = NULL;

    (void)state;
    setenv("BROKER_DEFAULT_DB_LOCATION", "rel", 1);
    assert_ok(sb_config_from_environment(&config));
    assert_string_equal(text_of(config, "BROKER_DEFAULT_DB_LOCATION"), "");

    assert_ok(sb_config_on_warning(config, hear, &first, destroyed));
    assert_int_equal(first.heard, 1);
    assert_int_equal(first.kind, SB_WARN_CONFIG);
    assert_string_equal(first.text, "BROKER_DEFAULT_DB_LOCATION must be an absolute path. "
                                    "Ignoring relative path: rel");
    assert_int_equal(sb_error_status(NULL), SB_OK);

    set(config, "BROKER_DEFAULT_DB_LOCATION", "rel2");
    assert_int_equal(first.heard, 2);
    set(config, "BROKER_CACHE_MB", "1");
    assert_int_equal(first.heard, 2);

    assert_ok(sb_config_on_warning(config, hear, &second, destroyed));
    assert_int_equal(first.destroyed, 1);
    assert_int_equal(second.heard, 0);
    sb_config_free(config);
    assert_int_equal(second.destroyed, 1);
    assert_int_equal(first.destroyed, 1);
}

static void test_warning__many_are_kept_within_bounds(void **state)
{
    sb_config *config = isolated();
    listener l = {0};

    (void)state;
    for (int i = 0; i < 100; i++) {
        sb__config_warn(config, SB_WARN_ALIAS, "number %d", i);
    }
    assert_ok(sb_config_on_warning(config, hear, &l, NULL));
    assert_int_equal(l.heard, SB__WARNINGS_KEPT);
    sb__config_warn(config, SB_WARN_ALIAS, "%s", "one more");
    assert_string_equal(l.text, "one more");
    sb_config_free(config);
}

static void test_warning__nobody_wants_to_hear(void **state)
{
    sb_config *config = isolated();
    listener l = {0};

    (void)state;
    sb__config_warn(config, SB_WARN_ALIAS, "lost");
    assert_ok(sb_config_on_warning(config, NULL, &l, destroyed));
    assert_int_equal(l.destroyed, 1);
    sb__config_warn(config, SB_WARN_ALIAS, "lost too");
    assert_ok(sb_config_on_warning(config, hear, &l, NULL));
    assert_int_equal(l.heard, 0);
    sb_config_free(config);
}

static void replace_listener(void *payload, sb_warning kind, const char *text)
{
    (void)kind;
    (void)text;
    assert_ok(sb_config_on_warning(payload, NULL, NULL, NULL));
}

static void test_warning__listener_may_replace_itself(void **state)
{
    sb_config *config = isolated();

    (void)state;
    assert_ok(sb_config_on_warning(config, replace_listener, config, NULL));
    sb__config_warn(config, SB_WARN_ALIAS, "once");
    sb__config_warn(config, SB_WARN_ALIAS, "unheard");
    sb_config_free(config);
}

static void count(void *payload, sb_warning kind, const char *text)
{
    (void)kind;
    (void)text;
    atomic_fetch_add((atomic_int *)payload, 1);
}

static void *warn_often(void *payload)
{
    for (int i = 0; i < 1000; i++) {
        sb__config_warn(payload, SB_WARN_ALIAS, "%d", i);
    }
    return NULL;
}

static void test_warning__threads_share_the_listener(void **state)
{
    sb_config *config = isolated();
    atomic_int heard = 0;
    pthread_t threads[4];

    (void)state;
    assert_ok(sb_config_on_warning(config, count, &heard, NULL));
    for (int i = 0; i < 4; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, warn_often, config), 0);
    }
    for (int i = 0; i < 100; i++) {
        assert_ok(sb_config_on_warning(config, count, &heard, NULL));
    }
    for (int i = 0; i < 4; i++) {
        pthread_join(threads[i], NULL);
    }
    assert_int_equal(heard, 4000);
    sb_config_free(config);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, clean_environment, clean_environment)

static void test_refuse__names_key_and_expectation_but_no_secret(void **state)
{
    char longer[200];

    (void)state;
    memset(longer, 'x', sizeof longer);
    assert_int_equal(sb_config_refuse("BROKER_CACHE_MB", SB_NTS, "<list>", SB_NTS), SB_ECONFIG);
    assert_string_equal(sb_error_message(NULL), "invalid configuration BROKER_CACHE_MB=<list>: "
                                                "expected an integer number of megabytes");
    assert_string_equal(sb_error_field(NULL, SB_ERROR_SOURCE), "override");

    assert_int_equal(sb_config_refuse("BROKER_BACKEND_PASSWORD", SB_NTS, "pw", 2), SB_ECONFIG);
    assert_string_equal(sb_error_field(NULL, SB_ERROR_VALUE), "<redacted>");

    assert_int_equal(sb_config_refuse("X", SB_NTS, longer, sizeof longer), SB_ECONFIG);
    assert_int_equal(strlen(sb_error_field(NULL, SB_ERROR_VALUE)), 160);
    assert_string_equal(sb_error_field(NULL, SB_ERROR_EXPECTED),
                        "a recognized canonical BROKER_* configuration key");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_refuse__names_key_and_expectation_but_no_secret),
        TEST(test_defaults__are_the_contracts),
        TEST(test_environment__is_read_at_every_call),
        TEST(test_environment__invalid_variable_is_named),
        TEST(test_environment__paths_are_checked_last),
        TEST(test_environment__bytes_that_are_not_text_are_kept),
        TEST(test_int__typed_values),
        TEST(test_skew__only_natural_integers),
        TEST(test_threshold__percent_or_ratio),
        TEST(test_flags__each_has_its_own_idea_of_truth),
        TEST(test_text__typed_values_as_python_prints_them),
        TEST(test_sync_mode__anything_else_is_full),
        TEST(test_paths__names_have_at_most_one_directory),
        TEST(test_paths__relative_path_and_name_count_together),
        TEST(test_error__unknown_key),
        TEST(test_error__long_values_are_cut_and_escaped),
        TEST(test_error__wrong_arguments),
        TEST(test_copy__is_independent),
        TEST(test_retain__keeps_the_settings_alive),
        TEST(test_warning__relative_location_is_ignored),
        TEST(test_warning__many_are_kept_within_bounds),
        TEST(test_warning__nobody_wants_to_hear),
        TEST(test_warning__listener_may_replace_itself),
        TEST(test_warning__threads_share_the_listener),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
