/*
 * The built-in runner: statements, transactions and row delivery on one SQLite connection. The
 * connection itself (opening, settings, identity) is in connection.c.
 */
#include <string.h>

#include "alloc.h"
#include "clock.h"
#include "connection.h"
#include "error.h"
#include "path.h"
#include "runner_sqlite.h"

static sb_status status_of(int code)
{
    switch (code & 0xff) {
    case SQLITE_CONSTRAINT:
    case SQLITE_MISMATCH:
        return SB_EINTEGRITY;
    case SQLITE_TOOBIG:
    case SQLITE_RANGE:
        return SB_EDATA;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
        return SB_EDATABASE;
    case SQLITE_NOMEM:
        return SB_ENOMEM;
    default:
        return SB_EOPERATIONAL;
    }
}

/* SQLite's own words do not say which disk, and not that a full one is why its index of the WAL,
 * which even readers need, cannot grow. */
static void explain_io(sqlite3 *db, int code, const char *path)
{
    int reason = sqlite3_system_errno(db);

    if ((code & 0xff) == SQLITE_FULL) {
        sb__error_suffix(": %s", path);
    } else if (code == SQLITE_IOERR_SHMSIZE) {
        sb__error_suffix(": %s-shm cannot grow; the disk may be full", path);
    } else if ((code & 0xff) == SQLITE_IOERR && reason) {
        sb__error_suffix(": %s (%s)", strerror(reason), path);
    }
}

sb_status sb__sqlite_fail(sqlite3 *db, int code)
{
    const char *path = db ? sqlite3_db_filename(db, "main") : NULL;
    sb_status status = status_of(code);

    if (code == SQLITE_NOMEM) {
        sb__fail_nomem();
    } else if ((code & 0xff) == SQLITE_NOTADB && path) {
        sb__fail(status, "File at %s exists but is not a valid SQLite database", path);
    } else {
        /* The connection's own message is only about `code` if that was its last failure. */
        int fits = db && (sqlite3_errcode(db) & 0xff) == (code & 0xff);

        sb__fail(status, "%s", fits ? sqlite3_errmsg(db) : sqlite3_errstr(code));
        if (fits && path) {
            explain_io(db, code, path);
        }
    }
    sb__error_set_sqlite_code(code);
    return status;
}

static int bind(sqlite3_stmt *statement, const sb_values *params)
{
    int code = SQLITE_OK;

    for (size_t i = 0; i < params->count && code == SQLITE_OK; i++) {
        const sb__value *value = &params->items[i];
        const char *data = value->data ? value->data : "";
        int at = (int)i + 1;

        switch (value->type) {
        case SB_INT64:
        case SB_BOOL:
            code = sqlite3_bind_int64(statement, at, value->as.integer);
            break;
        case SB_DOUBLE:
            code = sqlite3_bind_double(statement, at, value->as.number);
            break;
        case SB_TEXT:
            code = sqlite3_bind_text64(statement, at, data, value->len, SQLITE_STATIC,
                                       SQLITE_UTF8);
            break;
        case SB_BLOB:
            code = sqlite3_bind_blob64(statement, at, data, value->len, SQLITE_STATIC);
            break;
        case SB_NULL:
        default:
            code = sqlite3_bind_null(statement, at);
            break;
        }
    }
    return code;
}

/*
 * One look at the column, then cheap ones at its value. SQLite calls such a value unprotected, as
 * it may change under another thread; here no other thread uses the connection meanwhile.
 */
static void read_column(sb__value *value, sqlite3_stmt *statement, int column)
{
    sqlite3_value *found = sqlite3_column_value(statement, column);

    value->owned = 0;
    value->data = NULL;
    value->len = 0;
    switch (sqlite3_value_type(found)) {
    case SQLITE_INTEGER:
        value->type = SB_INT64;
        value->as.integer = sqlite3_value_int64(found);
        break;
    case SQLITE_FLOAT:
        value->type = SB_DOUBLE;
        value->as.number = sqlite3_value_double(found);
        break;
    case SQLITE_TEXT:
        value->type = SB_TEXT;
        value->data = (const char *)sqlite3_value_text(found);
        value->len = (size_t)sqlite3_value_bytes(found);
        break;
    case SQLITE_BLOB:
        value->type = SB_BLOB;
        value->data = sqlite3_value_blob(found);
        value->len = (size_t)sqlite3_value_bytes(found);
        break;
    default:
        value->type = SB_NULL;
        break;
    }
}

static sb_status read_row(sb_values *row, sqlite3_stmt *statement)
{
    int columns = sqlite3_column_count(statement);

    for (int i = 0; i < columns; i++) {
        sb__value *value = i < SB__VALUES_INLINE ? &row->inline_items[row->count++]
                                                 : sb__values_extend(row);

        if (!value) {
            return sb__fail_nomem();
        }
        read_column(value, statement, i);
        if (!value->data && value->type >= SB_TEXT &&
            sqlite3_errcode(sqlite3_db_handle(statement)) == SQLITE_NOMEM) {
            return sb__fail_nomem();
        }
    }
    return SB_OK;
}

static sb_status deliver_row(sb_rows *rows, sqlite3_stmt *statement)
{
    sb_values row;
    sb_status status;

    sb__values_init(&row);
    status = read_row(&row, statement);
    if (!status) {
        status = sb_rows_push(rows, &row);
    }
    if (row.items != row.inline_items) {
        sb__values_dispose(&row);
    }
    return status;
}

sb_status sb__sqlite_fail_run(sb__sqlite *sqlite, int code)
{
    if (sqlite->cancelled) {
        sb__error_unstash(&sqlite->cancel_error);
        return SB_CANCELLED;
    }
    if (sqlite->stopped) {
        return sb__fail(SB_ECLOSED, "the broker is closed");
    }
    if (sqlite->own_lock) {
        return sb__fail(SB_EBUSY_OWNER,
                        "this thread has a transaction open on the same database through another "
                        "broker; end it first, or use one broker for both");
    }
    return sb__sqlite_fail(sqlite->db, code);
}

static sb_status step(sb__sqlite *sqlite, sqlite3_stmt *statement, const sb_values *params,
                      sb_rows *rows)
{
    sb_status status = SB_OK;
    int code = bind(statement, params);

    if (code != SQLITE_OK) {
        return sb__sqlite_fail(sqlite->db, code);
    }
    while ((code = sqlite3_step(statement)) == SQLITE_ROW) {
        status = rows ? deliver_row(rows, statement) : SB_OK;
        if (status) {
            break;
        }
    }
    if (code != SQLITE_ROW && code != SQLITE_DONE) {
        status = sb__sqlite_fail_run(sqlite, code);
    }
    sqlite3_reset(statement);
    return status;
}

/* Blanks, comments and semicolons behind a statement are none. */
static int holds_statement(sqlite3 *db, const char *sql)
{
    while (sql && *sql) {
        sqlite3_stmt *statement = NULL;
        const char *rest = NULL;
        int code = sqlite3_prepare_v3(db, sql, -1, 0, &statement, &rest);

        sqlite3_finalize(statement);
        if (code != SQLITE_OK || statement || rest == sql) {
            return 1;
        }
        sql = rest;
    }
    return 0;
}

sb_status sb__sqlite_run_once(sb__sqlite *sqlite, const char *sql, size_t sql_len,
                              const sb_values *params, sb_rows *rows)
{
    sqlite3_stmt *statement = NULL;
    const char *rest = NULL;
    sb_status status;
    int code;

    if (sql_len > INT32_MAX) {
        return sb__fail(SB_EDATA, "statement too long");
    }
    code = sqlite3_prepare_v3(sqlite->db, sql, (int)sql_len, 0, &statement, &rest);
    if (code != SQLITE_OK) {
        return sb__sqlite_fail_run(sqlite, code);
    }
    if (!statement) {
        return sb__fail(SB_EINVALID, "the SQL text holds no statement");
    }
    if (params->count != (size_t)sqlite3_bind_parameter_count(statement)) {
        status = sb__fail(SB_EINVALID, "the statement has %d placeholders, but %zu values came",
                          sqlite3_bind_parameter_count(statement), params->count);
    } else if (holds_statement(sqlite->db, rest)) {
        status = sb__fail(SB_EINVALID, "only one statement can be run at a time");
    } else {
        status = step(sqlite, statement, params, rows);
    }
    sqlite3_finalize(statement);
    return status;
}

static sb_status run_cached(void *payload, const char *sql, size_t sql_len,
                            const sb_values *params, sb_rows *rows)
{
    sb__sqlite *sqlite = payload;
    sqlite3_stmt *statement;
    int code = sb__statements_get(&statement, &sqlite->statements, sqlite->db, sql);

    (void)sql_len;
    if (code != SQLITE_OK) {
        return sb__sqlite_fail_run(sqlite, code);
    }
    /* A callback at one of its rows may have led back here. */
    return sqlite3_stmt_busy(statement)
               ? sb__sqlite_run_once(sqlite, sql, strlen(sql), params, rows)
               : step(sqlite, statement, params, rows);
}

sb_status sb__run_once(sb__runner *runner, const char *sql, size_t sql_len,
                       const sb_values *params, sb_row_fn fn, void *payload)
{
    static const sb_values none = {.count = 0};
    sb_rows rows = {fn, payload, SB_OK, 0};
    sb_status status;

    if (!params) {
        params = &none;
    }
    if (runner->sqlite) {
        status = sb__sqlite_run_once(runner->sqlite, sql, sql_len, params, fn ? &rows : NULL);
    } else {
        status = runner->calls.run(runner->payload, sql, sql_len, params, fn ? &rows : NULL);
        status = rows.status ? status : sb__runner_result(status);
    }
    return rows.status ? rows.status : status;
}

static sb_status run_text(sb__sqlite *sqlite, const char *sql)
{
    static const sb_values none = {.count = 0};

    return run_cached(sqlite, sql, 0, &none, NULL);
}

static const char rollback_sql[] = "ROLLBACK";
static const char savepoint_rollback_sql[] = "ROLLBACK TO simplebroker_txn";
static const char savepoint_release_sql[] = "RELEASE simplebroker_txn";

/* What ends a transaction must be compiled before it begins: memory may be what it fails for. */
static sb_status make_ready_to_end(sb__sqlite *sqlite)
{
    static const char *const texts[] = {rollback_sql, savepoint_rollback_sql,
                                        savepoint_release_sql};
    size_t count = sqlite->nested ? sizeof texts / sizeof texts[0] : 1;

    for (size_t i = 0; i < count; i++) {
        sqlite3_stmt *statement;
        int code = sb__statements_get(&statement, &sqlite->statements, sqlite->db, texts[i]);

        if (code != SQLITE_OK) {
            return sb__sqlite_fail_run(sqlite, code);
        }
    }
    return SB_OK;
}

/* Inside an application's own transaction ours is a savepoint of it. */
static sb_status begin(void *payload)
{
    sb__sqlite *sqlite = payload;
    sb_status status;

    sqlite->nested = sqlite->adopted && !sqlite3_get_autocommit(sqlite->db);
    status = make_ready_to_end(sqlite);
    if (status) {
        return status;
    }
    return run_text(sqlite, sqlite->nested ? "SAVEPOINT simplebroker_txn" : "BEGIN IMMEDIATE");
}

static sb_status commit(void *payload)
{
    sb__sqlite *sqlite = payload;
    sb_status status;

    if (sqlite->nested) {
        return run_text(sqlite, savepoint_release_sql);
    }
    status = run_text(sqlite, "COMMIT");
    if (status && (sb_error_sqlite_code(NULL) & 0xff) == SQLITE_IOERR) {
        /* The commit record may have reached the disk before the failure. */
        sb__error_set_ambiguous();
    }
    return status;
}

static sb_status rollback(void *payload)
{
    sb__sqlite *sqlite = payload;

    if (sqlite->nested) {
        sb_status status = run_text(sqlite, savepoint_rollback_sql);

        return status ? status : run_text(sqlite, savepoint_release_sql);
    }
    /* SQLite itself rolls back after some failures. */
    return sqlite3_get_autocommit(sqlite->db) ? SB_OK : run_text(sqlite, rollback_sql);
}

static int64_t changes(void *payload)
{
    return sqlite3_changes(((sb__sqlite *)payload)->db);
}

static void close_connection(void *payload)
{
    sb__sqlite_disconnect(payload);
}

static void destroy(void *payload)
{
    sb__sqlite *sqlite = payload;

    sb_free(sqlite->path);
    sb_free(sqlite);
}

static sb_status make_runner(sb__runner *out, sb__sqlite *sqlite)
{
    memset(out, 0, sizeof *out);
    sb_runner_init(&out->calls, SB_RUNNER_VERSION);
    out->calls.run = run_cached;
    out->calls.begin_immediate = begin;
    out->calls.commit = commit;
    out->calls.rollback = rollback;
    out->calls.changes = changes;
    out->calls.close = close_connection;
    out->payload = sqlite;
    out->destroy = destroy;
    out->sqlite = sqlite;
    return SB_OK;
}

/* Links are resolved once: the companions bear the real file's name, so that all take the same
 * locks whatever name they came by, and a link that is turned later does not split them. */
sb_status sb__sqlite_runner_new(sb__runner *out, const char *path)
{
    sb__sqlite *sqlite = sb__zalloc(sizeof *sqlite);
    sb_status status;

    if (!sqlite) {
        return sb__fail_nomem();
    }
    status = sb__path_resolve(&sqlite->path, path);
    if (status) {
        sb_free(sqlite);
        return status;
    }
    sqlite->wait_deadline_ns = INT64_MAX;
    return make_runner(out, sqlite);
}

sb_status sb__sqlite_runner_adopt(sb__runner *out, sqlite3 *db)
{
    sb__sqlite *sqlite = sb__zalloc(sizeof *sqlite);

    if (!sqlite) {
        return sb__fail_nomem();
    }
    sqlite->db = db;
    sqlite->adopted = 1;
    sqlite->wait_deadline_ns = INT64_MAX;
    return make_runner(out, sqlite);
}
