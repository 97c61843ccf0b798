/*
 * Opening the built-in runner's file. A database that is complete costs three small statements; all
 * else happens under F.lock, so that of several processes one does the work and the others find it
 * done. What can never succeed is refused before anything is made or changed.
 */
#include <errno.h>
#include <sqlite3.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "error.h"
#include "files.h"
#include "markers.h"
#include "runner_sqlite.h"
#include "schema.h"
#include "setup_lock.h"

enum { HEADER_SIZE = 16, OLDEST_SQLITE = 3035000 };

/* ---- questions to the file ------------------------------------------------------------------ */

/* Whether there is anything to connect to; refuses what can be no database. */
static sb_status check_path(int *out_exists, const char *path)
{
    struct stat info;

    *out_exists = 0;
    if (stat(path, &info)) {
        return errno == ENOENT ? SB_OK
                               : sb__fail(SB_EOPERATIONAL, "unable to open database file: %s: %s",
                                          path, strerror(errno));
    }
    /* SQLite takes a file of one byte for an empty one, and would overwrite it. */
    if (!S_ISREG(info.st_mode) || (info.st_size > 0 && info.st_size < HEADER_SIZE)) {
        return sb__fail(SB_EDATABASE, "File at %s exists but is not a valid SQLite database",
                        path);
    }
    *out_exists = info.st_size > 0;
    return SB_OK;
}

/* Runs a PRAGMA; its first value goes to `out`. */
static sb_status pragma(char *out, size_t size, sb__sqlite *sqlite, const char *sql)
{
    sqlite3 *db = sb__sqlite_db(sqlite);
    sqlite3_stmt *statement = NULL;
    int code = sqlite3_prepare_v2(db, sql, -1, &statement, NULL);

    *out = '\0';
    if (code == SQLITE_OK) {
        code = sqlite3_step(statement);
    }
    if (code == SQLITE_ROW) {
        const char *text = (const char *)sqlite3_column_text(statement, 0);

        sqlite3_snprintf((int)size, out, "%s", text ? text : "");
        code = SQLITE_DONE;
    }
    sqlite3_finalize(statement);
    return code == SQLITE_DONE ? SB_OK : sb__sqlite_fail_run(sqlite, code);
}

static sb_status is_wal(int *out, sb__sqlite *sqlite, const char *sql)
{
    char mode[16];
    sb_status status = pragma(mode, sizeof mode, sqlite, sql);

    *out = !strcasecmp(mode, "wal");
    return status;
}

static sb_status check_sqlite(void)
{
    if (sqlite3_libversion_number() < OLDEST_SQLITE) {
        return sb__fail(SB_ERUNTIME, "SQLite 3.35.0 or newer is required; this is %s",
                        sqlite3_libversion());
    }
    return SB_OK;
}

/* The file is named in every message about it. */
static void name_file(sb_status status, const char *path)
{
    int is_about_it = status == SB_EDATABASE || status == SB_ERUNTIME || status == SB_EOPERATIONAL;

    if (is_about_it && !strstr(sb_error_message(NULL), path)) {
        sb__error_suffix(" (%s)", path);
    }
}

/* ---- the fast path -------------------------------------------------------------------------- */

/*
 * Whether the file is complete. Verification first: it is what refuses a foreign file. A lock error
 * is an answer too, "not yet".
 */
static sb_status look(int *out_complete, sb__runner *runner)
{
    sb__sqlite *sqlite = runner->sqlite;
    sb__schema schema;
    int exists;
    sb_status status = check_path(&exists, sb__sqlite_path(sqlite));

    *out_complete = 0;
    if (status || !exists) {
        return status;
    }
    status = sb__sqlite_connect(sqlite, 0);
    if (!status) {
        status = sb__schema_inspect(&schema, runner);
    }
    if (!status && sb__schema_is_complete(&schema)) {
        status = is_wal(out_complete, sqlite, "PRAGMA journal_mode");
    }
    if (sb__error_is_lock(status)) {
        sb__error_clear();
        return SB_OK;
    }
    return status;
}

/* ---- set-up, under F.lock ------------------------------------------------------------------- */

/* The file is a database of ours or nobody's, and in WAL mode. */
static sb_status make_database(sb__schema *schema, sb__runner *runner)
{
    sb__sqlite *sqlite = runner->sqlite;
    char pages[24];
    int wal = 0, exists;
    sb_status status = check_path(&exists, sb__sqlite_path(sqlite));

    if (!status) {
        status = sb__sqlite_connect(sqlite, 1);
    }
    if (!status) {
        status = sb__schema_inspect(schema, runner);
    }
    if (!status) {
        status = is_wal(&wal, sqlite, "PRAGMA journal_mode");
    }
    if (status || wal) {
        return status;
    }
    status = pragma(pages, sizeof pages, sqlite, "PRAGMA page_count");
    if (!status && !strcmp(pages, "0")) {
        status = pragma(pages, sizeof pages, sqlite, "PRAGMA auto_vacuum = 2");
    }
    if (!status) {
        status = is_wal(&wal, sqlite, "PRAGMA journal_mode = WAL");
    }
    if (!status && !wal) {
        status = sb__fail(SB_EOPERATIONAL, "WAL mode cannot be enabled: %s",
                          sb__sqlite_path(sqlite));
    }
    return status;
}

static sb_status make_database_at_last(sb__schema *schema, sb__runner *runner,
                                       sb__setup_budget *budget)
{
    sb_status status;

    sb__markers_forget_missing(sb__sqlite_path(runner->sqlite));
    do {
        status = make_database(schema, runner);
        if (!status) {
            break;
        }
        status = sb__retry_wait(&budget->retry, status, -1);
    } while (!status);
    return status;
}

static sb_status set_up_locked(sb__runner *runner, sb__setup_budget *budget)
{
    const char *path = sb__sqlite_path(runner->sqlite);
    sb__schema schema;
    sb_status status = make_database_at_last(&schema, runner, budget);

    if (!status) {
        sb__setup_budget_renew(budget);
        status = sb__schema_apply(&schema, runner, budget);
    }
    if (!status) {
        sb__markers_set(path, SB__MARK_CONNECTION | SB__MARK_SCHEMA | SB__MARK_OPTIMIZATION);
    }
    return status;
}

/* The first phase alone: a database in WAL mode, and nothing in it yet. */
static sb_status set_up_file_locked(sb__runner *runner, sb__setup_budget *budget)
{
    sb__schema schema;
    sb_status status;

    sb__setup_budget_renew(budget);
    status = make_database_at_last(&schema, runner, budget);
    if (!status) {
        sb__markers_set(sb__sqlite_path(runner->sqlite), SB__MARK_CONNECTION);
    }
    return status;
}

static sb_status set_up(sb__runner *runner, sb__setup_budget *budget, const sb_options *options,
                        sb_status (*work)(sb__runner *runner, sb__setup_budget *budget))
{
    const char *path = sb__sqlite_path(runner->sqlite);
    sb__file_lock lock;
    sb_status status = sb__files_make_parents(path);

    if (!status) {
        status = sb__setup_lock_take(&lock, path, options);
    }
    if (status) {
        return status;
    }
    sb__setup_budget_renew(budget);
    status = work(runner, budget);
    sb__file_lock_release(&lock);
    return status;
}

sb_status sb__sqlite_prepare(sb__runner *runner, const sb__settings *settings, sb_config *config,
                             const sb_options *options)
{
    sb__sqlite *sqlite = runner->sqlite;
    sb__setup_budget budget;
    int complete = 0;
    sb_status status = check_sqlite();

    (void)config;
    sb__setup_budget_init(&budget, options);
    sb__sqlite_set_wait(sqlite, budget.limit_ns, budget.retry.cancel);
    if (!status) {
        status = look(&complete, runner);
    }
    if (!status && complete) {
        sb__setup_lock_ensure(sb__sqlite_path(sqlite));
    } else if (!status) {
        status = set_up(runner, &budget, options, set_up_locked);
    }
    if (!status) {
        status = sb__sqlite_apply_settings(sqlite, settings);
    }
    sb__sqlite_set_wait(sqlite, INT64_MAX, NULL);
    if (status) {
        sb_error saved;

        name_file(status, sb__sqlite_path(sqlite));
        sb__error_stash(&saved);
        sb__sqlite_disconnect(sqlite);
        sb__error_unstash(&saved);
    }
    return status;
}

sb_status sb__sqlite_prepare_file(const char *path, int has_lock, const sb_options *options)
{
    sb__setup_budget budget;
    sb__runner runner;
    sb_error saved;
    sb_status status = check_sqlite();

    if (!status) {
        status = sb__sqlite_runner_new(&runner, path);
    }
    if (status) {
        return status;
    }
    sb__setup_budget_init(&budget, options);
    sb__sqlite_set_wait(runner.sqlite, budget.limit_ns, budget.retry.cancel);
    status = has_lock ? set_up_file_locked(&runner, &budget)
                      : set_up(&runner, &budget, options, set_up_file_locked);
    if (status) {
        name_file(status, path);
    }
    sb__error_stash(&saved);
    sb__runner_dispose(&runner);
    sb__error_unstash(&saved);
    return status;
}
