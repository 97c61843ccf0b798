/*
 * Renaming a queue with all its messages; aliases that point at it follow.
 */
#include <string.h>

#include "alias.h"
#include "arguments.h"
#include "broker.h"
#include "error.h"
#include "params.h"
#include "runner.h"
#include "simplebroker.h"
#include "sql.h"
#include "txn.h"

typedef struct renaming {
    const char *old_name;
    size_t old_len;
    const char *new_name;
    size_t new_len;
    int keep_aliases;
    int64_t renamed;
    int64_t retargeted;
} renaming;

static sb_status retarget(renaming *r, sb__call *call, const sb_values *names)
{
    const sb__sql *sql = call->broker->sql;
    sb_status status = sb__run_changes(&r->retargeted, call->runner, sql->alias_retarget,
                                       sql->alias_retarget_returning, names);

    return status || !r->retargeted ? status : sb__alias_version_raise(call);
}

static sb_status rename_work(sb__call *call, void *context)
{
    renaming *r = context;
    const sb__sql *sql = call->broker->sql;
    sb_values names;
    int64_t one;
    sb_status status;

    r->renamed = r->retargeted = 0;
    sb__params_text(&names, r->new_name, r->new_len);
    status = sb__run_int64(&one, call->runner, sql->exists, &names);
    if (status != SB_EMPTY) {
        return status ? status : sb__fail(SB_EINVALID, "Target queue already exists");
    }
    sb__params_text(&names, r->old_name, r->old_len);
    sb__params_add_text(&names, r->new_name, r->new_len);
    status = sb__run_counted(&r->renamed, call->runner, sql->rename_queue, &names,
                             sql->queue_count, 1);
    if (status) {
        return status;
    }
    call->rows = r->renamed;
    if (!r->renamed) {
        return SB_EMPTY;
    }
    sb__rings_add(&call->rings, r->new_name, r->new_len);
    call->rings.moved = 1;
    return r->keep_aliases ? SB_OK : retarget(r, call, &names);
}

sb_status sb_rename(int64_t *out_renamed, int64_t *out_retargeted, sb_broker *broker,
                    const char *old_name, size_t old_len, const char *new_name, size_t new_len,
                    const sb_options *options)
{
    renaming r = {.old_name = old_name, .old_len = old_len, .new_name = new_name,
                  .new_len = new_len};
    sb__call call;
    sb_status status = sb__enter(&call, broker, "rename", options);

    if (status) {
        return status;
    }
    r.keep_aliases = (sb__option_flags(options) & SB_KEEP_ALIASES) != 0;
    status = sb__argument_queue(&r.old_len, old_name, "old_name");
    if (!status) {
        status = sb__argument_queue(&r.new_len, new_name, "new_name");
    }
    if (!status && r.old_len == r.new_len && memcmp(old_name, new_name, r.old_len) == 0) {
        status = sb__fail(SB_EINVALID, "Source and target queues cannot be the same");
    }
    if (!status) {
        status = sb__mutate(&call, options, 3, rename_work, &r);
    }
    if (status >= 0) {
        if (out_renamed) {
            *out_renamed = r.renamed;
        }
        if (out_retargeted) {
            *out_retargeted = r.retargeted;
        }
    }
    return sb__leave(&call, status);
}
