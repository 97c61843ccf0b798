/*
 * The one implementation of message ids: 64-bit hybrid timestamps, wall clock in units of 4096 ns
 * with a counter in the low 12 bits, persisted as a high-water in the database and advanced inside
 * the transaction that uses the id. Monotonic over threads, processes, restarts and clock steps.
 */
#ifndef SB_TIMESTAMP_H
#define SB_TIMESTAMP_H

#include <stdatomic.h>
#include <stdint.h>

#include "runner.h"
#include "simplebroker.h"
#include "sql.h"

enum { SB__COUNTER_MASK = 4095 };

typedef struct sb__timestamp {
    _Atomic int64_t last; /* last known high-water; -1 before the first look */
} sb__timestamp;

/* Where a high-water is kept. */
typedef struct sb__high_water {
    sb_high_water_read_fn read;       /* SB_EMPTY: there is none */
    sb_high_water_advance_fn advance; /* SB_OK raised; SB_EMPTY it was not lower */
    void *payload;
} sb__high_water;

void sb__timestamp_init(sb__timestamp *timestamp);

/* Notes a value that has been seen or stored. */
void sb__timestamp_remember(sb__timestamp *timestamp, int64_t value);

/* Allocates the next id above a high-water; SB_EMPTY when that is missing. */
sb_status sb__timestamp_allocate(int64_t *out, sb__timestamp *timestamp,
                                 const sb__high_water *store);

/* Allocates the next id. Inside the transaction that will use it. */
sb_status sb__timestamp_next(int64_t *out, sb__timestamp *timestamp, sb__runner *runner,
                             const sb__sql *sql);

/* Reads the stored high-water; 0 when it is missing. */
sb_status sb__timestamp_read(int64_t *out, sb__timestamp *timestamp, sb__runner *runner,
                             const sb__sql *sql);

/* Raises the stored high-water where it is lower; whether it was raised goes to *out_raised. */
sb_status sb__timestamp_raise(int *out_raised, sb__timestamp *timestamp, sb__runner *runner,
                              const sb__sql *sql, int64_t value);

#endif
