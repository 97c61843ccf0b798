/* What public functions on a broker make of their arguments. */
#ifndef SB_ARGUMENTS_H
#define SB_ARGUMENTS_H

#include <stddef.h>
#include <stdint.h>

#include "broker.h"
#include "simplebroker.h"

/* Resolves the length of a queue's name and checks the name; `what` names the argument. */
sb_status sb__argument_queue(size_t *len, const char *queue, const char *what);

/* Resolves the length of a body and checks it against the broker's limit. */
sb_status sb__argument_body(size_t *len, const char *body, const sb_broker *broker);

static inline uint32_t sb__option_flags(const sb_options *options)
{
    return options ? options->flags : 0;
}

/* The bounds as a range that can always be compared with; *bounded tells whether there were any. */
void sb__option_bounds(int64_t *after, int64_t *before, int *bounded, const sb_options *options);

#endif
