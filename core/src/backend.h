/*
 * Backends by name. SQLite is built in; others are to be loaded, never linked.
 */
#ifndef SB_BACKEND_H
#define SB_BACKEND_H

#include "simplebroker.h"

typedef struct sb__backend {
    const char *name;
} sb__backend;

/* NULL if there is none of that name. Names are compared exactly. */
const sb__backend *sb__backend_find(const char *name);

/* The same with SB_ERUNTIME and the way out. */
sb_status sb__backend_require(const sb__backend **out, const char *name);

int sb__backend_is_sqlite(const char *name);

#endif
