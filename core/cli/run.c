/*
 * One run of the command: the order of its checks, and the dispatch. What a command does stands in
 * its cmd_<name>.c; everything goes through the public header.
 */
#include "run.h"

#include "actions.h"
#include "commands.h"
#include "errors.h"
#include "interrupt.h"
#include "session.h"
#include "streams.h"

#include <string.h>
#include <unistd.h>

static bool print_help(struct cli *cli, const struct command *command)
{
    if (command != NULL) {
        output_text(&cli->out, command->help);
    } else {
        commands_help(&cli->out);
    }
    cli->command = NULL;
    session_print(cli, EXIT_DONE);
    return false;
}

static bool read_settings(struct cli *cli, const sb_config *given)
{
    sb_status status = given != NULL ? sb_config_copy(&cli->config, given)
                                     : sb_config_from_environment(&cli->config);

    if (status != SB_OK) {
        return fail_last(cli, CODE_ERROR);
    }
    sb_config_on_warning(cli->config, on_warning, cli, NULL);
    return true;
}

/* Steps from `alias` to `alias add`; other commands stay as they are. */
static bool choose_subcommand(struct cli *cli, struct tokens *tokens)
{
    const struct command *command = cli->globals.command;
    const char *name = tokens->count > 1 ? tokens->item[1] : NULL;

    cli->command = command;
    if (command->subcommands == NULL) {
        return true;
    }
    if (name == NULL) {
        usage_error("%s subcommand is required", command->name);
    } else if (strcmp(name, "-h") == 0 || strcmp(name, "--help") == 0) {
        return print_help(cli, command);
    } else if (name[0] == '-') {
        usage_error("unrecognized arguments: %s", name);
    } else {
        cli->command = command_find_sub(command, name);
        if (cli->command != NULL) {
            tokens->item++;
            tokens->count--;
            return true;
        }
        usage_error("argument %s_command: invalid choice: '%s'", command->name, name);
    }
    cli->exit_code = EXIT_FAILED;
    return false;
}

static bool parse_command(struct cli *cli)
{
    struct tokens tokens = cli->globals.rest, guarded = {NULL, 0, 0};
    enum parsed parsed = PARSE_FAILED;

    if (!choose_subcommand(cli, &tokens)) {
        return false;
    }
    if (cli->command->protect == NULL) {
        parsed = args_parse(&cli->args, &cli->command->grammar, tokens.count, tokens.item);
    } else if (cli->command->protect(&guarded, tokens.count, tokens.item)) {
        parsed = args_parse(&cli->args, &cli->command->grammar, guarded.count, guarded.item);
    }
    tokens_dispose(&guarded);
    if (parsed == PARSED_HELP) {
        return print_help(cli, cli->command);
    }
    if (parsed == PARSE_FAILED) {
        cli->exit_code = EXIT_FAILED;
    }
    return parsed == PARSED;
}

static bool parse(struct cli *cli, int argc, char **argv)
{
    switch (globals_parse(&cli->globals, argc, argv)) {
    case PARSED_HELP:
        return print_help(cli, NULL);
    case PARSE_FAILED:
        cli->exit_code = EXIT_FAILED;
        return false;
    default:
        return cli->globals.command == NULL || parse_command(cli);
    }
}

/* What cannot be asked for together. */
static bool check_combination(struct cli *cli)
{
    const struct globals *globals = &cli->globals;
    const char *action = NULL;

    cli->json = globals->json;
    if (cli->command != NULL && (cli->command->flags & COMMAND_INIT) != 0 &&
        (globals->directory != NULL || globals->file != NULL)) {
        return fail(cli, CODE_ERROR,
                    "init does not accept --%s; run it from the directory to initialize",
                    globals->directory != NULL ? "dir" : "file");
    }
    if (cli->command != NULL) {
        action = globals->status ? "--status" : NULL;
    }
    if (action == NULL && globals->compact && !globals->vacuum) {
        return fail(cli, CODE_INVALID_ARGUMENT, "--compact can only be used with --vacuum");
    }
    if (action == NULL && cli->command != NULL) {
        action = globals->vacuum ? "--vacuum" : globals->cleanup ? "--cleanup" : NULL;
    }
    if (action != NULL) {
        return fail(cli, CODE_INVALID_ARGUMENT, "%s cannot be used with commands", action);
    }
    cli->json = globals->json || args_have(&cli->args, OPTION_JSON);
    return true;
}

static bool print_version(struct cli *cli)
{
    output_text(&cli->out, PROGRAM " ");
    output_text(&cli->out, sb_contract_version());
    output_text(&cli->out, "\n");
    cli->command = NULL;
    session_print(cli, EXIT_DONE);
    return false;
}

static bool select_target(struct cli *cli)
{
    const struct globals *globals = &cli->globals;
    int for_init = cli->command != NULL && (cli->command->flags & COMMAND_INIT) != 0;
    sb_status status = sb_target_select(&cli->target, cli->config, globals->directory, SB_NTS,
                                        globals->file, SB_NTS, for_init);

    if (status != SB_OK) {
        return fail_last(cli, status == SB_EINVALID ? CODE_INVALID_ARGUMENT : CODE_ERROR);
    }
    return true;
}

static void run_command(struct cli *cli)
{
    const struct command *command = cli->command;

    if (command->prepare != NULL && !command->prepare(cli)) {
        return;
    }
    if (command->checks != 0 && !cli->target_given &&
        sb_target_check(cli->target, cli->config, command->checks) != SB_OK) {
        fail_last(cli, CODE_ERROR);
        return;
    }
    command->run(cli);
}

static bool catch_interrupts(struct cli *cli)
{
    if (sb_cancel_new(&cli->cancel) != SB_OK) {
        return fail_last(cli, CODE_ERROR);
    }
    if (!streams_stop(cli->cancel)) {
        interrupt_catch(cli->cancel);
    }
    return true;
}

static void act(struct cli *cli)
{
    if (cli->command != NULL) {
        run_command(cli);
    } else if (cli->globals.cleanup) {
        action_cleanup(cli);
    } else if (cli->globals.vacuum) {
        action_vacuum(cli);
    } else if (cli->globals.status) {
        action_status(cli);
    } else {
        print_help(cli, NULL);
    }
}

static void run(struct cli *cli, int argc, char **argv)
{
    if (argc < 2) {
        print_help(cli, NULL);
        return;
    }
    if (!parse(cli, argc, argv) || !check_combination(cli)) {
        return;
    }
    if (cli->globals.version) {
        print_version(cli);
        return;
    }
    if (catch_interrupts(cli) && (cli->target_given || select_target(cli))) {
        act(cli);
    }
}

static void release(struct cli *cli)
{
    sb_close(cli->broker);
    if (!cli->target_given) {
        sb_target_free(cli->target);
    }
    sb_config_free(cli->config);
    interrupt_release();
    sb_cancel_free(cli->cancel);
    args_dispose(&cli->args);
    globals_dispose(&cli->globals);
    output_dispose(&cli->out);
}

int run_command_line(int argc, char **argv, const sb_config *config, sb_target *target,
                     sb_status *raised)
{
    struct cli cli;

    memset(&cli, 0, sizeof cli);
    output_init(&cli.out, STDOUT_FILENO);
    cli.target = target;
    cli.target_given = target != NULL;
    cli.raised = raised;
    if (read_settings(&cli, config)) {
        run(&cli, argc, argv);
    }
    release(&cli);
    return cli.exit_code;
}

int broker_command_run(int argc, char **argv, const sb_config *config, sb_target *target,
                       const broker_host *host, sb_status *raised)
{
    const broker_host *before = streams_redirect(host);
    int exit_code;

    if (raised != NULL) {
        *raised = SB_OK;
    }
    exit_code = run_command_line(argc, argv, config, target, raised);
    streams_redirect(before);
    return exit_code;
}
