/*
 * Making, sharing and reading targets.
 */
#include "target.h"

#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "error.h"
#include "path.h"
#include "string_list.h"
#include "value.h"

static sb_status copy_text(char **out, const char *text)
{
    if (!text) {
        *out = NULL;
        return SB_OK;
    }
    *out = sb__strndup(text, strlen(text));
    return *out ? SB_OK : sb__fail_nomem();
}

static sb_status add_value(sb_values *values, const sb__value *value)
{
    sb__value *item;

    if (value->type == SB_TEXT) {
        return sb_values_add_text(values, value->data, value->len);
    }
    item = sb__values_extend(values);
    if (!item) {
        return sb__fail_nomem();
    }
    *item = *value;
    return SB_OK;
}

typedef struct option {
    const char *name;
    size_t name_len;
    const sb__value *value;
} option;

static int compare_options(const void *left, const void *right)
{
    const option *a = left;
    const option *b = right;
    size_t n = a->name_len < b->name_len ? a->name_len : b->name_len;
    int order = memcmp(a->name, b->name, n);

    return order ? order : (a->name_len > b->name_len) - (a->name_len < b->name_len);
}

static sb_status copy_options(sb_target *target, const sb__target_parts *parts)
{
    size_t count = sb_strings_count(parts->option_names);
    option *options = NULL;
    sb_status status = SB_OK;

    target->option_names = sb_strings_new();
    target->option_values = sb_values_new();
    if (!target->option_names || !target->option_values) {
        return sb__fail_nomem();
    }
    if (count == 0) {
        return SB_OK;
    }
    options = sb_alloc(count * sizeof *options);
    if (!options) {
        return sb__fail_nomem();
    }
    for (size_t i = 0; i < count; i++) {
        options[i].name = sb_strings_get(&options[i].name_len, parts->option_names, i);
        options[i].value = &parts->option_values->items[i];
    }
    qsort(options, count, sizeof *options, compare_options);
    for (size_t i = 0; i < count && status == SB_OK; i++) {
        status = sb_strings_add(target->option_names, options[i].name, options[i].name_len);
        if (status == SB_OK) {
            status = add_value(target->option_values, options[i].value);
        }
    }
    sb_free(options);
    return status;
}

static sb_status copy_display(sb_target *target, const sb__target_parts *parts)
{
    int has_password;

    if (parts->display) {
        return copy_text(&target->display, parts->display);
    }
    if (sb__backend_is_sqlite(parts->backend_name)) {
        return copy_text(&target->display, parts->address);
    }
    return sb__address_mask(&target->display, &has_password, parts->address);
}

sb_status sb__target_new(sb_target **out, const sb__target_parts *parts)
{
    sb_target *target = sb__zalloc(sizeof *target);
    sb_status status;

    *out = NULL;
    if (!target) {
        return sb__fail_nomem();
    }
    atomic_init(&target->references, 1);
    target->backend = sb__backend_find(parts->backend_name);
    target->used_project_scope = parts->used_project_scope != 0;
    target->plain_path = parts->plain_path != 0;
    status = copy_text(&target->backend_name, parts->backend_name);
    if (status == SB_OK) {
        status = copy_text(&target->address, parts->address);
    }
    if (status == SB_OK) {
        status = copy_text(&target->project_root, parts->project_root);
    }
    if (status == SB_OK) {
        status = copy_text(&target->config_path, parts->config_path);
    }
    if (status == SB_OK) {
        status = copy_display(target, parts);
    }
    if (status == SB_OK) {
        status = copy_options(target, parts);
    }
    if (status != SB_OK) {
        sb_target_free(target);
        return status;
    }
    *out = target;
    return SB_OK;
}

sb_status sb_target_sqlite(sb_target **out, const char *path, size_t path_len)
{
    sb__target_parts parts = {.backend_name = "sqlite", .plain_path = 1};
    char *text = NULL;
    char *expanded = NULL;
    char *resolved = NULL;
    char *root = NULL;
    sb_status status;

    sb__error_clear();
    if (!out) {
        return sb__fail(SB_EINVALID, "a place for the target is required");
    }
    *out = NULL;
    if (sb__text_length(path, path_len) == 0) {
        return sb__fail(SB_EINVALID, "a database path is required");
    }
    status = sb__path_from_arg(&text, path, path_len);
    if (status == SB_OK) {
        status = sb__path_expand_user(&expanded, text);
    }
    if (status == SB_OK) {
        status = sb__path_resolve(&resolved, expanded);
    }
    if (status == SB_EINVALID) {
        /* The path came from a caller who asked for a database, so that is what is at fault. */
        sb_error saved;

        sb__error_stash(&saved);
        status = sb__fail(SB_EDATABASE, "Cannot resolve database path: %s", saved.message);
    }
    if (status == SB_OK) {
        status = sb__path_parent(&root, resolved);
    }
    if (status == SB_OK) {
        parts.address = resolved;
        parts.project_root = root;
        status = sb__target_new(out, &parts);
    }
    sb_free(root);
    sb_free(resolved);
    sb_free(expanded);
    sb_free(text);
    return status;
}

sb_target *sb_target_retain(sb_target *target)
{
    if (target) {
        atomic_fetch_add(&target->references, 1);
    }
    return target;
}

void sb_target_free(sb_target *target)
{
    if (target && atomic_fetch_sub(&target->references, 1) == 1) {
        sb_strings_free(target->option_names);
        sb_values_free(target->option_values);
        sb_free(target->backend_name);
        sb_free(target->address);
        sb_free(target->display);
        sb_free(target->project_root);
        sb_free(target->config_path);
        sb_free(target->selection.directory);
        sb_free(target->selection.file);
        sb_free(target);
    }
}

const char *sb_target_backend(const sb_target *target)
{
    return target ? target->backend_name : NULL;
}

const char *sb_target_address(const sb_target *target)
{
    return target ? target->address : NULL;
}

const char *sb_target_display(const sb_target *target)
{
    return target ? target->display : NULL;
}

const char *sb_target_project_root(const sb_target *target)
{
    return target ? target->project_root : NULL;
}

const char *sb_target_config_path(const sb_target *target)
{
    return target ? target->config_path : NULL;
}

int sb_target_used_project_scope(const sb_target *target)
{
    return target ? target->used_project_scope : 0;
}

int sb_target_is_plain_path(const sb_target *target)
{
    return target ? target->plain_path : 0;
}

const sb_strings *sb_target_option_names(const sb_target *target)
{
    return target ? target->option_names : NULL;
}

const sb_values *sb_target_option_values(const sb_target *target)
{
    return target ? target->option_values : NULL;
}
