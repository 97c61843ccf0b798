/*
 * What has become of the queues that somebody waits for: reads the database and tells the topics.
 * Through a connection of its own, which also keeps F-wal from vanishing; or, where there is no
 * file or no descriptor left, through a broker.
 */
#ifndef SB_LOOKOUT_H
#define SB_LOOKOUT_H

#include <stdint.h>

#include "broker.h"
#include "runner.h"
#include "simplebroker.h"
#include "topics.h"

typedef struct sb__lookout {
    sb__runner runner;     /* all zero: none */
    sb_broker *broker;     /* whom to ask then; borrowed */
    int64_t version;       /* of the data, as last seen; -1: not known */
    uint64_t own_commits;  /* the same, of the broker's own ones */
    int64_t newest_row;    /* all up to this storage id have been told */
    int64_t next_round_ns; /* when all topics may be asked for again: see look_at_each() */
    int owes_round;
} sb__lookout;

/* Connects to a file: SB_OK, or why it cannot be. */
sb_status sb__lookout_connect(sb__lookout *lookout, const char *path,
                              const sb__settings *settings);
void sb__lookout_disconnect(sb__lookout *lookout);
int sb__lookout_is_connected(const sb__lookout *lookout);

/* In a child process: see sb__sqlite_close_inherited(). */
sb_status sb__lookout_close_inherited(sb__lookout *lookout);

/* Whether the file behind the connection is the one at its path. */
int sb__lookout_is_current(const sb__lookout *lookout);

/* Whether a commit has become visible since this was last asked: 1, 0, or -1 for "not known". */
int sb__lookout_has_changed(sb__lookout *lookout);

/* Tells the topics of rows that are new. With `moved` also of those that may have come from
 * elsewhere, which takes a question for each topic: they may be put off (owes_round). */
void sb__lookout_look(sb__lookout *lookout, sb__topics *topics, int moved, sb__ready_fn tell);

/* Tells the topics of everything pending. Begins with it. */
void sb__lookout_look_at_all(sb__lookout *lookout, sb__topics *topics, sb__ready_fn tell);

/* Whether a message is pending in a queue ("": in any) above an id; 1 when it cannot be known. */
int sb__lookout_has_pending(sb__lookout *lookout, const char *queue, size_t len, int64_t after);

#endif
