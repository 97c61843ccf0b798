/*
 * The sweep. Claimed rows have no index of their own; they are the rows of a queue that the index
 * of the unclaimed ones lacks. Looking them up happens outside of the removing transaction, which
 * so stays short however far apart they lie.
 */
#include "sweep.h"

#include <string.h>

#include "alloc.h"
#include "clock.h"
#include "error.h"
#include "params.h"
#include "runner.h"
#include "sql.h"
#include "txn.h"

enum { PAGE_ROWS = 1000, BATCH_MAX = 10000 };

sb_status sb__sweep_init(sb__sweep *sweep, int64_t batch)
{
    memset(sweep, 0, sizeof *sweep);
    sweep->ts = INT64_MIN;
    sweep->batch = batch < 1 ? 1 : batch > BATCH_MAX ? BATCH_MAX : (size_t)batch;
    sweep->ids = sb_alloc(sweep->batch * sizeof *sweep->ids);
    return sweep->ids ? SB_OK : sb__fail_nomem();
}

void sb__sweep_dispose(sb__sweep *sweep)
{
    sb__str_dispose(&sweep->queue);
    sb__str_dispose(&sweep->seen_queue);
    sb_free(sweep->ids);
}

static sb_status see_row(void *payload, const sb_values *row)
{
    sb__sweep *s = payload;
    size_t len;
    const char *queue = sb_values_text(&len, row, 0);

    if (len != s->seen_queue.len || (len && memcmp(queue, s->seen_queue.data, len) != 0)) {
        sb__str_reset(&s->seen_queue);
        sb__str_append(&s->seen_queue, queue ? queue : "", len);
    }
    s->seen_ts = sb_values_int64(row, 1);
    if (sb_values_int64(row, 3) && s->count < s->batch) {
        s->ids[s->count++] = sb_values_int64(row, 2);
    }
    s->page_rows++;
    return sb__str_check(&s->seen_queue);
}

static sb_status page_work(sb__call *call, void *context)
{
    sb__sweep *s = context;
    sb_values params;

    s->count = s->page_count;
    s->page_rows = 0;
    sb__params_text(&params, s->queue.len ? s->queue.data : "", s->queue.len);
    sb__params_add_int64(&params, s->ts);
    sb__params_add_int64(&params, (int64_t)s->page_limit);
    return sb__run(call->runner, call->broker->sql->vacuum_page, &params, see_row, s);
}

static sb_status read_page(sb__sweep *s, sb__call *call, const sb_options *options)
{
    size_t room = s->batch - s->count;
    sb_status status;

    s->page_count = s->count;
    s->page_limit = room < PAGE_ROWS ? room : PAGE_ROWS;
    status = sb__ask(call, options, page_work, s);
    if (status) {
        return status;
    }
    s->ended = s->page_rows < s->page_limit;
    if (s->page_rows) {
        sb__str_reset(&s->queue);
        sb__str_append(&s->queue, s->seen_queue.data, s->seen_queue.len);
        s->ts = s->seen_ts;
    }
    return sb__str_check(&s->queue);
}

static sb_status remove_work(sb__call *call, void *context)
{
    const sb__sweep *s = context;
    const sb__sql *sql = call->broker->sql;
    sb_values params;

    sb__values_init(&params);
    sb__params_add_int64(&params, 0);
    call->rows = 0;
    for (size_t i = 0; i < s->count; i++) {
        int64_t count;
        sb_status status;

        params.items[0].as.integer = s->ids[i];
        status = sb__run_changes(&count, call->runner, sql->vacuum_delete,
                                 sql->vacuum_delete_returning, &params);
        if (status) {
            return status;
        }
        call->rows += count;
    }
    return SB_OK;
}

static sb_status count_row(void *payload, const sb_values *row)
{
    (void)row;
    ++*(int64_t *)payload;
    return SB_OK;
}

/* Without looking first: a foreign runner would hand over every row of the table for that. */
static sb_status take_work(sb__call *call, void *context)
{
    const sb__sweep *s = context;
    sb_values params;

    sb__values_init(&params);
    sb__params_add_int64(&params, (int64_t)s->batch);
    call->rows = 0;
    return sb__run(call->runner, call->broker->sql->vacuum_take, &params, count_row, &call->rows);
}

static sb_status take_step(sb__sweep *sweep, sb__call *call, const sb_options *options)
{
    sb_status status = sb__mutate(call, options, 1, take_work, sweep);

    if (!status) {
        sweep->removed += call->rows;
        sweep->ended = (size_t)call->rows < sweep->batch;
    }
    return status;
}

sb_status sb__sweep_step(sb__sweep *sweep, sb__call *call, const sb_options *options,
                         int64_t deadline_ns)
{
    sb_status status = SB_OK;

    if (!call->broker->runner.sqlite) {
        return take_step(sweep, call, options);
    }
    sweep->count = 0;
    do {
        status = read_page(sweep, call, options);
    } while (!status && !sweep->ended && sweep->count < sweep->batch &&
             sb__clock_monotonic_ns() < deadline_ns);
    if (status || !sweep->count) {
        return status;
    }
    status = sb__mutate(call, options, 2, remove_work, sweep);
    if (!status) {
        sweep->removed += call->rows;
    }
    return status;
}

static sb_status ignore_row(void *payload, const sb_values *row)
{
    (void)payload;
    (void)row;
    return SB_OK;
}

static sb_status release_work(sb__call *call, void *context)
{
    sb__runner *runner = call->runner;
    const sb__sql *sql = call->broker->sql;
    int64_t mode = 0;
    sb_status status = SB_EMPTY;

    (void)context;
    if (sql->auto_vacuum_get) {
        status = sb__run_int64(&mode, runner, sql->auto_vacuum_get, NULL);
    }
    return status || mode != 2 ? status
                               : sb__run(runner, sql->release_pages, NULL, ignore_row, NULL);
}

void sb__release_pages(sb__call *call, const sb_options *options)
{
    sb_error saved;

    sb__error_stash(&saved);
    (void)sb__ask(call, options, release_work, NULL);
    sb__error_unstash(&saved);
}
