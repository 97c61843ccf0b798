/* broker read: claims messages and prints them. */
#include "commands.h"
#include "deliver.h"
#include "select.h"

static void run(struct cli *cli)
{
    deliver(cli, SB_CURSOR_CLAIM);
}

const struct command command_read = {
    .name = "read",
    .summary = "read and remove a message",
    .help = "usage: simplebroker read [-h] [--all] [--json] [-t] [-m ID]\n"
            "                         [--after TIMESTAMP] [--before TIMESTAMP] QUEUE\n"
            "\n"
            "Claims the oldest pending message and prints it. No other reader gets it.\n"
            "Exit code 2 when nothing matches.\n"
            "\n"
            "  QUEUE                 queue name, or @alias\n"
            "\n"
            "options:\n"
            "  -h, --help            show this help and exit\n"
            "  --all                 all pending messages, oldest first\n"
            "  --json                one JSON object per line\n"
            "  -t, --timestamps      print the id and a tab before each message\n"
            "  -m ID, --message ID   the message of that 19-digit id\n"
            "  --after TIMESTAMP     only messages after this: an ISO date '2024-01-15', Unix\n"
            "                        time '1705329000' or '1705329000s', milliseconds\n"
            "                        '1705329000000ms', or a native hybrid timestamp;\n"
            "                        fractional seconds unsupported; use integer ms,\n"
            "                        integer ns, or a native hybrid ID\n"
            "  --before TIMESTAMP    only messages before this (same formats)\n",
    .grammar = {.options = OPTIONS_SELECT | OPTIONS_FORM, .required = 1, .operands = {"queue"}},
    .checks = SB_CHECK_PATHS | SB_CHECK_SQLITE | SB_CHECK_INITIALIZED,
    .flags = COMMAND_PIPE_MAY_CLOSE,
    .prepare = select_check_bounds,
    .run = run,
};
