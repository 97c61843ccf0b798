/*
 * wal_reset_pause.c - a VFS for tests that stops a checkpoint where the WAL-reset race opens
 *
 * A checkpoint that finds a changed header drops its memory mapping with xUnfetch(file, 0, NULL),
 * just before it looks at how much of the WAL has been copied: a call that nothing else makes
 * that way.
 */
#include "wal_reset_pause.h"

#include <sqlite3.h>
#include <stddef.h>

static sqlite3_vfs pause_vfs;
static sqlite3_vfs *base_vfs;
static sqlite3_io_methods pause_methods;
static int (*base_unfetch)(sqlite3_file *, sqlite3_int64, void *);
static void (*pause_hook)(void);

static int pause_unfetch(sqlite3_file *file, sqlite3_int64 offset, void *page)
{
    if (offset == 0 && page == NULL) {
        pause_hook();
    }
    return base_unfetch(file, offset, page);
}

static int pause_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags, int *out)
{
    int rc = base_vfs->xOpen(base_vfs, name, file, flags, out);

    (void)vfs;
    if (rc == SQLITE_OK && (flags & SQLITE_OPEN_MAIN_DB) != 0) {
        pause_methods = *file->pMethods;
        base_unfetch = pause_methods.xUnfetch;
        pause_methods.xUnfetch = pause_unfetch;
        file->pMethods = &pause_methods;
    }
    return rc;
}

int pause_vfs_register(const char *base, void (*hook)(void))
{
    base_vfs = sqlite3_vfs_find(base);
    if (base_vfs == NULL) {
        return SQLITE_ERROR;
    }
    pause_hook = hook;
    pause_vfs = *base_vfs;
    pause_vfs.pNext = NULL;
    pause_vfs.zName = "pause";
    pause_vfs.xOpen = pause_open;
    return sqlite3_vfs_register(&pause_vfs, 0);
}
