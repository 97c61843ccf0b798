/* broker delete: removes messages for good. */
#include "commands.h"
#include "errors.h"
#include "select.h"
#include "session.h"

static bool check_combination(struct cli *cli)
{
    if (args_have(&cli->args, OPTION_ALL) && args_have(&cli->args, OPTION_MESSAGE)) {
        return fail(cli, CODE_INVALID_ARGUMENT, "--message requires a queue name");
    }
    return true;
}

/* A queue that holds nothing is as empty as was asked for. */
static void finish(struct cli *cli, sb_status status)
{
    session_result(cli, status == SB_EMPTY ? SB_OK : status);
}

static void run(struct cli *cli)
{
    sb_options options = session_options(cli);
    struct queue_name queue = {NULL, 0};
    int64_t id;

    if (args_have(&cli->args, OPTION_ALL)) {
        if (session_open(cli)) {
            finish(cli, sb_delete_all(NULL, cli->broker, &options));
        }
        return;
    }
    if (args_have(&cli->args, OPTION_MESSAGE)) {
        if (select_id(cli, &id) && session_open_queue(cli, &queue)) {
            session_result(cli, sb_delete_ids(NULL, cli->broker, queue.text, queue.size, &id, 1,
                                              &options));
        }
    } else if (session_open_queue(cli, &queue)) {
        finish(cli, sb_delete_queue(NULL, cli->broker, queue.text, queue.size, &options));
    }
    queue_name_free(&queue);
}

const struct command command_delete = {
    .name = "delete",
    .summary = "remove messages",
    .help = "usage: simplebroker delete [-h] [-m ID] QUEUE\n"
            "       simplebroker delete [-h] --all\n"
            "\n"
            "Removes messages at once and for good, also those that have been read but not\n"
            "vacuumed yet. Exit code 2 when -m matches nothing.\n"
            "\n"
            "  QUEUE                queue name, or @alias\n"
            "\n"
            "options:\n"
            "  -h, --help           show this help and exit\n"
            "  --all                every message of every queue; aliases stay\n"
            "  -m ID, --message ID  the message of that 19-digit id\n",
    .grammar = {.options = OPTIONS(OPTION_ALL) | OPTIONS(OPTION_MESSAGE),
                .exclusive = OPTIONS(OPTION_ALL),
                .operand_exclusive = true,
                .operands = {"queue"}},
    .checks = SB_CHECK_PATHS | SB_CHECK_INITIALIZED,
    .prepare = check_combination,
    .run = run,
};
