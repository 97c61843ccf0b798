/* A runner of one's own: this one counts the statements it runs on a connection of its own. */
#include "example.h"

#include <sqlite3.h>

typedef struct counter {
    sqlite3 *db;
    int statements, commits;
} counter;

static sb_status fail(counter *c)
{
    return sb_error_set(SB_EOPERATIONAL, sqlite3_errmsg(c->db), SB_NTS, -1);
}

static void bind(sqlite3_stmt *statement, const sb_values *params)
{
    for (size_t i = 0; i < sb_values_count(params); i++) {
        size_t len = 0;
        const char *text = sb_values_text(&len, params, i);

        switch (sb_values_type(params, i)) {
        case SB_INT64:
            sqlite3_bind_int64(statement, (int)i + 1, sb_values_int64(params, i));
            break;
        case SB_DOUBLE:
            sqlite3_bind_double(statement, (int)i + 1, sb_values_double(params, i));
            break;
        case SB_TEXT:
            sqlite3_bind_text64(statement, (int)i + 1, text, len, SQLITE_TRANSIENT, SQLITE_UTF8);
            break;
        case SB_BLOB:
            sqlite3_bind_blob64(statement, (int)i + 1, text, len, SQLITE_TRANSIENT);
            break;
        default:
            break;
        }
    }
}

static sb_status push_row(sb_rows *rows, sb_values *row, sqlite3_stmt *statement)
{
    sb_status status = SB_OK;

    sb_values_clear(row);
    for (int i = 0; i < sqlite3_column_count(statement) && status == SB_OK; i++) {
        const char *text = (const char *)sqlite3_column_text(statement, i);
        size_t len = (size_t)sqlite3_column_bytes(statement, i);

        switch (sqlite3_column_type(statement, i)) {
        case SQLITE_NULL:
            status = sb_values_add_null(row);
            break;
        case SQLITE_INTEGER:
            status = sb_values_add_int64(row, sqlite3_column_int64(statement, i));
            break;
        case SQLITE_FLOAT:
            status = sb_values_add_double(row, sqlite3_column_double(statement, i));
            break;
        default:
            status = sb_values_add_text(row, text, len);
            break;
        }
    }
    return status == SB_OK ? sb_rows_push(rows, row) : status;
}

static sb_status run(void *payload, const char *sql, size_t sql_len, const sb_values *params,
                     sb_rows *rows)
{
    counter *c = payload;
    sb_values *row = sb_values_new();
    sqlite3_stmt *statement = NULL;
    sb_status status = row ? SB_OK : SB_ENOMEM;
    int code = sqlite3_prepare_v2(c->db, sql, (int)sql_len, &statement, NULL);

    c->statements++;
    if (code == SQLITE_OK) {
        bind(statement, params);
        while (status == SB_OK && (code = sqlite3_step(statement)) == SQLITE_ROW) {
            status = rows ? push_row(rows, row, statement) : SB_OK;
        }
    }
    if (status == SB_OK && code != SQLITE_OK && code != SQLITE_DONE) {
        status = fail(c);
    }
    sqlite3_finalize(statement);
    sb_values_free(row);
    return status;
}

static sb_status run_text(counter *c, const char *sql)
{
    return sqlite3_exec(c->db, sql, NULL, NULL, NULL) == SQLITE_OK ? SB_OK : fail(c);
}

static sb_status begin_immediate(void *payload)
{
    return run_text(payload, "BEGIN IMMEDIATE");
}

static sb_status commit(void *payload)
{
    ((counter *)payload)->commits++;
    return run_text(payload, "COMMIT");
}

static sb_status rollback(void *payload)
{
    return run_text(payload, "ROLLBACK");
}

int main(void)
{
    counter c = {NULL, 0, 0};
    sb_runner runner;
    sb_broker *broker = NULL;
    sb_messages *taken = NULL;

    if (sqlite3_open("own.db", &c.db) != SQLITE_OK) {
        return 1;
    }
    check(sb_runner_init(&runner, SB_RUNNER_VERSION));
    runner.run = run;
    runner.begin_immediate = begin_immediate;
    runner.commit = commit;
    runner.rollback = rollback;
    check(sb_open_runner(&broker, &runner, &c, NULL, NULL, NULL));

    c.statements = c.commits = 0;
    check(sb_write(NULL, broker, "q", SB_NTS, "through my own runner", SB_NTS, NULL));
    check(sb_claim(&taken, broker, "q", SB_NTS, 1, NULL));
    printf("%s\n", sb_messages_body(NULL, taken, 0));
    printf("%d commits, statements counted: %s\n", c.commits, c.statements > 2 ? "yes" : "no");

    sb_messages_free(taken);
    sb_close(broker);
    sqlite3_close(c.db);
    return 0;
}
