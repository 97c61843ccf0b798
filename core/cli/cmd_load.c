/* broker load: restores a dump from standard input. */
#include "commands.h"
#include "errors.h"
#include "input.h"
#include "interrupt.h"
#include "progress.h"
#include "session.h"
#include "streams.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Escapes make a body up to six times longer in a dump; ids, names and other keys get the rest. */
enum { GROWTH = 6, LINE_SLACK = 1024 * 1024 };

static bool fail_load(struct cli *cli, const char *text)
{
    say("broker load: ", text);
    cli->exit_code = EXIT_FAILED;
    return false;
}

static bool fail_load_last(struct cli *cli)
{
    if (sb_error_status(NULL) == SB_CANCELLED) {
        return fail_last(cli, CODE_ERROR);
    }
    return fail_load(cli, sb_error_message(NULL));
}

static bool fail_line(struct cli *cli, enum line_result result, int64_t number, size_t limit)
{
    char text[160];

    if (result == LINE_TOO_LONG) {
        snprintf(text, sizeof text,
                 "invalid dump input at line %" PRId64 ": record is longer than %zu bytes",
                 number, limit);
        return fail_load(cli, text);
    }
    if (interrupted()) {
        return fail_interrupted(cli);
    }
    if (errno == EBADF) {
        return fail_load(cli, "cannot read stdin: it is closed");
    }
    snprintf(text, sizeof text, "cannot read stdin: %s", strerror(errno));
    return fail_load(cli, text);
}

static bool line_limit(struct cli *cli, size_t *out)
{
    int64_t body;

    if (sb_config_get_int64(&body, cli->config, "BROKER_MAX_MESSAGE_SIZE", SB_NTS) != SB_OK) {
        return fail_last(cli, CODE_ERROR);
    }
    if (body < 0) {
        body = 0;
    }
    *out = body < (INT64_MAX - LINE_SLACK) / GROWTH ? (size_t)body * GROWTH + LINE_SLACK
                                                    : SIZE_MAX / 4;
    return true;
}

static bool feed(struct cli *cli, sb_load *load, struct lines *lines)
{
    struct progress progress;
    enum line_result result;
    int64_t number = 0;
    const char *line;
    size_t size;
    bool good = true;

    progress_start(&progress, cli, "load", true);
    while (good && (result = lines_next(lines, cli, &line, &size)) != LINE_END) {
        number++;
        if (result != LINE_READ) {
            good = fail_line(cli, result, number, lines->limit);
        } else if (sb_load_line(load, line, size) != SB_OK) {
            good = fail_load_last(cli);
        }
        progress_step(&progress, number - 1, -1); /* without the header */
    }
    progress_end(&progress);
    return good;
}

static void run(struct cli *cli)
{
    sb_options options = session_options(cli);
    sb_load *load = NULL;
    struct lines lines;
    size_t limit = 0;

    if (streams_is_terminal(STDIN_FILENO)) {
        fail_load(cli, "a dump is expected on stdin; usage: broker load < dump.ndjson");
        return;
    }
    if (!line_limit(cli, &limit)) {
        return;
    }
    lines_init(&lines, limit);
    if (args_have(&cli->args, OPTION_FORCE)) {
        options.flags |= SB_FORCE;
    }
    if (sb_open(&cli->broker, cli->target, cli->config, &options) != SB_OK ||
        sb_load_open(&load, cli->broker, cli->config, &options) != SB_OK) {
        fail_load_last(cli);
    } else if (feed(cli, load, &lines) && sb_load_finish(NULL, NULL, load) != SB_OK) {
        fail_load_last(cli);
    }
    sb_load_close(load);
    lines_dispose(&lines);
}

const struct command command_load = {
    .name = "load",
    .summary = "restore a dump from standard input",
    .help = "usage: simplebroker load [-h] [--force] < DUMP\n"
            "\n"
            "Reads what `dump` wrote into a fresh database; messages keep their ids. An error\n"
            "names the line; what stands before it may have been loaded.\n"
            "\n"
            "options:\n"
            "  -h, --help  show this help and exit\n"
            "  --force     load even when the dump is from too far in the future\n",
    .grammar = {.options = OPTIONS(OPTION_FORCE)},
    .checks = SB_CHECK_PATHS,
    .flags = COMMAND_TELLS_FAILURES,
    .run = run,
};
