/* broker broadcast: writes a copy of a message to every selected queue. */
#include "commands.h"
#include "input.h"
#include "operands.h"
#include "session.h"

static sb_status broadcast(struct cli *cli, const struct message *message)
{
    const struct args *args = &cli->args;
    sb_options options = session_options(cli);

    if (args->list[OPTION_QUEUE] != NULL) {
        return sb_broadcast_to(NULL, cli->broker, message->body, message->size,
                               args->list[OPTION_QUEUE], &options);
    }
    return sb_broadcast(NULL, cli->broker, message->body, message->size,
                        args->value[OPTION_PATTERN], SB_NTS, &options);
}

static void run(struct cli *cli)
{
    struct message message;

    if (input_message(cli, &message, cli->args.operand[0]) && session_open(cli)) {
        session_result(cli, broadcast(cli, &message));
    }
    message_free(&message);
}

const struct command command_broadcast = {
    .name = "broadcast",
    .summary = "send a message to several existing queues",
    .help = "usage: simplebroker broadcast [-h] [-p PATTERN | --queue QUEUE ...] MESSAGE\n"
            "\n"
            "Writes a copy of the message, each with its own id, to every existing queue or\n"
            "to the selected ones: to all of them or to none. Exit code 2 when no queue is\n"
            "selected.\n"
            "\n"
            "  MESSAGE               UTF-8 text; '-': standard input\n"
            "\n"
            "options:\n"
            "  -h, --help            show this help and exit\n"
            "  -p PATTERN, --pattern PATTERN\n"
            "                        queues whose whole name matches, as in the shell:\n"
            "                        * ? [set] [!set]\n"
            "  --queue QUEUE         this queue, if it exists (repeatable)\n",
    .grammar = {.options = OPTIONS(OPTION_PATTERN) | OPTIONS(OPTION_QUEUE),
                .exclusive = OPTIONS(OPTION_PATTERN) | OPTIONS(OPTION_QUEUE),
                .required = 1,
                .operands = {"message"}},
    .checks = SB_CHECK_PATHS,
    .protect = protect_broadcast,
    .run = run,
};
