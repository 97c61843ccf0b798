/*
 * Targets as one line of JSON, exactly as the reference writes them, so that either implementation
 * reads what the other wrote.
 */
#include <inttypes.h>
#include <jansson.h>
#include <math.h>
#include <string.h>

#include "alloc.h"
#include "error.h"
#include "json_out.h"
#include "path.h"
#include "pynum.h"
#include "str.h"
#include "string_list.h"
#include "target.h"
#include "text.h"
#include "value.h"

static void append_text(sb__str *json, const char *text)
{
    if (text) {
        sb__json_string_ascii(json, text, strlen(text));
    } else {
        sb__str_append_text(json, "null");
    }
}

static void append_bool(sb__str *json, int truth)
{
    sb__str_append_text(json, truth ? "true" : "false");
}

static void append_number(sb__str *json, double number)
{
    char text[SB__PY_FLOAT_SIZE];

    if (isnan(number)) {
        sb__str_append_text(json, "NaN");
    } else if (isinf(number)) {
        sb__str_append_text(json, number > 0 ? "Infinity" : "-Infinity");
    } else {
        sb__str_append(json, text, sb__py_float_repr(text, number));
    }
}

static void append_value(sb__str *json, const sb__value *value)
{
    switch (value->type) {
    case SB_TEXT:
        sb__json_string_ascii(json, value->data, value->len);
        break;
    case SB_INT64:
        sb__str_append_format(json, "%" PRId64, value->as.integer);
        break;
    case SB_DOUBLE:
        append_number(json, value->as.number);
        break;
    case SB_BOOL:
        append_bool(json, value->as.integer != 0);
        break;
    default:
        sb__str_append_text(json, "null");
    }
}

static void append_options(sb__str *json, const sb_target *target)
{
    sb__str_append_char(json, '{');
    for (size_t i = 0; i < sb_strings_count(target->option_names); i++) {
        size_t len;
        const char *name = sb_strings_get(&len, target->option_names, i);

        if (i) {
            sb__str_append_char(json, ',');
        }
        sb__json_string_ascii(json, name, len);
        sb__str_append_char(json, ':');
        append_value(json, &target->option_values->items[i]);
    }
    sb__str_append_char(json, '}');
}

/* JSON has no bytes: a path that is not text cannot be carried without becoming another one. */
static int is_text(const char *text)
{
    return !text || sb__utf8_is_valid(text, strlen(text));
}

sb_status sb_target_serialize(char **out, size_t *out_len, const sb_target *target)
{
    sb__str json = SB__STR_INIT;

    sb__error_clear();
    if (out) {
        *out = NULL;
    }
    if (!out || !target) {
        return sb__fail(SB_EINVALID, "a target is required");
    }
    if (!is_text(target->address) || !is_text(target->backend_name) ||
        !is_text(target->config_path) || !is_text(target->project_root)) {
        return sb__fail(SB_EINVALID, "a target whose path is not UTF-8 cannot be serialized");
    }
    sb__str_append_text(&json, "{\"backend_name\":");
    append_text(&json, target->backend_name);
    sb__str_append_text(&json, ",\"backend_options\":");
    append_options(&json, target);
    sb__str_append_text(&json, ",\"config_path\":");
    append_text(&json, target->config_path);
    sb__str_append_text(&json, ",\"legacy_sqlite_path_mode\":");
    append_bool(&json, target->plain_path);
    sb__str_append_text(&json, ",\"project_root\":");
    append_text(&json, target->project_root);
    sb__str_append_text(&json, ",\"target\":");
    append_text(&json, target->address);
    sb__str_append_text(&json, ",\"used_project_scope\":");
    append_bool(&json, target->used_project_scope);
    sb__str_append_char(&json, '}');
    return sb__str_take(out, out_len, &json);
}

/* A required, non-empty text without NUL. */
static sb_status required(const char **out, const json_t *root, const char *key)
{
    const json_t *value = json_object_get(root, key);

    if (!json_is_string(value) || json_string_length(value) == 0) {
        return sb__fail(SB_EINVALID, "Broker target payload missing %s", key);
    }
    *out = json_string_value(value);
    if (strlen(*out) != json_string_length(value)) {
        return sb__fail(SB_EINVALID, "Broker target payload has a NUL in %s", key);
    }
    return SB_OK;
}

/* An optional path, resolved; anything but a non-empty text is absent. */
static sb_status optional_path(char **out, const json_t *root, const char *key)
{
    const json_t *value = json_object_get(root, key);
    const char *text = json_string_value(value);

    *out = NULL;
    if (!text || !text[0]) {
        return SB_OK;
    }
    if (strlen(text) != json_string_length(value)) {
        return sb__fail(SB_EINVALID, "Broker target payload has a NUL in %s", key);
    }
    return sb__path_resolve(out, text);
}

/* Python's bool() of a JSON value. */
static int truth_of(const json_t *value)
{
    switch (value ? json_typeof(value) : JSON_NULL) {
    case JSON_TRUE:
        return 1;
    case JSON_INTEGER:
    case JSON_REAL:
        return json_number_value(value) != 0.0;
    case JSON_STRING:
        return json_string_length(value) > 0;
    case JSON_ARRAY:
        return json_array_size(value) > 0;
    case JSON_OBJECT:
        return json_object_size(value) > 0;
    default:
        return 0;
    }
}

static sb_status add_option(sb_values *values, const char *name, const json_t *value)
{
    sb__value *item;

    switch (json_typeof(value)) {
    case JSON_STRING:
        return sb_values_add_text(values, json_string_value(value), json_string_length(value));
    case JSON_INTEGER:
        return sb_values_add_int64(values, json_integer_value(value));
    case JSON_REAL:
        return sb_values_add_double(values, json_real_value(value));
    case JSON_NULL:
        return sb_values_add_null(values);
    case JSON_TRUE:
    case JSON_FALSE:
        item = sb__values_extend(values);
        if (!item) {
            return sb__fail_nomem();
        }
        memset(item, 0, sizeof *item);
        item->type = SB_BOOL;
        item->as.integer = json_is_true(value);
        return SB_OK;
    default:
        return sb__fail(SB_EINVALID, "Broker target payload backend_options must hold texts, "
                                     "numbers, booleans or null: %s", name);
    }
}

static sb_status read_options(sb_strings *names, sb_values *values, json_t *root)
{
    json_t *options = json_object_get(root, "backend_options");
    sb_status status = SB_OK;

    if (options && !json_is_object(options)) {
        return sb__fail(SB_EINVALID, "Broker target payload backend_options must be an object");
    }
    for (void *at = json_object_iter(options); at && status == SB_OK;
         at = json_object_iter_next(options, at)) {
        const char *name = json_object_iter_key(at);

        status = sb_strings_add(names, name, strlen(name));
        if (status == SB_OK) {
            status = add_option(values, name, json_object_iter_value(at));
        }
    }
    return status;
}

static sb_status from_json(sb_target **out, json_t *root)
{
    sb__target_parts parts = {0};
    sb_strings *names = sb_strings_new();
    sb_values *values = sb_values_new();
    char *project_root = NULL;
    char *config_path = NULL;
    sb_status status = names && values ? SB_OK : sb__fail_nomem();

    if (status == SB_OK) {
        status = required(&parts.backend_name, root, "backend_name");
    }
    if (status == SB_OK) {
        status = required(&parts.address, root, "target");
    }
    if (status == SB_OK) {
        status = read_options(names, values, root);
    }
    if (status == SB_OK) {
        status = optional_path(&project_root, root, "project_root");
    }
    if (status == SB_OK) {
        status = optional_path(&config_path, root, "config_path");
    }
    if (status == SB_OK) {
        parts.project_root = project_root;
        parts.config_path = config_path;
        parts.used_project_scope = truth_of(json_object_get(root, "used_project_scope"));
        parts.plain_path = truth_of(json_object_get(root, "legacy_sqlite_path_mode"));
        parts.option_names = names;
        parts.option_values = values;
        status = sb__target_new(out, &parts);
    }
    sb_free(config_path);
    sb_free(project_root);
    sb_values_free(values);
    sb_strings_free(names);
    return status;
}

sb_status sb_target_deserialize(sb_target **out, const char *text, size_t text_len)
{
    json_error_t error;
    json_t *root;
    sb_status status;

    sb__error_clear();
    if (out) {
        *out = NULL;
    }
    if (!out || !text) {
        return sb__fail(SB_EINVALID, "a text is required");
    }
    root = json_loadb(text, sb__text_length(text, text_len), JSON_DECODE_ANY | JSON_ALLOW_NUL,
                      &error);
    if (!root) {
        /* The parser's own message quotes the text, and that may hold a password. */
        return sb__fail(SB_EINVALID, "Broker target payload is not valid JSON (line %d, column %d)",
                        error.line, error.column);
    }
    status = json_is_object(root)
                 ? from_json(out, root)
                 : sb__fail(SB_EINVALID, "Broker target payload must decode to an object");
    json_decref(root);
    return status;
}
