/* broker list: the queues that exist. */
#include "commands.h"
#include "counts.h"
#include "errors.h"
#include "session.h"

static void put_queue(struct cli *cli, const sb_queues *queues, size_t index)
{
    bool json = args_have(&cli->args, OPTION_JSON);
    bool stats = args_have(&cli->args, OPTION_STATS);
    struct output *out = &cli->out;
    size_t size;
    const char *name = sb_queues_name(&size, queues, index);

    if (stats) {
        (json ? counts_json : counts_plain)(out, name, size, sb_queues_pending(queues, index),
                                            sb_queues_claimed(queues, index));
    } else if (json) {
        output_text(out, "{\"queue\": ");
        output_json(out, name, size, false);
        output_text(out, "}\n");
    } else {
        output_bytes(out, name, size);
        output_text(out, "\n");
    }
}

/* The totals of the whole broker, whatever the filter. */
static bool put_totals(struct cli *cli)
{
    sb_options options = session_options(cli);
    int64_t claimed, total;

    if (!args_have(&cli->args, OPTION_STATS) || args_have(&cli->args, OPTION_JSON)) {
        return true;
    }
    if (sb_overall_stats(&claimed, &total, cli->broker, &options) != SB_OK) {
        return fail_last(cli, CODE_ERROR);
    }
    if (claimed > 0) {
        output_text(&cli->out, "\nTotal claimed messages: ");
        output_number(&cli->out, claimed);
        output_text(&cli->out, "/");
        output_number(&cli->out, total);
        output_text(&cli->out, "\n");
    }
    return true;
}

static void run(struct cli *cli)
{
    const struct args *args = &cli->args;
    sb_options options = session_options(cli);
    sb_queues *queues = NULL;
    size_t i;

    if (!session_open(cli)) {
        return;
    }
    if (!args_have(args, OPTION_STATS)) {
        options.flags |= SB_WITHOUT_STATS;
    }
    if (sb_queues_list(&queues, cli->broker, args->value[OPTION_PREFIX], SB_NTS,
                       args->value[OPTION_PATTERN], SB_NTS, &options) != SB_OK) {
        fail_last(cli, CODE_ERROR);
        return;
    }
    for (i = 0; i < sb_queues_count(queues); i++) {
        put_queue(cli, queues, i);
    }
    if (put_totals(cli)) {
        session_print(cli, EXIT_DONE);
    }
    sb_queues_free(queues);
}

const struct command command_list = {
    .name = "list",
    .summary = "list all queues",
    .help = "usage: simplebroker list [-h] [--stats] [--prefix PREFIX | -p PATTERN] [--json]\n"
            "\n"
            "Prints the names of all queues that have any message, one per line.\n"
            "\n"
            "options:\n"
            "  -h, --help            show this help and exit\n"
            "  --stats               show counts too, claimed messages included\n"
            "  --prefix PREFIX       only names that begin so, literally\n"
            "  -p PATTERN, --pattern PATTERN\n"
            "                        only names that match, as in the shell: * ? [set]\n"
            "                        [!set]\n"
            "  --json                one JSON object per line\n",
    .grammar = {.options = OPTIONS(OPTION_STATS) | OPTIONS(OPTION_PREFIX) |
                           OPTIONS(OPTION_PATTERN) | OPTIONS(OPTION_JSON),
                .exclusive = OPTIONS(OPTION_PREFIX) | OPTIONS(OPTION_PATTERN)},
    .checks = SB_CHECK_PATHS | SB_CHECK_SQLITE | SB_CHECK_INITIALIZED,
    .run = run,
};
