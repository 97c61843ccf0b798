/* broker move: hands messages over to another queue and prints them. */
#include "commands.h"
#include "deliver.h"
#include "errors.h"
#include "progress.h"
#include "records.h"
#include "select.h"
#include "session.h"
#include "spool.h"

#include <string.h>

enum { MOVE_CAP = 1000000, FIRST_BATCH = 16, MOST_BATCH = 1000, BATCH_BYTES = 1024 * 1024 };

struct route {
    struct queue_name source;
    struct queue_name target;
};

static size_t put_batch(struct records *records, const sb_messages *messages)
{
    size_t i, size, total = 0;

    for (i = 0; i < sb_messages_count(messages); i++) {
        const char *body = sb_messages_body(&size, messages, i);

        records_put(records, sb_messages_id(messages, i), body, size);
        total += size;
    }
    return total;
}

/*
 * Moves all inside the transaction of `options` and spools what has to be printed. Batches begin
 * small and grow while their bodies are small, so that memory stays bounded.
 */
static bool move_into_spool(struct cli *cli, const struct route *route, const sb_options *options,
                            struct spool *spool, struct records *records)
{
    struct progress progress;
    size_t batch = FIRST_BATCH;
    sb_status status = SB_OK;

    progress_start(&progress, cli, "move", true);
    while (records->count < MOVE_CAP) {
        size_t left = (size_t)(MOVE_CAP - records->count);
        sb_messages *messages = NULL;

        status = sb_move(&messages, cli->broker, route->source.text, route->source.size,
                         route->target.text, route->target.size, batch < left ? batch : left,
                         options);
        if (status != SB_OK) {
            break;
        }
        if (put_batch(records, messages) < BATCH_BYTES) {
            batch = batch * 2 < MOST_BATCH ? batch * 2 : MOST_BATCH;
        } else {
            batch = batch > 1 ? batch / 2 : 1;
        }
        sb_messages_free(messages);
        if (!spool_settle(spool)) {
            break;
        }
        progress_step(&progress, records->count, -1);
    }
    progress_end(&progress);
    if (status < 0) {
        return fail_last(cli, CODE_ERROR);
    }
    if (spool->file.error != 0) {
        return fail(cli, CODE_ERROR, "cannot write a temporary file, nothing was moved: %s",
                    strerror(spool->file.error));
    }
    return true;
}

static void print_spool(struct cli *cli, struct spool *spool)
{
    if (!spool_copy(spool, &cli->out) && cli->out.error == 0) {
        fail(cli, CODE_ERROR, "cannot read the temporary file back, the messages are moved: %s",
             strerror(spool->file.error));
        return;
    }
    session_print(cli, EXIT_DONE);
}

static void move_all(struct cli *cli, const struct route *route, sb_options *options)
{
    struct records records;
    struct spool spool;
    sb_txn *txn = NULL;

    spool_init(&spool);
    records_init(&records, cli, &spool.file, true);
    if (sb_txn_begin(&txn, cli->broker, options) != SB_OK) {
        fail_last(cli, CODE_ERROR);
        goto out;
    }
    options->txn = txn;
    if (!move_into_spool(cli, route, options, &spool, &records)) {
        goto out;
    }
    if (records.count == 0) {
        cli->exit_code = EXIT_NOTHING;
        goto out;
    }
    if (sb_txn_commit(txn) != SB_OK) {
        txn = NULL;
        fail_last(cli, CODE_ERROR);
        goto out;
    }
    txn = NULL;
    print_spool(cli, &spool);
    if (records.count == MOVE_CAP) {
        say("", "broker move --all: capped at 1000000 messages; messages may remain in the "
                "source queue");
    }
out:
    sb_txn_rollback(txn);
    spool_dispose(&spool);
}

static void move_one(struct cli *cli, const struct route *route, const sb_options *options)
{
    sb_messages *messages = NULL;
    sb_status status = sb_move(&messages, cli->broker, route->source.text, route->source.size,
                               route->target.text, route->target.size, 1, options);

    deliver_one(cli, status, messages, true);
}

static void move_id(struct cli *cli, const struct route *route, int64_t id, sb_options *options)
{
    sb_messages *messages = NULL;
    sb_status status;

    options->flags |= SB_INCLUDE_CLAIMED;
    status = sb_move_id(&messages, cli->broker, route->source.text, route->source.size,
                        route->target.text, route->target.size, id, options);
    deliver_one(cli, status, messages, true);
}

static bool find_route(struct cli *cli, struct route *route)
{
    if (!session_open_queue(cli, &route->source) ||
        !session_queue(cli, &route->target, cli->args.operand[1])) {
        return false;
    }
    if (route->source.size == route->target.size &&
        memcmp(route->source.text, route->target.text, route->source.size) == 0) {
        return fail(cli, CODE_INVALID_ARGUMENT,
                    "Source and destination queues cannot be the same");
    }
    return true;
}

static void run(struct cli *cli)
{
    struct route route = {{NULL, 0}, {NULL, 0}};
    sb_options options = session_options(cli);
    bool by_id = args_have(&cli->args, OPTION_MESSAGE);
    int64_t id;

    if (by_id && select_is_bounded(cli)) {
        fail(cli, CODE_INVALID_ARGUMENT, "--message cannot be used with --after or --before");
        return;
    }
    if (!find_route(cli, &route)) {
        goto out;
    }
    if (by_id) {
        if (select_id(cli, &id)) {
            move_id(cli, &route, id, &options);
        }
    } else if (select_bounds(cli, &options)) {
        if (args_have(&cli->args, OPTION_ALL)) {
            move_all(cli, &route, &options);
        } else {
            move_one(cli, &route, &options);
        }
    }
out:
    queue_name_free(&route.source);
    queue_name_free(&route.target);
}

const struct command command_move = {
    .name = "move",
    .summary = "transfer messages between queues, atomically",
    .help = "usage: simplebroker move [-h] [-m ID | --all] [--after TIMESTAMP]\n"
            "                         [--before TIMESTAMP] [--json] [-t] SOURCE DEST\n"
            "\n"
            "Moves the oldest pending message to another queue and prints it. It keeps its\n"
            "id and is pending there: move to a private queue, work, then delete by id, and\n"
            "a crash loses nothing. Exit code 2 when nothing matches.\n"
            "\n"
            "  SOURCE                queue name, or @alias, to take from\n"
            "  DEST                  queue name, or @alias, to put into\n"
            "\n"
            "options:\n"
            "  -h, --help            show this help and exit\n"
            "  -m ID, --message ID   the message of that 19-digit id, pending or claimed\n"
            "  --all                 all pending messages in one transaction, at most\n"
            "                        1,000,000\n"
            "  --after TIMESTAMP     only messages after this (ISO date or Unix time;\n"
            "                        fractional seconds unsupported; use integer ms,\n"
            "                        integer ns, or a native hybrid ID)\n"
            "  --before TIMESTAMP    only messages before this (same formats)\n"
            "  --json                one JSON object per line\n"
            "  -t, --timestamps      print the id and a tab before each message\n",
    .grammar = {.options = OPTIONS_SELECT | OPTIONS_FORM,
                .exclusive = OPTIONS(OPTION_MESSAGE) | OPTIONS(OPTION_ALL),
                .required = 2,
                .operands = {"source_queue", "dest_queue"}},
    .checks = SB_CHECK_PATHS | SB_CHECK_SQLITE | SB_CHECK_INITIALIZED,
    .flags = COMMAND_PIPE_MAY_CLOSE,
    .run = run,
};
