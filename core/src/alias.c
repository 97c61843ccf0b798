/*
 * Aliases are kept flat: the target of one is never another. Whoever caches them compares the
 * version, which every change raises in the same transaction.
 */
#include "alias.h"

#include <string.h>

#include "arguments.h"
#include "clock.h"
#include "error.h"
#include "params.h"
#include "queue_name.h"
#include "runner.h"
#include "sql.h"
#include "txn.h"

typedef struct alias_work {
    const char *alias;
    size_t alias_len;
    const char *target;
    size_t target_len;
    int hides_queue; /* a queue of the alias's name has messages */
} alias_work;

sb_status sb__alias_version_raise(sb__call *call)
{
    sb_values params;

    sb__values_init(&params);
    sb__params_add_int64(&params, sb__clock_wall_ns());
    return sb__run(call->runner, call->broker->sql->alias_version_raise, &params, NULL,
                   NULL);
}

/* SB_OK if the statement, given one name, finds a row; else SB_EMPTY. */
static sb_status look_up(sb__call *call, const char *sql, const char *name, size_t len)
{
    sb_values params;
    int64_t ignored;

    sb__params_text(&params, name, len);
    return sb__run_int64(&ignored, call->runner, sql, &params);
}

static sb_status check_flat(const alias_work *w, sb__call *call)
{
    const sb__sql *sql = call->broker->sql;
    sb_status status = look_up(call, sql->alias_exists, w->alias, w->alias_len);

    if (!status) {
        return sb__fail(SB_EINVALID, "Alias '%.*s' already exists", (int)w->alias_len, w->alias);
    }
    if (status == SB_EMPTY) {
        status = look_up(call, sql->alias_exists, w->target, w->target_len);
        if (!status) {
            return sb__fail(SB_EINVALID, "Cannot target another alias");
        }
    }
    if (status == SB_EMPTY) {
        status = look_up(call, sql->alias_is_target, w->alias, w->alias_len);
        if (!status) {
            return sb__fail(SB_EINVALID, "Cannot turn an existing alias target into an alias");
        }
    }
    return status == SB_EMPTY ? SB_OK : status;
}

static sb_status add_work(sb__call *call, void *context)
{
    alias_work *w = context;
    const sb__sql *sql = call->broker->sql;
    sb_values params;
    sb_status status = check_flat(w, call);

    if (status) {
        return status;
    }
    status = look_up(call, sql->exists, w->alias, w->alias_len);
    if (status < 0) {
        return status;
    }
    w->hides_queue = status == SB_OK;
    sb__params_text(&params, w->alias, w->alias_len);
    sb__params_add_text(&params, w->target, w->target_len);
    status = sb__run(call->runner, sql->alias_add, &params, NULL, NULL);
    call->rows = 1;
    return status ? status : sb__alias_version_raise(call);
}

static sb_status check_names(const alias_work *w)
{
    sb_status status;

    if (!w->alias || !w->target) {
        return sb__fail(SB_EINVALID, "%s must not be NULL", w->alias ? "target" : "alias");
    }
    if (w->alias_len == w->target_len && memcmp(w->alias, w->target, w->alias_len) == 0) {
        return sb__fail(SB_EINVALID, "Alias and target must differ");
    }
    if (!w->target_len) {
        return sb__fail(SB_EINVALID, "Alias target cannot be empty");
    }
    if (w->target[0] == '@') {
        return sb__fail(SB_EINVALID, "Target names should not include the '@' prefix");
    }
    status = sb__queue_name_check(w->alias, w->alias_len);
    return status ? status : sb__queue_name_check(w->target, w->target_len);
}

sb_status sb_alias_add(sb_broker *broker, const char *alias, size_t alias_len, const char *target,
                       size_t target_len, const sb_options *options)
{
    alias_work w = {alias, sb__length(alias, alias_len), target, sb__length(target, target_len), 0};
    sb__call call;
    sb_status status = sb__enter(&call, broker, "alias_add", options);

    if (status) {
        return status;
    }
    status = check_names(&w);
    if (!status) {
        status = sb__mutate(&call, options, 2, add_work, &w);
    }
    if (!status && w.hides_queue) {
        int n = (int)w.alias_len;

        sb__config_warn(broker->config, SB_WARN_ALIAS,
                        "Queue '%.*s' already exists with messages. The alias @%.*s will redirect "
                        "to '%.*s' while the queue %.*s remains accessible directly.",
                        n, alias, n, alias, (int)w.target_len, target, n, alias);
    }
    return sb__leave(&call, status);
}

static sb_status remove_work(sb__call *call, void *context)
{
    const alias_work *w = context;
    const sb__sql *sql = call->broker->sql;
    sb_values params;
    sb_status status;

    sb__params_text(&params, w->alias, w->alias_len);
    status = sb__run_changes(&call->rows, call->runner, sql->alias_remove,
                             sql->alias_remove_returning, &params);
    if (status || !call->rows) {
        return status ? status : SB_EMPTY;
    }
    return sb__alias_version_raise(call);
}

sb_status sb_alias_remove(sb_broker *broker, const char *alias, size_t alias_len,
                          const sb_options *options)
{
    alias_work w = {.alias = alias, .alias_len = sb__length(alias, alias_len)};
    sb__call call;
    sb_status status = sb__enter(&call, broker, "alias_remove", options);

    if (status) {
        return status;
    }
    status = alias ? sb__mutate(&call, options, 2, remove_work, &w)
                   : sb__fail(SB_EINVALID, "alias must not be NULL");
    return sb__leave(&call, status);
}

static sb_status version_work(sb__call *call, void *context)
{
    int64_t *out = context;
    sb_status status = sb__run_int64(out, call->runner,
                                     call->broker->sql->alias_version_get, NULL);

    if (status == SB_EMPTY) {
        *out = 0;
        return SB_OK;
    }
    return status;
}

sb_status sb_alias_version(int64_t *out, sb_broker *broker, const sb_options *options)
{
    int64_t version = 0;
    sb__call call;
    sb_status status = sb__enter(&call, broker, "alias_version", options);

    if (status) {
        return status;
    }
    status = sb__look(&call, options, version_work, &version);
    if (!status && out) {
        *out = version;
    }
    return sb__leave(&call, status);
}
