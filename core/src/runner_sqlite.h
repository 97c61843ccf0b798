/*
 * The built-in runner: one SQLite connection with its prepared statements, opened by path through
 * the library's VFS, or adopted from an application.
 */
#ifndef SB_RUNNER_SQLITE_H
#define SB_RUNNER_SQLITE_H

#include <sqlite3.h>
#include <stdatomic.h>
#include <stdint.h>

#include "config.h"
#include "runner.h"
#include "simplebroker.h"

/* Makes a runner that will open `path` at sb__sqlite_connect(). */
sb_status sb__sqlite_runner_new(sb__runner *out, const char *path);

/* Makes a runner over an application's connection, which stays the application's. */
sb_status sb__sqlite_runner_adopt(sb__runner *out, sqlite3 *db);

/*
 * Opens the file (creating it if `create`) with settings fit for set-up: busy timeout of at most
 * 250 ms. Fails with "File at X exists but is not a valid SQLite database" on other files.
 */
sb_status sb__sqlite_connect(sb__sqlite *sqlite, int create);

/* Applies the settings of ordinary work: busy timeout, cache, synchronous, checkpoints. */
sb_status sb__sqlite_apply_settings(sb__sqlite *sqlite, const sb__settings *settings);

void sb__sqlite_disconnect(sb__sqlite *sqlite);

/* The connection; NULL while there is none. */
sqlite3 *sb__sqlite_db(sb__sqlite *sqlite);
const char *sb__sqlite_path(const sb__sqlite *sqlite);
/* Path of the main database, also of an adopted connection; NULL or empty: not in a file. */
const char *sb__sqlite_file(const sb__sqlite *sqlite);
int sb__sqlite_is_adopted(const sb__sqlite *sqlite);

/* SQLite's counter of foreign commits; -1 when it cannot be read. */
int64_t sb__sqlite_data_version(sb__sqlite *sqlite);

/* Who asks before the first wait for a lock whether it could ever come; NULL: nobody. Returning 0
 * ends the wait at once. */
typedef int (*sb__sqlite_may_wait_fn)(void *payload);

/* How waiting inside SQLite for a lock ends: at the deadline (monotonic, INT64_MAX: by the busy
 * timeout only) or by the switch (may be NULL). */
void sb__sqlite_set_wait(sb__sqlite *sqlite, int64_t deadline_ns, const sb_cancel *cancel);
/* When the first such wait since sb__sqlite_set_wait() began (monotonic); -1: there was none. */
int64_t sb__sqlite_first_wait_ns(const sb__sqlite *sqlite);
/* A flag that ends such waits when it is set, with SB_ECLOSED. */
void sb__sqlite_set_closed(sb__sqlite *sqlite, const atomic_int *closed);
void sb__sqlite_set_may_wait(sb__sqlite *sqlite, sb__sqlite_may_wait_fn fn, void *payload);

/* Runs one statement of changing text, which is compiled for this once. */
sb_status sb__sqlite_run_once(sb__sqlite *sqlite, const char *sql, size_t sql_len,
                              const sb_values *params, sb_rows *rows);

/* Device and inode of the connected file; 0 when it is not connected, or has none. */
void sb__sqlite_file_id(const sb__sqlite *sqlite, uint64_t *out_device, uint64_t *out_inode);

/* Whether a transaction is open on the connection. */
int sb__sqlite_in_transaction(sb__sqlite *sqlite);

/* Sets the error detail from a connection's last failure; returns the status that fits `code`. */
sb_status sb__sqlite_fail(sqlite3 *db, int code);

/* The same for a statement, or the reason why its wait for a lock was ended before its time. */
sb_status sb__sqlite_fail_run(sb__sqlite *sqlite, int code);

/*
 * Whether the file behind the connection is still the one at its path: SB_OK, or SB_EOPERATIONAL
 * when it was deleted or replaced.
 */
sb_status sb__sqlite_check_identity(sb__sqlite *sqlite);

/* In a child process: closes an inherited connection without touching the file. SB_EFORK if it
 * is inside a transaction and cannot be closed. */
sb_status sb__sqlite_close_inherited(sb__sqlite *sqlite);

#endif
