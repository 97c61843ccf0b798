/* broker backup: copies the database into a file while it is in use. */
#include "commands.h"
#include "errors.h"
#include "progress.h"
#include "session.h"

#include <unistd.h>

static void run(struct cli *cli)
{
    const char *file = cli->args.operand[0];
    sb_options options = session_options(cli);
    struct progress progress;
    sb_status status;

    /* Opening would create an empty database, and its copy would look like a backup. */
    if (sb_target_is_plain_path(cli->target) &&
        access(sb_target_address(cli->target), F_OK) != 0) {
        fail(cli, CODE_ERROR, "Database not found: %s", sb_target_display(cli->target));
        return;
    }
    if (!session_open(cli)) {
        return;
    }
    options.progress = progress_callback;
    options.progress_payload = &progress;
    progress_start(&progress, cli, "backup", true);
    status = sb_backup(cli->broker, file, SB_NTS, &options);
    progress_end(&progress);
    if (status == SB_EXISTS) {
        fail(cli, CODE_ERROR, "%s exists already; name a file that does not", file);
    } else if (session_result(cli, status)) {
        comment(cli, "Database backed up: %s", file);
    }
}

const struct command command_backup = {
    .name = "backup",
    .summary = "copy the database into a file while it is in use",
    .help = "usage: simplebroker backup [-h] FILE\n"
            "\n"
            "Copies the whole database, claimed messages and aliases included, while others\n"
            "go on using it. The copy appears when it is complete; use it with -f FILE.\n"
            "\n"
            "  FILE        the copy; must not exist yet\n"
            "\n"
            "options:\n"
            "  -h, --help  show this help and exit\n",
    .grammar = {.required = 1, .operands = {"file"}},
    .checks = SB_CHECK_PATHS | SB_CHECK_SQLITE | SB_CHECK_INITIALIZED,
    .run = run,
};
