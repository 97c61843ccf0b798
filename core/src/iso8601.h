/* Dates and times of day in the ISO 8601 forms that bounds accept. */
#ifndef SB_ISO8601_H
#define SB_ISO8601_H

#include <stddef.h>
#include <stdint.h>

/* A point in time: seconds since 1970 in UTC, negative before, and microseconds above them. */
typedef struct sb__instant {
    int64_t seconds;
    int32_t microseconds;
} sb__instant;

/*
 * Parses a date with an optional time of day and an optional offset from UTC; without an offset it
 * is UTC. The text ends with NUL. Returns 1, or 0 if it is not of these forms or no real date.
 */
int sb__iso8601_parse(sb__instant *out, const char *text, size_t len);

#endif
