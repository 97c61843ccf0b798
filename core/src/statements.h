/*
 * Prepared statements of one SQLite connection, kept by the address of their constant text for the
 * life of the connection.
 */
#ifndef SB_STATEMENTS_H
#define SB_STATEMENTS_H

#include <sqlite3.h>
#include <stddef.h>

#include "simplebroker.h"

/* More than there are constant texts in a dialect. */
enum { SB__STATEMENT_SLOTS = 256 };

typedef struct sb__statements {
    struct {
        const char *sql;
        sqlite3_stmt *statement;
    } slots[SB__STATEMENT_SLOTS];
    size_t count;
} sb__statements;

/* The statement for a text, prepared at its first use: an SQLite result code. */
int sb__statements_get(sqlite3_stmt **out, sb__statements *statements, sqlite3 *db,
                       const char *sql);

void sb__statements_finalize(sb__statements *statements);

#endif
