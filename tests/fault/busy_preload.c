/*
 * Loaded before a program's own libraries (LD_PRELOAD), this makes one in SB_BUSY_EVERY requests
 * for a lock of SQLite's answer SQLITE_BUSY, so that any test can run on a database that seems to be
 * busy. Connections which set no busy timeout of their own get one, as cautious programs set it.
 */
#include "faulty_vfs.h"

#include <sqlite3.h>
#include <stdlib.h>

enum { BUSY_TIMEOUT_MS = 5000, EVERY = 7 };

static int set_timeout(sqlite3 *db, char **message, const struct sqlite3_api_routines *api)
{
    (void)message;
    (void)api;
    sqlite3_busy_timeout(db, BUSY_TIMEOUT_MS);
    return SQLITE_OK;
}

__attribute__((constructor)) static void make_busy(void)
{
    const char *every = getenv("SB_BUSY_EVERY");

    if (faulty_vfs_register() ||
        sqlite3_auto_extension((void (*)(void))set_timeout) != SQLITE_OK) {
        abort();
    }
    faulty_busy_every(every ? (unsigned)atoi(every) : EVERY);
}
