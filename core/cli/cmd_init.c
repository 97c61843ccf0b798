/* broker init: creates an initialised database. */
#include "commands.h"
#include "errors.h"
#include "session.h"

static void run(struct cli *cli)
{
    const char *shown = sb_target_display(cli->target);
    sb_status status = sb_init(cli->target, cli->config);

    if (status == SB_OK) {
        comment(cli, "Initialized SimpleBroker database: %s", shown);
    } else if (status == SB_EXISTS) {
        comment(cli, "SimpleBroker database already exists: %s", shown);
    } else if (status == SB_EDATABASE && sb_error_sqlite_code(NULL) == 0) {
        say("Error: ", sb_error_message(NULL));
        say("", "Please remove the file manually and run 'broker init' again.");
        cli->exit_code = EXIT_FAILED;
    } else {
        say("Error initializing database: ", sb_error_message(NULL));
        cli->exit_code = EXIT_FAILED;
    }
}

const struct command command_init = {
    .name = "init",
    .summary = "create a database in the current directory",
    .help = "usage: simplebroker init [-h]\n"
            "\n"
            "Creates the database of the current directory or project, so that it is there\n"
            "before its first use. One that exists is left as it is.\n"
            "\n"
            "options:\n"
            "  -h, --help  show this help and exit\n",
    .flags = COMMAND_INIT | COMMAND_TELLS_FAILURES,
    .run = run,
};
