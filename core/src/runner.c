/*
 * Calls on a runner, and the delivery of its rows.
 */
#include "runner.h"

#include <string.h>

#include "alloc.h"

sb_status sb_runner_init(sb_runner *runner, uint32_t version)
{
    sb__error_clear();
    if (!runner) {
        return sb__fail(SB_EINVALID, "runner must not be NULL");
    }
    if (version != SB_RUNNER_VERSION) {
        return sb__fail(SB_EINVALID, "unknown version %u of sb_runner", version);
    }
    memset(runner, 0, sizeof *runner);
    runner->version = version;
    runner->size = sizeof *runner;
    return SB_OK;
}

sb_status sb_rows_push(sb_rows *rows, const sb_values *row)
{
    if (!rows || !row) {
        return sb__fail(SB_EINVALID, "rows and row must not be NULL");
    }
    if (rows->status) {
        return rows->status; /* a runner that goes on all the same delivers no more */
    }
    rows->count++;
    rows->status = rows->fn ? rows->fn(rows->payload, row) : SB_OK;
    return rows->status;
}

sb_status sb__row_check(const sb_values *row, const char *columns)
{
    for (size_t i = 0; columns[i]; i++) {
        int is_there = i < row->count;
        sb_type type = is_there ? row->items[i].type : SB_NULL;
        int is_text = type == SB_TEXT || type == SB_BLOB;
        int fits = columns[i] == 'i'   ? type == SB_INT64
                   : columns[i] == 't' ? is_text
                   : columns[i] == 'n' ? is_there && !is_text
                                       : is_there;

        if (!fits) {
            return sb__fail(SB_EDATA, "a row of the result has no %s in column %zu",
                            columns[i] == 't'   ? "text"
                            : columns[i] == '*' ? "value"
                                                : "integer",
                            i + 1);
        }
    }
    return SB_OK;
}

static const sb_values *no_params(void)
{
    static const sb_values none = {.count = 0};

    return &none;
}

sb_status sb__runner_result(sb_status status)
{
    if (status && sb_error_status(NULL) == SB_OK) {
        return sb__fail(status < 0 ? status : SB_EUSER, "the runner failed without saying why");
    }
    return status > 0 ? SB_EUSER : status;
}

static sb_status run(sb__runner *runner, const char *sql, const sb_values *params, sb_rows *rows)
{
    /* The built-in runner knows its texts by their addresses. */
    size_t sql_len = runner->sqlite ? 0 : strlen(sql);
    sb_status status = runner->calls.run(runner->payload, sql, sql_len,
                                         params ? params : no_params(), rows);

    /* A consumer that stopped early is heard even through a runner that did not pass it on. */
    if (rows && rows->status) {
        return rows->status == SB__ENOUGH ? SB_OK : rows->status;
    }
    return sb__runner_result(status);
}

sb_status sb__run(sb__runner *runner, const char *sql, const sb_values *params, sb_row_fn fn,
                  void *payload)
{
    sb_rows rows = {fn, payload, SB_OK, 0};

    return run(runner, sql, params, fn ? &rows : NULL);
}

static sb_status keep_int64(void *payload, const sb_values *row)
{
    sb__value *kept = payload;
    sb_status status = sb__row_check(row, "n");

    if (!status) {
        kept->type = row->items[0].type;
        kept->as.integer = sb_values_int64(row, 0);
    }
    return status ? status : SB__ENOUGH;
}

sb_status sb__run_int64(int64_t *out, sb__runner *runner, const char *sql, const sb_values *params)
{
    sb__value kept = {.type = SB_NULL};
    sb_status status = sb__run(runner, sql, params, keep_int64, &kept);

    if (status) {
        return status;
    }
    if (kept.type == SB_NULL) {
        return SB_EMPTY;
    }
    *out = kept.as.integer;
    return SB_OK;
}

static sb_status ignore_row(void *payload, const sb_values *row)
{
    (void)payload;
    (void)row;
    return SB_OK;
}

sb_status sb__run_changes(int64_t *out, sb__runner *runner, const char *sql,
                          const char *returning_sql, const sb_values *params)
{
    sb_rows rows = {ignore_row, NULL, SB_OK, 0};
    sb_status status;

    if (runner->calls.changes) {
        status = sb__run(runner, sql, params, NULL, NULL);
        *out = status ? 0 : runner->calls.changes(runner->payload);
        return status;
    }
    status = run(runner, returning_sql, params, &rows);
    *out = status ? 0 : rows.count;
    return status;
}

sb_status sb__run_counted(int64_t *out, sb__runner *runner, const char *sql,
                          const sb_values *params, const char *count_sql, size_t count_params)
{
    sb_values counted;
    sb_status status;

    if (runner->calls.changes) {
        return sb__run_changes(out, runner, sql, NULL, params);
    }
    sb__values_init(&counted);
    for (size_t i = 0; i < count_params; i++) {
        *sb__values_extend(&counted) = params->items[i];
    }
    *out = 0;
    status = sb__run_int64(out, runner, count_sql, &counted);
    if (status || !*out) {
        return status < 0 ? status : SB_OK;
    }
    return sb__run(runner, sql, params, NULL, NULL);
}

sb_status sb__begin(sb__runner *runner)
{
    return sb__runner_result(runner->calls.begin_immediate(runner->payload));
}

sb_status sb__commit(sb__runner *runner)
{
    return sb__runner_result(runner->calls.commit(runner->payload));
}

void sb__rollback(sb__runner *runner)
{
    sb_error saved;

    sb__error_stash(&saved);
    runner->calls.rollback(runner->payload);
    sb__error_unstash(&saved);
}

void sb__runner_dispose(sb__runner *runner)
{
    if (runner->calls.close) {
        runner->calls.close(runner->payload);
    }
    if (runner->destroy) {
        runner->destroy(runner->payload);
    }
    memset(runner, 0, sizeof *runner);
}
