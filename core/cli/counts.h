/* Counts of a queue as `stats` and `list --stats` print them. */
#ifndef BROKER_CLI_COUNTS_H
#define BROKER_CLI_COUNTS_H

#include "output.h"

void counts_plain(struct output *out, const char *queue, size_t size, int64_t pending,
                  int64_t claimed);
void counts_json(struct output *out, const char *queue, size_t size, int64_t pending,
                 int64_t claimed);

#endif
