/*
 * The failing VFS. Its files hold the default VFS's own behind them; memory mapping is left out, so
 * that every access passes through here.
 */
#include "faulty_vfs.h"

#include "power.h"

#include <sqlite3.h>
#include <stdatomic.h>
#include <string.h>

typedef struct faulty_file {
    sqlite3_file head;
    sqlite3_file *real;
    power_file *power; /* NULL unless watched */
    int unshared;      /* no other connection can know its name: never busy */
} faulty_file;

static sqlite3_vfs *base;
static int armed_kind = -1;
static long armed_after;
static int armed_code;
static int armed_lasting;
static int fired;
static atomic_uint busy_every;
static atomic_uint lock_requests;

void faulty_arm(faulty_kind kind, long n, int code, int lasting)
{
    armed_after = n;
    armed_code = code;
    armed_lasting = lasting;
    fired = 0;
    armed_kind = (int)kind;
}

int faulty_disarm(void)
{
    armed_kind = -1;
    return fired;
}

void faulty_busy_every(unsigned n)
{
    atomic_store(&busy_every, n);
}

static int fails(faulty_kind kind)
{
    if (armed_kind != (int)kind || armed_after-- > 0) {
        return SQLITE_OK;
    }
    if (!armed_lasting) {
        armed_kind = -1;
    }
    fired++;
    return armed_code;
}

static faulty_file *own(sqlite3_file *file)
{
    return (faulty_file *)file;
}

/* Scattered, since a strict rhythm could hit the same request of every attempt. */
static int is_busy_turn(unsigned every)
{
    unsigned n = atomic_fetch_add(&lock_requests, 1) + 1;

    n *= 2654435761u;
    n ^= n >> 15;
    return n % every == 0;
}

static int lock_fails(sqlite3_file *file, faulty_kind kind)
{
    unsigned every = own(file)->unshared ? 0 : atomic_load(&busy_every);

    return every && is_busy_turn(every) ? SQLITE_BUSY : fails(kind);
}

static sqlite3_file *real(sqlite3_file *file)
{
    return own(file)->real;
}

static int file_close(sqlite3_file *file)
{
    return real(file)->pMethods->xClose(real(file));
}

static int file_read(sqlite3_file *file, void *out, int size, sqlite3_int64 at)
{
    int code = fails(FAULTY_READ);

    return code ? code : real(file)->pMethods->xRead(real(file), out, size, at);
}

static int file_write(sqlite3_file *file, const void *bytes, int size, sqlite3_int64 at)
{
    int code = fails(FAULTY_WRITE);

    code = code ? code : real(file)->pMethods->xWrite(real(file), bytes, size, at);
    if (!code && own(file)->power) {
        power_note_write(own(file)->power, bytes, (size_t)size, (size_t)at);
    }
    return code;
}

static int file_truncate(sqlite3_file *file, sqlite3_int64 size)
{
    int code = fails(FAULTY_TRUNCATE);

    return code ? code : real(file)->pMethods->xTruncate(real(file), size);
}

/* Nothing here has to survive the machine, so that real syncs would only cost time. */
static int file_sync(sqlite3_file *file, int flags)
{
    int code = fails(FAULTY_SYNC);
    (void)flags;

    if (!code && own(file)->power) {
        power_note_sync(own(file)->power, real(file));
    }
    return code;
}

static int file_size(sqlite3_file *file, sqlite3_int64 *out)
{
    int code = fails(FAULTY_SIZE);

    return code ? code : real(file)->pMethods->xFileSize(real(file), out);
}

static int file_lock(sqlite3_file *file, int level)
{
    int code = lock_fails(file, FAULTY_LOCK);

    return code ? code : real(file)->pMethods->xLock(real(file), level);
}

static int file_unlock(sqlite3_file *file, int level)
{
    return real(file)->pMethods->xUnlock(real(file), level);
}

static int file_check_reserved(sqlite3_file *file, int *out)
{
    return real(file)->pMethods->xCheckReservedLock(real(file), out);
}

static int file_control(sqlite3_file *file, int op, void *arg)
{
    return real(file)->pMethods->xFileControl(real(file), op, arg);
}

static int file_sector_size(sqlite3_file *file)
{
    return real(file)->pMethods->xSectorSize(real(file));
}

static int file_characteristics(sqlite3_file *file)
{
    return real(file)->pMethods->xDeviceCharacteristics(real(file));
}

static int file_shm_map(sqlite3_file *file, int page, int size, int extend, void volatile **out)
{
    int code = fails(FAULTY_SHM_MAP);

    return code ? code : real(file)->pMethods->xShmMap(real(file), page, size, extend, out);
}

static int file_shm_lock(sqlite3_file *file, int offset, int count, int flags)
{
    int code = flags & SQLITE_SHM_LOCK ? lock_fails(file, FAULTY_SHM_LOCK) : SQLITE_OK;

    return code ? code : real(file)->pMethods->xShmLock(real(file), offset, count, flags);
}

static void file_shm_barrier(sqlite3_file *file)
{
    real(file)->pMethods->xShmBarrier(real(file));
}

static int file_shm_unmap(sqlite3_file *file, int delete_flag)
{
    return real(file)->pMethods->xShmUnmap(real(file), delete_flag);
}

static const sqlite3_io_methods methods = {
    .iVersion = 2,
    .xClose = file_close,
    .xRead = file_read,
    .xWrite = file_write,
    .xTruncate = file_truncate,
    .xSync = file_sync,
    .xFileSize = file_size,
    .xLock = file_lock,
    .xUnlock = file_unlock,
    .xCheckReservedLock = file_check_reserved,
    .xFileControl = file_control,
    .xSectorSize = file_sector_size,
    .xDeviceCharacteristics = file_characteristics,
    .xShmMap = file_shm_map,
    .xShmLock = file_shm_lock,
    .xShmBarrier = file_shm_barrier,
    .xShmUnmap = file_shm_unmap,
};

static int vfs_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags, int *out)
{
    faulty_file *f = own(file);
    int code = fails(FAULTY_OPEN);
    (void)vfs;

    f->head.pMethods = NULL;
    f->real = (sqlite3_file *)(f + 1);
    f->real->pMethods = NULL;
    code = code ? code : base->xOpen(base, name, f->real, flags, out);
    if (f->real->pMethods) {
        f->head.pMethods = &methods;
        f->power = name ? power_open(name) : NULL;
        f->unshared = !name || strstr(name, ".tmp.") != NULL;
    }
    return code;
}

static int vfs_delete(sqlite3_vfs *vfs, const char *name, int sync_directory)
{
    int code = fails(FAULTY_DELETE);
    (void)vfs;

    code = code ? code : base->xDelete(base, name, sync_directory);
    if (!code) {
        power_note_delete(name);
    }
    return code;
}

static int vfs_access(sqlite3_vfs *vfs, const char *name, int flags, int *out)
{
    int code = fails(FAULTY_ACCESS);
    (void)vfs;

    return code ? code : base->xAccess(base, name, flags, out);
}

static int vfs_full_pathname(sqlite3_vfs *vfs, const char *name, int size, char *out)
{
    (void)vfs;
    return base->xFullPathname(base, name, size, out);
}

int faulty_vfs_register(void)
{
    static sqlite3_vfs faulty;

    base = sqlite3_vfs_find(NULL);
    if (!base) {
        return -1;
    }
    faulty = *base;
    faulty.iVersion = base->iVersion > 2 ? 2 : base->iVersion;
    faulty.szOsFile = (int)sizeof(faulty_file) + base->szOsFile;
    faulty.pNext = NULL;
    faulty.zName = "faulty";
    faulty.xOpen = vfs_open;
    faulty.xDelete = vfs_delete;
    faulty.xAccess = vfs_access;
    faulty.xFullPathname = vfs_full_pathname;
    return sqlite3_vfs_register(&faulty, 1);
}
