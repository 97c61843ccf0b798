/*
 * Picking messages of one queue in delivery order: what claim, move, peek, cursors have in common.
 */
#ifndef SB_PICK_H
#define SB_PICK_H

#include <stddef.h>
#include <stdint.h>

#include "broker.h"
#include "simplebroker.h"

typedef struct sb__pick {
    const char *queue;
    size_t queue_len;
    int64_t id;       /* this one only; -1: by order */
    int64_t above_id; /* storage id after which a stream goes on; 0 at its beginning */
    int64_t after;    /* exclusive bounds on message ids; -1: none */
    int64_t before;
    size_t limit;
    size_t page_bytes; /* bodies of so many bytes end the pick early; 0: they do not */
    int any;          /* SB__PENDING or SB__ANY */
    int utf8;         /* bodies have to be */
    int is_bare;      /* storage ids are not needed, 0 will do */
} sb__pick;

/* Fills a pick from a call's arguments and checks them; id is -1 for a pick by order. */
sb_status sb__pick_init(sb__pick *pick, const char *queue, size_t queue_len, int64_t id,
                        size_t limit, const sb_options *options);

/* Whether a batch holds all that a pick may take. */
int sb__pick_is_full(const sb__pick *pick, const sb_messages *messages);

/* Appends the picked messages, storage ids included, to a batch. Inside a work function. */
sb_status sb__pick_run(sb_messages *messages, sb__call *call, const sb__pick *pick);

/* Appends the bounds, in a form that can always be compared with. */
void sb__pick_add_bounds(sb_values *params, const sb__pick *pick);

/* SB_EINVALID for an id that no message can have. */
sb_status sb__id_check(int64_t id);

#endif
