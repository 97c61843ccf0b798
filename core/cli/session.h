/* What commands do with the broker alike: open it, resolve queue operands, fill in options. */
#ifndef BROKER_CLI_SESSION_H
#define BROKER_CLI_SESSION_H

#include "cli.h"

/* A resolved queue name. */
struct queue_name {
    char *text;
    size_t size;
};

bool session_open(struct cli *cli);

/* Options whose call ends on SIGINT. */
sb_options session_options(const struct cli *cli);

/* Resolves an operand, `@alias` included. To be freed with queue_name_free(). */
bool session_queue(struct cli *cli, struct queue_name *out, const char *operand);
void queue_name_free(struct queue_name *name);

/* Opens the broker and resolves the first operand. */
bool session_open_queue(struct cli *cli, struct queue_name *out);

/* Sets the exit code for an operation's result: done, nothing matched, or a reported failure. */
bool session_result(struct cli *cli, sb_status status);

/* Writes what the command printed and sets the exit code, a closed pipe as the command wants. */
bool session_print(struct cli *cli, int exit_code);

#endif
