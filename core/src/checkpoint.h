/*
 * checkpoint.h - when a connection of ours copies the WAL back into the database
 */
#ifndef SB_CHECKPOINT_H
#define SB_CHECKPOINT_H

#include <stdint.h>

struct sqlite3;

/* Owned by the caller, one for each connection, and alive as long as that is open. */
typedef struct sb__checkpointer {
    int pages;        /* a checkpoint is due when the WAL has so many frames */
    int64_t next;     /* the frame count at which to try again */
    int64_t last;     /* the frame count at our last commit */
} sb__checkpointer;

/* Replaces SQLite's automatic checkpoints on `db` by ours: after a commit that leaves at least
 * `pages` frames in the WAL, one PASSIVE checkpoint, which waits for nobody. With `pages` <= 0
 * there are none. It uses the connection's WAL hook, which PRAGMA wal_autocheckpoint and
 * sqlite3_wal_hook() replace. */
void sb__checkpoint_install(struct sqlite3 *db, sb__checkpointer *state, int pages);

#endif
