/* Parsing of bounds and exact ids. */
#include "select.h"

#include "errors.h"
#include "session.h"

bool select_is_bounded(const struct cli *cli)
{
    return args_have(&cli->args, OPTION_AFTER) || args_have(&cli->args, OPTION_BEFORE);
}

static bool parse_bound(struct cli *cli, enum option_id option, int64_t *out)
{
    if (!args_have(&cli->args, option)) {
        return true;
    }
    if (sb_bound_parse(out, cli->args.value[option], SB_NTS) != SB_OK) {
        return fail_last(cli, CODE_INVALID_TIMESTAMP);
    }
    return true;
}

bool select_bounds(struct cli *cli, sb_options *options)
{
    return parse_bound(cli, OPTION_AFTER, &options->after) &&
           parse_bound(cli, OPTION_BEFORE, &options->before);
}

bool select_check_bounds(struct cli *cli)
{
    sb_options options = session_options(cli);

    return select_bounds(cli, &options);
}

bool select_id(struct cli *cli, int64_t *out)
{
    if (sb_id_parse(out, cli->args.value[OPTION_MESSAGE], SB_NTS) != SB_OK) {
        return fail_last(cli, CODE_INVALID_MESSAGE_ID);
    }
    return true;
}
