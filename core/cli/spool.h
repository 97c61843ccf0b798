/*
 * A place for output that must be complete before any of it may be shown: a little memory, and
 * beyond that an unlinked temporary file.
 */
#ifndef BROKER_CLI_SPOOL_H
#define BROKER_CLI_SPOOL_H

#include "output.h"

struct spool {
    struct output file; /* append here; its descriptor is -1 while memory suffices */
};

void spool_init(struct spool *spool);
void spool_dispose(struct spool *spool);

/* Moves what was appended to the file once it is more than a little; failing sets `file.error`. */
bool spool_settle(struct spool *spool);

/* Copies everything to `out` and flushes it; false when either side failed. */
bool spool_copy(struct spool *spool, struct output *out);

#endif
