/* broker dump: all pending messages as lines of JSON. */
#include "commands.h"
#include "errors.h"
#include "progress.h"
#include "session.h"

#include <unistd.h>

enum { FLUSH_AT = 64 * 1024 };

static bool put_lines(struct cli *cli, sb_dump *dump, struct progress *progress)
{
    int64_t count = 0;
    const char *line;
    sb_status status;
    size_t size;

    while ((status = sb_dump_next(&line, &size, dump)) == SB_OK) {
        output_bytes(&cli->out, line, size);
        output_bytes(&cli->out, "\n", 1);
        if (cli->out.used >= FLUSH_AT || cli->out.error != 0) {
            if (!session_print(cli, EXIT_DONE)) {
                return false;
            }
            progress_step(progress, count, -1);
        }
        count++;
    }
    if (status < 0) {
        return fail_last(cli, CODE_ERROR);
    }
    return session_print(cli, EXIT_DONE);
}

static void run(struct cli *cli)
{
    sb_options options = session_options(cli);
    struct progress progress;
    sb_dump *dump = NULL;

    if (!session_open(cli)) {
        return;
    }
    if (sb_dump_open(&dump, cli->broker, cli->args.list[OPTION_INCLUDE],
                     cli->args.list[OPTION_EXCLUDE], &options) != SB_OK) {
        fail_last(cli, CODE_ERROR);
        return;
    }
    progress_start(&progress, cli, "dump", isatty(STDOUT_FILENO) == 0);
    put_lines(cli, dump, &progress);
    progress_end(&progress);
    sb_dump_close(dump);
}

const struct command command_dump = {
    .name = "dump",
    .summary = "write all queues to standard output",
    .help = "usage: simplebroker dump [-h] [--include GLOB] [--exclude GLOB]\n"
            "\n"
            "Prints all aliases and pending messages as lines of JSON that `load` takes.\n"
            "Patterns match whole queue names, as in the shell: * ? [set] [!set]\n"
            "\n"
            "options:\n"
            "  -h, --help      show this help and exit\n"
            "  --include GLOB  only queues that match (repeatable)\n"
            "  --exclude GLOB  without queues that match (repeatable); wins over --include\n",
    .grammar = {.options = OPTIONS(OPTION_INCLUDE) | OPTIONS(OPTION_EXCLUDE)},
    .checks = SB_CHECK_PATHS | SB_CHECK_INITIALIZED,
    .flags = COMMAND_PIPE_MAY_CLOSE,
    .run = run,
};
