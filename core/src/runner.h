/*
 * Who executes the SQL. The operations know only this: run a statement, begin, commit, roll back.
 * Behind it stands the built-in SQLite runner (runner_sqlite), an adopted connection, or an
 * application's own runner.
 */
#ifndef SB_RUNNER_H
#define SB_RUNNER_H

#include "error.h"
#include "simplebroker.h"
#include "value.h"

typedef struct sb__sqlite sb__sqlite;

typedef struct sb__runner {
    sb_runner calls; /* calls.changes may be NULL */
    void *payload;
    sb_destroy_fn destroy;
    sb__sqlite *sqlite; /* the built-in runner's connection; NULL behind a foreign runner */
} sb__runner;

/* What a row function returns to end the statement because it needs no more: sb__run() then returns
 * SB_OK. Never leaves the core. */
#define SB__ENOUGH SB_EXISTS

struct sb_rows {
    sb_row_fn fn;
    void *payload;
    sb_status status; /* what fn returned last */
    int64_t count;
};

/*
 * Runs a statement whose text is constant, so that its address identifies it. `fn` sees each row;
 * what it returns ends the statement and is passed on unchanged, but for SB__ENOUGH.
 */
sb_status sb__run(sb__runner *runner, const char *sql, const sb_values *params, sb_row_fn fn,
                  void *payload);

/* Runs a statement of changing text, which is compiled each time. */
sb_status sb__run_once(sb__runner *runner, const char *sql, size_t sql_len,
                       const sb_values *params, sb_row_fn fn, void *payload);

/* Runs a statement of which one integer is wanted: SB_OK, or SB_EMPTY when no row (or NULL) came. */
sb_status sb__run_int64(int64_t *out, sb__runner *runner, const char *sql,
                        const sb_values *params);

/*
 * Whether a row is what the statement's text promises, which a foreign runner may not keep: one
 * letter for each column that is needed: 'i' integer, 'n' number or NULL, 't' text or blob, '*' anything. SB_OK or
 * SB_EDATA.
 */
sb_status sb__row_check(const sb_values *row, const char *columns);

/*
 * Runs a statement that changes rows, and counts them: from `changes` where the runner has it, else
 * by running `returning_sql`, the same statement with a RETURNING clause, and counting its rows.
 */
sb_status sb__run_changes(int64_t *out, sb__runner *runner, const char *sql,
                          const char *returning_sql, const sb_values *params);

/*
 * The same for a statement that may change very many rows, which nobody wants to be handed: a runner
 * without `changes` counts them first. The count takes as many of the parameters as `count_params`.
 */
sb_status sb__run_counted(int64_t *out, sb__runner *runner, const char *sql,
                          const sb_values *params, const char *count_sql, size_t count_params);

/* What a member of a caller's runner answered, as a status to pass on: only SB_OK or a failure, and
 * with a text also where the runner did not say why. */
sb_status sb__runner_result(sb_status status);

sb_status sb__begin(sb__runner *runner);
sb_status sb__commit(sb__runner *runner);
/* Keeps the error that led here. */
void sb__rollback(sb__runner *runner);

/* Closes the connection and frees the payload. */
void sb__runner_dispose(sb__runner *runner);

#endif
