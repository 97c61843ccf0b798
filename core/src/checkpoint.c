/*
 * checkpoint.c - when a connection of ours copies the WAL back into the database
 *
 * Nothing here waits: a FULL checkpoint would hold up every writer behind one slow reader. A
 * PASSIVE one copies what no reader needs any more; if that was everything, the next writer
 * starts the WAL anew by itself, and so the file stays as large as it was at its longest.
 */
#include "checkpoint.h"

#include <sqlite3.h>
#include <stddef.h>

static int checkpoint(sqlite3 *db, const char *schema)
{
    return sqlite3_wal_checkpoint_v2(db, schema, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
}

/* While a reader pins the WAL, each try would sync it and copy a little: so one try for each
 * `pages` frames, until the count shows that a writer has begun the WAL anew. */
static int is_due(sb__checkpointer *state, int64_t frames)
{
    if (frames < state->last) {
        state->next = state->pages;
    }
    state->last = frames;
    return frames >= state->next;
}

/* SQLite calls this inside the step that commits, when the transaction is over and the locks are
 * released. What it returned would become the result of a commit that has happened, hence always
 * SQLITE_OK. LOCKED means that a statement of this very connection is still reading. */
static int after_commit(void *payload, sqlite3 *db, const char *schema, int frames)
{
    sb__checkpointer *state = payload;

    if (sqlite3_stricmp(schema, "main") != 0) {
        if (frames >= state->pages) {
            checkpoint(db, schema);
        }
        return SQLITE_OK;
    }
    if (is_due(state, frames) && checkpoint(db, schema) != SQLITE_LOCKED) {
        state->next = (int64_t)frames + state->pages;
    }
    return SQLITE_OK;
}

void sb__checkpoint_install(sqlite3 *db, sb__checkpointer *state, int pages)
{
    state->pages = pages;
    state->next = pages;
    state->last = 0;
    sqlite3_wal_hook(db, pages > 0 ? after_commit : NULL, pages > 0 ? state : NULL);
}
