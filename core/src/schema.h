/*
 * The tables and indexes of a broker: looked at, created, verified, brought up to date.
 *
 * Verification comes before creation: a file whose `meta` table belongs to somebody else, or whose
 * schema is newer, is refused before a byte of it changes. A change of the schema means: a new
 * SB_SCHEMA_VERSION, a new step in schema.c that leads to it, and its objects in the list there.
 */
#ifndef SB_SCHEMA_H
#define SB_SCHEMA_H

#include "config.h"
#include "retry.h"
#include "runner.h"
#include "simplebroker.h"

#define SB__MAGIC "simplebroker-v1"

/* What was found in a database. */
typedef struct sb__schema {
    unsigned objects;    /* bits of the list of objects in schema.c */
    int has_magic;       /* a row is there; that it is the right one has been verified */
    int has_version;
    int64_t version;     /* 0 without a row */
} sb__schema;

/* How long set-up waits for locks: 10 s without a completed step, narrowed by options. */
typedef struct sb__setup_budget {
    sb__retry retry;
    int64_t limit_ns; /* the caller's own; INT64_MAX without */
} sb__setup_budget;

void sb__setup_budget_init(sb__setup_budget *budget, const sb_options *options);

/* A step is done, or the first begins: the time runs anew. */
void sb__setup_budget_renew(sb__setup_budget *budget);

/* Looks at a database and verifies it: SB_OK; SB_ERUNTIME for one that is not ours to use. */
sb_status sb__schema_inspect(sb__schema *out, sb__runner *runner);

/* Whether nothing is left to be created or migrated. */
int sb__schema_is_complete(const sb__schema *schema);

/*
 * Creates and migrates what is missing in what sb__schema_inspect() found, each step in a
 * transaction of its own that looks again, and waits for locks as the budget allows.
 */
sb_status sb__schema_apply(sb__schema *schema, sb__runner *runner,
                           sb__setup_budget *budget);

/*
 * Opens the built-in runner's file: creates or migrates it where needed, under the lock that
 * implementations share, and applies the settings. On failure the runner is left disconnected.
 */
sb_status sb__sqlite_prepare(sb__runner *runner, const sb__settings *settings, sb_config *config,
                             const sb_options *options);

/* Makes the file of a database, in WAL mode, or checks the one that is there. Takes F.lock unless the
 * caller has it. */
sb_status sb__sqlite_prepare_file(const char *path, int has_lock, const sb_options *options);

/* Sets up the schema through an application's own runner or connection: by its SQL alone. */
sb_status sb__schema_setup_runner(sb__runner *runner, const sb__settings *settings,
                                  const sb_options *options);

#endif
