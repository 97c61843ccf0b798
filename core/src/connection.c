/*
 * One SQLite connection: opened by path through the library's VFS, with a busy handler that the
 * caller's deadline and cancel switch can end, and with the identity of its file remembered, so
 * that a database deleted or replaced under it is noticed before a write is lost in it.
 */
#include "connection.h"

#include <stdio.h>
#include <sys/stat.h>

#include "alloc.h"
#include "clock.h"
#include "error.h"
#include "vfs.h"

enum {
    NS_PER_MS = 1000000,
    SETUP_BUSY_TIMEOUT_MS = 250,
    KB_PER_MB = 1024,
    DEFAULT_AUTOCHECKPOINT = 1000,
    EAGER_TRIES = 100 /* pauses of some 100 us, then of some ms */
};

/*
 * SQLite's own busy handler sleeps 1, 2, 5 ... 100 ms: far longer than a commit takes, so that
 * waiting writers leave the lock unused. Ours begins with pauses of the length of a commit.
 */
static int on_busy(void *payload, int tries)
{
    sb__sqlite *sqlite = payload;
    int64_t now = sb__clock_monotonic_ns();
    int64_t pause = tries < EAGER_TRIES ? sb__random_between(50000, 250000)
                                        : sb__random_between(1000000, 5000000);

    if (tries == 0) {
        sqlite->wait_start_ns = now;
        if (sqlite->first_wait_ns < 0) {
            sqlite->first_wait_ns = now;
        }
        if (sqlite->may_wait && !sqlite->may_wait(sqlite->may_wait_payload)) {
            sqlite->own_lock = 1;
            return 0;
        }
    }
    if (sqlite->closed && atomic_load(sqlite->closed)) {
        sqlite->stopped = 1;
        return 0;
    }
    if (now - sqlite->wait_start_ns >= (int64_t)sqlite->busy_timeout_ms * NS_PER_MS ||
        now >= sqlite->wait_deadline_ns) {
        return 0;
    }
    if (sb__sleep_ns(pause, sqlite->wait_cancel)) {
        sqlite->cancelled = 1;
        sb__error_stash(&sqlite->cancel_error);
        return 0;
    }
    return 1;
}

int64_t sb__sqlite_first_wait_ns(const sb__sqlite *sqlite)
{
    return sqlite->first_wait_ns;
}

void sb__sqlite_set_wait(sb__sqlite *sqlite, int64_t deadline_ns, const sb_cancel *cancel)
{
    sqlite->wait_deadline_ns = deadline_ns;
    sqlite->wait_cancel = cancel;
    sqlite->first_wait_ns = -1;
    sqlite->cancelled = 0;
    sqlite->own_lock = 0;
    sqlite->stopped = 0;
}

void sb__sqlite_set_closed(sb__sqlite *sqlite, const atomic_int *closed)
{
    sqlite->closed = closed;
}

void sb__sqlite_set_may_wait(sb__sqlite *sqlite, sb__sqlite_may_wait_fn fn, void *payload)
{
    sqlite->may_wait = fn;
    sqlite->may_wait_payload = payload;
}

static sb_status remember_identity(sb__sqlite *sqlite)
{
    struct stat info;

    if (stat(sqlite->path, &info)) {
        return sb__fail(SB_EOPERATIONAL, "unable to open database file: %s", sqlite->path);
    }
    sqlite->device = info.st_dev;
    sqlite->inode = info.st_ino;
    return SB_OK;
}

sb_status sb__sqlite_check_identity(sb__sqlite *sqlite)
{
    struct stat info;

    if (sqlite->adopted || !sqlite->db) {
        return SB_OK;
    }
    if (stat(sqlite->path, &info)) {
        sb__fail(SB_EOPERATIONAL, "the database was deleted while it was open: %s", sqlite->path);
    } else if (info.st_dev != sqlite->device || info.st_ino != sqlite->inode) {
        sb__fail(SB_EOPERATIONAL, "the database was replaced while it was open: %s",
                 sqlite->path);
    } else {
        return SB_OK;
    }
    sb__error_set_retryable(0);
    return SB_EOPERATIONAL;
}

sb_status sb__sqlite_connect(sb__sqlite *sqlite, int create)
{
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_PRIVATECACHE |
                (create ? SQLITE_OPEN_CREATE : 0);
    const char *vfs = sb__vfs_name();
    sb_status status;
    int code;

    if (sqlite->db) {
        return SB_OK;
    }
    if (!vfs) {
        return sb__fail(SB_EOPERATIONAL, "SQLite has no file system to register ours over");
    }
    code = sqlite3_open_v2(sqlite->path, &sqlite->db, flags, vfs);
    if (code != SQLITE_OK) {
        status = sb__sqlite_fail(sqlite->db, code);
        sb__error_suffix(": %s", sqlite->path);
        sqlite3_close(sqlite->db);
        sqlite->db = NULL;
        return status;
    }
    sqlite3_extended_result_codes(sqlite->db, 1);
    sqlite->busy_timeout_ms = SETUP_BUSY_TIMEOUT_MS;
    sqlite3_busy_handler(sqlite->db, on_busy, sqlite);
    status = remember_identity(sqlite);
    if (status) {
        sb__sqlite_disconnect(sqlite);
    }
    return status;
}

static int clamp_to_int(int64_t value, int if_negative)
{
    return value < 0 ? if_negative : value > INT32_MAX ? INT32_MAX : (int)value;
}

static int autocheckpoint(const sb__settings *settings)
{
    return clamp_to_int(settings->wal_autocheckpoint, DEFAULT_AUTOCHECKPOINT);
}

/* PRAGMA cache_size takes a negative number of KiB. */
int sb__sqlite_cache_size(const sb__settings *settings)
{
    const int64_t most = INT32_MAX / KB_PER_MB;
    int64_t mb = settings->cache_mb > most    ? most
                 : settings->cache_mb < -most ? -most
                                              : settings->cache_mb;

    return (int)(-mb * KB_PER_MB);
}

int sb__sqlite_autocheckpoint(const sb_config *config)
{
    int64_t pages = sb__config_settings(config)->wal_autocheckpoint;

    if (pages < 0) {
        sb__config_warn(config, SB_WARN_CONFIG,
                        "BROKER_WAL_AUTOCHECKPOINT must not be negative; %d is used instead of "
                        "%lld",
                        DEFAULT_AUTOCHECKPOINT, (long long)pages);
    }
    return autocheckpoint(sb__config_settings(config));
}

sb_status sb__sqlite_apply_settings(sb__sqlite *sqlite, const sb__settings *settings)
{
    char sql[128];
    int code;

    snprintf(sql, sizeof sql, "PRAGMA cache_size = %d; PRAGMA synchronous = %d",
             sb__sqlite_cache_size(settings), (int)settings->sync_mode);
    code = sqlite3_exec(sqlite->db, sql, NULL, NULL, NULL);
    if (code != SQLITE_OK) {
        return sb__sqlite_fail_run(sqlite, code);
    }
    sqlite->busy_timeout_ms = clamp_to_int(settings->busy_timeout_ms, 0);
    sb__checkpoint_install(sqlite->db, &sqlite->checkpointer, autocheckpoint(settings));
    return SB_OK;
}

void sb__sqlite_disconnect(sb__sqlite *sqlite)
{
    if (!sqlite->db) {
        return;
    }
    sb__statements_finalize(&sqlite->statements);
    if (!sqlite->adopted) {
        sqlite3_close(sqlite->db);
    }
    sqlite->db = NULL;
}

sb_status sb__sqlite_close_inherited(sb__sqlite *sqlite)
{
    if (!sqlite->db || sqlite->adopted) {
        return SB_OK;
    }
    if (!sqlite3_get_autocommit(sqlite->db)) {
        return sb__fail(SB_EFORK, "the broker was inside a transaction when the process forked");
    }
    sqlite3_db_config(sqlite->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, (int *)NULL);
    sb__sqlite_disconnect(sqlite);
    return SB_OK;
}

sqlite3 *sb__sqlite_db(sb__sqlite *sqlite)
{
    return sqlite->db;
}

const char *sb__sqlite_path(const sb__sqlite *sqlite)
{
    return sqlite->path;
}

const char *sb__sqlite_file(const sb__sqlite *sqlite)
{
    return sqlite->adopted ? sqlite3_db_filename(sqlite->db, "main") : sqlite->path;
}

int sb__sqlite_is_adopted(const sb__sqlite *sqlite)
{
    return sqlite->adopted;
}

void sb__sqlite_file_id(const sb__sqlite *sqlite, uint64_t *out_device, uint64_t *out_inode)
{
    *out_device = sqlite->db && !sqlite->adopted ? (uint64_t)sqlite->device : 0;
    *out_inode = sqlite->db && !sqlite->adopted ? (uint64_t)sqlite->inode : 0;
}

int sb__sqlite_in_transaction(sb__sqlite *sqlite)
{
    return sqlite->db && !sqlite3_get_autocommit(sqlite->db);
}

int64_t sb__sqlite_data_version(sb__sqlite *sqlite)
{
    static const char sql[] = "PRAGMA data_version";
    sqlite3_stmt *statement;
    int64_t version = -1;

    if (!sqlite->db || sb__statements_get(&statement, &sqlite->statements, sqlite->db, sql) !=
                           SQLITE_OK) {
        return -1;
    }
    if (sqlite3_step(statement) == SQLITE_ROW) {
        version = sqlite3_column_int64(statement, 0);
    }
    sqlite3_reset(statement);
    return version;
}
