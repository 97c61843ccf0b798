/* broker write: appends a message. */
#include "commands.h"
#include "input.h"
#include "operands.h"
#include "records.h"
#include "session.h"

static void run(struct cli *cli)
{
    const struct args *args = &cli->args;
    sb_options options = session_options(cli);
    struct queue_name queue = {NULL, 0};
    struct message message;
    int64_t id;

    if (input_message(cli, &message, args->operand_count > 1 ? args->operand[1] : NULL) &&
        session_open_queue(cli, &queue) &&
        session_result(cli, sb_write(&id, cli->broker, queue.text, queue.size, message.body,
                                     message.size, &options))) {
        records_put_id(cli, &cli->out, id);
        session_print(cli, EXIT_DONE);
    }
    queue_name_free(&queue);
    message_free(&message);
}

const struct command command_write = {
    .name = "write",
    .summary = "write a message to a queue",
    .help = "usage: simplebroker write [-h] [-t] [--json] QUEUE [MESSAGE]\n"
            "\n"
            "Appends a message to a queue; the queue comes into being with it. The message\n"
            "is durable when the command returns.\n"
            "\n"
            "  QUEUE             queue name, or @alias\n"
            "  MESSAGE           UTF-8 text; omitted or '-': standard input, taken verbatim.\n"
            "                    A message that begins with '-' may stand right after QUEUE\n"
            "\n"
            "options:\n"
            "  -h, --help        show this help and exit\n"
            "  -t, --timestamps  print the new message's id\n"
            "  --json            print {\"timestamp\": \"<19-digit id>\"}\n",
    .grammar = {.options = OPTIONS_FORM, .required = 1, .operands = {"queue", "message"}},
    .checks = SB_CHECK_PATHS,
    .protect = protect_write,
    .run = run,
};
