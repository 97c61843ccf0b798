/* broker alias add, remove, list: second names of queues. */
#include "commands.h"
#include "errors.h"
#include "session.h"

#include <stdio.h>

enum { ALIAS_CHECKS = SB_CHECK_PATHS | SB_CHECK_INITIALIZED };

static void run_add(struct cli *cli)
{
    sb_options options = session_options(cli);

    if (session_open(cli)) {
        session_result(cli, sb_alias_add(cli->broker, cli->args.operand[0], SB_NTS,
                                         cli->args.operand[1], SB_NTS, &options));
    }
}

static void run_remove(struct cli *cli)
{
    sb_options options = session_options(cli);
    const char *alias = cli->args.operand[0];
    struct output line;

    if (!session_open(cli) ||
        session_result(cli, sb_alias_remove(cli->broker, alias, SB_NTS, &options)) ||
        cli->exit_code != EXIT_NOTHING) {
        return;
    }
    output_init(&line, -1);
    output_text(&line, "alias '");
    output_text(&line, alias);
    output_bytes(&line, "' does not exist", sizeof "' does not exist");
    say(PROGRAM ": ", line.error == 0 ? line.buffer : "no such alias");
    output_dispose(&line);
    cli->exit_code = EXIT_FAILED;
}

static void put_aliases(struct output *out, const sb_aliases *aliases)
{
    const char *text;
    size_t i, size;

    for (i = 0; i < sb_aliases_count(aliases); i++) {
        text = sb_aliases_name(&size, aliases, i);
        output_bytes(out, text, size);
        output_text(out, " -> ");
        text = sb_aliases_target(&size, aliases, i);
        output_bytes(out, text, size);
        output_text(out, "\n");
    }
}

static void run_list(struct cli *cli)
{
    const char *target = cli->args.value[OPTION_TARGET];
    sb_options options = session_options(cli);
    sb_aliases *aliases = NULL;
    bool filtered = target != NULL && target[0] != '\0';

    if (!session_open(cli)) {
        return;
    }
    if (sb_alias_list(&aliases, cli->broker, filtered ? target : NULL, SB_NTS, &options) != SB_OK) {
        fail_last(cli, CODE_ERROR);
        return;
    }
    put_aliases(&cli->out, aliases);
    session_print(cli, filtered && sb_aliases_count(aliases) == 0 ? EXIT_NOTHING : EXIT_DONE);
    sb_aliases_free(aliases);
}

static const struct command alias_add = {
    .name = "add",
    .help = "usage: simplebroker alias add [-h] [-q] NAME TARGET\n"
            "\n"
            "  NAME         name of the alias; commands take it as @NAME\n"
            "  TARGET       canonical queue name that it stands for\n"
            "\n"
            "options:\n"
            "  -h, --help   show this help and exit\n"
            "  -q, --quiet  do not warn when a queue of that name has messages\n",
    .grammar = {.options = OPTIONS(OPTION_QUIET), .required = 2, .operands = {"alias", "target"}},
    .checks = ALIAS_CHECKS,
    .run = run_add,
};

static const struct command alias_remove = {
    .name = "remove",
    .help = "usage: simplebroker alias remove [-h] NAME\n"
            "\n"
            "  NAME        name of the alias, without @\n"
            "\n"
            "options:\n"
            "  -h, --help  show this help and exit\n",
    .grammar = {.required = 1, .operands = {"alias"}},
    .checks = ALIAS_CHECKS,
    .run = run_remove,
};

static const struct command alias_list = {
    .name = "list",
    .help = "usage: simplebroker alias list [-h] [--target QUEUE]\n"
            "\n"
            "Prints `name -> target` lines, sorted by name. Exit code 2 when --target matches\n"
            "nothing.\n"
            "\n"
            "options:\n"
            "  -h, --help      show this help and exit\n"
            "  --target QUEUE  only aliases of this queue\n",
    .grammar = {.options = OPTIONS(OPTION_TARGET)},
    .checks = ALIAS_CHECKS,
    .run = run_list,
};

static const struct command *const subcommands[] = {&alias_add, &alias_remove, &alias_list, NULL};

const struct command command_alias = {
    .name = "alias",
    .summary = "manage queue aliases",
    .help = "usage: simplebroker alias [-h] {add,remove,list} ...\n"
            "\n"
            "An alias is a second name of a queue. Where a command takes a queue name it\n"
            "also takes @ALIAS; a plain name is never an alias.\n"
            "\n"
            "subcommands:\n"
            "  add         create an alias\n"
            "  remove      remove an alias\n"
            "  list        list all aliases\n"
            "\n"
            "options:\n"
            "  -h, --help  show this help and exit\n",
    .subcommands = subcommands,
};
