/*
 * Every operation of the library as one entry of a table, on a database with the same contents
 * before each: so that a test can let memory, disk or locks fail at any point of any of them.
 */
#ifndef SB_FAULT_OPERATIONS_H
#define SB_FAULT_OPERATIONS_H

#include "core/testing.h"

#include <sqlite3.h>

#define NTS ((size_t)SB_NTS)

enum { STAGE_ID_STEP = 4096 };
static const int64_t STAGE_FIRST_ID = 1700000000000000000;

typedef struct stage {
    scratch *s;
    sqlite3 *observer; /* a plain connection, which sets the contents and reads them back */
    char spare[160];   /* a path beside the database that is free */
    char before[4096]; /* contents before the operation */
} stage;

/* What a failed operation may have changed all the same. */
typedef enum stage_effect {
    EFFECT_ALL_OR_NOTHING, /* nothing */
    EFFECT_CLAIMED_GONE, /* claimed messages are removed, pending ones are as before */
    EFFECT_MESSAGE_BY_MESSAGE /* some of its work is done; no message is lost or doubled */
} stage_effect;

typedef struct operation {
    const char *name;
    sb_status (*run)(stage *st);
    sb_status expected;
    stage_effect effect;
} operation;

extern const operation operations[];
extern const size_t operation_count;

/* cmocka setup and teardown: *state is a stage with an open broker. */
int stage_open(void **state);
int stage_close(void **state);

/* Sets the contents: q has 5 pending and 1 claimed message, r has 2, a is an alias of q. */
void stage_reset(stage *st);

/* All messages and aliases as text. */
void stage_contents(char *out, size_t size, stage *st);

/* Closes and opens the broker, so that nothing is prepared or cached. */
void stage_reopen(stage *st);

/* The contents are as before, or as `effect` allows, and the file is sound. */
void stage_assert_unharmed(stage *st, const operation *op);

/* The broker can still write and claim. */
void stage_assert_usable(stage *st, const operation *op);

#endif
