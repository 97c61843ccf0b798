/*
 * The seam between the library and where messages are kept. SQLite is built in; others are to be
 * loaded, never linked. A backend brings a dialect and a runner, over which the operations run as
 * they are, and knows how its targets are made, checked and removed. One without SQL will bring its
 * own operations here.
 */
#ifndef SB_BACKEND_H
#define SB_BACKEND_H

#include "runner.h"
#include "simplebroker.h"
#include "sql.h"

typedef struct sb__backend {
    const char *name;
    const sb__sql *sql;

    /* A runner for a target, not connected yet. */
    sb_status (*make_runner)(sb__runner *out, const sb_target *target);
    /* Connects the broker's runner and brings the schema up to date; after a fork again. */
    sb_status (*connect)(sb_broker *broker, const sb_options *options);

    /* The public functions of these names, their arguments checked. */
    sb_status (*init)(const sb_target *target, const sb_config *config);
    sb_status (*verify)(const sb_target *target, const sb_config *config);
    sb_status (*cleanup)(const sb_target *target, const sb_config *config);
} sb__backend;

extern const sb__backend sb__backend_sqlite;

/* NULL if there is none of that name. Names are compared exactly. */
const sb__backend *sb__backend_find(const char *name);

/* The same with SB_ERUNTIME and the way out. */
sb_status sb__backend_require(const sb__backend **out, const char *name);

int sb__backend_is_sqlite(const char *name);

#endif
