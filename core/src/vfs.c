/*
 * vfs.c - the SQLite VFS that keeps WAL resets and checkpoints apart
 *
 * SQLite 3.7.0 to 3.51.2 reads the WAL header at the start of a checkpoint and trusts it to the
 * end. If another connection meanwhile resets the WAL and commits, the checkpoint records frames
 * as copied that never were, and the next one skips them: acknowledged commits vanish. So this
 * VFS adds two rules to xShmLock of database files, on the lock bytes that SQLite documents (0
 * WRITE, 1 CKPT, 2 RECOVER, 3 to 7 READ), and hands everything else to the default VFS:
 *
 *  (a) CKPT, taken alone, comes with WRITE, which stays taken until CKPT is released. If a writer
 *      is at work the answer is BUSY and no checkpoint begins.
 *  (b) A WAL reset (READ 1 to 4 exclusively) by a connection without CKPT comes with CKPT. If
 *      someone checkpoints the answer is BUSY, upon which SQLite appends to the WAL.
 *
 * Why that is enough: the WAL is reset in three places. A writer does it holding WRITE, and so
 * falls into no checkpoint of ours (a), and ours into nobody's (b). RESTART and TRUNCATE
 * checkpoints and recovery do it holding CKPT. Checkpoints read the header after they have CKPT.
 * The checkpoint of the last close, and a connection in exclusive locking mode, lock the whole
 * database file and ask for no lock here. Two connections that both bypass this VFS can still
 * hurt each other.
 *
 * Why nothing deadlocks: neither rule ever waits for the lock that it adds, nor, in (a), for CKPT
 * itself, because it then has WRITE already; builds of SQLite with blocking locks are told so.
 */
#include "vfs.h"

#include <pthread.h>
#include <sqlite3.h>
#include <stdatomic.h>
#include <stddef.h>
#include <string.h>

enum { WRITE_BYTE = 0, CKPT_BYTE = 1, RESET_BYTE = 4, RESET_COUNT = 4 };
enum {
    LOCK = SQLITE_SHM_LOCK | SQLITE_SHM_EXCLUSIVE,
    UNLOCK = SQLITE_SHM_UNLOCK | SQLITE_SHM_EXCLUSIVE
};

enum ckpt_owner { CKPT_FREE, CKPT_BY_SQLITE, CKPT_BY_RESET };

/* Lies behind the default VFS's own file structure in the memory that SQLite allocates. SQLite
 * calls the methods of one file by one thread at a time. WRITE is really held while either flag
 * is set. */
struct rules {
    sqlite3_io_methods methods; /* the default VFS's, with our xShmLock and xShmUnmap */
    const sqlite3_io_methods *base;
    int sqlite_writes;          /* SQLite holds WRITE, as far as it knows */
    int keeps_write;            /* rule (a) holds WRITE */
    enum ckpt_owner ckpt;
};

static sqlite3_vfs *base_vfs;
static size_t rules_offset;
static atomic_uint_fast64_t refused_checkpoints;
static atomic_uint_fast64_t refused_resets;

static struct rules *rules_of(sqlite3_file *file)
{
    return (struct rules *)((char *)file + rules_offset);
}

static int is_busy(int rc)
{
    return (rc & 0xff) == SQLITE_BUSY;
}

/* Takes one byte exclusively without waiting, also where SQLite has set a time to wait. */
static int try_lock(sqlite3_file *file, int byte)
{
    const sqlite3_io_methods *base = rules_of(file)->base;
    int timeout = 0;
    int can_wait = base->xFileControl(file, SQLITE_FCNTL_LOCK_TIMEOUT, &timeout) == SQLITE_OK;
    int rc = base->xShmLock(file, byte, 1, LOCK);

    if (can_wait) {
        base->xFileControl(file, SQLITE_FCNTL_LOCK_TIMEOUT, &timeout);
    }
    return is_busy(rc) ? SQLITE_BUSY : rc;
}

static int unlock(sqlite3_file *file, int byte)
{
    return rules_of(file)->base->xShmLock(file, byte, 1, UNLOCK);
}

static int begin_checkpoint(sqlite3_file *file, struct rules *rules)
{
    int rc = rules->sqlite_writes ? SQLITE_OK : try_lock(file, WRITE_BYTE);

    if (rc != SQLITE_OK) {
        if (is_busy(rc)) {
            atomic_fetch_add_explicit(&refused_checkpoints, 1, memory_order_relaxed);
        }
        return rc;
    }
    rc = try_lock(file, CKPT_BYTE);
    if (rc != SQLITE_OK) {
        if (!rules->sqlite_writes) {
            unlock(file, WRITE_BYTE);
        }
        return rc;
    }
    rules->keeps_write = 1;
    rules->ckpt = CKPT_BY_SQLITE;
    return SQLITE_OK;
}

static int end_checkpoint(sqlite3_file *file, struct rules *rules)
{
    int rc = unlock(file, CKPT_BYTE);

    rules->ckpt = CKPT_FREE;
    rules->keeps_write = 0;
    if (!rules->sqlite_writes) {
        unlock(file, WRITE_BYTE);
    }
    return rc;
}

static int begin_reset(sqlite3_file *file, struct rules *rules)
{
    int rc = try_lock(file, CKPT_BYTE);

    if (rc != SQLITE_OK) {
        if (is_busy(rc)) {
            atomic_fetch_add_explicit(&refused_resets, 1, memory_order_relaxed);
        }
        return rc;
    }
    rc = rules->base->xShmLock(file, RESET_BYTE, RESET_COUNT, LOCK);
    if (rc != SQLITE_OK) {
        unlock(file, CKPT_BYTE);
        return rc;
    }
    rules->ckpt = CKPT_BY_RESET;
    return SQLITE_OK;
}

static int end_reset(sqlite3_file *file, struct rules *rules)
{
    int rc = rules->base->xShmLock(file, RESET_BYTE, RESET_COUNT, UNLOCK);

    unlock(file, CKPT_BYTE);
    rules->ckpt = CKPT_FREE;
    return rc;
}

static int lock_write(sqlite3_file *file, struct rules *rules)
{
    int rc = SQLITE_OK;

    if (!rules->keeps_write) {
        rc = rules->base->xShmLock(file, WRITE_BYTE, 1, LOCK);
    }
    if (rc == SQLITE_OK) {
        rules->sqlite_writes = 1;
    }
    return rc;
}

static int unlock_write(sqlite3_file *file, struct rules *rules)
{
    rules->sqlite_writes = 0;
    return rules->keeps_write ? SQLITE_OK : unlock(file, WRITE_BYTE);
}

/* Ranges other than the three below (readers, recovery, a snapshot's shared CKPT) are SQLite's own
 * business. Recovery takes CKPT and RECOVER together, or RECOVER alone inside a checkpoint. */
static int rules_shm_lock(sqlite3_file *file, int offset, int count, int flags)
{
    struct rules *rules = rules_of(file);

    if (offset == WRITE_BYTE && count == 1) {
        if (flags == LOCK) {
            return lock_write(file, rules);
        }
        if (flags == UNLOCK) {
            return unlock_write(file, rules);
        }
    } else if (offset == CKPT_BYTE && count == 1) {
        if (flags == LOCK && rules->ckpt == CKPT_FREE) {
            return begin_checkpoint(file, rules);
        }
        if (flags == UNLOCK && rules->ckpt == CKPT_BY_SQLITE) {
            return end_checkpoint(file, rules);
        }
    } else if (offset == RESET_BYTE && count == RESET_COUNT) {
        if (flags == LOCK && rules->ckpt == CKPT_FREE) {
            return begin_reset(file, rules);
        }
        if (flags == UNLOCK && rules->ckpt == CKPT_BY_RESET) {
            return end_reset(file, rules);
        }
    }
    return rules->base->xShmLock(file, offset, count, flags);
}

/* SQLite unlocks before it unmaps, except what it believes to be covered by an exclusive lock on
 * the database file; a lock left behind would stay with the process as long as others map the
 * file. */
static int rules_shm_unmap(sqlite3_file *file, int delete_flag)
{
    struct rules *rules = rules_of(file);

    if (rules->ckpt == CKPT_BY_RESET) {
        end_reset(file, rules);
    } else if (rules->ckpt == CKPT_BY_SQLITE) {
        end_checkpoint(file, rules);
    }
    if (rules->sqlite_writes) {
        unlock_write(file, rules);
    }
    return rules->base->xShmUnmap(file, delete_flag);
}

/* Methods of a file without WAL, or of a kind without shared memory, are left as they are. The copy
 * ends where the version of the original does: older ones are shorter than our declaration. */
static void install_rules(sqlite3_file *file)
{
    const sqlite3_io_methods *base = file->pMethods;
    struct rules *rules = rules_of(file);

    if (base == NULL || base->iVersion < 2 || base->xShmMap == NULL || base->xShmLock == NULL) {
        return;
    }
    memset(rules, 0, sizeof(*rules));
    memcpy(&rules->methods, base, base->iVersion == 2 ? offsetof(sqlite3_io_methods, xFetch)
                                                      : sizeof(rules->methods));
    if (rules->methods.iVersion > 3) {
        rules->methods.iVersion = 3;
    }
    rules->methods.xShmLock = rules_shm_lock;
    rules->methods.xShmUnmap = rules_shm_unmap;
    rules->base = base;
    file->pMethods = &rules->methods;
}

static int vfs_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags,
                    int *out_flags)
{
    int rc = base_vfs->xOpen(base_vfs, name, file, flags, out_flags);

    (void)vfs;
    if (rc == SQLITE_OK && (flags & SQLITE_OPEN_MAIN_DB) != 0) {
        install_rules(file);
    }
    return rc;
}

/* The default VFS may find its data from the pointer it is handed, so it always gets its own. */

static int vfs_delete(sqlite3_vfs *vfs, const char *name, int sync_directory)
{
    (void)vfs;
    return base_vfs->xDelete(base_vfs, name, sync_directory);
}

static int vfs_access(sqlite3_vfs *vfs, const char *name, int flags, int *out)
{
    (void)vfs;
    return base_vfs->xAccess(base_vfs, name, flags, out);
}

static int vfs_full_pathname(sqlite3_vfs *vfs, const char *name, int size, char *out)
{
    (void)vfs;
    return base_vfs->xFullPathname(base_vfs, name, size, out);
}

static void *vfs_dl_open(sqlite3_vfs *vfs, const char *name)
{
    (void)vfs;
    return base_vfs->xDlOpen(base_vfs, name);
}

static void vfs_dl_error(sqlite3_vfs *vfs, int size, char *out)
{
    (void)vfs;
    base_vfs->xDlError(base_vfs, size, out);
}

static void (*vfs_dl_sym(sqlite3_vfs *vfs, void *library, const char *symbol))(void)
{
    (void)vfs;
    return base_vfs->xDlSym(base_vfs, library, symbol);
}

static void vfs_dl_close(sqlite3_vfs *vfs, void *library)
{
    (void)vfs;
    base_vfs->xDlClose(base_vfs, library);
}

static int vfs_randomness(sqlite3_vfs *vfs, int size, char *out)
{
    (void)vfs;
    return base_vfs->xRandomness(base_vfs, size, out);
}

static int vfs_sleep(sqlite3_vfs *vfs, int microseconds)
{
    (void)vfs;
    return base_vfs->xSleep(base_vfs, microseconds);
}

static int vfs_current_time(sqlite3_vfs *vfs, double *out)
{
    (void)vfs;
    return base_vfs->xCurrentTime(base_vfs, out);
}

static int vfs_last_error(sqlite3_vfs *vfs, int size, char *out)
{
    (void)vfs;
    return base_vfs->xGetLastError(base_vfs, size, out);
}

static int vfs_current_time_int64(sqlite3_vfs *vfs, sqlite3_int64 *out)
{
    (void)vfs;
    return base_vfs->xCurrentTimeInt64(base_vfs, out);
}

/* Version 3 of a VFS adds the replacing of system calls, which is done on the default VFS itself.
 * */
static sqlite3_vfs rules_vfs = {
    .zName = "simplebroker",
    .xOpen = vfs_open,
    .xDelete = vfs_delete,
    .xAccess = vfs_access,
    .xFullPathname = vfs_full_pathname,
    .xRandomness = vfs_randomness,
    .xSleep = vfs_sleep,
    .xCurrentTime = vfs_current_time,
};

static void fill_from_base(sqlite3_vfs *vfs, const sqlite3_vfs *base)
{
    size_t alignment = _Alignof(struct rules);

    rules_offset = ((size_t)base->szOsFile + alignment - 1) / alignment * alignment;
    vfs->szOsFile = (int)(rules_offset + sizeof(struct rules));
    vfs->mxPathname = base->mxPathname;
    vfs->iVersion = base->iVersion > 2 ? 2 : base->iVersion;
    if (base->xDlOpen != NULL) {
        vfs->xDlOpen = vfs_dl_open;
        vfs->xDlError = vfs_dl_error;
        vfs->xDlSym = vfs_dl_sym;
        vfs->xDlClose = vfs_dl_close;
    }
    if (base->xGetLastError != NULL) {
        vfs->xGetLastError = vfs_last_error;
    }
    if (base->iVersion >= 2 && base->xCurrentTimeInt64 != NULL) {
        vfs->xCurrentTimeInt64 = vfs_current_time_int64;
    }
}

static const char *registered_name;

static void register_once(void)
{
    base_vfs = sqlite3_vfs_find(NULL);
    if (base_vfs == NULL) {
        return;
    }
    fill_from_base(&rules_vfs, base_vfs);
    if (sqlite3_vfs_register(&rules_vfs, 0) == SQLITE_OK) {
        registered_name = rules_vfs.zName;
    }
}

const char *sb__vfs_name(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;

    pthread_once(&once, register_once);
    return registered_name;
}

void sb__vfs_read_counters(sb__vfs_counters *out)
{
    out->refused_checkpoints = atomic_load_explicit(&refused_checkpoints, memory_order_relaxed);
    out->refused_resets = atomic_load_explicit(&refused_resets, memory_order_relaxed);
}

int sb__sqlite_has_wal_reset_bug(int version_number)
{
    int line = version_number / 1000;

    if (version_number < 3007000 || version_number > 3051002) {
        return 0;
    }
    return !(line == 3044 && version_number >= 3044006)
        && !(line == 3050 && version_number >= 3050007);
}
