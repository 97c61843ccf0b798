/*
 * vfs.h - the SQLite VFS that keeps WAL resets and checkpoints apart
 *
 * Every connection that the library opens goes through it; see vfs.c for the rules and why they
 * hold.
 */
#ifndef SB_VFS_H
#define SB_VFS_H

#include <stdint.h>

typedef struct sb__vfs_counters {
    uint64_t refused_checkpoints; /* a writer was at work, so the checkpoint did not begin */
    uint64_t refused_resets;      /* someone checkpoints, so the writer appended instead */
} sb__vfs_counters;

/* The name for sqlite3_open_v2(). The first call registers the VFS over the one that is SQLite's
 * default at that moment; it never becomes the default itself and lives as long as the process.
 * Returns NULL if it could not be registered, which later calls do not try again. Any thread. */
const char *sb__vfs_name(void);

/* What the rules refused in this process so far, over all connections. Any thread. */
void sb__vfs_read_counters(sb__vfs_counters *out);

/* Whether SQLite of this version (SQLITE_VERSION_NUMBER's form) can lose commits when a WAL reset
 * falls inside another connection's checkpoint. */
int sb__sqlite_has_wal_reset_bug(int version_number);

#endif
