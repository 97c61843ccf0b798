/*
 * The 32 settings: names, rules, defaults and texts of the contract, and the rules themselves.
 */
#include "config_keys.h"

#include <stdint.h>
#include <string.h>

#include "alloc.h"
#include "path_rules.h"
#include "pynum.h"
#include "pyrepr.h"
#include "text.h"

#define KEY(name, rule, secret, member, initial, expected)                                         \
    {"BROKER_" name, SB__RULE_##rule, secret, offsetof(sb__settings, member), initial, expected}

const sb__key sb__keys[SB__KEY_COUNT] = {
    KEY("BUSY_TIMEOUT", INT, 0, busy_timeout_ms, "5000", "an integer number of milliseconds"),
    KEY("CACHE_MB", INT, 0, cache_mb, "10", "an integer number of megabytes"),
    KEY("SYNC_MODE", SYNC, 0, sync_mode_name, "FULL", "FULL, NORMAL, or OFF"),
    KEY("WAL_AUTOCHECKPOINT", INT, 0, wal_autocheckpoint, "1000", "an integer page count"),
    KEY("MAX_MESSAGE_SIZE", INT, 0, max_message_size, "10485760", "an integer byte count"),
    KEY("READ_COMMIT_INTERVAL", INT, 0, read_commit_interval, "1", "an integer message count"),
    KEY("GENERATOR_BATCH_SIZE", INT, 0, generator_batch_size, "100", "an integer message count"),
    KEY("LOAD_MAX_FUTURE_SKEW_SECONDS", NATURAL, 0, load_max_future_skew, "300",
        "a non-negative integer number of seconds"),
    KEY("AUTO_VACUUM", INT, 0, auto_vacuum, "1", "an integer flag"),
    KEY("AUTO_VACUUM_INTERVAL", INT, 0, auto_vacuum_interval, "100", "an integer mutation count"),
    KEY("VACUUM_THRESHOLD", PERCENT, 0, vacuum_threshold, "10", "a numeric percentage"),
    KEY("VACUUM_BATCH_SIZE", INT, 0, vacuum_batch_size, "1000", "an integer message count"),
    KEY("SKIP_IDLE_CHECK", ONE_FLAG, 0, skip_idle_check, "0", "a boolean flag"),
    KEY("JITTER_FACTOR", FLOAT, 0, jitter_factor, "0.15", "a numeric ratio"),
    KEY("INITIAL_CHECKS", INT, 0, initial_checks, "100", "an integer check count"),
    KEY("MAX_INTERVAL", FLOAT, 0, max_interval, "0.1", "a numeric number of seconds"),
    KEY("BURST_SLEEP", FLOAT, 0, burst_sleep, "0.00001", "a numeric number of seconds"),
    KEY("DEBUG", NONEMPTY_FLAG, 0, debug, "", "a boolean flag"),
    KEY("LOGGING_ENABLED", ONE_FLAG, 0, logging_enabled, "0", "a boolean flag"),
    KEY("DEFAULT_DB_LOCATION", LOCATION, 0, default_db_location, "",
        "an absolute directory path or empty string"),
    KEY("DEFAULT_DB_NAME", DB_NAME, 0, default_db_name, ".broker.db",
        "a relative database path with at most one directory"),
    KEY("PROJECT_CONFIG_PATH", CONFIG_PATH, 0, project_config_path, "",
        "an absolute directory or one relative directory"),
    KEY("PROJECT_CONFIG_NAME", CONFIG_NAME, 0, project_config_name, ".broker.toml",
        "a relative config path with at most one directory"),
    KEY("PROJECT_SCOPE", WORD_FLAG, 0, project_scope, "0", "a boolean flag"),
    KEY("BACKEND", TEXT, 0, backend, "sqlite", "a backend name"),
    KEY("BACKEND_HOST", TEXT, 0, backend_host, "localhost", "a host name"),
    KEY("BACKEND_PORT", INT, 0, backend_port, "5432", "an integer port"),
    KEY("BACKEND_USER", TEXT, 0, backend_user, "postgres", "a user name"),
    KEY("BACKEND_PASSWORD", TEXT, 1, backend_password, "", "a password string"),
    KEY("BACKEND_DATABASE", TEXT, 0, backend_database, "simplebroker", "a database name"),
    KEY("BACKEND_SCHEMA", TEXT, 0, backend_schema, "simplebroker_pg_v1", "a schema name"),
    KEY("BACKEND_TARGET", TEXT, 1, backend_target, "", "a backend target string"),
};

static const struct {
    const char *name;
    sb__sync_mode mode;
} sync_modes[] = {{"FULL", SB__SYNC_FULL}, {"NORMAL", SB__SYNC_NORMAL}, {"OFF", SB__SYNC_OFF}};

const sb__key *sb__key_find(const char *name, size_t len)
{
    for (size_t i = 0; i < SB__KEY_COUNT; i++) {
        if (strlen(sb__keys[i].name) == len && memcmp(sb__keys[i].name, name, len) == 0) {
            return &sb__keys[i];
        }
    }
    return NULL;
}

sb_type sb__key_type(const sb__key *key)
{
    switch (key->rule) {
    case SB__RULE_INT:
    case SB__RULE_NATURAL:
        return SB_INT64;
    case SB__RULE_FLOAT:
    case SB__RULE_PERCENT:
        return SB_DOUBLE;
    case SB__RULE_ONE_FLAG:
    case SB__RULE_NONEMPTY_FLAG:
    case SB__RULE_WORD_FLAG:
        return SB_BOOL;
    default:
        return SB_TEXT;
    }
}

static int is_text(const sb__value *value, const char *text)
{
    return value->type == SB_TEXT && value->len == strlen(text) &&
           memcmp(value->data, text, value->len) == 0;
}

static int is_integral(const sb__value *value)
{
    return value->type == SB_INT64 || value->type == SB_BOOL;
}

static int to_int(int64_t *out, const sb__value *value)
{
    switch (value->type) {
    case SB_TEXT:
        return sb__py_int(out, value->data, value->len);
    case SB_DOUBLE:
        return sb__py_int_of_double(out, value->as.number);
    case SB_INT64:
    case SB_BOOL:
        *out = value->as.integer;
        return 1;
    default:
        return 0;
    }
}

static int to_natural(int64_t *out, const sb__value *value)
{
    return (value->type == SB_TEXT || value->type == SB_INT64) && to_int(out, value) && *out >= 0;
}

static int to_float(double *out, const sb__value *value)
{
    switch (value->type) {
    case SB_TEXT:
        return sb__py_float(out, value->data, value->len);
    case SB_DOUBLE:
        *out = value->as.number;
        return 1;
    case SB_INT64:
    case SB_BOOL:
        *out = (double)value->as.integer;
        return 1;
    default:
        return 0;
    }
}

static int to_ratio(double *out, const sb__value *value)
{
    int ok = to_float(out, value);

    if (ok > 0 && (value->type == SB_TEXT || *out > 1.0)) {
        *out /= 100.0;
    }
    return ok;
}

static int is_one(const sb__value *value)
{
    return is_text(value, "1") || (is_integral(value) && value->as.integer == 1) ||
           (value->type == SB_DOUBLE && value->as.number == 1.0);
}

static int is_nonempty(const sb__value *value)
{
    if (is_integral(value)) {
        return value->as.integer != 0;
    }
    if (value->type == SB_DOUBLE) {
        return value->as.number != 0.0;
    }
    return value->len > 0;
}

static int equals_ignoring_case(const char *text, size_t len, const char *word)
{
    size_t i;

    for (i = 0; i < len && word[i]; i++) {
        char c = text[i] >= 'a' && text[i] <= 'z' ? (char)(text[i] - 'a' + 'A') : text[i];

        if (c != word[i]) {
            return 0;
        }
    }
    return i == len && !word[i];
}

static int is_yes(const sb__value *value)
{
    static const char *const words[] = {"1", "TRUE", "YES", "ON"};
    const char *text = value->data;
    size_t len = value->len;

    if (value->type != SB_TEXT) {
        return is_integral(value) && value->as.integer == 1;
    }
    sb__text_strip(&text, &len);
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        if (equals_ignoring_case(text, len, words[i])) {
            return 1;
        }
    }
    return 0;
}

static size_t sync_mode_of(const sb__value *value)
{
    size_t count = sizeof sync_modes / sizeof sync_modes[0];

    for (size_t i = 0; value->type == SB_TEXT && i < count; i++) {
        if (equals_ignoring_case(value->data, value->len, sync_modes[i].name)) {
            return i;
        }
    }
    return 0;
}

static void *member_of(sb__settings *settings, const sb__key *key)
{
    return (char *)settings + key->offset;
}

static sb_status set_text(sb__setting_text *member, const char *text, size_t len)
{
    char *copy = sb__strndup(text, len);

    if (!copy) {
        return sb__fail_nomem();
    }
    sb_free(member->data);
    member->data = copy;
    member->len = len;
    return SB_OK;
}

static sb_status apply_text(sb__settings *settings, const sb__key *key, const sb__value *value)
{
    sb__str text = SB__STR_INIT;
    sb_status status;
    size_t mode;

    if (key->rule == SB__RULE_SYNC) {
        mode = sync_mode_of(value);
        status = set_text(&settings->sync_mode_name, sync_modes[mode].name,
                          strlen(sync_modes[mode].name));
        if (status == SB_OK) {
            settings->sync_mode = sync_modes[mode].mode;
        }
        return status;
    }
    if (value->type == SB_TEXT) {
        return set_text(member_of(settings, key), value->data, value->len);
    }
    sb__py_str(&text, value);
    status = sb__str_check(&text);
    if (status == SB_OK) {
        status = set_text(member_of(settings, key), text.data, text.len);
    }
    sb__str_dispose(&text);
    return status;
}

sb_status sb__key_apply(sb__settings *settings, const sb__key *key, const sb__value *value)
{
    int64_t integer = 0;
    double number = 0;
    int ok = 1;

    switch (key->rule) {
    case SB__RULE_INT:
        ok = to_int(&integer, value);
        break;
    case SB__RULE_NATURAL:
        ok = to_natural(&integer, value);
        break;
    case SB__RULE_FLOAT:
        ok = to_float(&number, value);
        break;
    case SB__RULE_PERCENT:
        ok = to_ratio(&number, value);
        break;
    case SB__RULE_ONE_FLAG:
        integer = is_one(value);
        break;
    case SB__RULE_NONEMPTY_FLAG:
        integer = is_nonempty(value);
        break;
    case SB__RULE_WORD_FLAG:
        integer = is_yes(value);
        break;
    default:
        return apply_text(settings, key, value);
    }
    if (ok <= 0) {
        return ok < 0 ? sb__fail_nomem() : SB_ECONFIG;
    }
    if (sb__key_type(key) == SB_DOUBLE) {
        *(double *)member_of(settings, key) = number;
    } else {
        *(int64_t *)member_of(settings, key) = integer;
    }
    return SB_OK;
}

static int is_absolute(const sb__setting_text *path)
{
    return path->len > 0 && path->data[0] == '/';
}

static int is_bad(const sb__settings *settings, sb__key_rule rule)
{
    const sb__setting_text *path = &settings->project_config_path;
    const sb__setting_text *text;
    size_t parts;

    switch (rule) {
    case SB__RULE_LOCATION:
        text = &settings->default_db_location;
        return text->len && !sb__path_is_safe(text->data, text->len);
    case SB__RULE_DB_NAME:
        text = &settings->default_db_name;
        return text->len && (!sb__path_is_safe(text->data, text->len) || is_absolute(text) ||
                             sb__path_part_count(text->data, text->len, 0) > 2);
    case SB__RULE_CONFIG_PATH:
        return path->len && (!sb__path_is_safe(path->data, path->len) ||
                             (!is_absolute(path) &&
                              sb__path_part_count(path->data, path->len, 1) > 1));
    case SB__RULE_CONFIG_NAME:
        text = &settings->project_config_name;
        if (!text->len) {
            return 0;
        }
        if (!sb__path_is_safe(text->data, text->len) || is_absolute(text)) {
            return 1;
        }
        parts = sb__path_part_count(text->data, text->len, 1);
        if (path->len && !is_absolute(path)) {
            parts += sb__path_part_count(path->data, path->len, 1);
        }
        return parts > 2;
    default:
        return 0;
    }
}

const sb__key *sb__settings_check(const sb__settings *settings)
{
    for (size_t i = 0; i < SB__KEY_COUNT; i++) {
        if (is_bad(settings, sb__keys[i].rule)) {
            return &sb__keys[i];
        }
    }
    return NULL;
}

int sb__settings_location_is_relative(const sb__settings *settings)
{
    return settings->default_db_location.len && !is_absolute(&settings->default_db_location);
}

sb_status sb__settings_copy(sb__settings *out, const sb__settings *settings)
{
    sb_status status = SB_OK;

    *out = *settings;
    for (size_t i = 0; i < SB__KEY_COUNT; i++) {
        if (sb__key_type(&sb__keys[i]) == SB_TEXT) {
            memset((char *)out + sb__keys[i].offset, 0, sizeof(sb__setting_text));
        }
    }
    for (size_t i = 0; i < SB__KEY_COUNT && status == SB_OK; i++) {
        if (sb__key_type(&sb__keys[i]) == SB_TEXT) {
            const sb__setting_text *from =
                (const sb__setting_text *)((const char *)settings + sb__keys[i].offset);

            status = set_text(member_of(out, &sb__keys[i]), from->data, from->len);
        }
    }
    if (status != SB_OK) {
        sb__settings_dispose(out);
    }
    return status;
}

void sb__settings_dispose(sb__settings *settings)
{
    for (size_t i = 0; i < SB__KEY_COUNT; i++) {
        if (sb__key_type(&sb__keys[i]) == SB_TEXT) {
            sb__setting_text *text = member_of(settings, &sb__keys[i]);

            sb_free(text->data);
            text->data = NULL;
            text->len = 0;
        }
    }
}
