/* Other names of queues. */
#include "foreign.h"

static int64_t version(sb_broker *broker)
{
    int64_t value = -1;

    assert_ok(sb_alias_version(&value, broker, NULL));
    return value;
}

static sb_status add(sb_broker *broker, const char *alias, const char *target)
{
    return sb_alias_add(broker, alias, NTS, target, NTS, NULL);
}

static void assert_resolves(sb_broker *broker, const char *name, const char *expected)
{
    char *found = NULL;
    size_t len = 0;

    assert_ok(sb_queue_resolve(&found, &len, broker, name, NTS, NULL));
    assert_string_equal(found, expected);
    assert_int_equal(len, strlen(expected));
    sb_free(found);
}

static void test_alias__resolves_until_removed(void **state)
{
    sb_broker *broker = ((scratch *)*state)->broker;
    char *found = NULL;
    size_t len = 0;

    assert_ok(add(broker, "short", "a.long.name"));
    assert_resolves(broker, "@short", "a.long.name");
    assert_resolves(broker, "short", "short");
    assert_resolves(broker, " @short", " @short");
    assert_resolves(broker, "", "");
    assert_ok(sb_alias_resolve(&found, &len, broker, "short", NTS, NULL));
    assert_string_equal(found, "a.long.name");
    sb_free(found);
    assert_ok(sb_alias_remove(broker, "short", NTS, NULL));
    assert_status(SB_EMPTY, sb_alias_remove(broker, "short", NTS, NULL));
    assert_status(SB_EMPTY, sb_alias_resolve(&found, &len, broker, "short", NTS, NULL));
    assert_null(found);
}

static void test_queue_resolve__undefined_and_empty(void **state)
{
    sb_broker *broker = ((scratch *)*state)->broker;
    char *found = NULL;

    assert_status(SB_EINVALID, sb_queue_resolve(&found, NULL, broker, "@x", NTS, NULL));
    assert_message("Alias 'x' is not defined");
    assert_null(found);
    assert_status(SB_EINVALID, sb_queue_resolve(&found, NULL, broker, "@@x", NTS, NULL));
    assert_message("Alias '@x' is not defined");
    assert_status(SB_EINVALID, sb_queue_resolve(&found, NULL, broker, "@", NTS, NULL));
    assert_message("Alias name cannot be empty");
    assert_status(SB_EINVALID, sb_queue_resolve(NULL, NULL, broker, "x", NTS, NULL));
    assert_status(SB_EINVALID, sb_queue_resolve(&found, NULL, broker, NULL, 0, NULL));
}

static void test_alias_add__refuses_what_is_not_flat(void **state)
{
    sb_broker *broker = ((scratch *)*state)->broker;
    static const struct {
        const char *alias, *target, *text;
        sb_status status;
    } cases[] = {
        {"a", "z", "Alias 'a' already exists", SB_EINVALID},
        {"x", "a", "Cannot target another alias", SB_EINVALID},
        {"q", "a", "Cannot target another alias", SB_EINVALID},
        {"q", "z", "Cannot turn an existing alias target into an alias", SB_EINVALID},
        {"x", "x", "Alias and target must differ", SB_EINVALID},
        {"a", "a", "Alias and target must differ", SB_EINVALID},
        {"", "", "Alias and target must differ", SB_EINVALID},
        {"x", "", "Alias target cannot be empty", SB_EINVALID},
        {"b d", "", "Alias target cannot be empty", SB_EINVALID},
        {"x", "@q", "Target names should not include the '@' prefix", SB_EINVALID},
        {"@x", "q", "Invalid queue name", SB_EQUEUENAME},
        {"", "q", "Invalid queue name: cannot be empty", SB_EQUEUENAME},
        {"x", "b d", "Invalid queue name", SB_EQUEUENAME},
        {"-x", "q", "Invalid queue name", SB_EQUEUENAME},
    };
    int64_t before;

    assert_ok(add(broker, "a", "q"));
    before = version(broker);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_status(cases[i].status, add(broker, cases[i].alias, cases[i].target));
        assert_message(cases[i].text);
    }
    assert_status(SB_EINVALID, sb_alias_add(broker, NULL, 0, "q", 1, NULL));
    assert_status(SB_EINVALID, sb_alias_add(broker, "x", 1, NULL, 0, NULL));
    assert_int_equal(version(broker), before);
    assert_int_equal(ask_sql(broker, "SELECT count(*) FROM queue_aliases"), 1);
}

static void test_alias_version__grows_even_when_the_clock_is_behind(void **state)
{
    sb_broker *broker = ((scratch *)*state)->broker;
    int64_t first;

    assert_int_equal(version(broker), 0);
    assert_ok(add(broker, "a", "q"));
    first = version(broker);
    assert_true(first > INT64_C(1600000000000000000));
    run_sql(broker, "UPDATE meta SET value = 9000000000000000000 WHERE key = 'alias_version'");
    assert_ok(sb_alias_remove(broker, "a", 1, NULL));
    assert_int_equal(version(broker), INT64_C(9000000000000000001));
    assert_status(SB_EMPTY, sb_alias_remove(broker, "a", 1, NULL));
    assert_int_equal(version(broker), INT64_C(9000000000000000001));
}

static void test_alias_list__sorted_and_by_target(void **state)
{
    sb_broker *broker = ((scratch *)*state)->broker;
    sb_aliases *aliases;
    size_t len;

    assert_ok(add(broker, "c", "q"));
    assert_ok(add(broker, "a", "q"));
    assert_ok(add(broker, "b", "r"));
    assert_ok(sb_alias_list(&aliases, broker, NULL, 0, NULL));
    assert_int_equal(sb_aliases_count(aliases), 3);
    assert_string_equal(sb_aliases_name(&len, aliases, 0), "a");
    assert_int_equal(len, 1);
    assert_string_equal(sb_aliases_target(&len, aliases, 1), "r");
    assert_string_equal(sb_aliases_name(NULL, aliases, 2), "c");
    assert_null(sb_aliases_name(&len, aliases, 3));
    assert_int_equal(len, 0);
    assert_null(sb_aliases_target(&len, aliases, 3));
    sb_aliases_free(aliases);
    assert_ok(sb_alias_list(&aliases, broker, "q", 1, NULL));
    assert_int_equal(sb_aliases_count(aliases), 2);
    sb_aliases_free(aliases);
    assert_ok(sb_alias_list(&aliases, broker, "", 0, NULL));
    assert_int_equal(sb_aliases_count(aliases), 0);
    assert_null(sb_aliases_name(&len, aliases, 0));
    sb_aliases_free(aliases);
}

static void test_alias_list__old_invalid_rows_stay_usable(void **state)
{
    sb_broker *broker = ((scratch *)*state)->broker;

    run_sql(broker, "INSERT INTO queue_aliases VALUES ('b d', 'x y'), ('x', 'b d')");
    assert_resolves(broker, "@b d", "x y");
    assert_resolves(broker, "@x", "b d");
    assert_ok(sb_alias_remove(broker, "b d", NTS, NULL));
}

static void keep_warning(void *payload, sb_warning kind, const char *text)
{
    if (kind == SB_WARN_ALIAS) {
        snprintf(payload, 256, "%s", text);
    }
}

static void test_alias_add__warns_of_a_hidden_queue(void **state)
{
    scratch *s = *state;
    char warning[256] = "";

    assert_ok(sb_config_on_warning(s->config, keep_warning, warning, NULL));
    sb_close(s->broker);
    assert_ok(sb_open_path(&s->broker, s->path, NTS, s->config, NULL));
    put(s->broker, "q", "1");
    take(s->broker, "q");
    assert_ok(add(s->broker, "x", "y"));
    assert_string_equal(warning, "");
    assert_ok(add(s->broker, "q", "y"));
    assert_non_null(strstr(warning, "Queue 'q' already exists with messages"));
    assert_ok(sb_config_on_warning(s->config, NULL, NULL, NULL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        EVERY_RUNNER(test_alias__resolves_until_removed),
        EVERY_RUNNER(test_queue_resolve__undefined_and_empty),
        EVERY_RUNNER(test_alias_add__refuses_what_is_not_flat),
        EVERY_RUNNER(test_alias_version__grows_even_when_the_clock_is_behind),
        EVERY_RUNNER(test_alias_list__sorted_and_by_target),
        EVERY_RUNNER(test_alias_list__old_invalid_rows_stay_usable),
        cmocka_unit_test_setup_teardown(test_alias_add__warns_of_a_hidden_queue, scratch_open,
                                        scratch_free),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
