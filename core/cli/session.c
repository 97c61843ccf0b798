/* Shared steps of the commands. */
#include "session.h"

#include "errors.h"
#include "interrupt.h"

#include <errno.h>
#include <string.h>

sb_options session_options(const struct cli *cli)
{
    sb_options options;

    sb_options_init(&options, SB_OPTIONS_VERSION);
    options.cancel = cli->cancel;
    return options;
}

bool session_open(struct cli *cli)
{
    sb_options options = session_options(cli);

    if (sb_open(&cli->broker, cli->target, cli->config, &options) != SB_OK) {
        return fail_last(cli, CODE_ERROR);
    }
    return true;
}

bool session_queue(struct cli *cli, struct queue_name *out, const char *operand)
{
    sb_options options = session_options(cli);

    if (sb_queue_resolve(&out->text, &out->size, cli->broker, operand, SB_NTS, &options)) {
        return fail_last(cli, CODE_ERROR);
    }
    return true;
}

void queue_name_free(struct queue_name *name)
{
    sb_free(name->text);
    name->text = NULL;
}

bool session_open_queue(struct cli *cli, struct queue_name *out)
{
    return session_open(cli) && session_queue(cli, out, cli->args.operand[0]);
}

bool session_result(struct cli *cli, sb_status status)
{
    if (status == SB_OK) {
        cli->exit_code = EXIT_DONE;
        return true;
    }
    if (status > 0) {
        cli->exit_code = EXIT_NOTHING;
        return false;
    }
    return fail_last(cli, CODE_ERROR);
}

bool session_print(struct cli *cli, int exit_code)
{
    if (output_flush(&cli->out)) {
        cli->exit_code = exit_code;
        return true;
    }
    if (cli->out.error == EINTR) {
        return fail_interrupted(cli);
    }
    if (cli->out.error == EPIPE && cli->command != NULL &&
        (cli->command->flags & COMMAND_PIPE_MAY_CLOSE) != 0) {
        cli->exit_code = EXIT_DONE;
        return false;
    }
    return fail(cli, CODE_ERROR, "cannot write to standard output: %s",
                strerror(cli->out.error));
}
