/*
 * broker watch: prints messages as they come. Embedded, the watching itself is its host's.
 */
#include "commands.h"
#include "errors.h"
#include "interrupt.h"
#include "records.h"
#include "select.h"
#include "session.h"
#include "streams.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Resolves `@alias`. Any other name is taken as it is: what is wrong with it is said later. */
static bool resolve(struct cli *cli, struct queue_name *out, const char *operand)
{
    if (operand[0] == '@') {
        return (cli->broker != NULL || session_open(cli)) && session_queue(cli, out, operand);
    }
    out->size = strlen(operand);
    out->text = sb_alloc(out->size + 1);
    if (out->text == NULL) {
        return fail(cli, CODE_ERROR, "out of memory");
    }
    memcpy(out->text, operand, out->size + 1);
    return true;
}

static void announce(const struct cli *cli, const broker_watch *watch)
{
    if (watch->move_to != NULL) {
        comment(cli, "Watching queue '%s' (move to %s mode)...", watch->queue, watch->move_to);
    } else {
        comment(cli, "Watching queue '%s' (%s mode)...", watch->queue,
                watch->peek ? "peek" : "consume");
    }
}

/* The host has connections of its own. */
static sb_status let_host_watch(struct cli *cli, const broker_watch *watch)
{
    sb_close(cli->broker);
    cli->broker = NULL;
    announce(cli, watch);
    return streams_watch(watch);
}

static sb_status show(void *payload, int64_t id, const char *body, size_t size)
{
    return broker_watch_print(payload, id, body, size) == 0 ? SB_OK : SB_EXISTS;
}

/* A message that was taken is printed to its end, whatever signal comes. */
static sb_status watch_natively(struct cli *cli, const broker_watch *watch)
{
    sb_options options = session_options(cli);
    sb_cursor_kind kind = watch->move_to != NULL ? SB_CURSOR_MOVE
                          : watch->peek          ? SB_CURSOR_PEEK
                                                 : SB_CURSOR_CLAIM;
    sb_watcher *watcher = NULL;
    broker_watch copy = *watch;
    sb_status status;

    if (cli->broker == NULL && !session_open(cli)) {
        return SB_OK; /* told already */
    }
    interrupt_only_throws(cli->cancel); /* before the banner, which tells that it watches */
    announce(cli, watch);
    options.after = watch->after;
    status = sb_watcher_open(&watcher, cli->broker, kind, watch->queue, SB_NTS, watch->move_to,
                             SB_NTS, 0, &options, show, &copy);
    if (status == SB_OK) {
        sb_watcher_end_on_hangup(watcher, STDOUT_FILENO);
        status = sb_watcher_run(watcher);
    }
    sb_watcher_close(watcher);
    return status == SB_CANCELLED ? SB_OK : status;
}

static void watch_queue(struct cli *cli, const broker_watch *watch)
{
    sb_status status =
        streams_can_watch() ? let_host_watch(cli, watch) : watch_natively(cli, watch);

    if (status < 0) {
        tell_last(cli, CODE_ERROR);
    } else if (cli->exit_code == EXIT_DONE) {
        session_print(cli, EXIT_DONE);
    }
}

static bool check_combination(struct cli *cli)
{
    if (args_have(&cli->args, OPTION_MOVE) && args_have(&cli->args, OPTION_AFTER)) {
        return fail(cli, CODE_INVALID_ARGUMENT,
                    "--move drains ALL messages from source queue, incompatible with --after "
                    "filtering");
    }
    return select_check_bounds(cli);
}

static void run(struct cli *cli)
{
    const char *move_to = cli->args.value[OPTION_MOVE];
    struct queue_name source = {NULL, 0}, target = {NULL, 0};
    sb_options options = session_options(cli);
    struct records records;
    broker_watch watch;

    records_init(&records, cli, &cli->out, true);
    if (select_bounds(cli, &options) && resolve(cli, &source, cli->args.operand[0]) &&
        (move_to == NULL || resolve(cli, &target, move_to))) {
        watch.target = cli->target;
        watch.queue = source.text;
        watch.move_to = target.text;
        watch.peek = args_have(&cli->args, OPTION_PEEK);
        watch.after = options.after;
        watch.printer = &records;
        watch_queue(cli, &watch);
    }
    queue_name_free(&source);
    queue_name_free(&target);
}

int broker_watch_print(const broker_watch *watch, int64_t id, const char *body, size_t size)
{
    struct records *records = watch->printer;

    records_put(records, id, body, size);
    output_flush(records->out);
    return records->out->error;
}

const struct command command_watch = {
    .name = "watch",
    .summary = "print messages as they come",
    .help = "usage: simplebroker watch [-h] [--peek | --move QUEUE] [--after TIMESTAMP] [--json]\n"
            "                          [-t] QUEUE\n"
            "\n"
            "Claims and prints the messages that are there and those that come, until it is\n"
            "stopped (Ctrl-C) or nobody reads its output any more.\n"
            "\n"
            "  QUEUE                 queue name, or @alias\n"
            "\n"
            "options:\n"
            "  -h, --help            show this help and exit\n"
            "  --peek                print only, leave the messages where they are\n"
            "  --move QUEUE          move the messages to this queue, then print them\n"
            "  --after TIMESTAMP     only messages after this (ISO date or Unix time;\n"
            "                        fractional seconds unsupported; use integer ms,\n"
            "                        integer ns, or a native hybrid ID)\n"
            "  --json                one JSON object per line\n"
            "  -t, --timestamps      print the id and a tab before each message\n",
    .grammar = {.options = OPTIONS_FORM | OPTIONS(OPTION_PEEK) | OPTIONS(OPTION_MOVE) |
                           OPTIONS(OPTION_AFTER),
                .exclusive = OPTIONS(OPTION_PEEK) | OPTIONS(OPTION_MOVE),
                .required = 1,
                .operands = {"queue"}},
    .checks = SB_CHECK_PATHS | SB_CHECK_SQLITE | SB_CHECK_INITIALIZED,
    .flags = COMMAND_PIPE_MAY_CLOSE | COMMAND_ASKS_HOST,
    .prepare = check_combination,
    .run = run,
};
