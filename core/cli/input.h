/* Messages and dump lines from the command line and from standard input. */
#ifndef BROKER_CLI_INPUT_H
#define BROKER_CLI_INPUT_H

#include "cli.h"

struct message {
    const char *body;
    size_t size;
    char *owned; /* what to free */
};

/* The message of an operand; NULL (omitted) and "-" read standard input. Checks size and UTF-8. */
bool input_message(struct cli *cli, struct message *out, const char *operand);
void message_free(struct message *message);

/* Standard input as lines of any length up to a limit. */
struct lines {
    char *buffer;
    size_t start;
    size_t end;
    size_t room;
    size_t limit;
    bool at_end;
};

enum line_result { LINE_READ, LINE_END, LINE_TOO_LONG, LINE_FAILED };

void lines_init(struct lines *lines, size_t limit);
void lines_dispose(struct lines *lines);

/* The next line with its line feed, lent until the next call. LINE_FAILED sets errno. */
enum line_result lines_next(struct lines *lines, const struct cli *cli, const char **out,
                            size_t *out_size);

#endif
