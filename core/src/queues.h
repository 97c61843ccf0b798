/* Lists of the queues that exist, collected inside a work function. */
#ifndef SB_QUEUES_H
#define SB_QUEUES_H

#include <stddef.h>

#include "broker.h"
#include "simplebroker.h"

/* Which names: those that begin with a stem and, if there is a pattern, match it. */
typedef struct sb__queue_filter {
    const char *stem;
    size_t stem_len;
    const char *pattern; /* NULL: every name with the stem */
    size_t pattern_len;
} sb__queue_filter;

/* The filter of a pattern; its stem narrows the search. */
sb__queue_filter sb__queue_filter_of(const char *pattern, size_t pattern_len);

sb_queues *sb__queues_new(void);

/* Replaces the contents of the list by the queues that are there now, in one statement. */
sb_status sb__queues_read(sb_queues *queues, sb__call *call, const sb__queue_filter *filter,
                          int with_stats);

#endif
