/*
 * Reading aliases: the target of one, and lists of them.
 */
#include "alias.h"
#include "alloc.h"
#include "error.h"
#include "params.h"
#include "runner.h"
#include "sql.h"
#include "str.h"
#include "txn.h"

typedef struct resolution {
    const char *alias;
    size_t alias_len;
    char *target;
    size_t target_len;
} resolution;

static sb_status take_target(void *payload, const sb_values *row)
{
    resolution *r = payload;
    const char *text = sb_values_text(&r->target_len, row, 0);
    sb_status status = sb__row_check(row, "t");

    if (status) {
        return status;
    }
    sb_free(r->target);
    r->target = sb__strndup(text, r->target_len);
    return r->target ? SB_OK : sb__fail_nomem();
}

static sb_status resolve_work(sb__call *call, void *context)
{
    resolution *r = context;
    sb_values params;
    sb_status status;

    sb_free(r->target);
    r->target = NULL;
    sb__params_text(&params, r->alias, r->alias_len);
    status = sb__run(call->runner, call->broker->sql->alias_target, &params, take_target,
                     r);
    if (!status && !r->target) {
        return SB_EMPTY;
    }
    return status;
}

/* Sets the out-parameters or frees what they would have got. */
static sb_status leave_resolution(sb__call *call, char **out, size_t *out_len, resolution *r,
                                  sb_status status)
{
    if (!status) {
        *out = r->target;
        if (out_len) {
            *out_len = r->target_len;
        }
    } else {
        sb_free(r->target);
    }
    return sb__leave(call, status);
}

sb_status sb_alias_resolve(char **out, size_t *out_len, sb_broker *broker, const char *alias,
                           size_t alias_len, const sb_options *options)
{
    resolution r = {alias, sb__length(alias, alias_len), NULL, 0};
    sb__call call;
    sb_status status;

    if (out) {
        *out = NULL;
    }
    status = sb__enter(&call, broker, "alias_resolve", options);
    if (status) {
        return status;
    }
    status = out && alias ? sb__look(&call, options, resolve_work, &r)
                          : sb__fail(SB_EINVALID, "out and alias must not be NULL");
    return leave_resolution(&call, out, out_len, &r, status);
}

static sb_status resolve_operand(resolution *r, sb__call *call, const char *name, size_t len,
                                 const sb_options *options)
{
    sb_status status;

    if (!len || name[0] != '@') {
        r->target = sb__strndup(name, len);
        r->target_len = len;
        return r->target ? SB_OK : sb__fail_nomem();
    }
    if (len == 1) {
        return sb__fail(SB_EINVALID, "Alias name cannot be empty");
    }
    r->alias = name + 1;
    r->alias_len = len - 1;
    status = sb__look(call, options, resolve_work, r);
    if (status == SB_EMPTY) {
        return sb__fail(SB_EINVALID, "Alias '%.*s' is not defined",
                        (int)(r->alias_len < SB_QUEUE_NAME_MAX ? r->alias_len : SB_QUEUE_NAME_MAX),
                        r->alias);
    }
    return status;
}

sb_status sb_queue_resolve(char **out, size_t *out_len, sb_broker *broker, const char *name,
                           size_t name_len, const sb_options *options)
{
    resolution r = {NULL, 0, NULL, 0};
    sb__call call;
    sb_status status;

    if (out) {
        *out = NULL;
    }
    status = sb__enter(&call, broker, "queue_resolve", options);
    if (status) {
        return status;
    }
    status = out && name
                 ? resolve_operand(&r, &call, name, sb__length(name, name_len), options)
                 : sb__fail(SB_EINVALID, "out and name must not be NULL");
    return leave_resolution(&call, out, out_len, &r, status);
}

/* Names and targets in one text, each followed by NUL. */
typedef struct alias_entry {
    size_t name, name_len, target, target_len;
} alias_entry;

struct sb_aliases {
    size_t count, capacity;
    alias_entry *entries;
    sb__str text;
};

typedef struct listing {
    const char *target; /* NULL: all */
    size_t target_len;
    sb_aliases *aliases;
} listing;

static void add_text(size_t *out_offset, size_t *out_len, sb_aliases *aliases,
                     const sb_values *row, size_t index)
{
    const char *text = sb_values_text(out_len, row, index);

    *out_offset = aliases->text.len;
    sb__str_append(&aliases->text, text, *out_len);
    sb__str_append_char(&aliases->text, '\0');
}

static sb_status take_alias(void *payload, const sb_values *row)
{
    sb_aliases *aliases = payload;
    alias_entry *entry;
    sb_status status = sb__row_check(row, "tt");

    if (status) {
        return status;
    }
    if (aliases->count == aliases->capacity) {
        size_t capacity = aliases->capacity ? aliases->capacity * 2 : 16;
        alias_entry *grown = sb__realloc(aliases->entries, capacity * sizeof *grown);

        if (!grown) {
            return sb__fail_nomem();
        }
        aliases->entries = grown;
        aliases->capacity = capacity;
    }
    entry = &aliases->entries[aliases->count];
    add_text(&entry->name, &entry->name_len, aliases, row, 0);
    add_text(&entry->target, &entry->target_len, aliases, row, 1);
    aliases->count++;
    return sb__str_check(&aliases->text);
}

static sb_status list_work(sb__call *call, void *context)
{
    const listing *l = context;
    const sb__sql *sql = call->broker->sql;
    sb_values params;
    sb_status status;

    l->aliases->count = 0;
    sb__str_reset(&l->aliases->text);
    sb__values_init(&params);
    if (l->target) {
        sb__params_add_text(&params, l->target, l->target_len);
    }
    status = sb__run(call->runner, l->target ? sql->alias_list_target : sql->alias_list,
                     &params, take_alias, l->aliases);
    call->rows = (int64_t)l->aliases->count;
    return status;
}

sb_status sb_alias_list(sb_aliases **out, sb_broker *broker, const char *target, size_t target_len,
                        const sb_options *options)
{
    listing l = {target, sb__length(target, target_len), NULL};
    sb__call call;
    sb_status status;

    if (out) {
        *out = NULL;
    }
    status = sb__enter(&call, broker, "alias_list", options);
    if (status) {
        return status;
    }
    if (!out) {
        return sb__leave(&call, sb__fail(SB_EINVALID, "out must not be NULL"));
    }
    l.aliases = sb__zalloc(sizeof *l.aliases);
    status = l.aliases ? sb__look(&call, options, list_work, &l) : sb__fail_nomem();
    if (!status) {
        *out = l.aliases;
    } else {
        sb_aliases_free(l.aliases);
    }
    return sb__leave(&call, status);
}

size_t sb_aliases_count(const sb_aliases *aliases)
{
    return aliases ? aliases->count : 0;
}

const char *sb_aliases_name(size_t *out_len, const sb_aliases *aliases, size_t index)
{
    int is_there = index < sb_aliases_count(aliases);

    if (out_len) {
        *out_len = is_there ? aliases->entries[index].name_len : 0;
    }
    return is_there ? aliases->text.data + aliases->entries[index].name : NULL;
}

const char *sb_aliases_target(size_t *out_len, const sb_aliases *aliases, size_t index)
{
    int is_there = index < sb_aliases_count(aliases);

    if (out_len) {
        *out_len = is_there ? aliases->entries[index].target_len : 0;
    }
    return is_there ? aliases->text.data + aliases->entries[index].target : NULL;
}

void sb_aliases_free(sb_aliases *aliases)
{
    if (aliases) {
        sb_free(aliases->entries);
        sb__str_dispose(&aliases->text);
        sb_free(aliases);
    }
}
