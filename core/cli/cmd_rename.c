/* broker rename: gives a queue another name. */
#include "commands.h"
#include "errors.h"
#include "session.h"

struct renaming {
    struct queue_name from;
    struct queue_name to;
    int64_t messages;
    int64_t aliases;
};

static void put_json(struct output *out, const struct renaming *renaming)
{
    output_text(out, "{\"old_queue\": ");
    output_json(out, renaming->from.text, renaming->from.size, false);
    output_text(out, ", \"new_queue\": ");
    output_json(out, renaming->to.text, renaming->to.size, false);
    output_text(out, ", \"messages_renamed\": ");
    output_number(out, renaming->messages);
    output_text(out, ", \"aliases_retargeted\": ");
    output_number(out, renaming->aliases);
    output_text(out, renaming->messages > 0 ? ", \"renamed\": true}\n" : ", \"renamed\": false}\n");
}

static void run(struct cli *cli)
{
    struct renaming renaming = {{NULL, 0}, {NULL, 0}, 0, 0};
    sb_options options = session_options(cli);
    sb_status status;

    if (args_have(&cli->args, OPTION_NO_RETARGET)) {
        options.flags |= SB_KEEP_ALIASES;
    }
    if (session_open_queue(cli, &renaming.from) &&
        session_queue(cli, &renaming.to, cli->args.operand[1])) {
        status = sb_rename(&renaming.messages, &renaming.aliases, cli->broker, renaming.from.text,
                           renaming.from.size, renaming.to.text, renaming.to.size, &options);
        session_result(cli, status);
        if (status >= 0 && args_have(&cli->args, OPTION_JSON)) {
            put_json(&cli->out, &renaming);
            session_print(cli, cli->exit_code);
        }
    }
    queue_name_free(&renaming.from);
    queue_name_free(&renaming.to);
}

const struct command command_rename = {
    .name = "rename",
    .summary = "rename a queue",
    .help = "usage: simplebroker rename [-h] [--json] [--no-retarget-aliases] OLD NEW\n"
            "\n"
            "Gives all messages of a queue another queue name; aliases follow. NEW must not\n"
            "have any message. Exit code 2 when OLD has none.\n"
            "\n"
            "  OLD                    queue name, or @alias\n"
            "  NEW                    queue name, or @alias\n"
            "\n"
            "options:\n"
            "  -h, --help             show this help and exit\n"
            "  --json                 print what was done as a JSON object\n"
            "  --no-retarget-aliases  leave aliases pointing at the old name\n",
    .grammar = {.options = OPTIONS(OPTION_JSON) | OPTIONS(OPTION_NO_RETARGET),
                .required = 2,
                .operands = {"old_queue", "new_queue"}},
    .checks = SB_CHECK_PATHS | SB_CHECK_INITIALIZED,
    .run = run,
};
