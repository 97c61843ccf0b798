/*
 * The inside of the built-in runner's connection, shared by runner_sqlite.c (statements) and
 * connection.c (opening, waiting, identity). Nobody else looks in.
 */
#ifndef SB_CONNECTION_H
#define SB_CONNECTION_H

#include <sqlite3.h>
#include <stdatomic.h>
#include <stdint.h>
#include <sys/types.h>

#include "checkpoint.h"
#include "config.h"
#include "error.h"
#include "runner_sqlite.h"
#include "statements.h"

struct sb__sqlite {
    sqlite3 *db;
    char *path; /* NULL when adopted */
    int adopted;
    int nested; /* our transaction is a savepoint of the application's */
    sb__statements statements;
    sb__checkpointer checkpointer;

    dev_t device;
    ino_t inode;

    int busy_timeout_ms;
    int64_t wait_deadline_ns;
    const sb_cancel *wait_cancel;
    sb__sqlite_may_wait_fn may_wait;
    void *may_wait_payload;
    int64_t wait_start_ns;
    int64_t first_wait_ns; /* of those since sb__sqlite_set_wait(); -1 before */
    int cancelled; /* the last wait was ended by the switch or its callback */
    sb_error cancel_error; /* then: with the callback's message */
    int own_lock;  /* the last wait would have been for this thread itself */
    const atomic_int *closed; /* set when the broker is closed; NULL: nobody closes it */
    int stopped;   /* the last wait was ended by that */
};

/* The setting of the page cache as SQLite takes it. */
int sb__sqlite_cache_size(const sb__settings *settings);

/* The pages between checkpoints, as SQLite takes them; warns of a setting that makes no sense. */
int sb__sqlite_autocheckpoint(const sb_config *config);

#endif
