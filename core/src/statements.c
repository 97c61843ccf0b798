/*
 * The statement cache: open addressing by the address of the text. Nothing is ever evicted, for the
 * texts are those of one dialect.
 */
#include "statements.h"

#include <stdint.h>
#include <string.h>

static size_t slot_of(const char *sql)
{
    uintptr_t h = (uintptr_t)sql;

    return (size_t)((h >> 3) * 0x9E3779B1u >> 8) % SB__STATEMENT_SLOTS;
}

int sb__statements_get(sqlite3_stmt **out, sb__statements *statements, sqlite3 *db,
                       const char *sql)
{
    size_t slot = slot_of(sql);
    int code;

    while (statements->slots[slot].sql) {
        if (statements->slots[slot].sql == sql) {
            *out = statements->slots[slot].statement;
            return SQLITE_OK;
        }
        slot = (slot + 1) % SB__STATEMENT_SLOTS;
    }
    if (statements->count == SB__STATEMENT_SLOTS - 1) {
        return SQLITE_FULL;
    }
    code = sqlite3_prepare_v3(db, sql, -1, SQLITE_PREPARE_PERSISTENT, out, NULL);
    if (code == SQLITE_OK) {
        statements->slots[slot].sql = sql;
        statements->slots[slot].statement = *out;
        statements->count++;
    }
    return code;
}

void sb__statements_finalize(sb__statements *statements)
{
    for (size_t i = 0; i < SB__STATEMENT_SLOTS; i++) {
        sqlite3_finalize(statements->slots[i].statement);
    }
    memset(statements, 0, sizeof *statements);
}
