/*
 * Read-only looks at files that may be anything. SQLite gets the path literally, so that no
 * character of it is taken for a URI's.
 */
#include "validate.h"

#include <errno.h>
#include <sqlite3.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "alloc.h"
#include "error.h"
#include "schema.h"
#include "vfs.h"

enum { HEADER_SIZE = 16, BUSY_TIMEOUT_MS = 5000 };

static int open_read_only(sqlite3 **out, const char *path)
{
    return sqlite3_open_v2(path, out, SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX |
                                          SQLITE_OPEN_PRIVATECACHE,
                           sb__vfs_name());
}

/* Reads through SQLite's own file object: no locks, and no WAL or shared memory comes to life. */
static int connection_has_header(sqlite3 *db)
{
    static const char expected[HEADER_SIZE] = "SQLite format 3";
    sqlite3_file *file = NULL;
    char header[HEADER_SIZE];

    return sqlite3_file_control(db, "main", SQLITE_FCNTL_FILE_POINTER, &file) == SQLITE_OK &&
           file && file->pMethods &&
           file->pMethods->xRead(file, header, HEADER_SIZE, 0) == SQLITE_OK &&
           !memcmp(header, expected, HEADER_SIZE);
}

int sb__sqlite_file_has_header(const char *path)
{
    struct stat info;
    sqlite3 *db = NULL;
    int has_header;

    /* SQLite takes a file of one byte for an empty one. */
    if (stat(path, &info) || !S_ISREG(info.st_mode) || info.st_size < HEADER_SIZE) {
        return 0;
    }
    has_header = open_read_only(&db, path) == SQLITE_OK && connection_has_header(db);
    sqlite3_close(db);
    return has_header;
}

static sb_status check_parent(const char *path)
{
    const char *slash = strrchr(path, '/');
    char *directory = !slash          ? sb__strndup(".", 1)
                      : slash == path ? sb__strndup("/", 1)
                                      : sb__strndup(path, (size_t)(slash - path));
    sb_status status = SB_OK;

    if (!directory) {
        return sb__fail_nomem();
    }
    if (access(directory, R_OK | W_OK | X_OK)) {
        status = sb__fail(SB_EDATABASE, "Parent directory is not accessible: %s", directory);
    }
    sb_free(directory);
    return status;
}

static sb_status check_file(const char *path)
{
    struct stat info;
    sb_status status;

    if (stat(path, &info)) {
        if (errno == ENOENT || errno == ENOTDIR) {
            return sb__fail(SB_EDATABASE, "Database file does not exist: %s", path);
        }
        return sb__fail(SB_EDATABASE, "Cannot inspect database file %s: %s", path,
                        strerror(errno));
    }
    if (!S_ISREG(info.st_mode)) {
        return sb__fail(SB_EDATABASE, "Path exists but is not a regular file: %s", path);
    }
    status = check_parent(path);
    if (!status && access(path, R_OK | W_OK)) {
        status = sb__fail(SB_EDATABASE, "Database file is not readable/writable: %s", path);
    }
    if (!status && info.st_size < HEADER_SIZE) {
        status = sb__fail(SB_EDATABASE,
                          "File is not a valid SQLite database (invalid header): %s", path);
    }
    return status;
}

static sb_status fail_from(sqlite3 *db, int code, const char *path)
{
    int primary = code & 0xff;

    if (primary == SQLITE_NOMEM) {
        sb__fail_nomem();
    } else if (primary == SQLITE_BUSY || primary == SQLITE_LOCKED) {
        sb__fail(SB_EOPERATIONAL, "%s: %s", sqlite3_errmsg(db), path);
        sb__error_set_retryable(1);
    } else if (primary == SQLITE_NOTADB) {
        sb__fail(SB_EDATABASE, "File is not a valid SQLite database (invalid header): %s", path);
    } else {
        sb__fail(SB_EDATABASE, "Database corruption or invalid format: %s (%s)", path,
                 db ? sqlite3_errmsg(db) : sqlite3_errstr(code));
    }
    sb__error_set_sqlite_code(code);
    return sb_error_status(NULL);
}

static sb_status check_magic(sqlite3 *db, const char *path)
{
    static const char sql[] = "SELECT CAST(value AS TEXT) FROM meta WHERE key = 'magic'";
    sqlite3_stmt *statement = NULL;
    sb_status status;
    int code = sqlite3_prepare_v2(db, sql, sizeof sql, &statement, NULL);

    if (code == SQLITE_OK) {
        code = sqlite3_step(statement);
    }
    if (code == SQLITE_DONE) {
        status = sb__fail(SB_EDATABASE, "Database is missing SimpleBroker metadata: %s", path);
    } else if (code != SQLITE_ROW) {
        status = fail_from(db, code, path);
    } else {
        const char *magic = (const char *)sqlite3_column_text(statement, 0);

        status = magic && !strcmp(magic, SB__MAGIC)
                     ? SB_OK
                     : sb__fail(SB_EDATABASE,
                                "Database has incorrect magic string (not a SimpleBroker "
                                "database): %s",
                                path);
    }
    sqlite3_finalize(statement);
    return status;
}

sb_status sb__sqlite_file_validate(const char *path)
{
    sqlite3 *db = NULL;
    sb_status status = check_file(path);
    int code;

    if (status) {
        return status;
    }
    code = open_read_only(&db, path);
    if (code != SQLITE_OK) {
        status = fail_from(db, code, path);
    } else if (!connection_has_header(db)) {
        status = fail_from(db, SQLITE_NOTADB, path);
    } else {
        sqlite3_busy_timeout(db, BUSY_TIMEOUT_MS);
        status = check_magic(db, path);
    }
    sqlite3_close(db);
    return status;
}
