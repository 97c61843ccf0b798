/* One message, or a stream of them. */
#include "deliver.h"

#include "errors.h"
#include "progress.h"
#include "records.h"
#include "select.h"
#include "session.h"

#include <string.h>
#include <unistd.h>

enum { ONE_BY_ONE = 1 };

void deliver_one(struct cli *cli, sb_status status, sb_messages *messages, bool warns)
{
    struct records records;
    const char *body;
    size_t size;

    if (session_result(cli, status)) {
        records_init(&records, cli, &cli->out, warns);
        body = sb_messages_body(&size, messages, 0);
        records_put(&records, sb_messages_id(messages, 0), body, size);
        session_print(cli, EXIT_DONE);
    }
    sb_messages_free(messages);
}

static void take_one(struct cli *cli, sb_cursor_kind kind, const struct queue_name *queue,
                     const sb_options *options)
{
    sb_messages *messages = NULL;
    sb_status status;

    if (kind == SB_CURSOR_CLAIM) {
        status = sb_claim(&messages, cli->broker, queue->text, queue->size, 1, options);
    } else {
        status = sb_peek(&messages, cli->broker, queue->text, queue->size, 1, options);
    }
    deliver_one(cli, status, messages, select_is_bounded(cli));
}

static void take_id(struct cli *cli, sb_cursor_kind kind, const struct queue_name *queue,
                    int64_t id, const sb_options *options)
{
    sb_messages *messages = NULL;
    sb_status status;

    if (kind == SB_CURSOR_CLAIM) {
        status = sb_claim_id(&messages, cli->broker, queue->text, queue->size, id, options);
    } else {
        status = sb_peek_id(&messages, cli->broker, queue->text, queue->size, id, options);
    }
    deliver_one(cli, status, messages, false);
}

/* Prints what the cursor gives, record by record, until its end or the output's. */
static void drain(struct cli *cli, sb_cursor *cursor, const char *label)
{
    struct progress progress;
    struct records records;
    const char *body;
    sb_status status;
    int64_t id;
    size_t size;

    progress_start(&progress, cli, label, isatty(STDOUT_FILENO) == 0);
    records_init(&records, cli, &cli->out, true);
    while ((status = sb_cursor_next(&id, &body, &size, cursor)) == SB_OK) {
        records_put(&records, id, body, size);
        if (!session_print(cli, EXIT_DONE)) {
            progress_end(&progress);
            return;
        }
        progress_step(&progress, records.count, -1);
    }
    progress_end(&progress);
    if (status < 0) {
        fail_last(cli, CODE_ERROR);
    } else {
        cli->exit_code = records.count > 0 ? EXIT_DONE : EXIT_NOTHING;
    }
}

static bool commit_interval(struct cli *cli, int64_t *out)
{
    if (sb_config_get_int64(out, cli->config, "BROKER_READ_COMMIT_INTERVAL", SB_NTS) != SB_OK) {
        return fail_last(cli, CODE_ERROR);
    }
    return true;
}

static void take_all(struct cli *cli, sb_cursor_kind kind, const struct queue_name *queue,
                     sb_options *options)
{
    sb_cursor *cursor = NULL;
    int64_t interval = ONE_BY_ONE;
    size_t batch = 0;

    if (kind == SB_CURSOR_CLAIM && !commit_interval(cli, &interval)) {
        return;
    }
    if (interval > ONE_BY_ONE) {
        options->flags |= SB_AT_LEAST_ONCE;
        batch = (size_t)interval;
    }
    if (sb_cursor_open(&cursor, cli->broker, kind, queue->text, queue->size, NULL, 0, batch,
                       options) != SB_OK) {
        fail_last(cli, CODE_ERROR);
        return;
    }
    drain(cli, cursor, kind == SB_CURSOR_CLAIM ? "read" : "peek");
    sb_cursor_close(cursor);
}

void deliver(struct cli *cli, sb_cursor_kind kind)
{
    const struct args *args = &cli->args;
    bool by_id = args_have(args, OPTION_MESSAGE);
    sb_options options = session_options(cli);
    struct queue_name queue = {NULL, 0};
    int64_t id = 0;

    if (by_id && (args_have(args, OPTION_ALL) || select_is_bounded(cli))) {
        fail(cli, CODE_INVALID_ARGUMENT,
             "--message cannot be used with --all, --after, or --before");
        return;
    }
    if (args_have(args, OPTION_INCLUDE_CLAIMED)) {
        options.flags |= SB_INCLUDE_CLAIMED;
    }
    if ((by_id && !select_id(cli, &id)) || !select_bounds(cli, &options) ||
        !session_open_queue(cli, &queue)) {
        return;
    }
    if (by_id) {
        take_id(cli, kind, &queue, id, &options);
    } else if (args_have(args, OPTION_ALL)) {
        take_all(cli, kind, &queue, &options);
    } else {
        take_one(cli, kind, &queue, &options);
    }
    queue_name_free(&queue);
}
