/*
 * Message ids: 63-bit hybrid timestamps, nanoseconds since 1970 whose low 12 bits are a counter.
 * Their textual forms are parsed and formatted by sb_id_parse(), sb_id_format(), sb_bound_parse().
 */
#ifndef SB_MESSAGE_ID_H
#define SB_MESSAGE_ID_H

#include <stddef.h>
#include <stdint.h>

#include "simplebroker.h"

/* The bits of an id that count within one tick of its clock. */
enum { SB__ID_COUNTER_MASK = 4095 };

/* Writes an id, 0 or above, as 19 digits without a final NUL. */
void sb__id_digits(char *out, int64_t id);

/*
 * Reads an id of exactly 19 ASCII or other decimal digits, with blanks around it, below 2^63.
 * Returns 1, or 0 without touching the error.
 */
int sb__id_read(int64_t *out, const char *text, size_t len);

#endif
