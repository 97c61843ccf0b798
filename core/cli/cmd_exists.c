/* broker exists: answers with its exit code whether a queue has any message. */
#include "commands.h"
#include "errors.h"
#include "session.h"

static void run(struct cli *cli)
{
    sb_options options = session_options(cli);
    struct queue_name queue = {NULL, 0};
    struct output *out = &cli->out;
    sb_status status;

    if (!session_open_queue(cli, &queue)) {
        return;
    }
    status = sb_exists(cli->broker, queue.text, queue.size, &options);
    session_result(cli, status);
    if (status >= 0 && args_have(&cli->args, OPTION_JSON)) {
        output_text(out, "{\"queue\": ");
        output_json(out, queue.text, queue.size, false);
        output_text(out, status == SB_OK ? ", \"exists\": true}\n" : ", \"exists\": false}\n");
        session_print(cli, cli->exit_code);
    }
    queue_name_free(&queue);
}

const struct command command_exists = {
    .name = "exists",
    .summary = "check whether a queue exists",
    .help = "usage: simplebroker exists [-h] [--json] QUEUE\n"
            "\n"
            "Exit code 0 if the queue has any message, also one that has been read but not\n"
            "vacuumed yet; else 2.\n"
            "\n"
            "  QUEUE       queue name, or @alias\n"
            "\n"
            "options:\n"
            "  -h, --help  show this help and exit\n"
            "  --json      print {\"queue\": \"...\", \"exists\": true}\n",
    .grammar = {.options = OPTIONS(OPTION_JSON), .required = 1, .operands = {"queue"}},
    .checks = SB_CHECK_PATHS | SB_CHECK_SQLITE | SB_CHECK_INITIALIZED,
    .run = run,
};
