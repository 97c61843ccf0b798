/* Which messages read, peek and move are about: -m, --all, --after and --before. */
#ifndef BROKER_CLI_SELECT_H
#define BROKER_CLI_SELECT_H

#include "cli.h"

/* Checks the bounds without keeping them: bad ones are reported before the target is looked at. */
bool select_check_bounds(struct cli *cli);

/* Puts the bounds that were given into options. */
bool select_bounds(struct cli *cli, sb_options *options);

/* Parses the value of -m. */
bool select_id(struct cli *cli, int64_t *out);

/* Whether a bound was given. */
bool select_is_bounded(const struct cli *cli);

#endif
