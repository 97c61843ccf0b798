/*
 * Configurations: read from the environment or made of the defaults, then overridden key by key.
 */
#include "config.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "config_keys.h"
#include "pyrepr.h"
#include "string_list.h"

enum { KEY_SHOWN_MAX = 640, VALUE_SHOWN_MAX = 160 };

static const char environment[] = "environment";
static const char override[] = "override";

static const char unknown_key[] = "a recognized canonical BROKER_* configuration key";

static int shown_length(size_t key_len)
{
    return key_len < KEY_SHOWN_MAX ? (int)key_len : KEY_SHOWN_MAX;
}

/* SB_ECONFIG with its fields; the value as it is to be shown is shortened, and disposed of. */
static sb_status fail_shown(const char *key, size_t key_len, const char *source,
                            const char *expected, sb__str *shown)
{
    sb_status status;

    sb__text_ellipsis(shown, VALUE_SHOWN_MAX);
    status = sb__str_check(shown);
    if (status == SB_OK) {
        status = sb__fail(SB_ECONFIG, "invalid configuration %.*s=%s: expected %s",
                          shown_length(key_len), key, shown->data, expected);
        sb__error_set_field(SB_ERROR_KEY, key, key_len);
        sb__error_set_field(SB_ERROR_SOURCE, source, strlen(source));
        sb__error_set_field(SB_ERROR_EXPECTED, expected, strlen(expected));
        sb__error_set_field(SB_ERROR_VALUE, shown->data, shown->len);
    }
    sb__str_dispose(shown);
    return status;
}

/* The same; `value` NULL shows nothing of it. */
static sb_status fail(const char *key, size_t key_len, const char *source, const char *expected,
                      const sb__value *value)
{
    sb__str shown = SB__STR_INIT;

    if (value) {
        sb__py_repr(&shown, value);
    } else {
        sb__str_append_text(&shown, "<redacted>");
    }
    return fail_shown(key, key_len, source, expected, &shown);
}

static sb_status fail_key(const sb__key *key, const char *source, const sb__value *value)
{
    return fail(key->name, strlen(key->name), source, key->expected, key->secret ? NULL : value);
}

static const sb__setting_text *text_of(const sb__settings *settings, const sb__key *key)
{
    return (const sb__setting_text *)((const char *)settings + key->offset);
}

/* The second step over freshly applied paths: SB_ECONFIG for the first bad one. */
static sb_status check_paths(const sb__settings *settings, const char *source)
{
    const sb__key *bad = sb__settings_check(settings);
    sb__value value = {.type = SB_TEXT};

    if (!bad) {
        return SB_OK;
    }
    value.data = text_of(settings, bad)->data;
    value.len = text_of(settings, bad)->len;
    return fail_key(bad, source, &value);
}

static void ignore_relative_location(sb_config *config)
{
    sb__setting_text *location = &config->settings.default_db_location;

    if (sb__settings_location_is_relative(&config->settings)) {
        sb__config_warn(config, SB_WARN_CONFIG,
                        "BROKER_DEFAULT_DB_LOCATION must be an absolute path. "
                        "Ignoring relative path: %s",
                        location->data);
        location->data[0] = '\0';
        location->len = 0;
    }
}

static sb_status new_config(sb_config **out)
{
    sb_config *config = sb__zalloc(sizeof *config);
    sb_status status;

    *out = NULL;
    if (!config) {
        return sb__fail_nomem();
    }
    atomic_init(&config->references, 1);
    status = sb__warnings_init(&config->warnings);
    if (status != SB_OK) {
        sb_free(config);
        return status;
    }
    *out = config;
    return SB_OK;
}

static sb_status fill(sb_config *config, int from_environment)
{
    sb_status status = SB_OK;

    for (size_t i = 0; i < SB__KEY_COUNT && status == SB_OK; i++) {
        const sb__key *key = &sb__keys[i];
        sb__value value = {.type = SB_TEXT};

        value.data = from_environment ? getenv(key->name) : NULL;
        if (!value.data) {
            value.data = key->initial;
        }
        value.len = strlen(value.data);
        status = sb__key_apply(&config->settings, key, &value);
        if (status == SB_ECONFIG) {
            status = fail_key(key, environment, &value);
        }
    }
    if (status == SB_OK) {
        status = check_paths(&config->settings, environment);
    }
    if (status == SB_OK) {
        ignore_relative_location(config);
    }
    return status;
}

static sb_status make(sb_config **out, int from_environment)
{
    sb_config *config = NULL;
    sb_status status;

    sb__error_clear();
    if (!out) {
        return sb__fail(SB_EINVALID, "a place for the configuration is required");
    }
    *out = NULL;
    status = new_config(&config);
    if (status == SB_OK) {
        status = fill(config, from_environment);
    }
    if (status != SB_OK) {
        sb_config_free(config);
        return status;
    }
    *out = config;
    return SB_OK;
}

sb_status sb_config_from_environment(sb_config **out)
{
    return make(out, 1);
}

sb_status sb_config_isolated(sb_config **out)
{
    return make(out, 0);
}

sb_status sb_config_copy(sb_config **out, const sb_config *config)
{
    sb_config *copy = NULL;
    sb_status status;

    sb__error_clear();
    if (out) {
        *out = NULL;
    }
    if (!out || !config) {
        return sb__fail(SB_EINVALID, "a configuration is required");
    }
    status = new_config(&copy);
    if (status == SB_OK) {
        status = sb__settings_copy(&copy->settings, &config->settings);
    }
    if (status != SB_OK) {
        sb_config_free(copy);
        return status;
    }
    *out = copy;
    return SB_OK;
}

sb_config *sb__config_retain(const sb_config *config)
{
    sb_config *shared = (sb_config *)config;

    if (shared) {
        atomic_fetch_add(&shared->references, 1);
    }
    return shared;
}

void sb_config_free(sb_config *config)
{
    if (config && atomic_fetch_sub(&config->references, 1) == 1) {
        sb__warnings_dispose(&config->warnings);
        sb__settings_dispose(&config->settings);
        sb_free(config);
    }
}

const sb__settings *sb__config_settings(const sb_config *config)
{
    return &config->settings;
}

void sb__config_warn(const sb_config *config, sb_warning kind, const char *format, ...)
{
    sb__warnings *warnings = &((sb_config *)config)->warnings;
    char text[SB__ERROR_MESSAGE_SIZE];
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    sb__warnings_tell(warnings, kind, text);
}

sb_status sb_config_on_warning(sb_config *config, sb_warning_fn fn, void *payload,
                               sb_destroy_fn destroy)
{
    sb__error_clear();
    if (!config) {
        if (destroy) {
            destroy(payload);
        }
        return sb__fail(SB_EINVALID, "a configuration is required");
    }
    return sb__warnings_register(&config->warnings, fn, payload, destroy);
}

/* Applies to a copy first: a path may be refused only after it stands beside the others. */
static sb_status apply(sb_config *config, const sb__key *key, const sb__value *value)
{
    sb__settings trial;
    sb_status status = sb__settings_copy(&trial, &config->settings);

    if (status != SB_OK) {
        return status;
    }
    status = sb__key_apply(&trial, key, value);
    if (status == SB_ECONFIG) {
        status = fail_key(key, override, value);
    }
    if (status == SB_OK) {
        status = check_paths(&trial, override);
    }
    if (status != SB_OK) {
        sb__settings_dispose(&trial);
        return status;
    }
    sb__settings_dispose(&config->settings);
    config->settings = trial;
    ignore_relative_location(config);
    return SB_OK;
}

static sb_status set(sb_config *config, const char *key, size_t key_len, const sb__value *value)
{
    const sb__key *found;

    sb__error_clear();
    if (!config || !key || (value->type == SB_TEXT && !value->data)) {
        return sb__fail(SB_EINVALID, "a configuration, a key and a value are required");
    }
    key_len = sb__text_length(key, key_len);
    found = sb__key_find(key, key_len);
    if (!found) {
        return fail(key, key_len, override, unknown_key, value);
    }
    return apply(config, found, value);
}

sb_status sb_config_refuse(const char *key, size_t key_len, const char *shown, size_t shown_len)
{
    sb__str text = SB__STR_INIT;
    const sb__key *found;

    sb__error_clear();
    if (!key || !shown) {
        return sb__fail(SB_EINVALID, "a key and a text are required");
    }
    key_len = sb__text_length(key, key_len);
    found = sb__key_find(key, key_len);
    if (found && found->secret) {
        return fail_key(found, override, NULL);
    }
    sb__str_append(&text, shown, sb__text_length(shown, shown_len));
    return fail_shown(key, key_len, override, found ? found->expected : unknown_key, &text);
}

sb_status sb_config_set_text(sb_config *config, const char *key, size_t key_len, const char *value,
                             size_t value_len)
{
    sb__value text = {.type = SB_TEXT, .data = value, .len = sb__text_length(value, value_len)};

    return set(config, key, key_len, &text);
}

sb_status sb_config_set_int64(sb_config *config, const char *key, size_t key_len, int64_t value)
{
    sb__value integer = {.type = SB_INT64, .as.integer = value};

    return set(config, key, key_len, &integer);
}

sb_status sb_config_set_double(sb_config *config, const char *key, size_t key_len, double value)
{
    sb__value number = {.type = SB_DOUBLE, .as.number = value};

    return set(config, key, key_len, &number);
}

sb_status sb_config_set_bool(sb_config *config, const char *key, size_t key_len, int value)
{
    sb__value truth = {.type = SB_BOOL, .as.integer = value != 0};

    return set(config, key, key_len, &truth);
}

size_t sb_config_key_count(void)
{
    return SB__KEY_COUNT;
}

const char *sb_config_key(size_t index)
{
    return index < SB__KEY_COUNT ? sb__keys[index].name : NULL;
}

sb_type sb_config_key_type(size_t index)
{
    return index < SB__KEY_COUNT ? sb__key_type(&sb__keys[index]) : SB_NULL;
}

/* The member of a key of type `type`; a truth value passes as an integer. */
static sb_status get(const void **out, const sb_config *config, const char *key, size_t key_len,
                     sb_type type)
{
    const sb__key *found;
    sb_type actual;

    sb__error_clear();
    if (!config || !key) {
        return sb__fail(SB_EINVALID, "a configuration and a key are required");
    }
    key_len = sb__text_length(key, key_len);
    found = sb__key_find(key, key_len);
    if (!found) {
        return sb__fail(SB_EINVALID, "unknown configuration key: %.*s", shown_length(key_len),
                        key);
    }
    actual = sb__key_type(found);
    if (actual != type && !(actual == SB_BOOL && type == SB_INT64)) {
        return sb__fail(SB_EINVALID, "configuration key %s has another type", found->name);
    }
    *out = (const char *)&config->settings + found->offset;
    return SB_OK;
}

sb_status sb_config_get_int64(int64_t *out, const sb_config *config, const char *key,
                              size_t key_len)
{
    const void *member = NULL;
    sb_status status = get(&member, config, key, key_len, SB_INT64);

    if (status == SB_OK && out) {
        *out = *(const int64_t *)member;
    }
    return status;
}

sb_status sb_config_get_double(double *out, const sb_config *config, const char *key,
                               size_t key_len)
{
    const void *member = NULL;
    sb_status status = get(&member, config, key, key_len, SB_DOUBLE);

    if (status == SB_OK && out) {
        *out = *(const double *)member;
    }
    return status;
}

sb_status sb_config_get_text(const char **out, size_t *out_len, const sb_config *config,
                             const char *key, size_t key_len)
{
    const void *member = NULL;
    sb_status status = get(&member, config, key, key_len, SB_TEXT);

    if (status == SB_OK) {
        const sb__setting_text *text = member;

        if (out) {
            *out = text->data;
        }
        if (out_len) {
            *out_len = text->len;
        }
    }
    return status;
}
