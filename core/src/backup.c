/*
 * Online backup. The pages of one snapshot are copied, through a connection of its own where there
 * is a file, so that writers never wait and no commit of theirs makes the copying start over. The
 * copy grows beside its destination and gets the name only when it is complete and on disk.
 */
#include <errno.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "alloc.h"
#include "arguments.h"
#include "broker.h"
#include "cancel.h"
#include "clock.h"
#include "error.h"
#include "files.h"
#include "params.h"
#include "retry.h"
#include "runner.h"
#include "runner_sqlite.h"
#include "simplebroker.h"
#include "sql.h"
#include "str.h"
#include "txn.h"
#include "vfs.h"

enum { PAGES_PER_STEP = 256, BUSY_TIMEOUT_MS = 250, FILE_MODE = 0666 };

typedef struct backup {
    sb__call *call;
    const sb_options *options;
    char *path;
    char *temporary;
    sqlite3 *source; /* a connection for this backup alone, or the adopted one */
    sqlite3 *copy;
    int forked; /* this is a child of the process that began it */
} backup;

static sb_status fail_io(const char *what, const char *path)
{
    return sb__fail(SB_EIO, "cannot %s %s: %s", what, path, strerror(errno));
}

static sb_status exec(sqlite3 *db, const char *sql)
{
    int code = sqlite3_exec(db, sql, NULL, NULL, NULL);

    return code == SQLITE_OK ? SB_OK : sb__sqlite_fail(db, code);
}

/* A relative path gets a "./", so that SQLite cannot take a name for a URI or for memory. */
static sb_status make_paths(backup *b, const char *path, size_t len)
{
    sb__str name = SB__STR_INIT, temporary = SB__STR_INIT;
    sb_status status;

    if (!path || !len || memchr(path, '\0', len)) {
        return sb__fail(SB_EINVALID, "path must be a file name");
    }
    sb__str_append_text(&name, path[0] == '/' ? "" : "./");
    sb__str_append(&name, path, len);
    sb__str_append(&temporary, name.data ? name.data : "", name.len);
    sb__str_append_format(&temporary, ".tmp.%ld.%llx", (long)getpid(),
                          (unsigned long long)sb__random_between(0, INT64_MAX));
    status = sb__str_take(&b->path, NULL, &name);
    if (status) {
        sb__str_dispose(&temporary);
        return status;
    }
    return sb__str_take(&b->temporary, NULL, &temporary);
}

/* A WAL or journal left under the name would be taken for the copy's own. */
static sb_status check_free(const char *path)
{
    static const char *const suffixes[] = {"", "-wal", "-shm", "-journal"};

    for (size_t i = 0; i < sizeof suffixes / sizeof suffixes[0]; i++) {
        struct stat info;
        char *name;
        sb_status status = sb__companion_path(&name, path, suffixes[i]);

        if (status) {
            return status;
        }
        if (lstat(name, &info) == 0) {
            status = SB_EXISTS;
        } else if (errno != ENOENT) {
            status = fail_io("look at", name);
        }
        sb_free(name);
        if (status) {
            return status;
        }
    }
    return SB_OK;
}

static void remove_temporary(const backup *b)
{
    static const char *const suffixes[] = {"", "-wal", "-shm", "-journal"};

    for (size_t i = 0; i < sizeof suffixes / sizeof suffixes[0]; i++) {
        char *name;

        if (sb__companion_path(&name, b->temporary, suffixes[i]) == SB_OK) {
            unlink(name);
            sb_free(name);
        }
    }
}

static sb_status create_temporary(const backup *b)
{
    int fd = open(b->temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, FILE_MODE);

    if (fd < 0) {
        return fail_io("create", b->temporary);
    }
    close(fd);
    return SB_OK;
}

static sb_status check_work(sb__call *call, void *context)
{
    (void)context;
    return sb__sqlite_check_identity(call->broker->runner.sqlite);
}

static sb_status open_source(backup *b)
{
    sb__sqlite *sqlite = b->call->broker->runner.sqlite;
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_PRIVATECACHE;
    sb_status status = sb__ask(b->call, b->options, check_work, NULL);
    int code;

    if (status) {
        return status;
    }
    code = sqlite3_open_v2(sb__sqlite_path(sqlite), &b->source, flags, sb__vfs_name());
    if (code != SQLITE_OK) {
        return sb__sqlite_fail(b->source, code);
    }
    sqlite3_extended_result_codes(b->source, 1);
    sqlite3_busy_timeout(b->source, BUSY_TIMEOUT_MS);
    sqlite3_db_config(b->source, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, (int *)NULL);
    return SB_OK;
}

static sb_status open_copy(backup *b)
{
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_PRIVATECACHE;
    int code = sqlite3_open_v2(b->temporary, &b->copy, flags, NULL);

    if (code != SQLITE_OK) {
        return sb__sqlite_fail(b->copy, code);
    }
    sqlite3_extended_result_codes(b->copy, 1);
    sqlite3_busy_timeout(b->copy, BUSY_TIMEOUT_MS);
    /* Nobody sees the copy before it has been synced as a whole. */
    return exec(b->copy, "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF");
}

static sb_status report(backup *b, int64_t done, int64_t total)
{
    const sb_options *options = b->options;
    int end;

    if (!options) {
        return SB_OK;
    }
    end = options->progress && options->progress(options->progress_payload, done, total);
    b->forked = atomic_load(&b->call->broker->forked);
    if (b->forked) {
        return sb__fail(SB_EFORK, "the backup is that of the parent process");
    }
    return end ? sb__fail(SB_CANCELLED, "cancelled") : sb__cancel_check_or_ask(options->cancel);
}

static sb_status copy_pages(backup *b)
{
    sqlite3_backup *pages = sqlite3_backup_init(b->copy, "main", b->source, "main");
    sb__retry retry;
    sb_status status = SB_OK;
    int code = SQLITE_OK;

    if (!pages) {
        return sb__sqlite_fail(b->copy, sqlite3_errcode(b->copy));
    }
    sb__retry_init(&retry, b->options);
    while (!status && code != SQLITE_DONE) {
        code = sqlite3_backup_step(pages, PAGES_PER_STEP);
        if (code == SQLITE_OK || code == SQLITE_DONE) {
            int64_t total = sqlite3_backup_pagecount(pages);

            b->call->rows = total - sqlite3_backup_remaining(pages);
            status = report(b, b->call->rows, total);
        } else {
            status = sb__sqlite_fail(b->copy, code);
            if ((code & 0xff) == SQLITE_BUSY) {
                status = sb__retry_wait(&retry, status, -1);
            }
        }
    }
    if (b->forked) {
        return status;
    }
    code = sqlite3_backup_finish(pages);
    return status || code == SQLITE_OK ? status : sb__sqlite_fail(b->copy, code);
}

static void end_snapshot(backup *b)
{
    sb_error saved;

    if (!sqlite3_get_autocommit(b->source)) {
        sb__error_stash(&saved);
        (void)exec(b->source, "ROLLBACK");
        sb__error_unstash(&saved);
    }
}

/* The first look of a connection can find it busy without its busy handler being asked. */
static sb_status begin_snapshot(backup *b)
{
    sb__retry retry;
    sb_status status;

    sb__retry_init(&retry, b->options);
    do {
        status = exec(b->source, "BEGIN; SELECT count(*) FROM sqlite_master");
        if (!status) {
            return SB_OK;
        }
        end_snapshot(b);
        status = sb__retry_wait(&retry, status, -1);
    } while (!status);
    return status;
}

/* Copies one snapshot; a transaction that the application has open on its connection serves too. */
static sb_status copy_snapshot(backup *b)
{
    int own = sqlite3_get_autocommit(b->source);
    sb_status status = SB_OK;

    if (sqlite3_txn_state(b->source, "main") == SQLITE_TXN_WRITE) {
        return sb__fail(SB_ERUNTIME, "no backup while the connection's transaction has changes");
    }
    if (own) {
        status = begin_snapshot(b);
    }
    if (!status) {
        status = copy_pages(b);
    }
    if (own && !b->forked) {
        end_snapshot(b);
    }
    return status;
}

static sb_status copy_adopted_work(sb__call *call, void *context)
{
    backup *b = context;

    b->source = sb__sqlite_db(call->broker->runner.sqlite);
    return copy_snapshot(b);
}

static sb_status copy_foreign_work(sb__call *call, void *context)
{
    const backup *b = context;
    sb_values params;

    if (!call->broker->sql->backup_into) {
        return sb__fail(SB_ERUNTIME, "the backend has no backup");
    }
    sb__params_text(&params, b->temporary, strlen(b->temporary));
    return sb__run(call->runner, call->broker->sql->backup_into, &params, NULL, NULL);
}

/* Fills the temporary file. */
static sb_status copy(backup *b)
{
    sb__sqlite *sqlite = b->call->broker->runner.sqlite;
    sb_status status;

    if (!sqlite) {
        status = sb__ask(b->call, b->options, copy_foreign_work, b);
        return status ? status : open_copy(b);
    }
    status = open_copy(b);
    if (!status && sb__sqlite_is_adopted(sqlite)) {
        status = sb__ask(b->call, b->options, copy_adopted_work, b);
        b->source = NULL;
    } else if (!status) {
        status = open_source(b);
        if (!status) {
            status = copy_snapshot(b);
        }
    }
    return status;
}

/* Reads the copy as a broker would, and leaves it in the journal mode of one. */
static sb_status finish_copy(backup *b)
{
    sb_status status = exec(b->copy, "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; "
                                     "SELECT key, value FROM meta");
    int code = sqlite3_close(b->copy);

    b->copy = NULL;
    return status || code == SQLITE_OK ? status : sb__sqlite_fail(NULL, code);
}

static sb_status sync_copy(const backup *b)
{
    int fd = open(b->temporary, O_RDONLY | O_CLOEXEC);
    sb_status status = fd < 0 || fsync(fd) ? fail_io("sync", b->temporary) : SB_OK;

    if (fd >= 0) {
        close(fd);
    }
    return status;
}

static sb_status open_directory(int *out, const char *path)
{
    const char *slash = strrchr(path, '/');
    char *directory = sb__strndup(path, slash == path ? 1 : (size_t)(slash - path));
    sb_status status = SB_OK;

    if (!directory) {
        return sb__fail_nomem();
    }
    *out = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (*out < 0) {
        status = fail_io("open", directory);
    }
    sb_free(directory);
    return status;
}

/* Gives the copy its name unless a file has got it meanwhile. */
static sb_status give_name(const backup *b)
{
    int fd;

    if (link(b->temporary, b->path) == 0) {
        unlink(b->temporary);
        return SB_OK;
    }
    if (errno == EEXIST) {
        return SB_EXISTS;
    }
    /* A file system without hard links: reserve the name, then replace what reserves it. */
    fd = open(b->path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, FILE_MODE);
    if (fd < 0) {
        return errno == EEXIST ? SB_EXISTS : fail_io("create", b->path);
    }
    close(fd);
    if (rename(b->temporary, b->path) != 0) {
        sb_status status = fail_io("create", b->path);

        unlink(b->path);
        return status;
    }
    return SB_OK;
}

/* What may fail for want of something comes first: a name once given should stay. */
static sb_status publish(const backup *b)
{
    int directory = -1;
    sb_status status = open_directory(&directory, b->path);

    if (status) {
        return status;
    }
    status = give_name(b);
    if (!status && fsync(directory)) {
        status = fail_io("sync the directory of", b->path);
        unlink(b->path);
    }
    close(directory);
    return status;
}

static sb_status run_backup(backup *b)
{
    atomic_int *backups = &b->call->broker->backups;
    sb_status status = check_free(b->path);

    if (!status) {
        status = create_temporary(b);
    }
    if (status) {
        return status;
    }
    atomic_fetch_add(backups, 1);
    status = copy(b);
    if (b->forked) {
        return status; /* files and connections are left to the parent */
    }
    if (!status) {
        status = finish_copy(b);
    }
    sqlite3_close(b->copy);
    sqlite3_close(b->source);
    atomic_fetch_sub(backups, 1);
    if (!status) {
        status = sync_copy(b);
    }
    if (!status) {
        status = publish(b);
    }
    if (status) {
        remove_temporary(b);
    }
    return status;
}

sb_status sb_backup(sb_broker *broker, const char *path, size_t path_len,
                    const sb_options *options)
{
    sb__call call;
    backup b = {.call = &call, .options = options};
    sb_status status = sb__enter(&call, broker, "backup", options);

    if (status) {
        return status;
    }
    status = make_paths(&b, path, sb__length(path, path_len));
    if (!status && options && options->txn) {
        status = sb__fail(SB_EINVALID, "a backup cannot be part of a transaction");
    }
    if (!status) {
        status = run_backup(&b);
    }
    sb_free(b.path);
    sb_free(b.temporary);
    return sb__leave(&call, status);
}
