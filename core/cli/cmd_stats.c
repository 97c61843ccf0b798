/* broker stats: counts of one queue. */
#include "commands.h"
#include "counts.h"
#include "errors.h"
#include "session.h"

static void run(struct cli *cli)
{
    sb_options options = session_options(cli);
    struct queue_name queue = {NULL, 0};
    int64_t pending, claimed;

    if (session_open_queue(cli, &queue) &&
        session_result(cli, sb_queue_stats(&pending, &claimed, cli->broker, queue.text, queue.size,
                                           &options))) {
        if (args_have(&cli->args, OPTION_JSON)) {
            counts_json(&cli->out, queue.text, queue.size, pending, claimed);
        } else {
            counts_plain(&cli->out, queue.text, queue.size, pending, claimed);
        }
        session_print(cli, EXIT_DONE);
    }
    queue_name_free(&queue);
}

const struct command command_stats = {
    .name = "stats",
    .summary = "show the counts of one queue",
    .help = "usage: simplebroker stats [-h] [--json] QUEUE\n"
            "\n"
            "Prints how many messages are pending, and how many have been read but not\n"
            "vacuumed yet.\n"
            "\n"
            "  QUEUE       queue name, or @alias\n"
            "\n"
            "options:\n"
            "  -h, --help  show this help and exit\n"
            "  --json      print the counts as a JSON object\n",
    .grammar = {.options = OPTIONS(OPTION_JSON), .required = 1, .operands = {"queue"}},
    .checks = SB_CHECK_PATHS | SB_CHECK_SQLITE | SB_CHECK_INITIALIZED,
    .run = run,
};
